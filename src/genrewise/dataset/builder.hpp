// For the kinds of datasets: their list, and what collects rows and files into a Dataset. Private to this module.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "genrewise/base/csv.hpp"
#include "genrewise/dataset/csv_columns.hpp"
#include "genrewise/dataset/dataset.hpp"

/// In the order in which open_dataset() tries them. A new kind is one line here, and one file that defines the function
/// of that name, which returns its descriptor.
#define GENREWISE_DATASET_KINDS(ENTRY) \
  ENTRY(fma_dataset)                   \
  ENTRY(list_dataset)                  \
  ENTRY(csv_dataset)                   \
  ENTRY(playlist_dataset)              \
  ENTRY(tagged_dataset)                \
  ENTRY(folder_dataset)

namespace genrewise {

#define GENREWISE_DECLARE(name) DatasetKindDescriptor name();
GENREWISE_DATASET_KINDS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

/// Collects tracks and genre names; build() sorts and checks the tracks and numbers the genres.
class DatasetBuilder {
 public:
  DatasetBuilder(std::string kind, const std::filesystem::path& location, bool keep_unlabelled);

  /// Rejects a track without a genre (unless unlabelled tracks are kept) or without an audio file. `where` is the row
  /// or file that faults and errors name. Throws Error when another track has the same id.
  void add(Track track, std::string_view genre, const std::string& where);
  void reject(std::string reason, std::string where, std::string detail = {});
  void ignore() { ++dataset_.ignored; }
  /// Throws Error if no track is left; its message has the reasons, and `looked_for` as the remedy.
  Dataset build(const std::string& looked_for) &&;

 private:
  Dataset dataset_;
  bool keep_unlabelled_;
  std::unordered_map<std::string, int> label_ids_;             // in order of first occurrence
  std::unordered_map<std::size_t, std::uint32_t> line_by_id_;  // by the hash of the id; 0: not a line of a file
};

/// A CSV file whose first row names the columns; see CsvColumns for the meanings by which they are found.
class NamedCsv {
 public:
  /// Reads the whole file at `path`. Throws Error if it has no header row.
  explicit NamedCsv(const std::filesystem::path& path);
  NamedCsv(const NamedCsv&) = delete;
  NamedCsv& operator=(const NamedCsv&) = delete;

  bool has(std::string_view column) const { return columns_.find(column).has_value(); }
  /// Throws Error that names the missing columns and the ones that exist.
  void require(const std::vector<std::string>& columns, const std::string& remedy) const;
  /// Moves to the next row; false at the end. Throws Error for a row with too few or too many fields.
  bool next();
  /// Field of the current row, trimmed; empty if there is no such column.
  std::string_view get(std::string_view column) const;
  /// The same with the blanks around it.
  std::string_view get_untrimmed(std::string_view column) const;
  /// "path:line" of the current row.
  std::string where() const;

 private:
  std::string text_;
  CsvReader reader_;
  CsvColumns columns_;
  std::vector<std::string> header_;
  std::vector<std::string_view> fields_;
};

/// Location of the file that a row or line names, relative to `folder`. Blanks around the name belong to it if there is
/// such a file on this machine.
struct NamedFile {
  std::filesystem::path path;
  std::string name;  ///< with the blanks that belong to it
};
NamedFile named_file(const std::filesystem::path& folder, std::string_view text);

/// Whether a file or folder is hidden by its name.
inline bool is_hidden(const std::filesystem::path& path) {
  return path.filename().string().starts_with('.');
}

/// Where the genre folders of a location are: GTZAN's archives contain them one level down, beside images.
std::filesystem::path genre_folders_of(const std::filesystem::path& location);
/// The folder, or a folder in it, that contains clips as FMA's archives do; empty if there is none.
std::filesystem::path find_fma_clips(const std::filesystem::path& folder);

/// Throws Error if there are fewer tracks than parts.
void require_enough(std::size_t tracks, const JobPart& part, const std::string& where);

/// Whether the location is a list of locations or a prefix of an object store.
bool is_list_dataset(const std::filesystem::path& location);

bool all_digits(std::string_view text);
/// Order of ids: whole numbers by value, then everything else by bytes.
bool id_less(std::string_view a, std::string_view b);

}  // namespace genrewise
