// The query language of the catalogue: genre:Rock confidence:>0.6 -artist:"X" added:<30d
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "genrewise/library/catalogue.hpp"

namespace genrewise {

/// A parsed query: the conjunction of its terms, as a condition of SQL with values. docs/library.md describes the
/// language.
struct Query {
  using Value = std::variant<std::int64_t, double, std::string>;
  std::string condition;      ///< on the view of tracks; empty: all
  std::vector<Value> values;  ///< of its parameters
};

/// Order and number of results.
struct QueryOrder {
  enum class Key { path, added, confidence, novelty, duration, artist, random };
  Key key = Key::path;
  bool descending = false;
  std::uint64_t seed = 0;  ///< of `random`
  std::size_t limit = 0;   ///< 0: all
};

/// Throws UsageError that names the term and its position in the text, and what is allowed: unknown fields (with the
/// nearest name), numbers, dates and quotes that cannot be read. `now_s`: seconds since 1970, for ages ("added:<30d").
Query parse_query(std::string_view text, std::int64_t now_s);
Query parse_query(std::string_view text);

/// Tracks that match, without segments. Missing ones only if the query has the term "missing:yes".
std::vector<CatalogueTrack> find_tracks(const Catalogue& catalogue, const Query& query, const QueryOrder& order = {});
std::size_t count_tracks(const Catalogue& catalogue, const Query& query);

/// Tracks of a query or of paths: every argument that is an existing file or folder, or the path of a track of the
/// catalogue, stands for its tracks; the others are joined with blanks to one query. No arguments: all tracks.
std::vector<CatalogueTrack> select_tracks(const Catalogue& catalogue, const std::vector<std::string>& arguments,
                                          const QueryOrder& order = {});

}  // namespace genrewise
