#include "genrewise/jobs/launcher_ranks.hpp"

#include <fmt/format.h>

#include <string_view>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

struct Launcher {
  const char *name, *rank, *count, *local_count, *job;  // variables; null: none
};
// SLURM_NTASKS is not used: the script of `sbatch -n 4` has it too, and is one process.
constexpr Launcher kLaunchers[] = {
    {"mpirun", "OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_SIZE", "PMIX_NAMESPACE"},
    {"mpirun", "PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS", "PMI_ID"},
    {"torchrun", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "TORCHELASTIC_RUN_ID"},
    {"srun", "SLURM_PROCID", "SLURM_STEP_NUM_TASKS", nullptr, "SLURM_JOB_ID"},
};

/// The first name of Slurm's list: "a12" of "a12,b3", "node07" of "node[07-12,20],x1".
std::string first_node(std::string_view list) {
  const std::size_t open = list.find('['), comma = list.find(',');
  if (open == std::string_view::npos || comma < open) return std::string(list.substr(0, comma));
  const std::string_view inside = list.substr(open + 1, list.find(']', open) - open - 1);
  return std::string(list.substr(0, open)) + std::string(inside.substr(0, inside.find_first_of(",-")));
}

/// A port in [20000, 52767] that all ranks of a job derive alike, and other jobs rarely (FNV-1a).
int port_of(std::string_view job) {
  std::uint32_t hash = 2166136261U;
  for (const char byte : job) hash = (hash ^ static_cast<unsigned char>(byte)) * 16777619U;
  return 20000 + static_cast<int>(hash % 32768U);
}

}  // namespace

std::optional<LauncherRanks> ranks_of_launcher(const EnvironmentLookup& environment) {
  const auto text = [&](const char* name) -> std::string {
    const char* const value = name == nullptr ? nullptr : environment(name);
    return value == nullptr ? "" : value;
  };
  const auto number = [&](const char* name) -> std::optional<long long> {
    const std::string value = text(name);
    if (value.empty()) return std::nullopt;
    long long result = 0;
    if (parse_number(value, result) && result >= 0 && result <= 1'000'000) return result;
    throw UsageError(fmt::format("is \"{}\", not a whole number", value), name, "give --ranks, --rank and --ranks-at");
  };
  for (const Launcher& launcher : kLaunchers) {
    const auto rank = number(launcher.rank), count = number(launcher.count);
    if (!rank || !count) continue;
    if (*rank >= *count)
      throw UsageError(fmt::format("is {}, but {} is {}", *rank, launcher.count, *count), launcher.rank,
                       "give --ranks, --rank and --ranks-at");
    if (*count == 1) return std::nullopt;
    std::string host = text("MASTER_ADDR"), port = text("MASTER_PORT");
    if (host.empty() && number(launcher.local_count) == count) host = "127.0.0.1";
    if (host.empty()) host = first_node(text("SLURM_STEP_NODELIST"));
    if (host.empty())
      throw UsageError(fmt::format("{} does not state where rank 0 runs", launcher.name), "--ranks-at",
                       "set MASTER_ADDR (and MASTER_PORT) for all ranks, or give --ranks, --rank and --ranks-at");
    // torchrun itself listens on MASTER_PORT, and may start the ranks again before the system frees a port.
    const bool taken = text("TORCHELASTIC_USE_AGENT_STORE") == "True";
    if (port.empty() || taken)
      port = std::to_string(
          port_of(text(launcher.job) + text("SLURM_STEP_ID") + port + text("TORCHELASTIC_RESTART_COUNT")));
    return LauncherRanks{static_cast<int>(*rank), static_cast<int>(*count), host + ":" + port, launcher.name};
  }
  return std::nullopt;
}

}  // namespace genrewise
