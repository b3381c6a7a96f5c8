// The folder of a hyper-parameter search.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/run_folder.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// runs/NAME/ with config.json, tuning.json, tuning.csv and report.html. During the search folds.jsonl contains the
/// finished scores, one point on one fold per line. See claim_run_folder().
class TuningFolder {
 public:
  TuningFolder(std::filesystem::path folder, const nlohmann::json& config, bool replace);

  /// Path of the features, for a table with this many columns.
  std::filesystem::path features_path(std::size_t columns) const { return features_file(folder_, {}, columns); }
  const std::filesystem::path& path() const { return folder_; }
  /// Note about replaced contents; empty if nothing is replaced.
  const std::string& note() const { return claim_.note; }
  /// Finds finished scores of the same data. Ignores a line that was cut off by a kill.
  TuningStore store(const Examples& examples) const;

 private:
  std::filesystem::path folder_;
  ClaimedFolder claim_;
};

}  // namespace genrewise
