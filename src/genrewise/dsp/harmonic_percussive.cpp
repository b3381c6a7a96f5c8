#include "genrewise/dsp/harmonic_percussive.hpp"

#include <algorithm>
#include <array>
#include <limits>

#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kKernel = 31, kReach = kKernel / 2;

// scipy.ndimage's "reflect": d c b a | a b c d | d c b a.
std::size_t reflected(std::ptrdiff_t i, std::size_t count) {
  const auto period = static_cast<std::ptrdiff_t>(2 * count);
  i = (i % period + period) % period;
  return static_cast<std::size_t>(i < static_cast<std::ptrdiff_t>(count) ? i : period - 1 - i);
}

// The values in the window in ascending order, per lane.
class SortedWindow {
 public:
  SortedWindow() { values_.fill(all_lanes(std::numeric_limits<float>::infinity())); }
  Lanes median() const { return values_[kReach]; }
  void insert(Lanes value) {
    for (std::size_t i = kKernel; i-- > 1;) values_[i] = max_lanes(values_[i - 1], min_lanes(values_[i], value));
    values_[0] = min_lanes(values_[0], value);
  }
  void replace(Lanes old, Lanes value) {
    // Values at or above the old one move down by one and overwrite it.
    for (std::size_t i = 0; i + 1 < kKernel; ++i) values_[i] = values_[i] < old ? values_[i] : values_[i + 1];
    values_[kKernel - 1] = all_lanes(std::numeric_limits<float>::infinity());
    insert(value);
  }

 private:
  std::array<Lanes, kKernel> values_;
};

// Medians down each column of a rows x stride matrix (stride a multiple of kLanes).
void column_medians(const float* from, std::size_t rows, std::size_t stride, float* to) {
  for (std::size_t column = 0; column < stride; column += kLanes) {
    const auto at = [&](std::ptrdiff_t row) { return load_lanes(from + reflected(row, rows) * stride + column); };
    SortedWindow window;
    for (std::ptrdiff_t row = -static_cast<std::ptrdiff_t>(kReach); row <= static_cast<std::ptrdiff_t>(kReach); ++row)
      window.insert(at(row));
    for (std::size_t row = 0; row < rows; ++row) {
      store_lanes(to + row * stride + column, window.median());
      const auto i = static_cast<std::ptrdiff_t>(row);
      window.replace(at(i - static_cast<std::ptrdiff_t>(kReach)), at(i + 1 + static_cast<std::ptrdiff_t>(kReach)));
    }
  }
}

// to (columns x to_stride) = from (rows x from_stride) transposed; both padded to squares of lanes.
void transpose(const float* from, std::size_t from_stride, std::size_t to_stride, float* to) {
  for (std::size_t row = 0; row < to_stride; row += kLanes)
    for (std::size_t column = 0; column < from_stride; column += kLanes) {
      Lanes square[kLanes];
      for (std::size_t i = 0; i < kLanes; ++i) square[i] = load_lanes(from + (row + i) * from_stride + column);
      transpose_square(square);
      for (std::size_t i = 0; i < kLanes; ++i) store_lanes(to + (column + i) * to_stride + row, square[i]);
    }
}

}  // namespace

void harmonic_mask(const Matrix& magnitudes, Matrix& mask, HarmonicScratch& scratch) {
  const std::size_t frames = magnitudes.rows(), bands = magnitudes.cols();
  if (mask.rows() != frames || mask.cols() != bands) mask = Matrix(frames, bands);
  if (magnitudes.empty()) return;
  const std::size_t band_stride = aligned_stride(bands), frame_stride = aligned_stride(frames);
  for (auto* buffer : {&scratch.by_frame, &scratch.by_band, &scratch.over_time, &scratch.over_frequency})
    buffer->resize(band_stride * frame_stride);
  for (std::size_t t = 0; t < frames; ++t)
    std::copy(magnitudes.row(t).begin(), magnitudes.row(t).end(),
              scratch.by_frame.begin() + static_cast<std::ptrdiff_t>(t * band_stride));
  column_medians(scratch.by_frame.data(), frames, band_stride, scratch.over_time.data());
  transpose(scratch.by_frame.data(), band_stride, frame_stride, scratch.by_band.data());
  column_medians(scratch.by_band.data(), bands, frame_stride, scratch.by_frame.data());
  transpose(scratch.by_frame.data(), frame_stride, band_stride, scratch.over_frequency.data());

  for (std::size_t t = 0; t < frames; ++t) {
    const float* harmonic = scratch.over_time.data() + t * band_stride;
    const float* percussive = scratch.over_frequency.data() + t * band_stride;
    const auto row = mask.row(t);
    for (std::size_t b = 0; b < bands; ++b) {
      const float larger = std::max(harmonic[b], percussive[b]);
      const float scale = larger < std::numeric_limits<float>::min() ? 0.0F : 1 / larger;
      const float h = harmonic[b] * scale, p = percussive[b] * scale, sum = h * h + p * p;
      row[b] = sum > 0 ? h * h / sum : 0.5F;
    }
  }
}

void harmonic_share(const Matrix& magnitudes, const Matrix& mask, std::span<float> share) {
  for (std::size_t t = 0; t < magnitudes.rows(); ++t) {
    float sum = 0, harmonic = 0;
    for (std::size_t b = 0; b < magnitudes.cols(); ++b) {
      sum += magnitudes(t, b);
      harmonic += magnitudes(t, b) * mask(t, b);
    }
    share[t] = sum > 0 ? harmonic / sum : 0.5F;
  }
}

}  // namespace genrewise
