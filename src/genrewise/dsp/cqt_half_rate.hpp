// Halves the sampling rate between octaves of the constant-Q transform.
#pragma once

#include <cstddef>
#include <span>

namespace genrewise {

/// Writes `in` at half its rate, times sqrt(2) (like librosa.resample(scale=True)), to `out` ((in.size() + 1) / 2
/// samples). The first and last `exact_samples` (>= 1) use the filter of librosa's resampler (halving_filter()): they
/// contain the transient of a clip that starts or ends abruptly. In between, with a smooth transition, a short
/// half-band filter is used. It matches the other one within 1e-4 up to a quarter of the new rate; lower octaves do not
/// use frequencies above that (where it aliases).
void halve_rate(std::span<const float> in, std::size_t exact_samples, std::span<float> out);

}  // namespace genrewise
