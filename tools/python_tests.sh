#!/usr/bin/env bash
# Builds the Python extension in the build folder of a preset and runs its tests. Usage: tools/python_tests.sh PRESET
# GENREWISE_PYTHON names the interpreter; packages that it lacks are installed into build/python-venv from the package
# index. Exit status 77: something is missing; the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=$1 python=${GENREWISE_PYTHON:-python3} venv=$PWD/build/python-venv
skip() { echo "skipped: $*"; exit 77; }
case $preset in asan-ubsan | tsan) skip "not with sanitizers, which Python does not load" ;; esac
"$python" -c 'import sys, sysconfig, os; assert sys.version_info >= (3, 9); os.stat(sysconfig.get_path("include") + "/Python.h")' \
  2>/dev/null || skip "$python is no Python from 3.9 with headers (package python3-dev)"
if ! "$python" -c 'import nanobind, numpy, pandas, pytest, sklearn, tqdm, mypy' 2>/dev/null; then
  [ -x "$venv/bin/python" ] || "$python" -m venv "$venv" >/dev/null || skip "$python has no venv (package python3-venv)"
  "$venv/bin/pip" install -q nanobind numpy pandas pandas-stubs pytest scikit-learn tqdm mypy >build/pip.log 2>&1 ||
    skip "the package index has no nanobind: $(tail -1 build/pip.log)"
  python=$venv/bin/python
fi
cmake --preset "$preset" -DGENREWISE_PYTHON=ON -DPython_EXECUTABLE="$("$python" -c 'import sys; print(sys.executable)')" \
  >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset "$preset" --target genrewise_python_stub
export PYTHONPATH=$PWD/build/$preset/python GENREWISE_PROGRAM=$PWD/build/$preset/bin/genrewise
"$python" -m mypy -p genrewise --cache-dir build/mypy
"$python" -m pytest -q -p no:cacheprovider python/tests
