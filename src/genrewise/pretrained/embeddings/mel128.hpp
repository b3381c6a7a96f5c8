// The log-mel spectrogram for fine-tuning EfficientAT. Private to this module.
#pragma once

#include "genrewise/features/feature_descriptor.hpp"

namespace genrewise {

/// mel128: EfficientAT's log-mel spectrogram (128 bands, 100 frames per second) of the middle ten seconds of the clip,
/// 128 x 1,000 values, row-major; a shorter clip is padded with zeros. Fault "too short" below 0.1 s.
FeatureSetDescriptor mel128_features();

}  // namespace genrewise
