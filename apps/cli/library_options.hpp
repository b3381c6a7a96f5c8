// Options of the commands that use the catalogue.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/query.hpp"

namespace genrewise::cli {

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
