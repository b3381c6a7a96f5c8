// What study, train, evaluate and tune share: from the DATASET that a person names to examples and their split, and
// results as table, CSV or JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/pipeline/examples.hpp"
#include "genrewise/pipeline/pack_manifest.hpp"
#include "session.hpp"

namespace genrewise::cli {

/// Examples, and what was on the way to them.
struct LoadedExamples {
  Examples examples;
  std::vector<Fault> skipped;
  double extract_s = 0;  ///< 0 when the features were there
};

class ExamplesSource {
 public:
  /// DATASET, --features, --table and --subset.
  void add_options(CLI::App* command);

  /// "fma", "folder", "csv", "table" or "pack"; opens the dataset (no audio is decoded yet). Throws Error.
  const std::string& open();
  /// Absolute, for results.
  std::string place() const;
  std::string name() const;
  /// A short text that is another one when other tracks, labels or clips are meant; after open().
  std::string fingerprint() const;
  const std::string& features() const { return features_; }
  /// Whether load() decodes audio.
  bool extracts() const { return kind_ != "table" && kind_ != "pack" && table_.empty(); }
  const std::string& table() const { return table_; }
  const std::string& subset() const { return subset_; }
  const std::string& dataset() const { return place_; }

  /// The examples; features that must be extracted go to `features_path` and are reused from there.
  LoadedExamples load(const std::filesystem::path& features_path, Progress& progress);
  /// The same, with the features in a file under the system's temporary folder that is removed after use; after an
  /// interruption it is still there and the next call goes on.
  LoadedExamples load(Progress& progress);

 private:
  std::string place_, features_ = "fma518", table_, subset_ = "small";
  std::string kind_;
  LoadedExamples load_pack(Progress& progress) const;

  Dataset dataset_;    // empty for a labelled table and a pack
  PackManifest pack_;  // of a pack
};

/// --scheme and --split-file.
class SplitSource {
 public:
  void add_options(CLI::App* command);
  Split make(const SplitSubjects& subjects, std::uint64_t seed) const;
  const std::string& scheme() const { return scheme_; }
  const std::string& file() const { return file_; }

 private:
  std::string scheme_ = "auto", file_;
};

/// In the form asked for; json is called for --json only.
void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json);

/// Words as a shell takes them, with blanks between them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace genrewise::cli
