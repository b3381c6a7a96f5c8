// Feature sets of pretrained networks. Private to this module; feature_sets.hpp lists them.
#pragma once

#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"

namespace genrewise {

/// Parts of the audio networks' feature sets, in column order. Comments: number of columns.
enum class EmbeddingPart {
  efficientat_penultimate,  ///< 384
  efficientat_pools,        ///< 504 means and 504 standard deviations of the blocks' outputs
  efficientat_classes,      ///< 527 logits of the AudioSet classes
  msd_penultimate,          ///< 200
  msd_pools,                ///< 753 maxima and 753 means
  msd_tags,                 ///< 50 probabilities
  mtt_penultimate,
  mtt_pools,
  mtt_tags,
};
/// The descriptor's factory reads the weights of its networks, and throws Error where they are missing.
FeatureSetDescriptor audio_embedding(std::string name, std::string title, std::string summary,
                                     std::vector<EmbeddingPart> parts);
FeatureSetDescriptor mobilenet_embedding();
/// EfficientAT's log-mel spectrogram (128 bands, 100 frames per second) of the middle ten seconds of the clip, for
/// fine-tuning: 128 x 1,000 values, row-major; a shorter clip is padded with zeros. Fault "too short" below 0.1 s.
FeatureSetDescriptor mel128_features();

}  // namespace genrewise
