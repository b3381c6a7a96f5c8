// Options that jobs have in common, and as words of a command line.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// The data for examples that are split so: --min-groups counts the groups that the scheme keeps together.
DataSourceConfig data_for(DataSourceConfig data, const SplitConfig& split);

/// Throws Error for a genre to be merged that the data does not have, before a run's folder is touched.
void require_genres(const DataSource& source);

/// Takes the feature set that a model names ("audiotag/svm"; empty: none). Throws UsageError when --features names
/// another one.
void name_features(DataSourceConfig& data, const std::string& set);

/// Throws UsageError when a split is asked for, by scheme or file, where none is made; `why` says so.
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
