// Feature sets that pretrained networks make. Private to this module; feature_sets.hpp lists them.
#pragma once

#include <string>
#include <vector>

#include "genrewise/features/feature_descriptor.hpp"

namespace genrewise {

/// What a set of the audio networks holds, in this order.
enum class EmbeddingPart {
  efficientat_penultimate,  ///< 384
  efficientat_pools,        ///< 504 means and 504 standard deviations of the blocks' outputs
  efficientat_classes,      ///< 527 logits of AudioSet's classes
  msd_penultimate,          ///< 200
  msd_pools,                ///< 753 maxima and 753 means
  msd_tags,                 ///< 50 probabilities
  mtt_penultimate,
  mtt_pools,
  mtt_tags,
};
/// Making the set reads the weights of its networks, and throws Error where they are missing.
FeatureSetDescriptor audio_embedding(std::string name, std::string title, std::string summary,
                                     std::vector<EmbeddingPart> parts);
FeatureSetDescriptor mobilenet_embedding();

}  // namespace genrewise
