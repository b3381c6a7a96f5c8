/// @file
/// Folds spellings of genres into a taxonomy: "Hip Hop", "hiphop" and "Rap/Hip-Hop" are Hip-Hop.
/// @code
/// const auto genres = GenreMap::standard().fold(tags.genres);  // {"Hip-Hop"}
/// @endcode
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

class GenreMap {
 public:
  /// The map of the program, tables/genre_map.yaml: common spellings, ID3v1's genres and FMA's tree.
  static const GenreMap& standard();
  /// The standard map with the changes of a YAML file (docs/datasets.md): its spellings and parents take precedence.
  ///     Rock: [rock & roll, indie]
  ///     Metal: {names: [heavy, doom], parent: Rock}
  ///     ~: [Incoming]
  /// Throws Error with line and column for text that is not such YAML, a name of two genres, an unknown parent and a
  /// circle of parents, and for a file above 1 MiB.
  explicit GenreMap(const std::filesystem::path& file);

  /// The genre of a spelling, compared by name_key() between separators; its top-level ancestor if `top_level`. Empty
  /// text for what states no genre: "Other", a number, a year, punctuation. Nothing if the map does not have it.
  std::optional<std::string> find(std::string_view spelling, bool top_level = false) const;
  /// Genres of tag values in the order of the tags, without repetition. Values are split at ";", "|", "\", NUL, then
  /// ",", then "/", except inside of names that the map has ("Drum & Bass/Jungle; Rock"). Spellings that the map does
  /// not have stay as they are.
  std::vector<std::string> fold(std::span<const std::string> values, bool top_level = false) const;
  /// Parent of each genre that has one.
  const std::map<std::string, std::string>& parents() const { return parents_; }

 private:
  GenreMap() = default;
  void add(const std::string& text, const std::string& where);
  void split(std::string_view value, std::vector<std::string>& parts) const;

  std::map<std::string, std::string, std::less<>> genre_of_;  // by key; empty: states no genre
  std::map<std::string, std::string> parents_;
};

}  // namespace genrewise
