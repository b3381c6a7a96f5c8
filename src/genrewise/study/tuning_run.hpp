// The folder and the documents of a parameter search.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/results.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// runs/<name>/ with config.json, tuning.json, tuning.csv and report.html; while it runs, points.jsonl holds the points
/// that are finished, one a line. See claim_run_folder().
class TuningFolder {
 public:
  TuningFolder(std::filesystem::path folder, const nlohmann::json& config, bool anew);

  std::filesystem::path features_path() const { return folder_ / "features.csv"; }
  const std::filesystem::path& path() const { return folder_; }
  /// Finished points of the same data are found again. A line that was cut by a kill is passed over.
  TuningStore store(const Examples& examples) const;
  /// All files; points.jsonl is kept, so that a search over more values takes up what is there.
  void write(const nlohmann::json& results) const;

 private:
  std::filesystem::path folder_;
};

/// tuning.json as a whole (docs/results_format.md). `used` says in words which examples were searched on.
nlohmann::json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                           const StudyContext& context, const std::string& used);

/// One line per point: the varied parameters, accuracy, standard_error, log_loss, fit_s, predict_s.
std::string tuning_csv(const nlohmann::json& results);

}  // namespace genrewise
