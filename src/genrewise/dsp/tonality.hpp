// Tonal features: chroma from the constant-Q transform, tonal centroids and the key.
#pragma once

#include <span>

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

/// librosa.feature.tonnetz(chroma=...): the tonal centroid of Harte, Sandler and Gasser (2006). `chroma`: frames x 12,
/// not negative; `centroid` becomes frames x 6: fifths x and y, minor thirds x and y, major thirds x and y. A silent
/// frame gives zeros. Throws Error if `chroma` has other columns.
void tonnetz(const Matrix& chroma, Matrix& centroid);

struct KeyEstimate {
  int tonic = 0;  ///< pitch class, 0 = C
  bool minor = false;
  float strength = 0;  ///< correlation with that key's profile, [-1, 1]
  float margin = 0;    ///< difference to the strength of the second best key
  float mode = 0;      ///< the best major key's correlation minus the best minor key's
};

/// Krumhansl's key-finding algorithm (Krumhansl, 1990): correlates the average chroma of a piece (12 pitch classes from
/// C, not negative) with the probe-tone profiles of Krumhansl and Kessler (1982) of all 24 keys. A flat or silent
/// chroma gives C major with strength, margin and mode 0.
KeyEstimate estimate_key(std::span<const float, 12> chroma);

}  // namespace genrewise
