#!/bin/bash
# Trains a network with one rank per task, which share each batch (docs/training.md):
#
#   sbatch --nodes=2 --ntasks-per-node=4 --gpus-per-task=1 contrib/slurm/train.sh packs/mel224 --model mobilenetv2 -o model.gwm
#
# Interrupted training continues from its last checkpoint when the job is started again. Ranks meet at the first node of the
# job, at a port that depends on the job; MASTER_ADDR and MASTER_PORT name others.
#SBATCH --job-name=genrewise-train
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=genrewise-train-%j.log
set -u
exec srun "${GENREWISE:-genrewise}" --threads "${SLURM_CPUS_PER_TASK:-1}" train "$@"
