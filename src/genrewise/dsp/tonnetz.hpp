// Tonal centroid features.
#pragma once

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// librosa.feature.tonnetz(chroma=...): the tonal centroid of Harte, Sandler and Gasser (2006). `chroma`: frames x 12,
/// not negative; `centroid` becomes frames x 6: fifths x and y, minor thirds x and y, major thirds x and y. A silent
/// frame gives zeros. Throws Error if `chroma` has other columns.
void tonnetz(const Matrix& chroma, Matrix& centroid);

}  // namespace genrewise
