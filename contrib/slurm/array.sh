#!/bin/bash
# One part per task of an array. The arguments are those of genrewise, without --part:
#
#   sbatch --array=1-64 contrib/slurm/array.sh extract s3://bucket/music/ --unlabelled -o s3://bucket/features.npy
#
# A part can be killed at any moment and started again, also on another node: a task that is preempted or whose node fails
# is put back into the queue, and continues where the file system is shared or the output is in an object store. To start
# single parts again, give their numbers and the number of all: sbatch --array=3,17 --export=ALL,GENREWISE_PARTS=64 ...
#SBATCH --job-name=genrewise
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=genrewise-%A_%a.log
#SBATCH --ntasks=1
set -u
if [ -n "${GENREWISE_PARTS:-}" ]; then part=$SLURM_ARRAY_TASK_ID/$GENREWISE_PARTS; else part=auto; fi
# srun passes Slurm's SIGTERM on: genrewise saves its work and ends within 8 s, less than KillWait (30 s).
srun --ntasks=1 "${GENREWISE:-genrewise}" --threads "${SLURM_CPUS_PER_TASK:-1}" --log-format json "$@" --part "$part"
code=$?
[ "$code" -eq 3 ] && exit 0  # done, but some inputs could not be used: they are listed in the log and counted by merge
exit "$code"
