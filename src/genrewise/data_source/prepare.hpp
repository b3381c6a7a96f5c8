// Tracks -> feature tables: in parallel over clips, bounded in memory, resumable.
#pragma once

#include <filesystem>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_table.hpp"

namespace genrewise {

struct PrepareResult {
  std::size_t tracks = 0;      ///< of the dataset; each was extracted, reused or skipped
  std::size_t extracted = 0;   ///< by this run
  std::size_t reused = 0;      ///< ready from an earlier run
  std::vector<Fault> skipped;  ///< one per clip that could not be used, in the dataset's order
  double extract_s = 0;        ///< of this run, wall clock
};

/// Decodes every track of the dataset once and writes the feature table to `output` (.csv or .npy) with its
/// "<output>.json", to which it adds TableFacts (so that the table can also be used without the dataset).
/// Rows that are ready are kept in "<output>.partial" while it runs (see RowJournal); started again after an
/// interruption, a kill or a full disk it takes from there what was made by the same recipe from the same clip of the
/// same file (id, name, size and time of change), and tries again what was skipped. A table that is there already and
/// has the fingerprint of this dataset and recipe is left as it is, and only counted: delete it to have it made anew.
/// Of a table of this recipe with other clips, the rows whose clips are the same (ClipIdentity) are taken over. The
/// table has the dataset's order and the same bytes for any number of threads; memory does not grow with the number of
/// clips but for some hundred bytes each, unless rows of a finished table are taken over: then it is read whole. Throws
/// Error when no track could be used at all, when the output cannot be written or another run is writing it;
/// Interrupted on Ctrl-C.
PrepareResult extract_features(const Dataset& dataset, const FeatureSet& set, const std::filesystem::path& output,
                               Progress& progress, int threads = 0);

}  // namespace genrewise
