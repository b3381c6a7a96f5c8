// Options that jobs have in common: checked against the data, and as words of a command line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Throws Error for an option that would change nothing: a feature set or a subset of data that has none, a table of
/// features that no model names (`sets`).
void require_used(const DataSource& source, const std::vector<std::string>& sets = {});

/// Whether a split was asked for, by scheme or file.
bool is_given(const SplitConfig& split);
/// Throws Error when one was asked for all the same; `why` no split is made.
void require_not_given(const SplitConfig& split, const std::string& why);

/// What makes two runs the same as far as data, features and split go; for config.json.
nlohmann::json run_identity(const DataSource& source, const SplitConfig& split);

/// Words as a POSIX shell reads them, quoted where they must be, with blanks between them.
std::string shell_line(const std::vector<std::string>& words);
void add_option(std::vector<std::string>& words, const std::string& option, const std::string& value);
/// The options that are not at their defaults, without the location.
void add_options(std::vector<std::string>& words, const DataSourceConfig& data);
void add_options(std::vector<std::string>& words, const SplitConfig& split);

}  // namespace genrewise
