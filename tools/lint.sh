#!/usr/bin/env bash
# Format and static analysis. Usage: tools/lint.sh          checks the format of every source file
#                                    tools/lint.sh --tidy   and runs clang-tidy over them (needs build/dev; minutes)
# Needs Debian's clang-format and clang-tidy (version 14 is what the configurations are written for).
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
echo "format: good"
if [ "${1:-}" = --tidy ]; then
  [ -f build/dev/compile_commands.json ] || { echo "first: cmake --preset dev" >&2; exit 1; }
  # GCC's flags that clang does not know are no fault of the sources.
  git ls-files 'src/*.cpp' 'apps/*.cpp' | xargs -P "$(nproc)" -n 4 \
    clang-tidy --quiet -p build/dev --extra-arg=-Wno-unknown-warning-option
  echo "clang-tidy: good"
fi
