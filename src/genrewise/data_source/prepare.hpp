// Extracts feature tables from datasets: in parallel over clips, in bounded memory, resumable.
#pragma once

#include <filesystem>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {

struct PrepareResult {
  std::size_t tracks = 0;      ///< tracks of the dataset; each was extracted, reused or skipped
  std::size_t extracted = 0;   ///< by this run
  std::size_t reused = 0;      ///< from an earlier run
  std::vector<Fault> skipped;  ///< one per clip that could not be used, in the dataset's order
  double extract_s = 0;        ///< wall-clock time of this run
};

/// Decodes every track of the dataset once and writes the feature table to `output` (.csv or .npy) with its
/// "OUTPUT.json", which also contains TableFacts so that the table can be used without the dataset. Resumes, and reuses
/// rows of an existing table, as docs/pipeline.md ("From tracks to a feature table") and docs/datasets.md state.
///
/// Memory: some hundred bytes per clip; a finished table whose rows are taken over is read whole. Throws Error if no
/// track can be used, the output cannot be written or another run is writing it; Interrupted on Ctrl-C.
PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const std::filesystem::path& output,
                               Progress& progress, int threads = 0);

}  // namespace genrewise
