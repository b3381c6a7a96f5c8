// The query language of the catalogue: genre:Rock confidence:>0.6 -artist:"X" added:<30d
#pragma once

#include <cstdint>
#include <filesystem>
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
  std::string condition;      ///< on the table tracks; empty: all
  std::vector<Value> values;  ///< of its parameters
  bool missing = false;       ///< it has a term on missing tracks; else they are left out
  bool ages = false;          ///< it has an age, so that what matches changes with time
};

/// Order and number of results.
struct QueryOrder {
  enum class Key { path, added, confidence, novelty, duration, artist, title, album, genre, random };
  Key key = Key::path;
  bool descending = false;
  std::uint64_t seed = 0;  ///< of `random`
  std::size_t limit = 0;   ///< 0: all
  std::size_t offset = 0;  ///< leaves out this many first ones
};
/// Names of the keys, in their order.
inline constexpr std::string_view kSortKeys[] = {"path",   "added", "confidence", "novelty", "duration",
                                                 "artist", "title", "album",      "genre",   "random"};
/// The order of a name in kSortKeys: confidence, novelty and added with the highest first. Throws UsageError.
QueryOrder parse_order(std::string_view name);

/// Throws UsageError that states the position of the term in the text (in characters, from 1) and what is allowed:
/// unknown fields, numbers, dates and quotes that cannot be read. `now_s`: seconds since 1970, for ages ("added:<30d").
Query parse_query(std::string_view text, std::int64_t now_s);
Query parse_query(std::string_view text);

/// Whether a word is a negated term of a field: "-artist:Bach". "!artist:Bach" is the same and no option for a shell.
bool is_negated_term(std::string_view word);

/// Tracks that match, without segments. Missing ones only if the query has the term "missing:yes".
std::vector<CatalogueTrack> find_tracks(const Catalogue& catalogue, const Query& query, const QueryOrder& order = {});
std::size_t count_tracks(const Catalogue& catalogue, const Query& query);

/// Tracks of paths, of a query, or those of the paths that match the query: an argument that is the path of a track
/// (also of a missing one) or of a folder with tracks stands for these; the others are joined with blanks to one query.
/// No arguments: all tracks. Throws UsageError for an existing path with a slash or an extension of audio that has no
/// track.
std::vector<CatalogueTrack> select_tracks(const Catalogue& catalogue, const std::vector<std::string>& arguments,
                                          const QueryOrder& order = {});

/// Tracks of one album or artist, with their evidence pooled.
struct TrackGroup {
  std::string artist, album;     ///< without album tags: of the folder's name; album is empty per artist
  std::filesystem::path folder;  ///< of an album's tracks; empty per artist
  std::vector<CatalogueTrack> tracks;
  std::vector<std::pair<std::string, double>> genres;  ///< mean probabilities, highest first; a correction counts as 1
  std::vector<std::size_t> outliers;                   ///< of `tracks`: their own genre is another one, not unknown
};
enum class GroupBy { album, artist };
/// In the order of their first tracks. Tracks without a prediction or correction add no evidence. An album is its
/// tracks in one folder with one album tag; an artist is the album artist, else the artist.
std::vector<TrackGroup> group_tracks(const Catalogue& catalogue, std::vector<CatalogueTrack> tracks, GroupBy by);

}  // namespace genrewise
