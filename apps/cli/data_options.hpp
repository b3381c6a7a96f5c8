// The options that name the data of a command: DATASET, features, tables, and how the examples are split.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "genrewise/data_source/data_source.hpp"
#include "genrewise/dataset/split.hpp"

namespace genrewise::cli {

/// --scheme and --split-file.
struct SplitOptions {
  void add_to(CLI::App* command);
  SplitConfig config_with(std::uint64_t seed) const;

  std::string scheme = "auto", file;
};

/// --merge and --min-groups.
void add_genre_options(CLI::App* command, GenreConfig& genres);

/// DATASET, --features, --table, --subset, --merge and --min-groups.
struct DataOptions {
  enum class Tables { one, several };  ///< several: --table NAME=PATH too, for models that name features of their own
  void add_to(CLI::App* command, Tables tables = Tables::one);
  DataSourceConfig config;
};

}  // namespace genrewise::cli
