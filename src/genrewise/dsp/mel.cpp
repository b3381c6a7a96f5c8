#include "genrewise/dsp/mel.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"

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

void MelFilterbank::apply(const float* tile, float* out, std::size_t stride) const {
  for (const Filter& filter : filters_) {
    const float* power = tile + filter.first_bin * kLanes;
    const float* weight = weights_.data() + filter.weight;
    Lanes sum{};
    for (std::size_t k = 0; k < filter.count; ++k) sum += weight[k] * load_lanes(power + k * kLanes);
    store_lanes(out, sum);
    out += stride;
  }
}

void power_to_db(std::span<float> values) {
  const Lanes least = all_lanes(kMinimumPower);
  for (std::size_t i = 0; i < values.size(); i += kLanes) {
    store_lanes(&values[i], 10.0f * log10_lanes(max_lanes(load_lanes(&values[i]), least)));
  }
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
  // As many sums as fit into the registers beside the input.
  constexpr std::size_t kSums = 10;
  for (std::size_t first = 0; first < n_out_; first += kSums) {
    const std::size_t count = std::min(kSums, n_out_ - first);
    Lanes sums[kSums] = {};
    const float* weights = table_.data() + first;
    for (std::size_t i = 0; i < n_in_; ++i, weights += n_out_) {
      const Lanes value = max_lanes(load_lanes(in + i * in_stride), all_lanes(floor));
      if (count == kSums) {
#pragma GCC unroll 10
        for (std::size_t j = 0; j < kSums; ++j) sums[j] += weights[j] * value;
      } else {
        for (std::size_t j = 0; j < count; ++j) sums[j] += weights[j] * value;
      }
    }
    for (std::size_t j = 0; j < count; ++j) store_lanes(out + (first + j) * out_stride, sums[j]);
  }
}

}  // namespace genrewise
