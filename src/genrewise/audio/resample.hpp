// Sample-rate conversion.
#pragma once

#include <span>
#include <vector>

namespace genrewise {

/// Resamples a whole signal with soxr's HQ quality (librosa's default, "soxr_hq") to ceil(n * to_hz / from_hz) samples.
/// Equal rates give a copy. Throws Error for rates outside 1 .. 10,000,000 Hz, and
/// Interrupted.
std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz);

}  // namespace genrewise
