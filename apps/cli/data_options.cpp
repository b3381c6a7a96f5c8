#include "data_options.hpp"

#include "session.hpp"

namespace genrewise::cli {

void DataOptions::add_to(CLI::App* command, Tables tables) {
  command
      ->add_option(
          "DATASET", config.location,
          "an FMA folder, a folder with one sub-folder per genre, a CSV of tracks, a feature table (a CSV with a genre "
          "or label column), or a packed folder")
      ->required();
  command->add_option("--features", config.features, kFeaturesHelp);
  auto* table = command->add_option(
      "--table", config.tables,
      tables == Tables::one
          ? "take the features from this table (such as FMA's features.csv) instead of extracting them"
          : "PATH: take the features from this table (such as FMA's features.csv) instead of extracting them; "
            "NAME=PATH: those of models that are called NAME/MODEL");
  if (tables == Tables::one) table->expected(1);
  command->add_option("--subset", config.subset, kSubsetHelp);
  add_genre_options(command, config.genres);
}

void add_genre_options(CLI::App* command, GenreConfig& genres) {
  command
      ->add_option("--merge", genres.merge,
                   "GENRE=GENRE: examples of the first genre count as the second; may be given several times")
      ->allow_extra_args(false);
  command->add_option("--min-groups", genres.min_groups,
                      "leave out genres with fewer groups of examples that must stay together in the split (those of "
                      "one artist, album or file; with --scheme random those of one file)");
}

void SplitOptions::add_to(CLI::App* command) {
  auto* option = command
                     ->add_option("--scheme", scheme,
                                  "how examples are split: official (the parts that the dataset states, exactly), "
                                  "grouped (no artist or album in two parts), random (clips of one file stay "
                                  "together), shards (of a pack: whole shards, 64/16/20), or auto: what the dataset "
                                  "states, and what that lacks carved out of training; grouped where it states "
                                  "nothing")
                     ->check(CLI::IsMember({"auto", "official", "grouped", "random", "shards"}))
                     ->capture_default_str();
  command
      ->add_option("--split-file", file, "take the parts from this CSV (track_id,part), as `genrewise split` writes it")
      ->excludes(option);
}

SplitConfig SplitOptions::config_with(std::uint64_t seed) const {
  return {.scheme = parse_split_scheme(scheme), .seed = seed, .file = file};
}

}  // namespace genrewise::cli
