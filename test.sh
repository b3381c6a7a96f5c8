#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests. Usage: bash test.sh [PRESET]     (dev, asan-ubsan or tsan)
set -euo pipefail
cd "$(dirname "$0")"
preset=${1:-dev}

step() { printf '\n== %s\n' "$*"; }

step "Packages"
tools/install_packages.sh build neural test

step "Build ($preset)"
mkdir -p build
cmake --preset "$preset" >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset "$preset"

step "Tests ($preset)"
ctest --preset "$preset" -E '^interop\.tensorflow$'

# Reads and writes records with the real TensorFlow and TensorBoard, where GENREWISE_TENSORFLOW_PYTHON (or python3) has them.
step "TensorFlow and TensorBoard"
code=0
"${GENREWISE_TENSORFLOW_PYTHON:-python3}" tests/interop/tensorflow_interop.py "build/$preset/bin/interop_records" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 77 ]  # 77: skipped, and it has said why
