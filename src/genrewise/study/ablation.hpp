// Ablation: the same study on subsets of the features.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// Each feature of the table alone and, if the features exist, the seven combinations of the FMA dataset's published
/// baselines (Defferrard et al. 2017: MFCC with spectral contrast, then with chroma, centroid, tonnetz and
/// zero-crossing rate added), ending with "all".
std::vector<std::string> ablation_features(const std::vector<FeatureColumn>& columns);

/// The study on one set of features.
struct AblationRow {
  std::string features;
  std::optional<std::string> fma_name;  ///< name of the row in FMA's published table; only for its 518 features
  std::size_t columns = 0;
  std::vector<ModelResult> models;
};

/// One row per set of ablation_features(). `store_of` returns the store for a set; see StudyStore.
std::vector<AblationRow> run_ablation(
    const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
    const std::function<StudyStore(const Examples& selected, const std::string& features)>& store_of);

}  // namespace genrewise
