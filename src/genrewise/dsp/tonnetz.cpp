#include "genrewise/dsp/tonnetz.hpp"

#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kClasses = 12, kDimensions = 6;
using Basis = std::array<std::array<double, kDimensions>, kClasses>;

Basis tonal_basis() {
  // Half turns per semitone and radius of each circle.
  constexpr std::array<double, 3> kHalfTurns{7.0 / 6, 3.0 / 2, 2.0 / 3}, kRadius{1, 1, 0.5};
  Basis basis;
  for (std::size_t c = 0; c < kClasses; ++c)
    for (std::size_t circle = 0; circle < kRadius.size(); ++circle) {
      const double angle = std::numbers::pi * kHalfTurns[circle] * static_cast<double>(c);
      basis[c][2 * circle] = kRadius[circle] * std::sin(angle);
      basis[c][2 * circle + 1] = kRadius[circle] * std::cos(angle);
    }
  return basis;
}

}  // namespace

void tonnetz(const Matrix& chroma, Matrix& centroid) {
  static const Basis basis = tonal_basis();
  if (chroma.cols() != kClasses)
    throw Error(std::to_string(chroma.cols()) + " pitch classes instead of 12", "tonnetz",
                "pass a chroma of 12 columns");
  if (centroid.rows() != chroma.rows() || centroid.cols() != kDimensions) centroid = Matrix(chroma.rows(), kDimensions);
  for (std::size_t t = 0; t < chroma.rows(); ++t) {
    const auto row = chroma.row(t);
    double sum = 0;
    std::array<double, kDimensions> point{};
    for (std::size_t c = 0; c < kClasses; ++c) {
      sum += std::abs(row[c]);
      for (std::size_t d = 0; d < kDimensions; ++d) point[d] += basis[c][d] * row[c];
    }
    const double scale = sum < std::numeric_limits<float>::min() ? 1 : 1 / sum;
    for (std::size_t d = 0; d < kDimensions; ++d) centroid(t, d) = static_cast<float>(scale * point[d]);
  }
}

}  // namespace genrewise
