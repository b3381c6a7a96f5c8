#!/usr/bin/env bash
# Downloads the music that tests of real clips use into build/test_music/: four soundtracks of Debian's package
# gunroar-data (Kenta Cho, BSD licence, 5 MB), unpacked and not installed. Does nothing if they are there. Exit status
# 77: no package could be downloaded; the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
package=gunroar-data folder=build/test_music

sums="ec130a554baa0e99925df7fd70415a730fa2d7e2a33fdf6a1afc6e475990aca4  gr0.ogg
c3a4958f28330f3cd77ec9e4c66332f904b93974a1359716be01622c505dcd39  gr1.ogg
7cafe0c5b9e9bef07728bd7b3f44cccba488c85fbffb8aa4a10e15fae79f0632  gr2.ogg
7fd423cb41e750fdf8377be018c10980360193ddd445da64f7ca8b9c80f019a4  gr3.ogg"
valid() { (cd "$1" 2>/dev/null && sha256sum --check --status <<<"$sums"); }
valid $folder && exit 0
for program in apt-get dpkg-deb; do
  command -v $program >/dev/null || { echo "$program is not installed: $package comes from Debian or Ubuntu"; exit 77; }
done
mkdir -p build
work=$(mktemp -d build/test_music.XXXXXX)
trap 'rm -rf "$work"' EXIT
download() { (cd "$work" && apt-get -q download $package) >"$work/log" 2>&1; }
refresh() { [ "$(id -u)" -eq 0 ] && apt-get -qq update >"$work/log" 2>&1; }  # a fresh system has no package lists
download || { refresh && download; } || { grep -m1 '^E:' "$work/log" || tail -1 "$work/log"; exit 77; }
dpkg-deb -x "$work"/$package*.deb "$work/unpacked"
mkdir "$work/ready"
mv "$work"/unpacked/usr/share/games/gunroar/sounds/musics/*.ogg "$work/unpacked/usr/share/doc/$package/copyright" \
  "$work/ready"
valid "$work/ready" || { echo "this release's $package has other music than the golden figures are of"; exit 77; }
rm -rf $folder
mv "$work/ready" $folder
