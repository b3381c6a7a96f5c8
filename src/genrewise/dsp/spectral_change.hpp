// Spectral flatness and flux.
#pragma once

#include <span>

namespace genrewise {

/// librosa.feature.spectral_flatness (power 2, amin 1e-10): the geometric mean of a frame's powers over their
/// arithmetic mean; 1 for white noise and silence, near 0 for tones. `power` is 64-byte aligned and has at least one
/// bin.
float spectral_flatness(std::span<const float> power);

/// Spectral flux (Tzanetakis and Cook, 2002): the sum of squared differences of two frames' magnitudes, each divided by
/// its sum. `previous` and `power` are power spectra; silent frames count as zeros.
float spectral_flux(std::span<const float> previous, std::span<const float> power);

}  // namespace genrewise
