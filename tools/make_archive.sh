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

# OpenBLAS is loaded when it is used, so ldd does not list it.
openblas=$(ldconfig -p | awk '/libopenblas\.so\.0 / && !found++ { print $NF }')
glibc='^(ld-linux.*|lib(c|m|mvec|dl|rt|pthread|resolv|anl|util))\.so'
files=()
while read -r name file; do
  [[ $name =~ $glibc ]] && continue
  cp -L "$file" "$root/lib/$name"
  files+=("$(realpath "$file")")
done < <({ echo "libopenblas.so.0 $openblas"; ldd "$root/bin/genrewise" "$openblas" | awk '$2 == "=>" { print $1, $3 }'; } | sort -u)
patchelf --set-rpath '$ORIGIN' "$root"/lib/*
# Packages list some files without /usr.
{ dpkg-query -S "${files[@]}" "${files[@]#/usr}" 2>/dev/null || true; } | sed 's/:.*//' | sort -u | while read -r package; do
  cp -L "/usr/share/doc/$package/copyright" "$root/$licences/$package"
done
patchelf --set-rpath '$ORIGIN/../lib' "$root/bin/genrewise"
cp LICENSE "$root/share/doc/genrewise/"
tar -C "$work" --sort=name --owner=0 --group=0 --numeric-owner -czf "$archive" "$(basename "$root")"
du -sh "$archive" "$root" | sed "s|$work/||"
