/// @file
/// One of N parts of a job that several processes or machines share.
/// @code
/// const JobPart part = parse_job_part("3/64").part;              // also "auto" and "auto/64", from a launcher
/// const auto [first, last] = part_range(sizes, part);            // items first, ..., last - 1 of a list
/// @endcode
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace genrewise {

inline constexpr std::size_t kMostParts = 1'000'000;  // each is looked for when they are merged

struct JobPart {
  std::size_t number = 1;  ///< from 1 to count
  std::size_t count = 1;
  friend bool operator==(const JobPart&, const JobPart&) = default;
};

/// "3/64".
std::string to_string(const JobPart& part);
/// "003-of-064": of equal length for all parts of a job, so that names sort by number.
std::string part_name(const JobPart& part);

/// A part and the environment variables that it was taken from; empty if it was stated.
struct StatedPart {
  JobPart part;
  std::string source;
};

/// The value of an environment variable; null if it is not set.
using EnvironmentLookup = std::function<const char*(const char* name)>;
const char* process_environment(const char* name);

/// The part of this process among those that a launcher started: the task of an array job (Slurm, AWS Batch, an indexed
/// job of Kubernetes), and in it the rank (Open MPI, PMI, torchrun, srun), numbered array task by array task. Empty if
/// no launcher is recognised. Kubernetes does not state how many indices there are: `count`, else JOB_COMPLETIONS,
/// does. Throws UsageError if variables contradict each other, the number is not known, or an array has gaps.
std::optional<StatedPart> part_of_launcher(std::size_t count = 0,
                                           const EnvironmentLookup& environment = process_environment);

/// Parses "I/N" with 1 <= I <= N <= kMostParts; "auto": as the launcher states; "auto/N": the same, and it must be one
/// of N. Throws UsageError for anything else, and if there is no launcher.
StatedPart parse_job_part(std::string_view text, const EnvironmentLookup& environment = process_environment);

/// The items [first, last) of a part: contiguous, so that results of parts 1 to N follow each other in the list's
/// order, and balanced, so that the sums of weights differ by at most one item's weight from an equal share. Depends on
/// nothing but the arguments. Parts of a list with a heavy item may be empty.
std::pair<std::size_t, std::size_t> part_range(std::span<const std::uint64_t> weights, const JobPart& part);
/// The same for items of equal weight.
std::pair<std::size_t, std::size_t> part_range(std::size_t items, const JobPart& part);

}  // namespace genrewise
