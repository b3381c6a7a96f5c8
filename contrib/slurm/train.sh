#!/bin/bash
# Trains a network with one rank per task, which share each batch (docs/training.md):
#
#   sbatch --nodes=2 --ntasks-per-node=4 --gpus-per-task=1 contrib/slurm/train.sh packs/mel224 --model mobilenetv2 -o model.gwm
#
# Interrupted training continues from its last checkpoint when the job is started again.
#SBATCH --job-name=genrewise-train
#SBATCH --requeue
#SBATCH --open-mode=append
#SBATCH --output=genrewise-train-%j.log
set -u
MASTER_ADDR=$(scontrol show hostnames "$SLURM_JOB_NODELIST" | head -1)
export MASTER_ADDR MASTER_PORT=${MASTER_PORT:-29500}
exec srun "${GENREWISE:-genrewise}" --threads "${SLURM_CPUS_PER_TASK:-1}" train "$@"
