// Chroma from the constant-Q transform.
#pragma once

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// librosa.feature.chroma_cqt(C=..., n_chroma=12, bins_per_octave=...): constant-Q magnitudes (frames x bins, the
/// lowest a C) summed by pitch class, each frame divided by its maximum; a silent frame stays zero. `chroma` becomes
/// frames x 12. bins_per_octave is a multiple of 12, and 12 for the bins of Cqt. FMA's features.py omits it, which
/// since librosa 0.8 means 36, so groups of three neighbouring semitones count as one; fma518 reproduces that. Throws
/// Error for other values.
void chroma_cqt(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

/// librosa.feature.chroma_cens(C=..., n_chroma=12, bins_per_octave=...): energy-normalised chroma (Müller and Ewert,
/// 2011): each frame is divided by its sum, quantised at 0.05, 0.1, 0.2 and 0.4, smoothed with a Hann window of 41
/// frames and scaled to unit length.
void chroma_cens(const Matrix& cqt, int bins_per_octave, Matrix& chroma);

}  // namespace genrewise
