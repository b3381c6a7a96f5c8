/// @file
/// Columns of lists of clips and labelled tables, by the names in their header row.
/// @code
/// const CsvColumns columns(header);
/// if (const auto genre = columns.find("genre")) genres.push_back(row[*genre]);
/// @endcode
#pragma once

#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// The meanings of the columns of one header row. Names are compared without case; blanks and hyphens equal
/// underscores; each meaning has synonyms (docs/datasets.md, "CSV"). If several columns have one meaning, the one whose
/// name is listed first is used, and the others are ignored.
class CsvColumns {
 public:
  CsvColumns() = default;
  explicit CsvColumns(const std::vector<std::string_view>& header);

  /// Index of the column with this meaning ("path", "genre", "track_id", "filename", "artist", "album", "title",
  /// "split", "start_s" or "duration_s"), or with this name in lower case if it has none of them.
  std::optional<std::size_t> find(std::string_view meaning) const;
  /// Whether the column has a meaning other than that of a feature: one of the above except start_s and duration_s, or
  /// no name (pandas' row numbers).
  bool is_described(std::size_t column) const;
  /// Whether each row describes a clip of an audio file: there is a genre, and a path; or a filename, if no column can
  /// be a feature.
  bool lists_clips() const;
  /// Whether each row contains the genre and features of an example.
  bool is_labelled_table() const { return find("genre") && !lists_clips(); }
  /// Two columns whose names are equal; empty if there are none.
  std::string repeated() const;

 private:
  std::vector<std::string> names_, meanings_;  // by column
  std::vector<std::size_t> ranks_;             // position of the name among its synonyms
};

/// The columns of a CSV file, from its first row only; none if there is no such file or its first row is not one.
CsvColumns read_csv_columns(const std::filesystem::path& path);

/// The first line of a file without its end; empty if there is no such file. Reads at most 4 MiB.
std::string first_line(const std::filesystem::path& path);

}  // namespace genrewise
