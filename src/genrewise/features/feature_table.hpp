// Tracks x features, in memory and in files.
#pragma once

#include <filesystem>
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

/// Reads a table in the layout of FMA's features.csv (three header rows, an index-name row) or a .npy matrix; what
/// these layouts cannot hold (recipe; ids and columns of a .npy) is read from "<path>.json" beside it. A features.csv
/// without one, as FMA publishes it, is known by its 518 columns. Throws Error with line and column for a cell that is
/// no number.
FeatureTable read_feature_table(const std::filesystem::path& path);

/// Writes ".csv" or ".npy" by the path's ending, and "<path>.json"; both appear only when complete.
void write_feature_table(const FeatureTable& table, const std::filesystem::path& path);

}  // namespace genrewise
