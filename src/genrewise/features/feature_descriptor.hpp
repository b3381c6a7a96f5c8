// What a feature set declares of itself.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Known without making the set, which for some reads the weights of a network.
struct FeatureSetDescriptor {
  std::string name;                       ///< "fma518"
  std::string title;                      ///< a few words for lists
  std::string summary;                    ///< one line for people
  std::size_t columns = 0;                ///< numbers per clip
  std::string shape = {};                 ///< how they lie: "224 bands x 224 frames"; empty: a plain vector
  int sample_rate_hz = 0;                 ///< to which clips are resampled; 0: the file's own
  std::string takes = {};                 ///< what clips it takes: "at least 10,000 samples"
  std::vector<std::string> weights = {};  ///< pretrained networks whose weights it reads
  std::function<std::unique_ptr<FeatureSet>()> make = {};
};

}  // namespace genrewise
