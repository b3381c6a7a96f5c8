// The spectrogram on which EfficientAT is trained further. Private to this module.
#pragma once

#include "genrewise/features/feature_descriptor.hpp"

namespace genrewise {

/// mel128: EfficientAT's own log-mel spectrogram (128 bands, a hundred frames a second) of the middle ten seconds of
/// the clip, 128 x 1,000 numbers, row by row; a shorter clip ends in zeros. Fault "too short" below a tenth of a
/// second.
FeatureSetDescriptor mel128_features();

}  // namespace genrewise
