#include "data_options.hpp"

#include <fmt/format.h>

#include "option_group.hpp"
#include "session.hpp"

namespace genrewise::cli {
namespace {

constexpr char kPcaHelp[] = "Principal components to keep";

}  // namespace

void DataOptions::add_to(CLI::App* command, Tables tables, const std::string& default_features) {
  const OptionGroup data(command, kData);
  data.add("DATASET", config.location, "",
           "An FMA folder, a folder with a sub-folder or playlist for each genre, a CSV file of tracks, a feature "
           "table (CSV with a column genre or label) or a pack")
      ->required();
  add_features_option(command, config.features, default_features);
  const bool several = tables == Tables::several;
  CLI::Option* table =
      data.add("--table", config.tables, several ? "[NAME=]PATH" : "PATH",
               std::string("Take the features from this table, such as FMA's features.csv, instead of extracting "
                           "them") +
                   (several ? "; with NAME=, the features of models that are called NAME/MODEL" : ""));
  if (!several) table->expected(1);
  add_subset_option(command, config.subset);
  add_genre_options(command, config.genres);
}

void add_audio_dataset(CLI::App* command, std::string& location, const std::string& further) {
  OptionGroup(command, kData)
      .add("DATASET", location, "",
           "An FMA folder, a folder with a sub-folder or playlist for each genre, or a CSV file of tracks" + further)
      ->required();
}

void add_subset_option(CLI::App* command, std::optional<std::string>& subset) {
  one_of(OptionGroup(command, kData)
             .add("--subset", subset, "NAME", "Subset of an FMA folder; each contains the ones before it"),
         {"small", "medium", "large", "full"})
      ->default_str("small");
}

CLI::Option* add_features_option(CLI::App* command, std::optional<std::string>& features, const std::string& standard) {
  return OptionGroup(command, kData)
      .add("--features", features, "SET", "Feature set; `genrewise features` lists them")
      ->default_str(standard);
}

void add_genre_options(CLI::App* command, GenreConfig& genres) {
  const OptionGroup data(command, kData);
  data.add("--merge", genres.merge, "GENRE=GENRE",
           "Count examples of the first genre as the second; may be given several times")
      ->allow_extra_args(false);
  at_least(data.add("--min-groups", genres.min_groups, "N",
                    "Leave out genres with fewer groups of examples that stay together in the split: those of one "
                    "artist, album or file; with --scheme random those of one file"),
           0)
      ->capture_default_str();
}

CLI::Option* add_pca_option(CLI::App* command, std::size_t& components) {
  return at_least(OptionGroup(command, kModel).add("--pca", components, "N", kPcaHelp), 0)->default_str("no PCA");
}

CLI::Option* add_pca_option(CLI::App* command, std::optional<std::size_t>& components) {
  return at_least(OptionGroup(command, kModel).add("--pca", components, "N", kPcaHelp), 0)->default_str("no PCA");
}

void SplitOptions::add_to(CLI::App* command) {
  const OptionGroup split(command, kSplit);
  CLI::Option* option =
      one_of(split.add("--scheme", scheme, "SCHEME", kSchemeHelp), {"auto", "official", "grouped", "random", "shards"})
          ->option_text("")
          ->capture_default_str();
  split
      .add("--split-file", file, "FILE",
           "Take the parts from this CSV file (track_id,part), as `genrewise split` writes it")
      ->excludes(option);
}

SplitConfig SplitOptions::config_with(std::uint64_t seed) const {
  return {.scheme = parse_split_scheme(scheme), .seed = seed, .file = file};
}

}  // namespace genrewise::cli
