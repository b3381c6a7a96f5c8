#!/bin/bash
# Merges the parts of an array job:  sbatch --dependency=afterok:ARRAY contrib/slurm/merge.sh OUTPUT
#SBATCH --job-name=genrewise-merge
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=genrewise-merge-%j.log
#SBATCH --ntasks=1
set -u
srun --ntasks=1 "${GENREWISE:-genrewise}" --log-format json merge "$@"
code=$?
[ "$code" -eq 3 ] && exit 0
exit "$code"
