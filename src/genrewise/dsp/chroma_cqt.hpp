// Pitch classes out of the constant-Q transform.
#pragma once

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// librosa.feature.chroma_cqt(C=..., n_chroma=12, bins_per_octave=...): constant-Q magnitudes (frames x bins, the
/// lowest a C) summed by pitch class, each frame divided by its maximum; a silent frame stays zero. `chroma` becomes
/// frames x 12. bins_per_octave, a multiple of 12, is what the caller says of the bins: 12 is the truth for Cqt; FMA's
/// features.py leaves it out, and since librosa 0.8 that means 36, so that groups of three neighbouring semitones count
/// as one (fma518 repeats it). Throws Error for other counts.
void chroma_cqt(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

/// librosa.feature.chroma_cens(C=..., n_chroma=12, bins_per_octave=...): energy-normalised chroma (Müller and Ewert,
/// 2011): shares of each frame, quantised at 0.05, 0.1, 0.2 and 0.4, smoothed by a Hann window of 41 frames, and scaled
/// to unit length.
void chroma_cens(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

}  // namespace genrewise
