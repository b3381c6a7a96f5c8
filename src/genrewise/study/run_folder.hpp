// The folder of a run: what it is a run of, what of it is finished, and its results.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// runs/<name>/ with config.json, features.csv, models/<model>.gwm and .json, best.gwm, predictions.csv, results.json
/// and report.html. Every file appears only when complete.
class RunFolder {
 public:
  /// Makes the folder, or opens it again. `config` is what makes two runs the same (dataset, features, split, seed,
  /// preprocessing). Throws Error when the folder holds a run of another configuration, naming the first difference,
  /// and when it cannot be written. `anew` forgets what was there instead; the features stay, for they say themselves
  /// what they are of.
  RunFolder(std::filesystem::path folder, const nlohmann::json& config, bool anew);

  const std::filesystem::path& path() const { return folder_; }
  std::filesystem::path features_path() const { return folder_ / "features.csv"; }
  std::filesystem::path model_path(const std::string& name) const;

  /// Keeps every finished model, and finds it again when its entry and the data (features, labels, parts) are the same.
  StudyStore store(const Examples& examples, const Split& split) const;

  /// best.gwm, predictions.csv, report.html and, last, results.json.
  void write(const Examples& examples, const Split& split, const StudyResult& result,
             const nlohmann::json& results) const;

 private:
  std::filesystem::path folder_;
};

/// SHA-256 of the examples' ids, labels, values and parts: whether two trainings saw the same.
std::string fingerprint(const Examples& examples, const Split& split);

}  // namespace genrewise
