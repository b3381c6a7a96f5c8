// For the readers of this room: what they share when they turn rows and files into a Dataset.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "genrewise/base/csv.hpp"
#include "genrewise/dataset/dataset.hpp"

namespace genrewise {

/// Collects tracks with their genres by name, and sorts, numbers and checks them at the end.
class DatasetBuilder {
 public:
  DatasetBuilder(std::string kind, const std::filesystem::path& location, bool keep_unlabelled);

  /// `where` names the row or file in faults and errors. A track without a genre or without an audio file is rejected.
  /// Throws Error when another track has the same id.
  void add(Track track, std::string_view genre, const std::string& where);
  void reject(std::string reason, std::string where, std::string detail = {});
  void ignore() { ++dataset_.ignored; }
  /// Throws Error when no track is left: with the reasons, or with `looked_for`.
  Dataset build(const std::string& looked_for) &&;

 private:
  Dataset dataset_;
  bool keep_unlabelled_;
  std::unordered_map<std::string, int> label_ids_;  // in the order in which genres were met
  std::unordered_map<std::string, std::string> where_by_id_;
};

/// A CSV whose columns are known by the names in its first row.
class NamedCsv {
 public:
  /// Takes over the text of the file at `path`. Throws Error when it has no row.
  explicit NamedCsv(const std::filesystem::path& path);
  NamedCsv(const NamedCsv&) = delete;
  NamedCsv& operator=(const NamedCsv&) = delete;

  bool has(std::string_view column) const { return columns_.contains(std::string(column)); }
  /// Throws Error naming the columns that are not there.
  void require(const std::vector<std::string>& columns) const;
  /// The next row; false at the end. Throws Error for a row with too few or too many fields.
  bool next();
  /// A field of the current row without blanks around it; empty when there is no such column.
  std::string_view get(std::string_view column) const;
  /// "path:line" of the current row.
  std::string where() const;

 private:
  std::string text_;
  CsvReader reader_;
  std::unordered_map<std::string, std::size_t> columns_;
  std::vector<std::string_view> fields_;
};

/// Order of ids: whole numbers by value and before all else, the rest by bytes.
bool id_less(std::string_view a, std::string_view b);

}  // namespace genrewise
