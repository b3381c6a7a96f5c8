#include "genrewise/dsp/mel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/tile.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/dsp/mel.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/contrib/math/math-inl.h>
#include <hwy/highway.h>

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

namespace hn = hwy::HWY_NAMESPACE;
using Floats = hn::CappedTag<float, kTileFrames>;
constexpr std::size_t kLanes = hn::MaxLanes(Floats()), kVectors = kTileFrames / kLanes;

// One row of results: the sum over k of weights[k] times row k of the tile.
void weighted_sum(const float* weights, std::size_t count, const float* tile, float* out) {
  const Floats d;
  hn::Vec<Floats> sums[kVectors];
  HWY_UNROLL(4)
  for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::Zero(d);
  for (std::size_t k = 0; k < count; ++k, tile += kTileFrames) {
    const auto weight = hn::Set(d, weights[k]);
    HWY_UNROLL(4)
    for (std::size_t v = 0; v < kVectors; ++v) sums[v] = hn::MulAdd(weight, hn::Load(d, tile + v * kLanes), sums[v]);
  }
  HWY_UNROLL(4)
  for (std::size_t v = 0; v < kVectors; ++v) hn::Store(sums[v], d, out + v * kLanes);
}

void power_to_db(float* values, std::size_t count) {
  const Floats d;
  const auto least = hn::Set(d, kMinimumPower), scale = hn::Set(d, 10.0f);
  for (std::size_t i = 0; i < count; i += kLanes)
    hn::Store(hn::Mul(scale, hn::Log10(d, hn::Max(hn::Load(d, values + i), least))), d, values + i);
}

// Rows j of the result, for kCount neighbouring columns of the table.
template <std::size_t kCount>
void cosine_sums(const float* weights, std::size_t stride, const float* in, std::size_t n_in, std::size_t in_stride,
                 float floor, float* out, std::size_t out_stride) {
  const Floats d;
  const auto least = hn::Set(d, floor);
  for (std::size_t lane = 0; lane < kTileFrames; lane += kLanes) {
    hn::Vec<Floats> sums[kCount];
    HWY_UNROLL(10)
    for (std::size_t j = 0; j < kCount; ++j) sums[j] = hn::Zero(d);
    for (std::size_t i = 0; i < n_in; ++i) {
      const auto value = hn::Max(hn::Load(d, in + i * in_stride + lane), least);
      HWY_UNROLL(10)
      for (std::size_t j = 0; j < kCount; ++j)
        sums[j] = hn::MulAdd(hn::Set(d, weights[i * stride + j]), value, sums[j]);
    }
    HWY_UNROLL(10)
    for (std::size_t j = 0; j < kCount; ++j) hn::Store(sums[j], d, out + j * out_stride + lane);
  }
}

void dct(const float* table, std::size_t n_in, std::size_t n_out, const float* in, std::size_t in_stride, float floor,
         float* out, std::size_t out_stride) {
  constexpr std::size_t kSums = 10;  // as many as fit into the registers beside the input
  std::size_t j = 0;
  for (; j + kSums <= n_out; j += kSums)
    cosine_sums<kSums>(table + j, n_out, in, n_in, in_stride, floor, out + j * out_stride, out_stride);
  for (; j < n_out; ++j) cosine_sums<1>(table + j, n_out, in, n_in, in_stride, floor, out + j * out_stride, out_stride);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {
namespace {

constexpr double kHzPerMel = 200.0 / 3;  // below kBorderHz
constexpr double kBorderHz = 1000;
constexpr double kBorderMel = kBorderHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;  // per mel above kBorderHz

double kaldi_mel(double frequency_hz) {
  return 1127 * std::log(1 + frequency_hz / 700);
}

}  // namespace

double hz_to_mel(double frequency_hz) {
  if (frequency_hz < kBorderHz) return frequency_hz / kHzPerMel;
  return kBorderMel + std::log(frequency_hz / kBorderHz) / kLogStep;
}

double mel_to_hz(double mel) {
  if (mel < kBorderMel) return mel * kHzPerMel;
  return kBorderHz * std::exp(kLogStep * (mel - kBorderMel));
}

MelFilterbank::MelFilterbank(const MelConfig& config) {
  const double fmax_hz = config.fmax_hz > 0 ? config.fmax_hz : config.sample_rate_hz / 2.0;
  if (config.n_mels == 0 || config.n_fft == 0 || config.sample_rate_hz <= 0) {
    throw Error("the number of filters, the frame size and the sample rate must be positive", "MelFilterbank",
                "set n_mels, n_fft and sample_rate_hz");
  }
  if (config.fmin_hz < 0 || config.fmin_hz >= fmax_hz) {
    throw Error("fmin is outside [0, fmax)", "MelFilterbank", "choose a lower fmin_hz");
  }
  const double bin_hz = static_cast<double>(config.sample_rate_hz) / static_cast<double>(config.n_fft);
  // weight(m, frequency_hz) is positive inside filter m.
  const auto add_filters = [&](std::size_t bins, const auto& weight) {
    for (std::size_t m = 0; m < config.n_mels; ++m) {
      Filter filter{.weight = weights_.size()};
      for (std::size_t k = 0; k < bins; ++k) {
        const float value = weight(m, static_cast<double>(k) * bin_hz);
        if (value <= 0) continue;
        if (filter.count++ == 0) filter.first_bin = k;
        weights_.push_back(value);
      }
      filters_.push_back(filter);
    }
  };
  const bool kaldi = config.scale == MelScale::kaldi;
  const auto to_mel = kaldi ? kaldi_mel : hz_to_mel;
  const double low = to_mel(config.fmin_hz), high = to_mel(fmax_hz), steps = static_cast<double>(config.n_mels + 1);
  if (kaldi) {
    const double step = (high - low) / steps;
    add_filters(config.n_fft / 2, [&](std::size_t m, double frequency_hz) {
      const double height = (kaldi_mel(frequency_hz) - (low + static_cast<double>(m) * step)) / step;
      return static_cast<float>(std::min(height, 2 - height));
    });
    return;
  }
  std::vector<double> corners;
  for (std::size_t i = 0; i < config.n_mels + 2; ++i)
    corners.push_back(mel_to_hz(low + (high - low) * static_cast<double>(i) / steps));
  add_filters(config.n_fft / 2 + 1, [&](std::size_t m, double frequency_hz) {
    const double left = corners[m], centre = corners[m + 1], right = corners[m + 2];
    const double height = std::min((frequency_hz - left) / (centre - left), (right - frequency_hz) / (right - centre));
    return static_cast<float>(height) * static_cast<float>(2 / (right - left));
  });
}

HWY_EXPORT(weighted_sum);
HWY_EXPORT(power_to_db);
HWY_EXPORT(dct);

void MelFilterbank::apply(const float* tile, float* out, std::size_t stride) const {
  const auto sum = HWY_DYNAMIC_DISPATCH(weighted_sum);
  for (const Filter& filter : filters_) {
    sum(weights_.data() + filter.weight, filter.count, tile + filter.first_bin * kTileFrames, out);
    out += stride;
  }
}

void power_to_db(std::span<float> values) {
  HWY_DYNAMIC_DISPATCH(power_to_db)(values.data(), values.size());
}

Dct::Dct(std::size_t n_in, std::size_t n_out) : n_in_(n_in), n_out_(n_out), table_(n_in * n_out) {
  if (n_out == 0 || n_out > n_in)
    throw Error("the number of coefficients is outside [1, number of values]", "Dct", "choose fewer coefficients");
  const double n = static_cast<double>(n_in);
  for (std::size_t i = 0; i < n_in; ++i) {
    for (std::size_t j = 0; j < n_out; ++j) {
      const double angle = std::numbers::pi * static_cast<double>(j) * (2.0 * static_cast<double>(i) + 1) / (2 * n);
      table_[i * n_out + j] = static_cast<float>(std::cos(angle) * std::sqrt((j == 0 ? 1 : 2) / n));
    }
  }
}

void Dct::apply(const float* in, std::size_t in_stride, float floor, float* out, std::size_t out_stride) const {
  HWY_DYNAMIC_DISPATCH(dct)(table_.data(), n_in_, n_out_, in, in_stride, floor, out, out_stride);
}

}  // namespace genrewise
#endif
