// Noise or tones, steady or moving: flatness and flux of a spectrum.
#pragma once

#include <span>

namespace genrewise {

/// librosa.feature.spectral_flatness (power 2, amin 1e-10): the geometric mean of a frame's powers over their
/// arithmetic mean; 1 for white noise and silence, near 0 for tones. `power` starts on a 64-byte border and has at
/// least one bin.
float spectral_flatness(std::span<const float> power);

/// Spectral flux (Tzanetakis and Cook, 2002): the sum of squared differences of two frames' magnitudes, each divided
/// by its sum. `previous` and `power` hold powers; a silent frame counts as zeros.
float spectral_flux(std::span<const float> previous, std::span<const float> power);

}  // namespace genrewise
