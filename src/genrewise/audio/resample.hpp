// Other sample rates.
#pragma once

#include <span>
#include <vector>

namespace genrewise {

/// The whole signal at another rate: soxr's HQ recipe (librosa's default, "soxr_hq"), ceil(n * to_hz / from_hz)
/// samples. Equal rates give a copy. Throws Error when a rate is not within 1 .. 10,000,000 Hz.
std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz);

}  // namespace genrewise
