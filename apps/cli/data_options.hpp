// The options that name the data of a command: DATASET, features, tables, how the examples are split, and how audio is
// decoded.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "option_group.hpp"

namespace genrewise::cli {

/// Of --scheme.
inline constexpr char kSchemeHelp[] =
    "How examples are split into training, validation and test. official: as the dataset states; grouped: no artist or "
    "album in two parts; random: clips of one file stay together; shards: whole shards of a pack, 64/16/20; "
    "fault-filtered: GTZAN's, without its 70 faulty excerpts; auto: "
    "official where the dataset states parts, with missing parts taken from training, else grouped";

/// --scheme and --split-file.
struct SplitOptions {
  void add_to(CLI::App* command);
  SplitConfig config_with(std::uint64_t seed) const;

  std::string scheme = "auto", file;
};

/// DATASET of commands that decode audio: an FMA folder, a folder of music or a CSV; `further` names what else is
/// accepted.
void add_audio_dataset(CLI::App* command, std::string& location, const std::string& further = "");
/// --subset, --labels, --map and --top-genres.
void add_dataset_options(CLI::App* command, DatasetOptions& options);
/// --features; `standard` is the default.
CLI::Option* add_features_option(CLI::App* command, std::optional<std::string>& features, const std::string& standard);
/// --record-label and --class-map; with `all` also --record-features and the others.
void add_record_options(CLI::App* command, RecordKeys& keys, bool all);
/// --merge and --min-groups.
void add_genre_options(CLI::App* command, GenreConfig& genres);
/// --pca; `Count` is std::size_t or an optional one.
template <class Count>
void add_pca_option(CLI::App* command, Count& components) {
  at_least(OptionGroup(command, kModel).add("--pca", components, "N", "Principal components to keep"), 0)
      ->default_str("no PCA");
}

/// DATASET, --features, --table, --subset, --labels, --map, --top-genres, --merge and --min-groups.
struct DataOptions {
  enum class Tables { one, several };  ///< several: --table NAME=PATH too, for models that name features of their own
  void add_to(CLI::App* command, Tables tables = Tables::one, const std::string& default_features = "fma518");
  DataSourceConfig config;
};

/// --isolate, --max-seconds and --max-memory of commands that decode audio.
struct IsolationOptions {
  /// `by_default`: --no-isolate instead of --isolate.
  void add_to(CLI::App* command, bool by_default = false);
  /// With the worker program; nothing: not isolated.
  std::optional<DecodeIsolation> config() const;
  /// Makes the current Runtime decode so. Throws Error where the worker program is missing.
  void apply() const { isolate_decoding(config()); }

  bool isolate = false;
  DecodeIsolation limits;
};

}  // namespace genrewise::cli
