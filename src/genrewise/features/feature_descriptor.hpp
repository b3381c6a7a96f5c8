// Descriptor of a feature set.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Available without making the set, which may have to read the weights of a network.
struct FeatureSetDescriptor {
  std::string name;                       ///< "fma518"
  std::string title;                      ///< a few words, for listings
  std::string summary;                    ///< one line
  std::size_t columns = 0;                ///< numbers per clip
  std::string shape = {};                 ///< their layout: "224 bands x 224 frames"; empty: a plain vector
  int sample_rate_hz = 0;                 ///< clips are resampled to it; 0: the file's own
  std::string takes = {};                 ///< requirements on the clip: "at least 10,000 samples"
  std::vector<std::string> weights = {};  ///< pretrained networks whose weights it reads
  std::function<std::unique_ptr<FeatureSet>()> make = {};
};

}  // namespace genrewise
