// Where the parts of a job are collected until they are merged.
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/job_part.hpp"

namespace genrewise {

/// What all parts of a job must agree on.
struct PartPlan {
  std::size_t count = 0;  ///< N
  /// By name, as messages show them: {"features", "fma518, version 1, ..."}, {"dataset", ...}.
  std::vector<std::pair<std::string, std::string>> facts;
};

/// The folder "OUTPUT.parts" of a job that writes the file OUTPUT: a file for each finished part ("03-of-64.npy" for
/// OUTPUT.npy) and "plan.json". The first part writes the plan, on the condition that there is none, so parts that
/// start at once on several machines agree. Nothing depends on listing the folder or on clocks.
class PartFolder {
 public:
  explicit PartFolder(const std::filesystem::path& output) : PartFolder(output, output.extension()) {}
  /// `extension`: of the parts, where it differs.
  PartFolder(const std::filesystem::path& output, std::string extension);

  const std::filesystem::path& folder() const { return folder_; }
  std::filesystem::path part(const JobPart& part) const;
  /// Writes the plan, or compares it with the one that is there. Throws Error that names what differs.
  void begin(const PartPlan& plan) const;
  /// Empty if no part was started.
  std::optional<PartPlan> plan() const;
  /// Removes the plan, then everything else. Can be repeated after a kill.
  void remove() const;

 private:
  std::filesystem::path plan_path() const;

  std::filesystem::path folder_;
  std::string extension_;
};

/// Throws Error, with their numbers, if parts of `count` are missing.
void require_all_parts(const std::vector<std::size_t>& missing, std::size_t count, const std::string& output);
/// "3, 7-9 and 64", for messages; at most about ten of them.
std::string listed_numbers(const std::vector<std::size_t>& numbers);

}  // namespace genrewise
