#!/usr/bin/env bash
# Builds fake-gcs-server, an emulator of Google Cloud Storage, with Go's module proxy into build/go/ and prints its path;
# does nothing else if it is there. GENREWISE_FAKE_GCS_SERVER names another program. Exit status 77: it cannot be built;
# the reason is printed.
set -euo pipefail
cd "$(dirname "$0")/.."
module=github.com/fsouza/fake-gcs-server version=v1.56.1 program=$PWD/build/go/fake-gcs-server

if [ -n "${GENREWISE_FAKE_GCS_SERVER:-}" ]; then echo "$GENREWISE_FAKE_GCS_SERVER"; exit; fi
if [ -x "$program" ]; then echo "$program"; exit; fi
command -v go >/dev/null || { echo "go is not installed"; exit 77; }
mkdir -p build/go
# Its go.mod needs a recent Go, which older ones fetch by themselves.
GOTOOLCHAIN=auto GOFLAGS=-mod=mod GOBIN=$PWD/build/go go install "$module@$version" >build/go/log 2>&1 ||
  { tail -1 build/go/log; exit 77; }
echo "$program"
