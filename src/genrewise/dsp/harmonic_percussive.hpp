// Harmonic-percussive separation of a spectrogram.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/base/matrix.hpp"
#include "genrewise/dsp/aligned.hpp"

namespace genrewise {

struct HarmonicScratch {
  AlignedVector<float> by_frame, by_band, over_time, over_frequency;
};

/// librosa.decompose.hpss(S, mask=True)[0] (Fitzgerald, 2010; Driedger, Müller and Disch, 2014; kernel 31, power 2,
/// margin 1): the harmonic share of each value, from the medians over 31 frames and over 31 bands around it; the rest
/// is percussive. `magnitudes`: frames x bands, not negative; `mask` gets the same shape.
void harmonic_mask(const Matrix& magnitudes, Matrix& mask, HarmonicScratch& scratch);

/// The share of each frame's magnitude that is harmonic; 0.5 for a silent frame.
void harmonic_share(const Matrix& magnitudes, const Matrix& mask, std::span<float> share);

}  // namespace genrewise
