#!/usr/bin/env bash
# Builds the Debian packages and the relocatable archive, and uses both in clean Debian roots: lintian, installation,
# --version, doctor, manual pages, training and a prediction on real music, the Python package, building against the
# libraries, purge.
# Usage: tests/packages/packages_test.sh [BUILD_FOLDER]    (one that is built; default: build/packages, built here)
# Exit status 77: something is missing; the reason is printed. It needs root, debootstrap, lintian and patchelf.
set -euo pipefail
cd "$(dirname "$0")/../.."
build=${1:-build/packages} work=build/package_test
[ "$(id -u)" -eq 0 ] || { echo "needs root, for clean Debian roots"; exit 77; }
for program in debootstrap lintian patchelf dpkg-shlibdeps; do
  command -v $program >/dev/null || { echo "$program is not installed"; exit 77; }
done
tools/fetch_test_music.sh || exit 77
mkdir -p $work

if [ $# -eq 0 ]; then
  python=$(tools/python.sh interpreter) || { echo "$python"; exit 77; }
  cmake --preset release -B "$build" -DGENREWISE_BENCH=OFF -DCMAKE_INSTALL_PREFIX=/usr -DGENREWISE_PYTHON=ON -DPython_EXECUTABLE="$python"
  cmake --build "$build"
fi
for program in "$build"/bin/genrewise*; do cmake -DPROGRAM="$program" -DRELEASE=ON -P tests/hardening.cmake; done
rm -f "$work"/*.deb "$work"/*.tar.gz
(cd "$build" && cpack -B "$OLDPWD/$work" >cpack.log) || { cat "$build/cpack.log"; exit 1; }
rm -rf "$work/_CPack_Packages"
archive=$work/genrewise-linux-$(uname -m).tar.gz
tools/make_archive.sh "$build" "$archive"
ls -l "$work"/*.deb
lintian --fail-on error "$work"/*.deb

mounted=()
unmount() { for folder in "${mounted[@]}"; do umount "$folder"; done; mounted=(); }
trap unmount EXIT
# A new root of a Debian release, with the test's music in /inbox and /music/GENRE.
new_root() { # RELEASE
  unmount
  root=$work/root
  rm -rf --one-file-system "$root"
  local tar=build/root_$1.tar
  if [ ! -e "$tar" ]; then
    debootstrap --variant=minbase "$1" "$root" >$work/debootstrap.log || { echo "debootstrap cannot make $1"; exit 77; }
    tar -C "$root" -cf "$tar" .
  else
    mkdir "$root" && tar -C "$root" -xf "$tar"
  fi
  cp /etc/resolv.conf "$root/etc/"
  mkdir -p "$root"/{inbox,music/Slow,music/Fast}
  cp build/test_music/gr[01].ogg "$root/music/Slow/" && cp build/test_music/gr[23].ogg "$root/music/Fast/"
  cp build/test_music/gr1.ogg "$root/inbox/"
  mount -t proc proc "$root/proc"
  mounted+=("$root/proc")
}
inside() { chroot "$root" env -i PATH="${path:+$path:}/usr/sbin:/usr/bin:/sbin:/bin" HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"; }
use_program() {
  inside genrewise --version
  inside genrewise doctor
  inside genrewise train /music --on all --features fma518 --model logreg -o /root/genres.gwm
  inside genrewise predict --model /root/genres.gwm /inbox | tee $work/predicted
  grep -q '/inbox/gr1.ogg .*\(Slow\|Fast\|unknown\)' $work/predicted
}

echo "== Packages in a clean Debian 12"
new_root bookworm
cp "$work"/*.deb "$root/root/"
inside apt-get -qq update
inside sh -c 'apt-get -qq install --no-install-recommends -y /root/*.deb man-db >/root/apt.log 2>&1' || { cat "$root/root/apt.log"; exit 1; }
use_program
inside sh -c 'man genrewise-predict | grep -q -- --max-error'
inside bash -c '. /usr/share/bash-completion/completions/genrewise; complete -p genrewise'
if ls "$work"/genrewise-neural*.deb >/dev/null 2>&1; then inside sh -c '/usr/libexec/genrewise/genrewise-neural --version'; fi
inside sh -c 'apt-get -qq install --no-install-recommends -y g++ cmake ninja-build >>/root/apt.log 2>&1'
if ls "$work"/python3-genrewise*.deb >/dev/null 2>&1; then
  inside python3 -c '
import genrewise, numpy, pandas
y = genrewise.load("/inbox/gr1.ogg", sr=22050, duration=10)
assert y.size == 220500 and genrewise.features.mfcc(y=y, sr=22050).shape == (20, 431)
predicted = genrewise.Model.load("/root/genres.gwm").predict(["/inbox/gr1.ogg"])
assert len(predicted) == 1 and predicted.genre.iloc[0] in ("Slow", "Fast"), predicted
print("python3-genrewise works with numpy", numpy.__version__, "and pandas", pandas.__version__)'
fi
cp -r examples/embed "$root/root/"
inside sh -c 'cmake -G Ninja -S /root/embed -B /root/embed/build >/dev/null && cmake --build /root/embed/build'
inside /root/embed/build/genres /root/genres.gwm /inbox/gr1.ogg
inside sh -c 'dpkg -L genrewise genrewise-neural libgenrewise-dev python3-genrewise 2>/dev/null | grep genrewise | sort >/root/installed'
inside sh -c 'apt-get -qq purge -y genrewise genrewise-neural libgenrewise-dev python3-genrewise >>/root/apt.log 2>&1'
left=$(while read -r file; do [ ! -e "$root$file" ] || echo "$file"; done <"$root/root/installed")
[ -z "$left" ] || { echo "left after purge: $left"; exit 1; }

for release in bookworm trixie; do
  echo "== Archive in a bare Debian $release"
  new_root $release
  tar -C "$root/opt" -xf "$archive"
  path=/opt/$(basename "$archive" .tar.gz)/bin use_program
done
echo "passed"
