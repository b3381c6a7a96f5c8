#!/bin/bash
# Submits an array job and the merge that follows it. Usage: submit.sh PARTS extract|pack DATASET ... -o OUTPUT
# SBATCH_ARGS has further options for both, for example SBATCH_ARGS="--partition=cpu --cpus-per-task=8".
set -euo pipefail
parts=${1:?number of parts}; shift
here=$(dirname "$(realpath "$0")")
output=
for ((i = 1; i < $#; ++i)); do
  case ${!i} in -o | --output) next=$((i + 1)); output=${!next} ;; esac
done
[ -n "$output" ] || { echo "submit.sh: no -o OUTPUT is given" >&2; exit 2; }
array=$(sbatch --parsable ${SBATCH_ARGS:-} --array="1-$parts" "$here/array.sh" "$@")
merge=$(sbatch --parsable ${SBATCH_ARGS:-} --dependency="afterok:$array" --kill-on-invalid-dep=yes "$here/merge.sh" "$output")
echo "array job $array, merge $merge"
