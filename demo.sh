#!/usr/bin/env bash
# From nothing to a comparison of classifiers on real music: installs what is missing, builds, gets the demo music
# (free soundtracks that Debian ships), runs the whole study. Started again, it does only what is new.
set -euo pipefail
cd "$(dirname "$0")"

step() { printf '\n== %s\n' "$*"; }

step "Packages"
tools/install_packages.sh build demo

step "Build (release)"
mkdir -p build
cmake --preset release >build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
cmake --build --preset release --target genrewise

step "Demo music"
build/release/bin/genrewise fetch demo --to data/demo

step "Study"
build/release/bin/genrewise study data/demo/demo.csv --scheme random -o runs/demo
