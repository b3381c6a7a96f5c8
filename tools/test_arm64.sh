#!/usr/bin/env bash
# Tests the vector kernels as arm64 code (NEON) in an emulator: tools/test_arm64.sh. It needs Debian's packages
# g++-aarch64-linux-gnu, qemu-user and googletest, but no library for arm64: what is not a kernel stays unresolved, and its
# tests are left out. Prints "skipped: REASON" and exits with 77 where a tool is missing.
set -euo pipefail
cd "$(dirname "$0")/.."
for needed in aarch64-linux-gnu-g++:g++-aarch64-linux-gnu qemu-aarch64:qemu-user; do
  command -v "${needed%%:*}" > /dev/null || { echo "skipped: the package ${needed#*:} is not installed"; exit 77; }
done
gtest=/usr/src/googletest
[ -d "$gtest" ] || { echo "skipped: the package googletest is not installed"; exit 77; }

out=$PWD/build/arm64
mkdir -p "$out/include"
for library in hwy fmt nlohmann tl; do ln -sfn "/usr/include/$library" "$out/include/$library"; done  # headers alone
sources="$gtest/googletest/src/gtest-all.cc $gtest/googlemock/src/gmock-all.cc $gtest/googlemock/src/gmock_main.cc
  $(printf 'src/genrewise/%s.cpp ' base/{error,floats,filesystem,random} models/classical/{blas_sums,kernel,smo_step} \
    dsp/{cqt_kernel,cqt_project,frame_series,loudness,mel,spectral_shape,tile,tonality})
  $(printf 'tests/%s.cpp ' support/test_support base/floats_test models/vector_kernels_test \
    dsp/{frame_features,harmonic_percussive,loudness,spectrum,tuning}_test dsp/cqt_golden)"
definitions=$(sed -n 's/.*\(HWY_BROKEN_EMU128=0\).*/-D\1/p; s/.*"\(HWY_DISABLED_TARGETS=.*\)").*/-D\1/p' cmake/dependencies.cmake)
compile() {
  local object=$out/$(basename "$1").o
  [ "$object" -nt "$1" ] && return
  aarch64-linux-gnu-g++ -std=c++20 -O1 -fno-math-errno -fno-trapping-math -DFMT_HEADER_ONLY $definitions \
    -DGENREWISE_SOURCE_DIR="\"$PWD\"" -DGENREWISE_BIN_DIR='""' -isystem "$out/include" -Isrc -Itests -Itests/dsp \
    -isystem $gtest/googletest/include -isystem $gtest/googlemock/include -I$gtest/googletest -I$gtest/googlemock \
    -c "$1" -o "$object"
}
export -f compile
export out gtest definitions
xargs -P "$(nproc)" -n 1 bash -c 'compile "$1" || exit 255' compile <<< "$sources"
aarch64-linux-gnu-g++ -static -Wl,--unresolved-symbols=ignore-all "$out"/*.o -o "$out/kernels"
qemu-aarch64 "$out/kernels" --gtest_brief=1 --gtest_filter='-Stft*'
