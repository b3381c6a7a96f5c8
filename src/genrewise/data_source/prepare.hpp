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

class FeatureCache;

/// A feature table to write.
struct TableOutput {
  const FeatureSet* set = nullptr;
  std::filesystem::path location;  ///< .csv or .npy
};

/// Writes the feature tables of a dataset, each with its "LOCATION.json", which also contains TableFacts so that the
/// table can be used without the dataset. Every track of which a table lacks the row is decoded once for all of them;
/// the tables are the same as if each was written alone. Resumes, and reuses rows of existing tables, as
/// docs/pipeline.md ("From tracks to a feature table") and docs/datasets.md state; with a cache also rows of its
/// tables, and new rows are kept there.
///
/// Memory: some hundred bytes per clip and table, besides a clip and its rows per thread. Throws Error if no track can
/// be used for a table (after the others are written), an output cannot be written or another run is writing it;
/// Interrupted on Ctrl-C.
std::vector<PrepareResult> extract_features(const Dataset& dataset, const std::vector<TableOutput>& outputs,
                                            Progress& progress, int threads = 0, const FeatureCache* cache = nullptr);
PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const std::filesystem::path& output,
                               Progress& progress, int threads = 0);

}  // namespace genrewise
