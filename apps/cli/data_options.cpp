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
  command->add_option("--subset", config.subset, "of an FMA dataset: small (default), medium, large or full");
}

void DataOptions::add_words(std::vector<std::string>& words) const {
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  for (const std::string& table : config.tables) add("--table", table);
  if (config.features && config.features != config.default_features) add("--features", *config.features);
  if (config.subset && config.subset != DatasetOptions{}.fma_subset) add("--subset", *config.subset);
}

void SplitOptions::add_to(CLI::App* command) {
  auto* option = command
                     ->add_option("--scheme", scheme,
                                  "how examples are split: official (the dataset's own parts), grouped (no artist in "
                                  "two parts), random, shards (of a pack: whole shards, 64/16/20), or auto (official "
                                  "where it is whole, else grouped); a pack's own parts are its official ones")
                     ->capture_default_str();
  command
      ->add_option("--split-file", file, "take the parts from this CSV (track_id,part), as `genrewise split` writes it")
      ->excludes(option);
}

void SplitOptions::add_words(std::vector<std::string>& words) const {
  if (!file.empty()) words.insert(words.end(), {"--split-file", file});
  if (scheme != "auto") words.insert(words.end(), {"--scheme", scheme});
}

SplitConfig SplitOptions::config_with(std::uint64_t seed) const {
  return {.scheme = parse_split_scheme(scheme), .seed = seed, .file = file};
}

}  // namespace genrewise::cli
