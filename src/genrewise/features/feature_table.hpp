// Tracks x features, in memory and in files.
#pragma once

#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/features/feature_set.hpp"

namespace genrewise {

struct FeatureTable {
  FeatureRecipe recipe;
  std::vector<FeatureColumn> columns;
  std::vector<std::string> track_ids;
  Matrix values;  ///< one row per track id, one column per column
};

/// Reads a table in the layout of FMA's features.csv (three header rows, an index-name row) or a .npy matrix (float32
/// or float64, C order); what these layouts cannot hold (recipe; ids and columns of a .npy) is read from "<path>.json"
/// beside it. A CSV without one is taken for the table that FMA publishes when it has its 518 columns; its recipe is
/// published_fma_recipe(). Throws Error with line and column for a cell that is no finite number.
FeatureTable read_feature_table(const std::filesystem::path& path);

/// {"fma518", 0, ...}: the same columns, but computed by librosa 0.5, whose figures differ (docs/features.md), so they
/// do not mix with version 1, which this program extracts.
FeatureRecipe published_fma_recipe();

/// Writes ".csv" or ".npy" by the path's ending, and "<path>.json", row by row in bounded memory (but for the track ids).
class FeatureTableWriter {
 public:
  /// `rows` rows will be added. Throws Error for another ending than .csv and .npy, and when a file cannot be created.
  FeatureTableWriter(std::filesystem::path path, FeatureRecipe recipe, std::vector<FeatureColumn> columns,
                     std::size_t rows);
  ~FeatureTableWriter();

  /// Throws Error for a row of another length than the columns'.
  void add(std::string_view track_id, std::span<const float> values);
  /// Makes both files appear, the .json first. Throws Error when other than `rows` rows were added.
  void commit();

 private:
  struct Files;
  std::unique_ptr<Files> files_;
  std::filesystem::path path_;
  FeatureRecipe recipe_;
  std::vector<FeatureColumn> columns_;
  std::vector<std::string> track_ids_;
  std::size_t rows_;
  bool csv_;
  std::string line_;
};

}  // namespace genrewise
