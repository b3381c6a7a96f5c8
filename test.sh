#!/usr/bin/env bash
# Installs what is missing, builds, and runs all tests. Usage: bash test.sh [PRESET]     (dev, asan-ubsan or tsan)
set -euo pipefail
cd "$(dirname "$0")"
preset=${1:-dev}

step() { printf '\n== %s\n' "$*"; }
skipped=()
skip() { echo "skipped: $*"; skipped+=("$*"); }  # listed again at the end
# Runs a command that exits with 77, after printing a reason, where something is missing; any other failure ends this.
may_skip() { # WHAT COMMAND...
  local code=0 reason
  "${@:2}" 2>&1 | tee build/step.log || code=${PIPESTATUS[0]}
  [ "$code" -eq 0 ] && return
  [ "$code" -eq 77 ] || exit "$code"
  reason=$(tail -1 build/step.log)
  skip "$1: ${reason#skipped: }"
}

step "Packages"
tools/install_packages.sh build neural python test

step "Build ($preset)"
mkdir -p build
cmake --preset "$preset" >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset "$preset"

# Real clips for tests that compare with librosa's figures.
step "Test music"
may_skip "tests on real clips" tools/fetch_test_music.sh

# A pretrained network end to end, where a Python package index can be reached. A package that was fetched must be readable.
step "musicnn from the package index"
weights=$PWD/build/$preset/weights
if "build/$preset/bin/genrewise" fetch weights musicnn --to "$weights"; then
  export GENREWISE_FETCHED_WEIGHTS=$weights
else
  if ls "$weights"/*.whl 2>/dev/null; then exit 1; fi
  skip "tests of musicnn's published weights: no package index could be reached"
fi

step "Tests ($preset)"
export TSAN_OPTIONS="suppressions=$PWD/tests/tsan.supp"
ctest --preset "$preset" -E '^interop\.'

# Kills every command that writes at random moments and compares what the next run makes with an undisturbed run.
step "Kills"
python3 tests/faults/kill.py "build/$preset/bin/genrewise" --kills 3
python3 tests/faults/kill_tags.py "build/$preset/bin/genrewise" --files 30 --kills 5

# Workers of a job in parts are killed; the merged table is compared with that of one run.
step "Kills of parts"
python3 tests/faults/kill_parts.py "build/$preset/bin/genrewise" --kills 10 --clips 120

# Ranks that mpirun starts, where it is installed; Slurm's own daemons on this machine, with a node that fails and ranks
# that srun starts (some minutes, so on request); manifests against Kubernetes' schema, where GENREWISE_KUBERNETES_PYTHON (or python3) has kubernetes-validate.
step "Cluster"
may_skip "ranks by mpirun" python3 tests/cluster/ranks_test.py "build/$preset/bin/genrewise"
if [ -n "${GENREWISE_TEST_SLURM:-}" ]; then
  may_skip "Slurm" python3 tests/cluster/slurm_test.py "build/$preset/bin/genrewise"
else
  skip "Slurm: set GENREWISE_TEST_SLURM=1 (needs slurm-wlm and munge)"
fi
may_skip "manifests for Kubernetes" "${GENREWISE_KUBERNETES_PYTHON:-python3}" tests/cluster/kubernetes_test.py

# The OpenAPI document and real answers of every route, where GENREWISE_OPENAPI_PYTHON (or python3) has
# openapi-spec-validator; random requests for a while.
step "Server"
may_skip "OpenAPI document" "${GENREWISE_OPENAPI_PYTHON:-python3}" tests/server/openapi_test.py "build/$preset/bin/genrewise"
python3 tests/faults/fuzz_http.py "build/$preset/bin/genrewise" --seconds 15
python3 tests/faults/kill_tags.py "build/$preset/bin/genrewise" --files 30 --kills 3 --server

# Runs every command with bad standard streams and under limits; the script has more conditions, some of which need root.
# The sanitizers replace the allocator.
step "Bad environments"
case $preset in
  asan-ubsan | tsan) echo "skipped: not with sanitizers" ;;
  *) python3 tests/faults/environment.py "build/$preset/bin/genrewise" --only streams,limits ;;
esac

# Reads and writes records with the real TensorFlow and TensorBoard, where GENREWISE_TENSORFLOW_PYTHON (or python3) has them.
step "TensorFlow and TensorBoard"
may_skip "TensorFlow and TensorBoard" "${GENREWISE_TENSORFLOW_PYTHON:-python3}" tests/interop/tensorflow_interop.py \
  "build/$preset/bin/interop_records"

# Tags written here are read by mutagen, mediafile and ffprobe, and the other way round, where
# GENREWISE_MUTAGEN_PYTHON (or python3) has mutagen.
step "Tags in other programs"
may_skip "tags in other programs" "${GENREWISE_MUTAGEN_PYTHON:-python3}" tests/interop/tags_interop.py \
  "build/$preset/bin/interop_tags"

# The same files decoded by ffmpeg and others, where python3 has NumPy.
step "Other decoders"
may_skip "other decoders" python3 tests/interop/decoders.py "build/$preset/bin/interop_decode" --places 1

# Opens reports and the server's page in Chromium, where GENREWISE_PLAYWRIGHT_PYTHON (or python3) has playwright and
# axe-playwright-python.
step "Pages in a browser"
may_skip "pages in a browser" "${GENREWISE_PLAYWRIGHT_PYTHON:-python3}" tests/pages/page_test.py \
  "build/$preset/bin/render_page"
may_skip "the server's page in a browser" "${GENREWISE_PLAYWRIGHT_PYTHON:-python3}" tests/pages/app_test.py \
  "build/$preset/bin/genrewise"

step "Vector kernels of arm64"
may_skip "vector kernels of arm64" tools/test_arm64.sh

# The Python package: the extension, types, tests and the examples of docs/python.md, where its parts are found.
step "Python package"
may_skip "the Python package" timeout 1800 tools/python.sh tests "$preset"

# genrewise.ray on a head and two raylets, one of which is killed, where GENREWISE_RAY_PYTHON (or python3) has ray, pandas and
# pyarrow, and is of the version for which the Python package is built.
step "Ray"
PYTHONPATH="$PWD/build/$preset/python" may_skip "Ray" "${GENREWISE_RAY_PYTHON:-python3}" tests/cluster/ray_test.py \
  "build/$preset/bin/genrewise"

# A wheel with the libraries that it needs, tested in an empty virtual environment; made from what is compiled already.
step "Python wheel"
case $preset in
  dev)
    as_built=(--config-settings=build-dir=build/dev --config-settings=cmake.build-type=RelWithAssert)
    for option in WERROR TESTS BENCH NEURAL; do as_built+=("--config-settings=cmake.define.GENREWISE_$option=ON"); done
    may_skip "the Python wheel" timeout 1800 tools/python.sh wheel "${as_built[@]}"
    ;;
  *) echo "skipped: only with the preset dev" ;;
esac

# The plugin in the real beets, where GENREWISE_BEETS_PYTHON (or python3) has beets and the Python package is built.
step "Plugin for beets"
PYTHONPATH="$PWD/build/$preset/python:$PWD/python" may_skip "plugin for beets" "${GENREWISE_BEETS_PYTHON:-python3}" \
  tests/interop/beets_plugin.py "build/$preset/bin/genrewise" build/test_music

# The notebook on the demo music, where it was downloaded and GENREWISE_NOTEBOOK_PYTHON (or python3) has nbclient.
step "Notebook"
PYTHONPATH="$PWD/build/$preset/python" may_skip "notebook" "${GENREWISE_NOTEBOOK_PYTHON:-python3}" \
  tests/interop/notebook.py examples/notebook/demo_study.ipynb data/demo/demo.csv

# The whole program against real S3 servers, where they are installed; docs/object_storage.md says how to name them.
step "S3 servers"
for server in "moto ${GENREWISE_MOTO_SERVER:-moto_server}" "s3rver ${GENREWISE_S3RVER:-s3rver}" \
              "versitygw ${GENREWISE_VERSITYGW:-versitygw}"; do
  may_skip "S3 server ${server%% *}" python3 tests/interop/object_storage.py $server "build/$preset/bin/genrewise"
done

# The same, and a study from WAV files to networks, against an emulator of Google Cloud Storage, which is built where Go
# and its module proxy are there.
step "Google Cloud Storage"
fake_gcs=none
may_skip "Google Cloud Storage" tools/fake_gcs_server.sh && fake_gcs=$(tail -1 build/step.log)
if [ -x "$fake_gcs" ]; then
  may_skip "Google Cloud Storage" python3 tests/interop/object_storage.py fake-gcs-server "$fake_gcs" \
    "build/$preset/bin/genrewise"
fi

# Packages in clean Debian roots, the Dockerfile's steps with these packages, arm64, and the build without GPL parts; most
# compile most sources again.
if [ -n "${GENREWISE_TEST_PACKAGES:-}" ]; then
  step "Without GPL parts"
  may_skip "the build without GPL parts" tests/packages/without_gpl.sh
  step "Packages in clean Debian roots"
  may_skip "packages" tests/packages/packages_test.sh
  step "Steps of the Dockerfile"
  may_skip "steps of the Dockerfile" tests/packages/dockerfile_test.py --packages build/package_test
  step "Unit tests on arm64"
  may_skip "unit tests on arm64" tools/build_arm64.sh --in-chroot
else
  skip "packages, unit tests on arm64 and the build without GPL parts: set GENREWISE_TEST_PACKAGES=1"
fi

step "Skipped"
# The tests that skipped themselves, with the reason that GoogleTest prints in the line before.
awk '/: Skipped$/ { getline reason } /^\[  SKIPPED \] .* ms\)$/ { print "  " $4 ": " reason }' \
  "build/$preset/Testing/Temporary/LastTest.log"
for one in "${skipped[@]}"; do echo "  $one"; done
