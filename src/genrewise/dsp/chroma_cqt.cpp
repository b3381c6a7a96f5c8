#include "genrewise/dsp/chroma_cqt.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numbers>
#include <string>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kClasses = 12;
constexpr std::size_t kSmoothingFrames = 41;

void resize(Matrix& matrix, std::size_t rows, std::size_t cols) {
  if (matrix.rows() != rows || matrix.cols() != cols) matrix = Matrix(rows, cols);
}

void sum_pitch_classes(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  if (bins_per_octave < 12 || bins_per_octave % 12 != 0)
    throw Error(std::to_string(bins_per_octave) + " bins per octave are not supported", "chroma",
                "use a multiple of 12");
  const auto merged = static_cast<std::size_t>(bins_per_octave) / kClasses;
  std::vector<std::size_t> pitch_class(cqt.cols());
  for (std::size_t bin = 0; bin < cqt.cols(); ++bin) pitch_class[bin] = (bin + merged / 2) / merged % kClasses;
  resize(chroma, cqt.rows(), kClasses);
  for (std::size_t t = 0; t < cqt.rows(); ++t) {
    const auto from = cqt.row(t);
    std::array<float, kClasses> sum{};
    for (std::size_t bin = 0; bin < from.size(); ++bin) sum[pitch_class[bin]] += from[bin];
    std::copy(sum.begin(), sum.end(), chroma.row(t).begin());
  }
}

// librosa.util.normalize: rows shorter than the smallest normal number stay as they are.
void divide(std::span<float> row, double length) {
  if (length < std::numeric_limits<float>::min()) return;
  for (float& x : row) x = static_cast<float>(x / length);
}

float quantised(float share) {
  return 0.25F * static_cast<float>((share > 0.4F) + (share > 0.2F) + (share > 0.1F) + (share > 0.05F));
}

// A Hann window of 41 frames that sums to 1; without its end points, which are zero.
std::array<float, kSmoothingFrames> smoothing_window() {
  std::array<float, kSmoothingFrames> window;
  for (std::size_t k = 0; k < kSmoothingFrames; ++k) {
    const double turn = 2 * std::numbers::pi * static_cast<double>(k + 1) / (kSmoothingFrames + 1);
    window[k] = static_cast<float>((1 - std::cos(turn)) / (kSmoothingFrames + 1));
  }
  return window;
}

}  // namespace

void chroma_cqt(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  sum_pitch_classes(cqt, bins_per_octave, chroma);
  for (std::size_t t = 0; t < chroma.rows(); ++t)
    divide(chroma.row(t), *std::max_element(chroma.row(t).begin(), chroma.row(t).end()));
}

void chroma_cens(const Matrix& cqt, int bins_per_octave, Matrix& chroma) {
  static const auto window = smoothing_window();
  constexpr std::size_t kReach = kSmoothingFrames / 2;
  Matrix steps;
  sum_pitch_classes(cqt, bins_per_octave, steps);
  for (std::size_t t = 0; t < steps.rows(); ++t) {
    const auto row = steps.row(t);
    double sum = 0;
    for (const float x : row) sum += x;
    divide(row, sum);
    for (float& x : row) x = quantised(x);
  }
  resize(chroma, steps.rows(), kClasses);
  for (std::size_t t = 0; t < steps.rows(); ++t) {
    std::array<float, kClasses> smooth{};
    const std::size_t first = t > kReach ? t - kReach : 0, last = std::min(steps.rows(), t + kReach + 1);
    for (std::size_t from = first; from < last; ++from)
      for (std::size_t c = 0; c < kClasses; ++c) smooth[c] += window[from + kReach - t] * steps(from, c);
    double squares = 0;
    for (const float x : smooth) squares += static_cast<double>(x) * x;
    divide(smooth, std::sqrt(squares));
    std::copy(smooth.begin(), smooth.end(), chroma.row(t).begin());
  }
}

}  // namespace genrewise
