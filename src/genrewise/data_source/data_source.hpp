// Any data source -> examples: datasets of audio files, labelled tables and packs.
//
//   const DataSource source({.location = "fma", .features = "music"});
//   const LoadedExamples loaded = source.load("features.csv", progress);
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/genres.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

/// Members are called as the command line's options are; errors name these options.
struct DataSourceConfig {
  std::string location;                   ///< DATASET: an FMA folder, genre folders, a CSV, a feature table or a pack
  std::optional<std::string> features{};  ///< --features: the feature set; nothing: `default_features`
  std::vector<std::string> tables{};      ///< --table: PATH, or NAME=PATH for models that name features of their own
  std::optional<std::string> subset{};    ///< --subset: of FMA; nothing: small
  std::string default_features = "fma518";
  GenreConfig genres{};  ///< --merge, --min-groups
};

struct LoadedExamples {
  Examples examples;
  std::vector<Fault> skipped;  ///< tracks of the dataset that could not be used
  double extract_s = 0;        ///< 0 when the features were there
};

/// The same of a table alone.
struct LoadedTable {
  FeatureTable table;
  std::vector<Fault> skipped;
  double extract_s = 0;
};

/// A dataset that is open. Immutable; no audio is decoded before a load. Genres are merged and left out as the
/// configuration says, before anything is extracted and again on what could be used.
///
/// No option is ignored: what does not apply to this kind of data is an Error that names the option, when the source is
/// made or, where it takes the table or the models to know it, when it is loaded.
class DataSource {
 public:
  /// Opens it. Throws Error for a location or an option that cannot be used.
  explicit DataSource(DataSourceConfig config);

  const DataSourceConfig& config() const { return config_; }
  /// The dataset kind ("fma", "folder", ...), "table" or "pack".
  const std::string& kind() const { return kind_; }
  /// Absolute, for results.
  std::string location() const;
  std::string name() const;
  /// A short text that changes with the tracks, labels, clips or numbers that are meant.
  std::string fingerprint() const;
  /// The feature set that load() extracts where it extracts.
  const std::string& features() const { return features_; }
  /// Whether there is audio to extract features from: it is neither a labelled table nor a pack.
  bool has_audio() const { return kind_ != "table" && kind_ != "pack"; }
  /// Whether load() decodes audio.
  bool extracts() const { return has_audio() && table_.empty(); }
  /// The table given by --table PATH; empty where there is none.
  const std::string& table() const { return table_; }
  /// The table given by --table NAME=PATH; empty where there is none.
  std::filesystem::path table_of(const std::string& set) const;
  /// Of the features that are extracted from its audio; 0 where it has its numbers.
  std::size_t extracted_columns() const;
  /// Of a source that has audio: its tracks, with genres merged and left out.
  const Dataset& audio() const { return dataset_; }
  /// Of a pack.
  const PackManifest& pack() const { return pack_; }
  /// What cannot be used, as far as it is known before loading.
  const std::vector<Fault>& rejected() const { return has_audio() ? dataset_.rejected : pack_.skipped; }
  /// Labels and groups of all examples, before any features are extracted or records read: the examples of load(), and
  /// those that turn out not to be usable.
  SplitSubjects subjects() const;

  /// The examples. Features that must be extracted go to `features_path` and are reused from there.
  LoadedExamples load(const std::filesystem::path& features_path, Progress& progress) const;
  /// The same, with the features in a file under the system's temporary folder that is removed after use; after an
  /// interruption it is still there and the next call goes on.
  LoadedExamples load(Progress& progress) const;
  /// As load(), beside features of other names (load_set()), which --table NAME=PATH may name.
  LoadedExamples load_own(const std::filesystem::path& features_path, Progress& progress) const;
  /// The features of that name, from --table NAME=PATH or extracted to `features_path`.
  LoadedTable load_set(const std::string& set, const std::filesystem::path& features_path, Progress& progress) const;
  /// The dataset's tracks with the features of a table.
  LoadedExamples with_genres(LoadedTable loaded, Progress& progress) const;
  /// Throws Error where an option of the source is for features that none of these sets are (see load_joined()).
  void require_used(const std::vector<std::string>& sets) const;
  /// By what the files' headers say, without decoding; nothing where the audio is not used.
  std::optional<ClipFacts> clip_facts(const Examples& examples, Progress& progress) const;

 private:
  void name_tables();
  void open();
  void open_numbers(const char* kind, const std::string& features);
  void choose_genres();
  LoadedExamples load_pack(Progress& progress) const;
  void choose_genres(Examples& examples, GenreConfig genres, Progress& progress) const;
  LoadedTable extract(const std::string& set, const std::filesystem::path& path, Progress& progress) const;

  DataSourceConfig config_;
  std::string features_, table_;
  std::map<std::string, std::string, std::less<>> named_tables_;
  std::string kind_;
  Dataset dataset_;                       // empty for a labelled table and a pack
  PackManifest pack_;                     // of a pack
  std::vector<std::string> genre_notes_;  // what was merged and left out of dataset_
};

/// A split of all that a source names, without loading it.
struct DatasetSplit {
  SplitSubjects subjects;
  Split split;
  Leakage leakage;
};
DatasetSplit split_dataset(const DataSource& source, const SplitConfig& config);

/// Throws Error where the split cannot be made, as far as that is known before features are extracted; does nothing
/// where load() extracts none. For whoever would otherwise find out after hours.
void require_split(const DataSource& source, const SplitConfig& config);

/// Where the features of a set are kept; an empty name is the source's own set.
using FeaturesPath = std::function<std::filesystem::path(const std::string& set, std::size_t columns)>;

/// The examples of several feature sets: of the tracks that all tables have.
struct JoinedExamples {
  Examples examples;           ///< with the features of the first table
  std::vector<Fault> skipped;  ///< each once
  std::vector<FeatureFacts> features;
  /// The other tables, one at a time: the same rows in the same order. Valid as long as source and progress are.
  std::function<FeatureTable(const std::string& set)> table_of;
};

/// Loads or extracts each set that `sets` names, in any order and any number of times; an empty name is the source's
/// own. Throws Error when no track has all features.
JoinedExamples load_joined(const DataSource& source, const std::vector<std::string>& sets, const FeaturesPath& path_of,
                           Progress& progress);

}  // namespace genrewise
