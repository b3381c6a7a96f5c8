#!/usr/bin/env bash
# Builds for arm64 on another Debian 12 and runs the unit tests of some modules under qemu-user. It adds the architecture
# arm64 to the system's packages, so run it as root in a chroot or container.
# Usage: tools/build_arm64.sh [MODULE...]        (default: base storage dsp records)
set -euo pipefail
cd "$(dirname "$0")/.."
modules=("$@")
[ $# -gt 0 ] || modules=(base storage dsp records)
dpkg --add-architecture arm64
apt-get -qq update
DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends g++-aarch64-linux-gnu qemu-user-static cmake \
  ninja-build pkg-config libeigen3-dev libexpected-dev nlohmann-json3-dev libcli11-dev \
  libmpg123-dev:arm64 libsndfile1-dev:arm64 libsoxr-dev:arm64 libopenblas-dev:arm64 libcurl4-openssl-dev:arm64 libarchive-dev:arm64 \
  libpugixml-dev:arm64 libssl-dev:arm64 libfmt-dev:arm64 zlib1g-dev:arm64 libsqlite3-dev:arm64 libzstd-dev:arm64 \
  libtag1-dev:arm64 libyaml-cpp-dev:arm64 libhwy-dev:arm64 libcpp-httplib-dev:arm64 libgtest-dev:arm64 libgmock-dev:arm64
cmake -G Ninja -B build/arm64_modules -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/arm64.cmake" -DCMAKE_BUILD_TYPE=RelWithAssert \
  -DGENREWISE_GPL=OFF -DGENREWISE_NEURAL=OFF -DGENREWISE_BENCH=OFF
for module in "${modules[@]}"; do
  cmake --build build/arm64_modules --target "test_$module"
  qemu-aarch64-static "build/arm64_modules/bin/test_$module" --gtest_brief=1
done
