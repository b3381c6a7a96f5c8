// Delta features: local slopes of a series.
#pragma once

#include <span>

namespace genrewise {

/// librosa.feature.delta (width 9, order 1): the slope per frame of the least-squares line through a frame and four
/// neighbours on each side; the first and last four frames have the slope of the nearest full window. Series of fewer
/// than nine frames give 0. `slope` has the size of `series`.
void delta(std::span<const float> series, std::span<float> slope);

}  // namespace genrewise
