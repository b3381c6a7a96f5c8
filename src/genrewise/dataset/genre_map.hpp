// Folds spellings of genres into a taxonomy: "Hip Hop", "hiphop" and "rap" are Hip-Hop.
#pragma once

#include <filesystem>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Splits a tag that lists genres: at ";", "/", "," and NUL, except inside of names that the map knows ("Drum & Bass /
/// Jungle" stays whole if the map has it). Blanks are trimmed, empty and repeated genres left out.
class GenreMap {
 public:
  /// The map of the program (tables/genre_map.yaml): common spellings, ID3v1's genres and FMA's tree.
  static const GenreMap& standard();
  /// Reads a YAML file:
  ///     Rock: {names: [rock & roll, indie], parent: null}
  ///     Metal: {parent: Rock}
  /// Throws Error with line and column for text that is not YAML, a name of two genres, an unknown parent or a circle.
  explicit GenreMap(const std::filesystem::path& file);

  /// The genre of the map for a spelling, without regard to case, accents, blanks and punctuation; its top-level
  /// ancestor if `top_level`. Empty if the map does not have it.
  std::optional<std::string> find(std::string_view spelling, bool top_level = false) const;
  /// Genres of tag values in the order of the tags, without repetition; spellings that the map does not have are kept
  /// as they are (trimmed).
  std::vector<std::string> fold(std::span<const std::string> values, bool top_level = false) const;
  /// Parent of each genre that has one.
  const std::map<std::string, std::string>& parents() const { return parents_; }

 private:
  GenreMap() = default;
  void parse(const std::string& text, const std::string& where);
  std::map<std::string, std::string, std::less<>> genre_of_;  // by key (normalised spelling)
  std::map<std::string, std::string> parents_;
};

}  // namespace genrewise
