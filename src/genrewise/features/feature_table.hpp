// Feature tables (tracks x features) in memory and in files.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

struct FeatureTable {
  FeatureRecipe recipe;
  std::vector<FeatureColumn> columns;
  std::vector<std::string> track_ids;
  Matrix values;  ///< one row per track id, one column per column
  /// Per column; the number of the table is values(i, j) + offsets[j]. Empty: all 0, as in tables of this program. Set
  /// for tables of other programs with a column whose mean is far from 0 compared with its spread (storage_offset()),
  /// which float32 alone would round too coarsely.
  std::vector<double> offsets = {};
};

/// The number that is subtracted from a column before it is stored as float32: its mean if that is at least 1,000
/// standard deviations (float32 then keeps fewer than 14 bits of the deviation), else 0.
double storage_offset(std::span<const double> column);
/// Whether the number is finite and within the range of float32.
bool fits_float32(double value);

/// Reads a table in the layout of FMA's features.csv (three header rows, an index-name row) or a .npy matrix (float32
/// or float64, C order). "PATH.json" beside it contains the recipe, and the ids and columns of a .npy. A CSV without
/// one that has FMA's 518 columns counts as the table that FMA publishes; its recipe is published_fma_recipe(). FMA's
/// echonest.csv gives its 237 numbers of audio_features, social_features and temporal_features; recipe {"echonest", 0}.
/// Throws Error with line (or row) and column for a cell that is not a finite float32, and if the number of rows or
/// the checksum differs from the one in the ".json" (a truncated or altered table; earlier versions wrote none).
FeatureTable read_feature_table(const std::filesystem::path& path);

/// Calls `use` for each row of a table of this program, in order. A .npy is checked, as read_feature_table() does, and
/// then read row by row; a CSV is read whole.
void for_each_row(const std::filesystem::path& path,
                  const std::function<void(std::size_t row, std::span<const float> values)>& use);

/// {"fma518", 0, ...}: the same columns, computed by librosa 0.5. Its figures differ (docs/features.md), so it cannot
/// be mixed with version 1, which this program extracts.
FeatureRecipe published_fma_recipe();

/// The bytes of a table before its rows. Throws Error for a file that is neither a CSV of FMA's layout nor a .npy.
std::string read_table_header(const FileReader& table);
/// The header of a table with the same columns and another number of rows.
std::string header_with_rows(const std::string& header, std::size_t rows);

/// Writes a .csv or .npy file, by the path's extension, and "PATH.json", row by row. Memory is bounded except for the
/// track ids.
class FeatureTableWriter {
 public:
  /// `rows`: number of rows that will be added. `condition` holds for the .json at commit. Throws Error for an
  /// extension other than .csv and .npy, and if a file cannot be created.
  FeatureTableWriter(std::filesystem::path path, FeatureRecipe recipe, std::vector<FeatureColumn> columns,
                     std::size_t rows, WriteCondition condition = {});

  /// Throws Error if the length of the row differs from the number of columns.
  void add(std::string_view track_id, std::span<const float> values);
  /// Makes both files appear, the .json first, with the members of `facts` in it. Throws Error if the number of added
  /// rows is not `rows`, and WriteConflict; an old table and its .json stay if one of the new files cannot be written.
  void commit(const nlohmann::json& facts);
  /// Bytes of the table until now.
  std::uint64_t bytes() const { return bytes_; }

 private:
  void write(std::string_view text);

  std::filesystem::path path_;
  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;
  std::vector<std::string> track_ids_;
  std::size_t rows_;
  bool csv_;
  std::unique_ptr<FileWriter> table_, sidecar_;
  Hasher sum_ = Hasher(HashKind::sha256);  // of the table
  std::uint64_t bytes_ = 0;
  std::string line_;
};

/// The ending of a feature table of that width where no other is given: ".csv" up to 2,000 columns, else ".npy".
const char* table_ending(std::size_t columns);

/// "TABLE.json", which describes the feature table TABLE.
std::filesystem::path sidecar_path(const std::filesystem::path& table);

/// What to do about a sidecar with values that are missing or of another type.
inline constexpr const char* kSidecarRemedy = "restore it, or delete it and the table and extract the features again";

/// The object in the sidecar; empty if there is none. Throws Error for text that is not a JSON object and for one that
/// does not fit its checksum; sidecars of earlier versions have none.
std::optional<nlohmann::json> read_sidecar(const std::filesystem::path& table);

}  // namespace genrewise
