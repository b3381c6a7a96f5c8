// The folder of a run: what it is a run of, what of it is finished, and its results.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/storage/folder_lock.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// A run's folder that is this process's alone.
struct ClaimedFolder {
  FolderLock lock;
  std::string note;  ///< what was in it and is replaced; empty where nothing is
};

/// Makes the folder of a run, or opens it again, and locks it. `config` is what makes two runs the same and lies in
/// config.json. A run of another configuration that has no results (it failed or was interrupted) is replaced, and so,
/// with `replace`, is one that has. Features in the folder stay: they state themselves what they are of. Throws Error
/// when another process runs in the folder, when it holds the results of another configuration, naming the first
/// difference, when a newer program made it, when it is a folder of something else (used all the same with `replace`,
/// and nothing is removed from it) and when it cannot be written.
[[nodiscard]] ClaimedFolder claim_run_folder(const std::filesystem::path& folder, const nlohmann::json& config,
                                             bool replace);

/// features.csv, or features-<set>.csv of another set than the run's own; .npy instead where a row has so many columns
/// that nobody would read it as text.
std::filesystem::path features_file(const std::filesystem::path& folder, const std::string& set, std::size_t columns);

/// runs/<name>/ with config.json, features.csv, models/<model>.gwm and .json, best.gwm, predictions.csv, results.json
/// and report.html. Every file appears only when complete.
class RunFolder {
 public:
  /// See claim_run_folder().
  RunFolder(std::filesystem::path folder, const nlohmann::json& config, bool replace);

  const std::filesystem::path& path() const { return folder_; }
  /// What was in the folder and is replaced; empty where nothing is.
  const std::string& note() const { return claim_.note; }
  /// Of the run's own features, or of another set.
  std::filesystem::path features_path(std::size_t columns, const std::string& set = {}) const {
    return features_file(folder_, set, columns);
  }
  std::filesystem::path model_path(const std::string& name) const;

  /// Keeps every finished model, and finds it again when its entry and the data (features, labels, parts) are the same.
  StudyStore store(const Examples& examples, const Split& split) const;
  /// The same without the model files, for the studies of single features: ablation/<features>/<model>.json.
  StudyStore ablation_store(const Examples& examples, const Split& split, const std::string& features) const;

 private:
  StudyStore store_in(const std::filesystem::path& folder, const Examples& examples, const Split& split,
                      bool with_models) const;
  std::filesystem::path folder_;
  ClaimedFolder claim_;
};

/// SHA-256 of the examples' ids, labels, values and parts: whether two trainings saw the same.
std::string fingerprint(const Examples& examples, const Split& split);

}  // namespace genrewise
