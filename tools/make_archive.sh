#!/usr/bin/env bash
# Packs the program of a build with every shared library that it needs, except glibc, into one archive that runs from
# any folder. Usage: tools/make_archive.sh BUILD_FOLDER ARCHIVE.tar.gz     (needs patchelf, and Debian's package data)
set -euo pipefail
build=$1 archive=$2
command -v patchelf >/dev/null || { echo "patchelf is not installed" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/$(basename "$archive" .tar.gz) licences=share/doc/genrewise/licences
DESTDIR= cmake --install "$build" --component program --prefix "$root" >/dev/null
mkdir -p "$root/lib" "$root/$licences"
strip "$root/bin/genrewise"

# Libraries that are loaded when they are used, which ldd does not list.
mapfile -t loaded < <(while read -r name; do ldconfig -p | awk -v name="$name" '$1 == name && !found++ { print $NF }'; done <"$build/loaded_libraries")
glibc='^(ld-linux.*|lib(c|m|mvec|dl|rt|pthread|resolv|anl|util))\.so'
files=()
while read -r name file; do
  [[ $name =~ $glibc ]] && continue
  cp -L "$file" "$root/lib/$name"
  files+=("$(realpath "$file")")
done < <({ for file in "${loaded[@]}"; do echo "$(basename "$file") $file"; done
           ldd "$root/bin/genrewise" "${loaded[@]}" | awk '$2 == "=>" { print $1, $3 }'; } | sort -u)
patchelf --set-rpath '$ORIGIN' "$root"/lib/*
# Packages list some files without /usr.
{ dpkg-query -S "${files[@]}" "${files[@]#/usr}" 2>/dev/null || true; } | sed 's/:.*//' | sort -u | while read -r package; do
  cp -L "/usr/share/doc/$package/copyright" "$root/$licences/$package"
done
patchelf --set-rpath '$ORIGIN/../lib' "$root/bin/genrewise"
cp LICENSE "$root/share/doc/genrewise/"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner -czf "$archive" "$(basename "$root")"
du -sh "$archive" "$root" | sed "s|$work/||"
