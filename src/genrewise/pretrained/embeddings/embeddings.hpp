// Feature sets that pretrained networks make. Private to this module; feature_sets.hpp lists them.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"

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
/// Each reads the weights of its networks, and throws Error where they are missing.
std::unique_ptr<FeatureSet> make_audio_embedding(std::string name, std::string description,
                                                 std::vector<EmbeddingPart> parts);
std::unique_ptr<FeatureSet> make_mobilenet_embedding();

}  // namespace genrewise
