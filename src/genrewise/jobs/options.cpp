#include "genrewise/jobs/options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/usage_error.hpp"

namespace genrewise {

void require_used(const DataSource& source, const std::vector<std::string>& sets) {
  const DataSourceConfig& config = source.config();
  const std::string numbers = source.kind() == "pack"    ? "the dataset is a pack, whose records hold its numbers"
                              : source.kind() == "table" ? "the dataset is a feature table"
                                                         : "the features are taken from --table";
  if (config.features && !source.extracts())
    throw UsageError("no features are extracted: " + numbers, "--features", "leave the option out");
  if (config.subset && source.kind() != "fma")
    throw UsageError(fmt::format("only an FMA dataset has subsets, and this is one of the kind {}", source.kind()),
                     "--subset", "leave the option out");
  for (const std::string& text : config.tables) {
    const std::string set = text.substr(0, text.find('='));
    if (!source.table_of(set).empty() && std::ranges::find(sets, set) == sets.end())
      throw UsageError(fmt::format("no model is named {}/MODEL, so this table is not used", set), "--table",
                       "leave the option out, or name a model");
  }
}

nlohmann::json run_identity(const DataSource& source, const SplitConfig& split) {
  const std::string given = source.kind() == "pack" ? "pack" : "table";
  return {{"dataset", source.location()},
          {"dataset_fingerprint", source.fingerprint()},
          {"features", source.extracts() ? source.features() : given},
          {"table", source.table()},
          {"scheme", to_string(split.scheme)},
          {"split_file", split.file.string()}};
}

bool is_given(const SplitConfig& split) {
  return split.scheme != SplitScheme::automatic || !split.file.empty();
}

void require_not_given(const SplitConfig& split, const std::string& why) {
  if (!is_given(split)) return;
  throw UsageError(why, split.file.empty() ? "--scheme" : "--split-file", "leave the option out");
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
    for (const char c : word) {
      if (c == '\'') {
        line += "'\\''";
      } else {
        line += c;
      }
    }
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
  if (data.subset) add_option(words, "--subset", *data.subset);
}

void add_options(std::vector<std::string>& words, const SplitConfig& split) {
  if (!split.file.empty()) {
    add_option(words, "--split-file", split.file.string());
  } else if (split.scheme != SplitScheme::automatic) {
    add_option(words, "--scheme", std::string(to_string(split.scheme)));
  }
}

}  // namespace genrewise
