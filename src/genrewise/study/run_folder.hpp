// Run folders of studies and searches: their configuration, finished models and results.
#pragma once

#include <filesystem>
#include <nlohmann/json.hpp>
#include <string>

#include "genrewise/storage/folder_lock.hpp"
#include "genrewise/study/study.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// A run folder, locked by this process.
class LockedFolder {
 public:
  /// Creates or reopens the folder. `config` identifies the run and is stored in config.json; its member "command"
  /// (optional) does not identify it, but states how to continue it. A run of another configuration is replaced if it
  /// has no results (it failed or was interrupted), or if `replace` is set. Features in the folder are kept, because
  /// feature tables identify their own content. Throws Error if another process runs in the folder, if it contains the
  /// results of another configuration (naming the first difference), if a newer version wrote it, if its config.json is
  /// none of a run, if it has other files and no config.json (with `replace` it is used and nothing is removed from
  /// it), and if it cannot be written.
  LockedFolder(std::filesystem::path folder, const nlohmann::json& config, bool replace);

  const std::filesystem::path& path() const { return folder_; }
  /// Note about replaced contents; empty if nothing is replaced.
  const std::string& note() const { return claim_.note; }
  /// features.csv, or features-SET.csv for a set other than the run's own; .npy instead of .csv above 2,000 columns.
  std::filesystem::path features_path(std::size_t columns, const std::string& set = {}) const;

 private:
  struct Claim {
    FolderLock lock;
    std::string note;
  };
  static Claim claim(const std::filesystem::path& folder, const nlohmann::json& config, bool replace);
  std::filesystem::path folder_;
  Claim claim_;
};

/// runs/NAME/ with config.json, features.csv, models/MODEL.gwm and .json, networks/MODEL/point-N and final, best.gwm,
/// predictions.csv, results.json and report.html. Every file appears once it is complete.
class RunFolder : public LockedFolder {
 public:
  RunFolder(const std::filesystem::path& folder, const nlohmann::json& config, bool replace);

  std::filesystem::path model_path(const std::string& name) const;

  /// Stores every finished model, and finds it again if its specification and the data (features, labels, parts) match.
  StudyStore store(const Examples& examples, const Split& split) const;
  /// The same without model files, in a folder inside the run folder: ablation/FEATURES, nested/FOLD or seeds/SEED.
  StudyStore scores_in(const std::filesystem::path& name, const Examples& examples, const Split& split) const;

 private:
  StudyStore store_in(const std::filesystem::path& folder, const Examples& examples, const Split& split,
                      bool with_models) const;
};

/// runs/NAME/ with config.json, tuning.json, tuning.csv and report.html. During the search folds.jsonl contains the
/// finished scores, one point on one fold per line.
class TuningFolder : public LockedFolder {
 public:
  using LockedFolder::LockedFolder;

  /// Finds finished scores of the same data. Ignores a line that was cut off by a kill.
  TuningStore store(const Examples& examples) const;
};

/// SHA-256 of the examples' ids, labels, values and parts; equal for equal training data.
std::string fingerprint(const Examples& examples, const Split& split);

}  // namespace genrewise
