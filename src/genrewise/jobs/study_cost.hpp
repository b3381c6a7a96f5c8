// Estimates of a study's time from short measurements on this machine, before anything is computed.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "genrewise/base/progress.hpp"
#include "genrewise/data_source/data_source.hpp"
#include "genrewise/study/study.hpp"

namespace genrewise {

/// Expected wall-clock seconds.
struct StudyCost {
  std::map<std::string, double> features_s;  ///< extraction by feature set; "": the study's own
  std::map<std::string, double> models_s;    ///< search, fit and predictions by model name, once
  /// Why no measured clip can be used, by feature set: "too short". Such a set has no cost.
  std::map<std::string, std::string> unusable;
};

/// Measures the extraction of a few clips per feature set (0 s if its table exists) and fits of every model to a few
/// made-up examples with the same columns and labels, and scales both to the data. Iterations of networks count in
/// full, so a fit that stops early takes less. A model that cannot be fitted has the cost 0. Throws Error as
/// make_feature_set() does; Interrupted.
StudyCost estimate_cost(const DataSource& source, const StudyConfig& study, const FeaturesPath& path_of,
                        Progress& progress);

}  // namespace genrewise
