// The folder of a hyper-parameter search.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/run_folder.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// runs/<name>/ with config.json, tuning.json, tuning.csv and report.html; while it runs, folds.jsonl holds the scores
/// that are finished, one point on one fold a line. See claim_run_folder().
class TuningFolder {
 public:
  TuningFolder(std::filesystem::path folder, const nlohmann::json& config, bool replace);

  /// For a table of so many columns.
  std::filesystem::path features_path(std::size_t columns) const { return features_file(folder_, {}, columns); }
  const std::filesystem::path& path() const { return folder_; }
  /// What was in the folder and is replaced; empty where nothing is.
  const std::string& note() const { return claim_.note; }
  /// Finished scores of the same data are found again. A line that was cut by a kill is passed over.
  TuningStore store(const Examples& examples) const;

 private:
  std::filesystem::path folder_;
  ClaimedFolder claim_;
};

}  // namespace genrewise
