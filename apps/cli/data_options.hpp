// The options that name the data of a command: DATASET, features, tables, how the examples are split, how audio is
// decoded, and tracks of the catalogue.
#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/job_part.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/query.hpp"
#include "option_group.hpp"
#include "session.hpp"

namespace genrewise::cli {

/// An option whose values are those of an enumeration.
template <class Value, class... Values>
CLI::Option* add_choice(const OptionGroup& group, const char* option, Value& variable, const char* name,
                        const std::string& help, Values... values) {
  const auto set = [&variable, values...](const std::string& text) {
    for (const Value value : {values...})
      if (to_string(value) == text) variable = value;
  };
  return one_of(group.add_function<std::string>(option, set, name, help), {std::string(to_string(values))...})
      ->default_str(std::string(to_string(variable)));
}

/// --scheme and, `with_file`, --split-file.
void add_split_options(CLI::App* command, SplitConfig& split, bool with_file = true);

/// DATASET of commands that decode audio: an FMA folder, a folder of music or a CSV; `further` names what else is
/// accepted.
void add_audio_dataset(CLI::App* command, std::string& location, const std::string& further = "");
/// --subset, --labels, --map and --top-genres.
void add_dataset_options(CLI::App* command, DatasetOptions& options);
/// --features; `standard` is the default. `several`: a list "A,B".
CLI::Option* add_features_option(CLI::App* command, std::optional<std::string>& features, const std::string& standard,
                                 bool several = false);
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

/// What was skipped in the dataset and for each of several feature sets, without repetitions: a clip that cannot be
/// decoded is a fault of every set.
std::vector<Fault> distinct_faults(const std::vector<Fault>& rejected, const std::vector<std::vector<Fault>>& of_sets);

enum class Tables { one, several };  ///< several: --table NAME=PATH too, for models that name features of their own
/// DATASET, --features, --table, --subset, --labels, --map, --top-genres, --merge, --min-groups and those of records.
void add_data_options(CLI::App* command, DataSourceConfig& config, Tables tables = Tables::one,
                      const std::string& default_features = "fma518");

/// --part of commands whose work several processes share.
struct PartOption {
  /// `what`: what a part is, for the help page.
  void add_to(CLI::App* command, const std::string& what);
  /// The part, which is noted with its source; empty: all. Notes it, too, if a launcher started several processes and
  /// each would do the whole work.
  std::optional<JobPart> get(Session& session) const;

  std::optional<StatedPart> stated;
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

/// --library.
struct LibraryOptions {
  void add_to(CLI::App* command);
  Catalogue open(Catalogue::Access access = Catalogue::Access::read) const;

  std::filesystem::path file;  ///< empty: default_catalogue()
};

/// QUERY..., --sort and --limit; --library.
struct TrackOptions : LibraryOptions {
  /// `required`: without a query, the command is refused instead of taking all tracks.
  void add_to(CLI::App* command, bool required = false);
  std::vector<CatalogueTrack> tracks(const Catalogue& catalogue, std::uint64_t seed = kDefaultSeed) const;

  std::vector<std::string> query;
  std::string sort = "path";
  std::size_t limit = 0;
};

}  // namespace genrewise::cli
