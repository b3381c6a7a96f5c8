// The folder and the documents of a parameter search.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/results.hpp"
#include "genrewise/study/run_folder.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// runs/<name>/ with config.json, tuning.json, tuning.csv and report.html; while it runs, folds.jsonl holds the scores
/// that are finished, one point on one fold a line. See claim_run_folder().
class TuningFolder {
 public:
  TuningFolder(std::filesystem::path folder, const nlohmann::json& config, bool anew);

  /// For a table of so many columns.
  std::filesystem::path features_path(std::size_t columns) const { return features_file(folder_, {}, columns); }
  const std::filesystem::path& path() const { return folder_; }
  /// Finished scores of the same data are found again. A line that was cut by a kill is passed over.
  TuningStore store(const Examples& examples) const;
  /// All files; folds.jsonl is kept, so that a search over more values takes up what is there.
  void write(const nlohmann::json& results) const;

 private:
  std::filesystem::path folder_;
  FolderLock lock_;
};

/// tuning.json as a whole (docs/results_format.md). `used` says in words which examples were searched on.
nlohmann::json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                           const StudyContext& context, const std::string& used);

/// One line per point: the varied parameters, accuracy, standard_error, log_loss, fit_s, predict_s.
std::string tuning_csv(const nlohmann::json& results);

}  // namespace genrewise
