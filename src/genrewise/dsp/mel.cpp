#include "genrewise/dsp/mel.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"

namespace genrewise {
namespace {

constexpr double kHzPerMel = 200.0 / 3;  // below kBorderHz
constexpr double kBorderHz = 1000;
constexpr double kBorderMel = kBorderHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27;  // per mel above kBorderHz

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

  if (config.scale == MelScale::kaldi) {
    add_kaldi(config, fmax_hz);
  } else {
    add_slaney(config, fmax_hz);
  }
}

void MelFilterbank::add_slaney(const MelConfig& config, double fmax_hz) {
  const double low = hz_to_mel(config.fmin_hz), high = hz_to_mel(fmax_hz);
  std::vector<double> corners(config.n_mels + 2);
  for (std::size_t i = 0; i < corners.size(); ++i) {
    corners[i] = mel_to_hz(low + (high - low) * static_cast<double>(i) / static_cast<double>(corners.size() - 1));
  }
  const double bin_hz = static_cast<double>(config.sample_rate_hz) / static_cast<double>(config.n_fft);
  for (std::size_t m = 0; m < config.n_mels; ++m) {
    const double left = corners[m], centre = corners[m + 1], right = corners[m + 2];
    Filter filter{.weight = weights_.size()};
    for (std::size_t k = 0; k <= config.n_fft / 2; ++k) {
      const double frequency = static_cast<double>(k) * bin_hz;
      const double height = std::min((frequency - left) / (centre - left), (right - frequency) / (right - centre));
      if (height <= 0) continue;
      if (filter.count++ == 0) filter.first_bin = k;
      weights_.push_back(static_cast<float>(height) * static_cast<float>(2 / (right - left)));
    }
    filters_.push_back(filter);
  }
}

void MelFilterbank::add_kaldi(const MelConfig& config, double fmax_hz) {
  const auto to_mel = [](double frequency_hz) { return 1127 * std::log(1 + frequency_hz / 700); };
  const double low = to_mel(config.fmin_hz);
  const double step = (to_mel(fmax_hz) - low) / static_cast<double>(config.n_mels + 1);
  const double bin_hz = static_cast<double>(config.sample_rate_hz) / static_cast<double>(config.n_fft);
  for (std::size_t m = 0; m < config.n_mels; ++m) {
    const double left = low + static_cast<double>(m) * step;
    Filter filter{.weight = weights_.size()};
    for (std::size_t k = 0; k < config.n_fft / 2; ++k) {
      const double steps = (to_mel(static_cast<double>(k) * bin_hz) - left) / step;
      const double height = std::min(steps, 2 - steps);
      if (height <= 0) continue;
      if (filter.count++ == 0) filter.first_bin = k;
      weights_.push_back(static_cast<float>(height));
    }
    filters_.push_back(filter);
  }
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

}  // namespace genrewise
