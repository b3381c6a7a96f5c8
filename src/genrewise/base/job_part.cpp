#include "genrewise/base/job_part.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <numeric>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

std::optional<std::size_t> whole_number(std::string_view text) {
  std::size_t value = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || code != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<std::size_t> number_in(const EnvironmentLookup& environment, const char* name) {
  const char* text = environment(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  if (const auto value = whole_number(text)) return value;
  throw UsageError(fmt::format("is \"{}\", not a whole number", text), name, "give --part I/N");
}

/// Variables of one launcher: an index from 0, or from the value of `least`, and how many there are.
struct Variables {
  const char *index, *count, *least = nullptr;
};
// An array's tasks are separate jobs; each can start several ranks.
constexpr Variables kArrays[] = {
    {"SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"},
    {"AWS_BATCH_JOB_ARRAY_INDEX", "AWS_BATCH_JOB_ARRAY_SIZE"},
    {"JOB_COMPLETION_INDEX", "JOB_COMPLETIONS"},
};
// Ranks that mpirun or torchrun started, which may themselves be tasks of srun, come first. SLURM_NTASKS is not used:
// the script of `sbatch -n 4` has it too, with SLURM_PROCID 0, and is one process.
constexpr Variables kRanks[] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
    {"PMI_RANK", "PMI_SIZE"},
    {"RANK", "WORLD_SIZE"},
    {"SLURM_PROCID", "SLURM_STEP_NUM_TASKS"},
};

struct Task {
  std::size_t index = 0, count = 0;  // count 0: not stated
  std::string source;
};

// A part of an array that was submitted again has other numbers than the whole array had.
void require_whole_array(const EnvironmentLookup& environment, std::size_t least, std::size_t count) {
  const auto last = number_in(environment, "SLURM_ARRAY_TASK_MAX");
  if (!last || *last + 1 == least + count) return;
  throw UsageError(fmt::format("the array has {} tasks with numbers from {} to {}", count, least, *last),
                   "SLURM_ARRAY_TASK_ID", "number the tasks without gaps, or give --part $SLURM_ARRAY_TASK_ID/N");
}

std::optional<Task> task_of(std::span<const Variables> launchers, const EnvironmentLookup& environment) {
  for (const Variables& launcher : launchers) {
    const auto index = number_in(environment, launcher.index);
    const auto count = number_in(environment, launcher.count);
    const bool may_lack_count = std::string_view(launcher.index) == "JOB_COMPLETION_INDEX";
    if (!index || (!count && !may_lack_count)) continue;
    const std::size_t least = launcher.least ? number_in(environment, launcher.least).value_or(0) : 0;
    if (launcher.least) require_whole_array(environment, least, *count);
    if (*index < least || (count && *index - least >= *count))
      throw UsageError(fmt::format("is {}, but {} is {}", *index, launcher.count, count.value_or(0)), launcher.index,
                       "give --part I/N");
    return Task{*index - least, count.value_or(0), launcher.index};
  }
  return std::nullopt;
}

StatedPart stated(std::size_t number, std::size_t count, std::string source, std::string_view text) {
  if (count > kMostParts)
    throw UsageError(fmt::format("\"{}\" is no part: {} parts are more than {}", text, count, kMostParts), "--part",
                     "use fewer parts");
  if (number >= 1 && number <= count) return {{number, count}, std::move(source)};
  throw UsageError(fmt::format("\"{}\" is no part: {} is not from 1 to {}", text, number, count), "--part",
                   "write I/N, with I from 1 to N");
}

}  // namespace

std::string to_string(const JobPart& part) {
  return fmt::format("{}/{}", part.number, part.count);
}

std::string part_name(const JobPart& part) {
  const std::size_t width = std::to_string(part.count).size();
  return fmt::format("{:0{}}-of-{}", part.number, width, part.count);
}

const char* process_environment(const char* name) {
  return std::getenv(name);
}

std::optional<StatedPart> part_of_launcher(std::size_t count, const EnvironmentLookup& environment) {
  std::optional<Task> array = task_of(kArrays, environment);
  const std::optional<Task> rank = task_of(kRanks, environment);
  if (!array && !rank) return std::nullopt;
  const std::size_t ranks = rank ? rank->count : 1;
  std::string source = array ? array->source : "";
  if (rank && (rank->count > 1 || !array)) source += (source.empty() ? "" : ", ") + rank->source;
  if (array && array->count == 0) {
    if (count == 0)
      throw UsageError("the number of indices is not stated", array->source,
                       "give --part auto/N, or set JOB_COMPLETIONS");
    array->count = count / ranks;
  }
  const std::size_t tasks = (array ? array->count : 1) * ranks;
  if (count != 0 && tasks != count)
    throw UsageError(fmt::format("the launcher started {} tasks, not {} ({})", tasks, count, source), "--part",
                     "give the number that were started, or --part auto");
  return stated((array ? array->index : 0) * ranks + (rank ? rank->index : 0) + 1, tasks, source, source);
}

StatedPart parse_job_part(std::string_view text, const EnvironmentLookup& environment) {
  const bool by_launcher = text == "auto" || text.starts_with("auto/");
  const std::size_t slash = std::min(text.find('/'), text.size());
  const auto number = whole_number(text.substr(0, slash)),
             count = whole_number(text.substr(std::min(slash + 1, text.size())));
  if (text != "auto" && (!count || *count == 0 || (!number && !by_launcher)))
    throw UsageError(fmt::format("\"{}\" is no part", text), "--part",
                     "write I/N, with I from 1 to N, or auto or auto/N under a launcher");
  if (!by_launcher) return stated(*number, *count, "", text);
  if (auto part = part_of_launcher(count.value_or(0), environment)) return *part;
  throw UsageError(
      "no launcher is recognised by its environment variables (Slurm, MPI, torchrun, Kubernetes, AWS Batch)", "--part",
      "write I/N");
}

std::pair<std::size_t, std::size_t> part_range(std::span<const std::uint64_t> weights, const JobPart& part) {
  const std::uint64_t whole = std::accumulate(weights.begin(), weights.end(), std::uint64_t{0});
  if (whole == 0) return part_range(weights.size(), part);
  // Exact: whole * k / count may exceed 64 bits.
  const auto boundary = [&](std::uint64_t k) { return whole / part.count * k + whole % part.count * k / part.count; };
  const std::uint64_t from = boundary(part.number - 1), to = boundary(part.number);
  // An item is in the part in which its middle lies.
  std::uint64_t before = 0;
  std::size_t first = weights.size(), last = weights.size();
  for (std::size_t i = 0; i < weights.size(); before += weights[i++]) {
    const std::uint64_t middle = before + weights[i] / 2;
    if (middle >= from) first = std::min(first, i);
    if (middle >= to && part.number < part.count) {
      last = i;
      break;
    }
  }
  return {std::min(first, last), last};
}

std::pair<std::size_t, std::size_t> part_range(std::size_t items, const JobPart& part) {
  const auto boundary = [&](std::size_t k) { return items / part.count * k + items % part.count * k / part.count; };
  return {boundary(part.number - 1), boundary(part.number)};
}

}  // namespace genrewise
