#!/usr/bin/env bash
# Compares classifiers on the demo music: installs missing packages, builds, downloads the music (free soundtracks from
# Debian packages) and runs a study. When repeated, it does only what is new.
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
