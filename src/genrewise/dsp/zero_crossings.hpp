// The zero-crossing rate.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise {

/// The share of samples of each frame before which the sign changes, like librosa.feature.zero_crossing_rate (values
/// within 1e-10 of zero count as positive; frames are centred at i * hop_samples; the signal is padded with its end
/// values; a frame's first sample never counts). `rates` has 1 + samples / hop_samples values. frame_samples is even
/// and a multiple of hop_samples.
void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates);

}  // namespace genrewise
