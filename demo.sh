#!/usr/bin/env bash
# The study on the demo music: installs missing packages, builds, downloads the music (free soundtracks from Debian
# packages) and the weights of one pretrained network, and compares what fits into ten minutes. When repeated, it does
# only what is new.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

step "Packages"
tools/install_packages.sh build demo

step "Build (release)"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
targets=(genrewise)
if grep -q '^TORCH_LIBRARY:.*/' build/release/CMakeCache.txt; then targets+=(genrewise-neural); fi
cmake --build --preset release --target "${targets[@]}"
genrewise=build/release/bin/genrewise

step "Demo music"
$genrewise fetch demo --to data/demo

step "Pretrained network"
$genrewise fetch weights musicnn || echo "continuing without it"

step "Study"
$genrewise study data/demo/demo.csv -o runs/demo --budget 10
