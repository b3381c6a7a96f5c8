#!/usr/bin/env bash
# Format and static analysis. Usage: tools/lint.sh          checks the format of every source file
#                                    tools/lint.sh --tidy   also runs clang-tidy (needs build/dev; minutes)
# Needs Debian's clang-format and clang-tidy (the configurations are for version 14).
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files '*.cpp' '*.hpp' | xargs clang-format --dry-run -Werror
echo "format: good"
if [ "${1:-}" = --tidy ]; then
  [ -f build/dev/compile_commands.json ] || { echo "run cmake --preset dev first" >&2; exit 1; }
  # GCC's flags that clang does not support are not errors of the sources.
  git ls-files 'src/*.cpp' 'apps/*.cpp' | xargs -P "$(nproc)" -n 4 \
    clang-tidy --quiet -p build/dev --extra-arg=-Wno-unknown-warning-option
  echo "clang-tidy: good"
fi
