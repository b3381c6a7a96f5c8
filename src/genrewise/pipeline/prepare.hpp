// Tracks -> feature tables: in parallel over clips, bounded in memory, resumable.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {

struct PrepareResult {
  std::size_t tracks = 0, extracted = 0, reused = 0;
  std::vector<Fault> skipped;  ///< one per clip that could not be used
  double extract_s = 0;
};

/// Decodes every track of the dataset once and writes the feature table to `output` (.csv or .npy) with its
/// "<output>.json". Rows that are ready are kept in "<output>.partial" while it runs; started again after an
/// interruption, it goes on from there (the file is ignored when recipe or track list differ). The table's rows are in
/// the dataset's order for any number of threads. Throws Error when no track could be used at all, Interrupted on
/// Ctrl-C.
PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const std::filesystem::path& output,
                               Progress& progress, int threads = 0);

}  // namespace genrewise
