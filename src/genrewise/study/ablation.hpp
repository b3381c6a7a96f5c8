// The same study on parts of the features: what each is worth.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/study/study.hpp"

namespace genrewise {

/// Each feature of the table alone and, where they are there, the seven combinations of the FMA dataset's published
/// baselines (Defferrard et al. 2017: MFCC with spectral contrast, then with chroma, centroid, tonnetz and
/// zero-crossing rate added), ending with "all".
std::vector<std::string> ablation_features(const std::vector<FeatureColumn>& columns);

/// One row per feature set: {"features", "fma_name", "columns", "models": [as in results.json, without what is per
/// genre]}; fma_name is what FMA's published table calls the row, null where the table is not of FMA's 518 features.
/// `store_of` gives the store for a set; see StudyStore.
nlohmann::json run_ablation(
    const Examples& examples, const Split& split, const StudyConfig& config, Progress& progress,
    const std::function<StudyStore(const Examples& selected, const std::string& features)>& store_of);

}  // namespace genrewise
