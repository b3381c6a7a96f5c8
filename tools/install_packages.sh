#!/usr/bin/env bash
# Installs the Debian / Ubuntu packages that genrewise needs, if any is missing.
# Usage: tools/install_packages.sh [build] [neural] [python] [test] [demo]        (build is always included)
# neural: libtorch and its dependencies (about 1 GB), for training networks; everything else builds without it.
# Without root (and without sudo that needs no password) it only prints the missing packages.
set -euo pipefail

wanted="g++ cmake ninja-build pkg-config ccache
  libmpg123-dev libavformat-dev libavcodec-dev libavutil-dev libsoxr-dev libfftw3-dev
  libopenblas-dev libcurl4-openssl-dev libpugixml-dev libssl-dev
  libcli11-dev libfmt-dev nlohmann-json3-dev libexpected-dev
  zlib1g-dev libarchive-dev libsqlite3-dev libzstd-dev libtag1-dev libyaml-cpp-dev libhwy-dev libcpp-httplib-dev"
test="p7zip-full libxgboost-dev libgtest-dev libgmock-dev libbenchmark-dev libprotobuf-dev protobuf-compiler python3 ffmpeg"
python="python3-dev python3-pip python3-venv"
demo=""
neural="libtorch-dev libgloo-dev libhdf5-dev"

for group in "$@"; do
  case $group in
    build) ;;
    neural) wanted+=" $neural" ;;
    python) wanted+=" $python" ;;
    test) wanted+=" $test" ;;
    demo) wanted+=" $demo" ;;
    *) echo "unknown group '$group': build, neural, python, test or demo" >&2; exit 2 ;;
  esac
done

command -v dpkg-query >/dev/null || {
  echo "This is neither Debian nor Ubuntu. Install the equivalent of these packages:" $wanted >&2; exit 1; }
missing=()
for package in $wanted; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -eq 0 ] && exit 0

as_root=()
if [ "$(id -u)" -ne 0 ]; then
  if command -v sudo >/dev/null && sudo -n true 2>/dev/null; then
    as_root=(sudo -n)
  else
    echo "These packages are missing, and installing them needs root:" >&2
    echo "  sudo apt-get install ${missing[*]}" >&2
    exit 1
  fi
fi
# A fresh Ubuntu runs apt for some minutes after it has started: waits for that instead of failing.
lock_wait_s=600
update_lists() {  # apt does not wait for the lock of its package lists, so this retries
  local output
  for ((waited_s = 0;; waited_s += 5)); do
    output=$("${as_root[@]}" env LC_ALL=C apt-get update -qq 2>&1) && return
    if [[ $output != *"Could not get lock"* ]] || ((waited_s >= lock_wait_s)); then
      echo "$output" >&2
      return 1
    fi
    ((waited_s > 0)) || echo "Another apt is running; waiting for it, at most $((lock_wait_s / 60)) minutes" >&2
    sleep 5
  done
}

echo "Installing: ${missing[*]}"
update_lists
"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=$lock_wait_s install -y -qq \
  --no-install-recommends "${missing[@]}" >/dev/null
