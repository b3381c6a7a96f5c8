// The folder of a hyper-parameter search.
#pragma once

#include "genrewise/study/run_folder.hpp"
#include "genrewise/study/tuning.hpp"

namespace genrewise {

/// runs/NAME/ with config.json, tuning.json, tuning.csv and report.html. During the search folds.jsonl contains the
/// finished scores, one point on one fold per line.
class TuningFolder : public LockedFolder {
 public:
  using LockedFolder::LockedFolder;

  /// Finds finished scores of the same data. Ignores a line that was cut off by a kill.
  TuningStore store(const Examples& examples) const;
};

}  // namespace genrewise
