#include "genrewise/jobs/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {

DataSourceConfig data_for(DataSourceConfig data, const SplitConfig& split) {
  data.genres.by_artist = split.scheme != SplitScheme::random;
  data.fault_filtered = split.scheme == SplitScheme::fault_filtered;
  return data;
}

nlohmann::json run_identity(const DataSource& source, const SplitConfig& split) {
  const std::string given = source.has_audio() ? "table" : source.kind();
  return {{"dataset", source.location()},
          {"dataset_fingerprint", source.fingerprint()},
          {"features", source.extracts() ? source.features() : given},
          {"table", source.table()},
          {"scheme", to_string(split.scheme)},
          {"split_file", split.file.string()}};
}

void require_genres(const DataSource& source) {
  if (!source.config().genres.merge.empty()) source.subjects();
}

void name_features(DataSourceConfig& data, const std::string& set) {
  if (set.empty()) return;
  if (data.features && *data.features != set) {
    throw UsageError(fmt::format("the model names the features {}, but --features is {}", set, *data.features),
                     "--features", "leave one of them out");
  }
  data.features = set;
}

void require_not_given(const SplitConfig& split, const std::string& why) {
  const char* given = !split.file.empty()                      ? "--split-file"
                      : split.scheme != SplitScheme::automatic ? "--scheme"
                                                               : nullptr;
  if (given != nullptr) throw UsageError(why, given, "leave the option out");
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
      return std::isalnum(c) || c >= 0x80 ||
             std::string_view("-_./=:,+@%").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? "'\\''" : std::string(1, c);
    line += '\'';
  }
  return line;
}

void add_option(std::vector<std::string>& words, const std::string& option, const std::string& value) {
  words.push_back(option);
  words.push_back(value);
}

void add_options(std::vector<std::string>& words, const DataSourceConfig& data) {
  for (const std::string& table : data.tables) add_option(words, "--table", table);
  if (data.features) add_option(words, "--features", *data.features);
  if (!data.manifest.empty()) add_option(words, "--manifest", data.manifest);
  const DatasetOptions& dataset = data.dataset;
  if (dataset.fma_subset) add_option(words, "--subset", *dataset.fma_subset);
  if (dataset.labels != LabelSource::automatic) add_option(words, "--labels", std::string(to_string(dataset.labels)));
  if (!dataset.genre_map.empty()) add_option(words, "--map", dataset.genre_map.string());
  if (dataset.top_genres) words.push_back("--top-genres");
  for (const std::string& merge : data.genres.merge) add_option(words, "--merge", merge);
  if (data.genres.min_groups > 0) add_option(words, "--min-groups", std::to_string(data.genres.min_groups));
  const RecordKeys &keys = data.records, standard;
  if (!keys.features.empty()) add_option(words, "--record-features", keys.features);
  if (!keys.label.empty()) add_option(words, "--record-label", keys.label);
  if (!keys.id.empty()) add_option(words, "--record-id", keys.id);
  if (keys.bytes != standard.bytes) add_option(words, "--record-bytes", std::string(to_string(keys.bytes)));
  if (keys.pool != standard.pool) add_option(words, "--record-pool", std::string(to_string(keys.pool)));
  if (!keys.classes.empty()) add_option(words, "--class-map", keys.classes.string());
  if (!keys.one_class.empty()) add_option(words, "--one-class", keys.one_class);
}

void add_options(std::vector<std::string>& words, const SplitConfig& split) {
  if (!split.file.empty()) {
    add_option(words, "--split-file", split.file.string());
  } else if (split.scheme != SplitScheme::automatic) {
    add_option(words, "--scheme", std::string(to_string(split.scheme)));
  }
}

}  // namespace genrewise
