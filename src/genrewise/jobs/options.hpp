// Options that jobs share, and their command-line form.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise {

/// Data source for examples that are split like this: --min-groups counts the groups that the scheme keeps together.
DataSourceConfig data_for(DataSourceConfig data, const SplitConfig& split);

/// Throws Error if --merge names an unknown genre, before a run folder is changed.
void require_genres(const DataSource& source);

/// Sets the feature set that a model names ("audiotag/svm"; empty: none). Throws UsageError if --features names another
/// one.
void name_features(DataSourceConfig& data, const std::string& set);

/// Throws UsageError with the message `why` if a split scheme or file is given.
void require_not_given(const SplitConfig& split, const std::string& why);

/// Data, features and split that identify a run; for config.json.
nlohmann::json run_identity(const DataSource& source, const SplitConfig& split);

/// Command line for a POSIX shell: the words, quoted if necessary, separated by blanks.
std::string shell_line(const std::vector<std::string>& words);
void add_option(std::vector<std::string>& words, const std::string& option, const std::string& value);
/// Appends the options that differ from their defaults, without the location.
void add_options(std::vector<std::string>& words, const DataSourceConfig& data);
void add_options(std::vector<std::string>& words, const SplitConfig& split);

}  // namespace genrewise
