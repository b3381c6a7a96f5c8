/// @file
/// Data sources: turns a dataset of audio files, a labelled table or a pack into examples.
/// @code
/// const DataSource source({.location = "fma", .features = "music"});
/// const LoadedExamples loaded = source.load("features.csv", progress);
/// @endcode
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/genres.hpp"
#include "genrewise/packs/pack_manifest.hpp"

namespace genrewise {

/// Members are named after the command-line options, which errors name.
struct DataSourceConfig {
  /// DATASET: an FMA folder, a folder of music, a CSV, a list of locations, a feature table or a pack; a pattern with
  /// wildcards: several tables or packs as one.
  std::string location;
  std::string manifest = {};              ///< --manifest: of shards at a location without one
  std::optional<std::string> features{};  ///< --features: the feature set; empty: `default_features`
  std::vector<std::string> tables{};      ///< --table: PATH, or NAME=PATH for models with their own feature set
  DatasetOptions dataset{};               ///< --subset, --labels, --map, --top-genres
  std::string default_features = "fma518";
  GenreConfig genres{};         ///< --merge, --min-groups; where 0, 3 for genres of tags
  bool fault_filtered = false;  ///< --scheme fault-filtered: keeps the excerpts of GTZAN's split, with its parts
  RecordKeys records{};         ///< --record-features ...: the keys of another program's records
};

struct LoadedExamples {
  Examples examples;
  std::vector<Fault> skipped;  ///< tracks of the dataset that could not be used
  double extract_s = 0;        ///< 0 if the features existed
};

/// The same for a table without labels.
struct LoadedTable {
  FeatureTable table;
  std::vector<Fault> skipped;
  double extract_s = 0;
};

/// Returns the path for the features of a set; an empty name means the source's own set.
using FeaturesPath = std::function<std::filesystem::path(const std::string& set, std::size_t columns)>;

/// An open data source; decodes no audio before a load, but reads another program's records. Genres are merged and left
/// out before extraction and again for the usable examples. An option that does not apply to this kind of data is an
/// Error that names the option, thrown by the constructor or, if it depends on the table or the models, by the load.
class DataSource {
 public:
  /// Throws Error for a location or an option that cannot be used.
  explicit DataSource(DataSourceConfig config);

  const DataSourceConfig& config() const { return config_; }
  /// The dataset kind ("fma", "folder", ...), "table", "pack" or "records" (of another program, with named keys).
  const std::string& kind() const { return kind_; }
  /// Absolute, for reports.
  std::string location() const;
  std::string name() const;
  /// Short text that changes with the tracks, labels, clips or numbers.
  std::string fingerprint() const;
  /// Feature set that load() extracts, if it extracts.
  const std::string& features() const { return features_; }
  /// Whether there is audio to extract features from: false for labelled tables, packs and records.
  bool has_audio() const { return kind_ != "table" && kind_ != "pack" && kind_ != "records"; }
  /// Whether load() decodes audio.
  bool extracts() const { return has_audio() && table_.empty(); }
  /// The table given by --table PATH; empty if none.
  const std::string& table() const { return table_; }
  /// The table given by --table NAME=PATH; empty if none.
  std::filesystem::path table_of(const std::string& set) const;
  /// Number of columns that are extracted from its audio; 0 if it already has features.
  std::size_t extracted_columns() const;
  /// Tracks of a source with audio, with genres merged and left out.
  const Dataset& audio() const { return dataset_; }
  /// Manifest of a pack.
  const PackManifest& pack() const { return pack_; }
  /// Sentences about choices that were made for the caller, and merged and left-out genres, as far as known before
  /// loading.
  const std::vector<std::string>& notes() const { return genre_notes_; }
  /// Tracks or records that cannot be used, as far as known before loading.
  const std::vector<Fault>& rejected() const {
    return has_audio() ? dataset_.rejected : records_ ? records_->skipped : pack_.skipped;
  }
  /// Number of columns of a pack or of records; 0: not known before loading.
  std::size_t columns() const { return records_ ? records_->columns : pack_.values; }
  /// Labels and groups of all examples, before features are extracted or records read: the examples of load() and those
  /// that prove unusable.
  SplitSubjects subjects() const;

  /// Loads the examples. Extracted features are stored in `features_path` and reused from there.
  LoadedExamples load(const std::filesystem::path& features_path, Progress& progress) const;
  /// The same, with the features in a temporary file that is removed after use; after an interruption it remains and
  /// the next call continues.
  LoadedExamples load(Progress& progress) const;
  /// As load(), for use with further feature sets (load_set()), for which --table NAME=PATH is allowed.
  LoadedExamples load_own(const std::filesystem::path& features_path, Progress& progress) const;
  /// Extracts those of these sets that no table gives in one pass, for the loads that follow; an empty name means the
  /// source's own set. Returns what was skipped, by name. Throws Error if no track can be used for a set.
  std::map<std::string, std::vector<Fault>> extract_sets(const std::vector<std::string>& sets,
                                                         const FeaturesPath& path_of, Progress& progress) const;
  /// Loads a feature set from --table NAME=PATH, or extracts it to `features_path`.
  LoadedTable load_set(const std::string& set, const std::filesystem::path& features_path, Progress& progress) const;
  /// Joins the dataset's tracks with the features of a table.
  LoadedExamples with_genres(LoadedTable loaded, Progress& progress) const;
  /// Throws Error if an option of the source refers to a feature set that is not in `sets` (see load_joined()).
  void require_used(const std::vector<std::string>& sets) const;
  /// Clip lengths from the file headers, without decoding; empty if the audio is not used.
  std::optional<ClipFacts> clip_facts(const Examples& examples, Progress& progress) const;

 private:
  void name_tables();
  void open();
  void open_records();
  LoadedExamples read_records() const;
  Examples read_labelled() const;
  void open_numbers(const char* kind, const std::string& features);
  void choose_genres();
  LoadedExamples load_pack(Progress& progress) const;
  void choose_genres(Examples& examples, GenreConfig genres, Progress& progress) const;
  LoadedTable extract(const std::string& set, const std::filesystem::path& path, Progress& progress) const;
  /// With the user's cache.
  std::vector<PrepareResult> extract(const std::vector<TableOutput>& outputs, Progress& progress) const;

  struct Records {
    SplitSubjects subjects;
    std::string fingerprint;
    std::size_t columns = 0;
    std::vector<Fault> skipped;
    std::optional<LoadedExamples> loaded;  // until the first load, which takes it: there is one copy in memory
  };

  DataSourceConfig config_;
  std::string features_, table_;
  std::map<std::string, std::string, std::less<>> named_tables_;
  std::string kind_;
  std::vector<std::filesystem::path> own_tables_;  // of the kind "table"
  Dataset dataset_;                                // empty for labelled tables and packs
  PackManifest pack_;                              // of a pack
  std::shared_ptr<Records> records_;               // of another program
  std::vector<std::string> genre_notes_;           // choices of dataset_, merged and left-out genres
  using Prepared = std::map<std::filesystem::path, PrepareResult>;
  std::shared_ptr<Prepared> prepared_ = std::make_shared<Prepared>();  // by extract_sets()
};

/// Splits all examples of a source without loading it. The notes of the split include those of the source's genres.
struct DatasetSplit {
  SplitSubjects subjects;
  Split split;
  Leakage leakage;
};
DatasetSplit split_dataset(const DataSource& source, const SplitConfig& config);

/// Throws Error if the split is impossible, as far as known before extraction, so that a long extraction is not wasted.
/// Does nothing if load() extracts no features.
void require_split(const DataSource& source, const SplitConfig& config);

/// Examples with several feature sets: the tracks that all tables contain.
struct JoinedExamples {
  Examples examples;           ///< with the features of the first table
  std::vector<Fault> skipped;  ///< without duplicates
  std::vector<FeatureFacts> features;
  /// Loads one of the other tables, with the same rows in the same order. Valid while source and progress exist.
  std::function<FeatureTable(const std::string& set)> table_of;
};

/// Loads or extracts, in one pass, the sets named in `sets`, which may contain duplicates; an empty name means the
/// source's own set. Throws Error if no track has all features.
JoinedExamples load_joined(const DataSource& source, const std::vector<std::string>& sets, const FeaturesPath& path_of,
                           Progress& progress);

}  // namespace genrewise
