// The ranks of a distributed training run as a launcher's environment variables state them. Private to this module.
#pragma once

#include <optional>
#include <string>

#include "genrewise/base/job_part.hpp"

namespace genrewise {

struct LauncherRanks {
  int rank = 0, ranks = 1;
  std::string address;   ///< "HOST:PORT" of rank 0
  std::string launcher;  ///< "torchrun", "mpirun" or "srun"
};

/// Variables of torchrun (RANK, WORLD_SIZE), Open MPI's mpirun (OMPI_COMM_WORLD_*), MPICH's and Intel's (PMI_*) or srun
/// (SLURM_PROCID, SLURM_STEP_NUM_TASKS), in this order; empty without them, or for a single rank. The address is
/// MASTER_ADDR and MASTER_PORT where they are set; else under srun the step's first node, and elsewhere this machine if
/// all ranks run on it, with a port that depends on the job. Throws UsageError for variables that contradict each
/// other, and where the address is not known.
std::optional<LauncherRanks> ranks_of_launcher(const EnvironmentLookup& environment = process_environment);

}  // namespace genrewise
