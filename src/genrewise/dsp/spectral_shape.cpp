#include "genrewise/dsp/spectral_shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"
#include "genrewise/dsp/mel.hpp"

namespace genrewise {
namespace {

constexpr float kRolloffShare = 0.85f;
constexpr std::size_t kChunk = 64;  // partial sums of this many bins, to limit rounding errors

Lanes sqrt_lanes(Lanes x) {
  for (std::size_t i = 0; i < kLanes; ++i) x[i] = std::sqrt(x[i]);
  return x;
}

}  // namespace

void spectral_shape(const float* tile, std::size_t bins, int sample_rate_hz, const SpectralShape& out) {
  const float n_fft = static_cast<float>(2 * (bins - 1));
  const float bin_hz = static_cast<float>(sample_rate_hz) / n_fft;
  Lanes running{}, total{}, weighted{}, squared{};
  for (std::size_t chunk = 0; chunk < bins; chunk += kChunk) {
    Lanes chunk_total{}, chunk_weighted{}, chunk_squared{};
    const std::size_t end = std::min(bins, chunk + kChunk);
    for (std::size_t k = chunk; k < end; ++k) {
      const Lanes s = load_lanes(tile + k * kLanes);
      running += s;  // sequential like numpy.cumsum, with which the roll-off compares
      chunk_total += s;
      chunk_weighted += static_cast<float>(k) * s;
      chunk_squared += s * s;
    }
    total += chunk_total;
    weighted += chunk_weighted;
    squared += chunk_squared;
  }
  const Lanes divisor = total < std::numeric_limits<float>::min() ? all_lanes(1) : total;
  const Lanes centroid = weighted / divisor;

  const Lanes threshold = kRolloffShare * running;
  Lanes below{}, spread{};
  running = Lanes{};
  for (std::size_t chunk = 0; chunk < bins; chunk += kChunk) {
    Lanes chunk_spread{};
    const std::size_t end = std::min(bins, chunk + kChunk);
    for (std::size_t k = chunk; k < end; ++k) {
      const Lanes s = load_lanes(tile + k * kLanes);
      const Lanes off = static_cast<float>(k) - centroid;
      chunk_spread += s * off * off;
      running += s;
      below += running < threshold ? all_lanes(1) : Lanes{};
    }
    spread += chunk_spread;
  }
  // Positive and negative frequencies carry the same power, but 0 Hz and the Nyquist frequency exist once.
  const Lanes first = load_lanes(tile), last = load_lanes(tile + (bins - 1) * kLanes);
  const Lanes power = (2.0f * squared - first * first - last * last) / (n_fft * n_fft);
  store_lanes(out.centroid_hz, centroid * bin_hz);
  store_lanes(out.bandwidth_hz, sqrt_lanes(spread / divisor) * bin_hz);
  store_lanes(out.rolloff_hz, below * bin_hz);
  store_lanes(out.rms, sqrt_lanes(max_lanes(power, Lanes{})));
}

SpectralContrast::SpectralContrast(int sample_rate_hz, std::size_t n_fft) {
  constexpr double kLowestHz = 200, kQuantile = 0.02;
  const std::size_t bins = 1 + n_fft / 2;
  const double bin_hz = static_cast<double>(sample_rate_hz) / static_cast<double>(n_fft);
  for (std::size_t b = 0; b < kContrastBands; ++b) {
    const double low = b == 0 ? 0 : kLowestHz * std::exp2(static_cast<double>(b) - 1);
    const double high = kLowestHz * std::exp2(static_cast<double>(b));
    if (low >= sample_rate_hz / 2.0) {
      throw Error("a contrast band is above half the sample rate", "SpectralContrast",
                  "resample to more than 12,800 Hz");
    }
    // As in librosa, bands include the bin before their first one, the last band all remaining bins, and the other
    // bands drop their last bin after it was counted for the quantile.
    const auto first = static_cast<std::size_t>(std::ceil(low / bin_hz));
    const auto beyond = static_cast<std::size_t>(std::floor(high / bin_hz)) + 1;
    const bool last = b + 1 == kContrastBands;
    const std::size_t start = b == 0 ? 0 : first - 1, end = last ? bins : std::min(beyond, bins);
    const auto quantile = static_cast<std::size_t>(std::nearbyint(kQuantile * static_cast<double>(end - start)));
    const std::size_t kept_end = last ? end : end - 1;
    bands_.push_back({start, kept_end, std::min(std::max<std::size_t>(quantile, 1), kept_end - start)});
  }
}

namespace {

// Keeps the kTaken smallest and largest of a column in sorted order; each new value sinks through both.
template <std::size_t kTaken>
void means_of_extremes(const float* tile, std::size_t count, float* peak, float* valley) {
  Lanes least[kTaken], most[kTaken];
  for (std::size_t j = 0; j < kTaken; ++j) {
    least[j] = all_lanes(std::numeric_limits<float>::infinity());
    most[j] = all_lanes(-std::numeric_limits<float>::infinity());
  }
  for (std::size_t k = 0; k < count; ++k) {
    Lanes sinking = load_lanes(tile + k * kLanes), rising = sinking;
#pragma GCC unroll 16
    for (std::size_t j = 0; j < kTaken; ++j) {
      const Lanes lower = min_lanes(least[j], sinking);
      sinking = max_lanes(least[j], sinking);
      least[j] = lower;
      const Lanes upper = max_lanes(most[j], rising);
      rising = min_lanes(most[j], rising);
      most[j] = upper;
    }
  }
  Lanes low{}, high{};
  for (std::size_t j = 0; j < kTaken; ++j) {
    low += least[j];
    high += most[j];
  }
  store_lanes(valley, low / static_cast<float>(kTaken));
  store_lanes(peak, high / static_cast<float>(kTaken));
}

constexpr std::size_t kMaxTaken = 16;  // of 0.02 * 800 bins

template <std::size_t kTaken = 1>
void means_of_extremes(std::size_t taken, const float* tile, std::size_t count, float* peak, float* valley) {
  if (taken == kTaken) return means_of_extremes<kTaken>(tile, count, peak, valley);
  if constexpr (kTaken < kMaxTaken) means_of_extremes<kTaken + 1>(taken, tile, count, peak, valley);
}

}  // namespace

void SpectralContrast::extremes(const float* tile, float* peaks, float* valleys, std::size_t stride) const {
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    const Band& band = bands_[b];
    means_of_extremes(band.taken, tile + band.first_bin * kLanes, band.end_bin - band.first_bin, peaks + b * stride,
                      valleys + b * stride);
  }
}

void contrast_in_db(float* peaks, float* valleys, std::size_t stride, std::size_t valid) {
  const auto limited_db = [&](float* rows) {
    float largest = -std::numeric_limits<float>::infinity();
    for (std::size_t b = 0; b < kContrastBands; ++b) {
      power_to_db({rows + b * stride, stride});
      largest = std::max(largest, *std::max_element(rows + b * stride, rows + b * stride + valid));
    }
    for (std::size_t i = 0; i < kContrastBands * stride; ++i) rows[i] = std::max(rows[i], largest - kDynamicRangeDb);
  };
  limited_db(peaks);
  limited_db(valleys);
  for (std::size_t i = 0; i < kContrastBands * stride; ++i) peaks[i] -= valleys[i];
}

}  // namespace genrewise
