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
ctest --preset "$preset" -E '^interop\.'

# A pretrained network end to end, where a Python package index can be reached. A package that was fetched must be readable.
step "musicnn from the package index"
weights=build/$preset/weights
if "build/$preset/bin/genrewise" fetch weights musicnn --to "$weights"; then
  GENREWISE_FETCHED_WEIGHTS=$weights "build/$preset/bin/test_pretrained" --gtest_filter='FetchedMusicnn.*'
else
  if ls "$weights"/*.whl 2>/dev/null; then exit 1; fi
  echo "skipped: no package index could be reached"
fi

# Kills every command that writes at random moments and compares what the next run makes with an undisturbed run.
step "Kills"
python3 tests/faults/kill.py "build/$preset/bin/genrewise" --kills 3

# Runs every command with bad standard streams and under limits; the script has more conditions, some of which need root.
# The sanitizers replace the allocator.
step "Bad environments"
case $preset in
  asan-ubsan | tsan) echo "skipped: not with sanitizers" ;;
  *) python3 tests/faults/environment.py "build/$preset/bin/genrewise" --only streams,limits ;;
esac

# Reads and writes records with the real TensorFlow and TensorBoard, where GENREWISE_TENSORFLOW_PYTHON (or python3) has them.
step "TensorFlow and TensorBoard"
code=0
"${GENREWISE_TENSORFLOW_PYTHON:-python3}" tests/interop/tensorflow_interop.py "build/$preset/bin/interop_records" || code=$?
[ "$code" -eq 0 ] || [ "$code" -eq 77 ]  # 77: skipped; the script prints the reason

# The whole program against real S3 servers, where they are installed; docs/object_storage.md says how to name them.
step "S3 servers"
for server in "moto ${GENREWISE_MOTO_SERVER:-moto_server}" "s3rver ${GENREWISE_S3RVER:-s3rver}" \
              "versitygw ${GENREWISE_VERSITYGW:-versitygw}"; do
  code=0
  python3 tests/interop/object_storage.py $server "build/$preset/bin/genrewise" || code=$?
  [ "$code" -eq 0 ] || [ "$code" -eq 77 ]
done
