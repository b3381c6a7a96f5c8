// What study, train, evaluate and tune share: from the DATASET that a person names to examples and their split, and
// results as table, CSV or JSON.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/study/run_folder.hpp"
#include "session.hpp"

namespace genrewise::cli {

/// Examples, and what was on the way to them.
struct LoadedExamples {
  Examples examples;
  std::vector<Fault> skipped;
  double extract_s = 0;  ///< 0 when the features were there
};

/// The same of a table alone.
struct LoadedTable {
  FeatureTable table;
  std::vector<Fault> skipped;
  double extract_s = 0;
};

class ExamplesSource {
 public:
  enum class Tables { one, several };
  /// DATASET, --features, --table and --subset. With several tables --table may be given again as NAME=PATH, for models
  /// that name features of their own.
  void add_options(CLI::App* command, Tables tables = Tables::one);

  /// "fma", "folder", "csv", "table" or "pack"; opens the dataset (no audio is decoded yet). Throws Error.
  const std::string& open();
  const std::string& kind() const { return kind_; }
  /// Absolute, for results.
  std::string place() const;
  std::string name() const;
  /// A short text that is another one when other tracks, labels or clips are meant; after open().
  std::string fingerprint() const;
  const std::string& features() const { return features_; }
  void set_features(const std::string& name) { features_ = name; }
  bool features_given() const { return features_option_->count() > 0; }
  /// Whether load() decodes audio.
  bool extracts() const { return kind_ != "table" && kind_ != "pack" && table_.empty(); }
  /// Whether the dataset has its numbers and no audio: a labelled table or a pack.
  bool is_numbers() const { return kind_ == "table" || kind_ == "pack"; }
  const std::string& table() const { return table_; }
  const std::string& dataset() const { return place_; }
  /// Of the features that are extracted from its audio; 0 where a table has them.
  std::size_t extracted_columns() const;
  /// The options that are not at their defaults, for a command line that does the same.
  void add_words(std::vector<std::string>& words) const;

  /// The examples; features that must be extracted go to `features_path` and are reused from there.
  LoadedExamples load(const std::filesystem::path& features_path, Progress& progress);
  /// The same, with the features in a file under the system's temporary folder that is removed after use; after an
  /// interruption it is still there and the next call goes on.
  LoadedExamples load(Progress& progress);
  /// The features of that name, from --table NAME=PATH or extracted to `features_path`.
  LoadedTable load_set(const std::string& set, const std::filesystem::path& features_path, Progress& progress);
  /// The dataset's tracks with the features of a table.
  LoadedExamples with_genres(LoadedTable loaded) const;
  /// The table given by --table NAME=PATH; empty where there is none.
  std::filesystem::path table_of(const std::string& set) const;
  /// By what the files say of themselves, without decoding; nothing where the audio is not looked at.
  std::optional<ClipFacts> clip_facts(const Examples& examples, Progress& progress) const;

 private:
  LoadedExamples load_pack(Progress& progress) const;
  LoadedTable extract(const std::string& set, const std::filesystem::path& path, Progress& progress) const;

  std::string place_, features_ = "fma518", table_, subset_ = "small";
  std::vector<std::string> tables_;  // as given
  std::map<std::string, std::string, std::less<>> named_tables_;
  CLI::Option* features_option_ = nullptr;
  std::string kind_;
  Dataset dataset_;    // empty for a labelled table and a pack
  PackManifest pack_;  // of a pack
};

/// What the models of a study learn from.
struct LoadedStudy {
  Examples examples;  ///< of the tracks that all tables have
  std::vector<Fault> skipped;
  std::vector<FeatureFacts> features;
  TableSource table_of;
};

/// Loads or extracts each table that a model names; features that are extracted lie in the run's folder.
LoadedStudy load_study(ExamplesSource& source, const std::vector<ModelSpec>& models, const RunFolder& folder,
                       Progress& progress);

/// What surrounds a run that writes to `output`.
StudyContext context_of(const ExamplesSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped);

/// --scheme and --split-file.
class SplitSource {
 public:
  void add_options(CLI::App* command);
  Split make(const SplitSubjects& subjects, std::uint64_t seed) const;
  const std::string& scheme() const { return scheme_; }
  const std::string& file() const { return file_; }
  void add_words(std::vector<std::string>& words) const;

 private:
  std::string scheme_ = "auto", file_;
};

/// In the form asked for; json is called for --json only.
void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json);

/// Words as a shell takes them, with blanks between them.
std::string shell_line(const std::vector<std::string>& words);

}  // namespace genrewise::cli
