#include "genrewise/dsp/cepstrum.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/lanes.hpp"

namespace genrewise {

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
