#!/usr/bin/env bash
# Builds for arm64 on Debian 12 and runs the unit tests of modules under qemu-user; ends with the number of tests of each.
# Usage: tools/build_arm64.sh [MODULE...]        (default: all that need no libtorch, from the bottom up)
#        tools/build_arm64.sh --in-chroot [MODULE...]     the same in a new root made by debootstrap (as root)
# Without --in-chroot it adds the architecture arm64 to the system's packages, so run it in a container. Exit status 77:
# something is missing; the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "${1:-}" = --in-chroot ]; then
  shift
  [ "$(id -u)" -eq 0 ] || { echo "needs root, for a clean Debian root"; exit 77; }
  command -v debootstrap >/dev/null || { echo "debootstrap is not installed"; exit 77; }
  root=$PWD/build/arm64_root tar=build/root_bookworm.tar
  mkdir -p build
  if [ ! -e "$root/usr" ]; then
    mkdir -p "$root"
    if [ -e $tar ]; then tar -C "$root" -xf $tar
    else debootstrap --variant=minbase bookworm "$root" >build/debootstrap.log || { echo "debootstrap cannot make bookworm"; exit 77; }
    fi
  fi
  cp /etc/resolv.conf "$root/etc/"
  mkdir -p "$root/source"
  unmount() { umount -l "$root/source" "$root/proc" 2>/dev/null || true; }
  trap unmount EXIT
  mount --bind "$PWD" "$root/source"
  mount -t proc proc "$root/proc"
  chroot "$root" env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 nice -n "$(nice)" \
    /source/tools/build_arm64.sh "$@"
  exit
fi

modules=("$@")
[ $# -gt 0 ] || modules=(base records dsp storage dataset audio features packs evaluation models)
if [ ! -e /var/lib/genrewise_arm64 ]; then
  dpkg --add-architecture arm64
  apt-get -qq update
  DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends g++-aarch64-linux-gnu qemu-user-static cmake \
    ninja-build pkg-config libexpected-dev nlohmann-json3-dev libcli11-dev file \
    libmpg123-dev:arm64 libavformat-dev:arm64 libavcodec-dev:arm64 libavutil-dev:arm64 libsoxr-dev:arm64 libfftw3-dev:arm64 \
    libopenblas-dev:arm64 libcurl4-openssl-dev:arm64 libarchive-dev:arm64 libpugixml-dev:arm64 libssl-dev:arm64 \
    libfmt-dev:arm64 zlib1g-dev:arm64 libsqlite3-dev:arm64 libzstd-dev:arm64 libtag1-dev:arm64 libyaml-cpp-dev:arm64 \
    libhwy-dev:arm64 libcpp-httplib-dev:arm64 libgtest-dev:arm64 libgmock-dev:arm64 >/var/log/arm64_packages.log 2>&1 ||
    { tail -5 /var/log/arm64_packages.log; exit 1; }
  touch /var/lib/genrewise_arm64
fi
build=build/arm64_modules
cmake -G Ninja -B $build -DCMAKE_TOOLCHAIN_FILE="$PWD/cmake/arm64.cmake" -DCMAKE_BUILD_TYPE=RelWithAssert \
  -DCMAKE_CXX_FLAGS_RELWITHASSERT="-O1" -DGENREWISE_NEURAL=OFF -DGENREWISE_BENCH=OFF >$build.log 2>&1 ||
  { tail -20 $build.log; exit 1; }
# Left out: limits of memory, crashes and failed starts of child processes, which are those of the emulator here.
left_out='*Isolat*:*Worker*:*Sandbox*:ChildProcess.ReportsExitCodesAndSignals:RunProcess.PassesOnAllOutputAndReturnsHowTheProgramEnded:Limits.OfMemory*'
counts=() failed=0
for module in "${modules[@]}"; do
  cmake --build $build --target "test_$module"
  if qemu-aarch64-static -L / "$build/bin/test_$module" --gtest_brief=1 --gtest_filter="-$left_out" | tee "$build/$module.log"; then
    outcome=passed
  else
    outcome=FAILED failed=1
  fi
  counts+=("$module: $outcome, $(sed -n 's/^\[==========\] \([0-9]* tests\) .*/\1/p' "$build/$module.log"), $(sed -n 's/^\[  SKIPPED \] \([0-9]* tests\?\).*/\1 skipped/p' "$build/$module.log")")
done
printf '%s\n' "arm64 under qemu-user:" "${counts[@]}"
exit $failed
