// Halving a sampling rate on the way down the octaves of the constant-Q transform.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise {

/// `out` ((in.size() + 1) / 2 samples) becomes `in` at half its rate, times sqrt(2) (as librosa.resample(scale=True)).
/// The first and the last `exact_samples` (>= 1) are those of librosa's resampler (halving_filter()): they hold the
/// transient of a clip that is cut in mid-music. Further inside, a short half-band filter takes over smoothly. It
/// equals the other within 1e-4 up to a quarter of the new rate; what lies above (and aliases there) is heard by no
/// octave below.
void halve_rate(std::span<const float> in, std::size_t exact_samples, std::span<float> out);

}  // namespace genrewise
