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
ctest --preset "$preset"
