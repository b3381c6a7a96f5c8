#!/usr/bin/env bash
# Writes the reference of the public headers to build/docs/html/index.html. Doxygen's warnings are errors.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v doxygen >/dev/null || { echo "doxygen is missing: sudo apt-get install doxygen" >&2; exit 1; }

# Prints the PUBLIC_HEADERS of each module: the words up to the next keyword or the closing parenthesis.
public_headers() {
  for lists in src/genrewise/*/CMakeLists.txt; do
    sed 's/#.*//; s/)/ ) /g' "$lists" | awk -v folder="$(dirname "$lists")" '
      { for (i = 1; i <= NF; i++) {
          if ($i == "PUBLIC_HEADERS") listed = 1
          else if (listed && $i ~ /\.hpp$/) print folder "/" $i
          else listed = 0 } }'
  done
}
headers=$(public_headers)
mkdir -p build/docs
# Doxygen repeats a warning for each page that shows the comment.
{ cat tools/Doxyfile; echo "INPUT = $(tr '\n' ' ' <<<"$headers")"; } | doxygen - 2>&1 | sort -u >&2
echo "$(wc -l <<<"$headers") public headers: build/docs/html/index.html"
