#include "genrewise/dsp/spectral_shape.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/tile.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/spectral_shape.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kTileFrames>;

constexpr float kRolloffShare = 0.85f;
constexpr std::size_t kChunk = 64;  // partial sums of this many bins, to limit rounding errors

// Some lanes of the tile.
void shape_of_lanes(const float* tile, std::size_t bins, float n_fft, float bin_hz, std::size_t lane,
                    const SpectralShape& out) {
  const Floats d;
  const auto zero = hn::Zero(d), one = hn::Set(d, 1.0f), to_hz = hn::Set(d, bin_hz);
  const auto row = [&](std::size_t k) HWY_ATTR { return hn::Load(d, tile + k * kTileFrames + lane); };
  auto running = zero, total = zero, weighted = zero, squared = zero;
  for (std::size_t chunk = 0; chunk < bins; chunk += kChunk) {
    auto chunk_total = zero, chunk_weighted = zero, chunk_squared = zero;
    const std::size_t end = std::min(bins, chunk + kChunk);
    for (std::size_t k = chunk; k < end; ++k) {
      const auto s = row(k);
      running = hn::Add(running, s);  // sequential like numpy.cumsum, with which the roll-off compares
      chunk_total = hn::Add(chunk_total, s);
      chunk_weighted = hn::MulAdd(hn::Set(d, static_cast<float>(k)), s, chunk_weighted);
      chunk_squared = hn::MulAdd(s, s, chunk_squared);
    }
    total = hn::Add(total, chunk_total);
    weighted = hn::Add(weighted, chunk_weighted);
    squared = hn::Add(squared, chunk_squared);
  }
  const auto is_silent = hn::Lt(total, hn::Set(d, std::numeric_limits<float>::min()));
  const auto divisor = hn::IfThenElse(is_silent, one, total);
  const auto centroid = hn::Div(weighted, divisor);

  const auto threshold = hn::Mul(hn::Set(d, kRolloffShare), running);
  auto below = zero, spread = zero;
  running = zero;
  for (std::size_t chunk = 0; chunk < bins; chunk += kChunk) {
    auto chunk_spread = zero;
    const std::size_t end = std::min(bins, chunk + kChunk);
    for (std::size_t k = chunk; k < end; ++k) {
      const auto s = row(k), off = hn::Sub(hn::Set(d, static_cast<float>(k)), centroid);
      chunk_spread = hn::MulAdd(hn::Mul(s, off), off, chunk_spread);
      running = hn::Add(running, s);
      below = hn::Add(below, hn::IfThenElseZero(hn::Lt(running, threshold), one));
    }
    spread = hn::Add(spread, chunk_spread);
  }
  // Positive and negative frequencies carry the same power, but 0 Hz and the Nyquist frequency exist once.
  const auto first = row(0), last = row(bins - 1);
  const auto once = hn::MulAdd(first, first, hn::Mul(last, last));
  const auto power = hn::Mul(hn::Sub(hn::Add(squared, squared), once), hn::Set(d, 1 / (n_fft * n_fft)));
  hn::Store(hn::Mul(centroid, to_hz), d, out.centroid_hz + lane);
  hn::Store(hn::Mul(hn::Sqrt(hn::Div(spread, divisor)), to_hz), d, out.bandwidth_hz + lane);
  hn::Store(hn::Mul(below, to_hz), d, out.rolloff_hz + lane);
  hn::Store(hn::Sqrt(hn::Max(power, zero)), d, out.rms + lane);
}

void shape(const float* tile, std::size_t bins, int sample_rate_hz, const SpectralShape& out) {
  const float n_fft = static_cast<float>(2 * (bins - 1));
  for (std::size_t lane = 0; lane < kTileFrames; lane += hn::Lanes(Floats()))
    shape_of_lanes(tile, bins, n_fft, static_cast<float>(sample_rate_hz) / n_fft, lane, out);
}

// Keeps the kTaken smallest and largest of a column in sorted order; each new value sinks through both.
template <std::size_t kTaken>
void means_of_extremes(const float* tile, std::size_t count, float* peak, float* valley) {
  const Floats d;
  for (std::size_t lane = 0; lane < kTileFrames; lane += hn::Lanes(d)) {
    hn::Vec<Floats> least[kTaken], most[kTaken];
    HWY_UNROLL(16)
    for (std::size_t j = 0; j < kTaken; ++j) {
      least[j] = hn::Set(d, std::numeric_limits<float>::infinity());
      most[j] = hn::Set(d, -std::numeric_limits<float>::infinity());
    }
    for (std::size_t k = 0; k < count; ++k) {
      auto sinking = hn::Load(d, tile + k * kTileFrames + lane), rising = sinking;
      HWY_UNROLL(16)
      for (std::size_t j = 0; j < kTaken; ++j) {
        const auto lower = hn::Min(least[j], sinking), upper = hn::Max(most[j], rising);
        sinking = hn::Max(least[j], sinking);
        rising = hn::Min(most[j], rising);
        least[j] = lower;
        most[j] = upper;
      }
    }
    auto low = hn::Zero(d), high = hn::Zero(d);
    HWY_UNROLL(16)
    for (std::size_t j = 0; j < kTaken; ++j) {
      low = hn::Add(low, least[j]);
      high = hn::Add(high, most[j]);
    }
    const auto share = hn::Set(d, 1 / static_cast<float>(kTaken));
    hn::Store(hn::Mul(low, share), d, valley + lane);
    hn::Store(hn::Mul(high, share), d, peak + lane);
  }
}

template <std::size_t kTaken>
void extremes_of_band(std::size_t taken, const float* tile, std::size_t count, float* peak, float* valley) {
  if (taken == kTaken) return means_of_extremes<kTaken>(tile, count, peak, valley);
  if constexpr (kTaken > 1) extremes_of_band<kTaken - 1>(taken, tile, count, peak, valley);
}

void extremes(std::size_t taken, const float* tile, std::size_t count, float* peak, float* valley) {
  extremes_of_band<16>(taken, tile, count, peak, valley);  // at most 0.02 * 800 bins
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(shape);
HWY_EXPORT(extremes);

void spectral_shape(const float* tile, std::size_t bins, int sample_rate_hz, const SpectralShape& out) {
  HWY_DYNAMIC_DISPATCH(shape)(tile, bins, sample_rate_hz, out);
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

void SpectralContrast::extremes(const float* tile, float* peaks, float* valleys, std::size_t stride) const {
  const auto find = HWY_DYNAMIC_DISPATCH(extremes);
  for (std::size_t b = 0; b < bands_.size(); ++b) {
    const Band& band = bands_[b];
    find(band.taken, tile + band.first_bin * kTileFrames, band.end_bin - band.first_bin, peaks + b * stride,
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
#endif
