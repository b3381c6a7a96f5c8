#include "genrewise/pretrained/inference/kernels.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/pretrained/inference/kernels-inl.hpp"
#include <hwy/foreach_target.h>  // before kernels-inl.hpp

#include "genrewise/pretrained/inference/kernels-inl.hpp"

namespace genrewise {

HWY_EXPORT(panel_octets);
HWY_EXPORT(multiply);
HWY_EXPORT(multiply_largest);
HWY_EXPORT(multiply_largest_pair);
HWY_EXPORT(filter);
HWY_EXPORT(mean_and_deviation);
HWY_EXPORT(scale_channels);

PackedWeights::PackedWeights(std::size_t depth, std::size_t columns,
                             const std::function<float(std::size_t, std::size_t)>& weight, std::span<const float> bias)
    : columns_(columns), bias_(octets_of(columns) * kOctet) {
  std::ranges::copy(bias, bias_.begin());
  for (std::size_t octet = 0; octet < octets();) {
    const std::size_t taken = HWY_DYNAMIC_DISPATCH(panel_octets)(octets() - octet);
    panels_.push_back({octet, taken, values_.size()});
    for (std::size_t k = 0; k < depth; ++k) {
      for (std::size_t i = 0; i < taken * kOctet; ++i) {
        const std::size_t column = octet * kOctet + i;
        values_.push_back(column < columns ? weight(k, column) : 0.0f);
      }
    }
    octet += taken;
  }
}

void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
              const Activation& activation, std::size_t first_panel, std::size_t last_panel) {
  HWY_DYNAMIC_DISPATCH(multiply)(weights, in, rows, out, activation, first_panel, last_panel);
}

void multiply_largest(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                      std::size_t rows, float* out) {
  std::fill_n(out, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  HWY_DYNAMIC_DISPATCH(multiply_largest)(weights, panel, in, rows, out);
}

void multiply_largest_pair(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                           std::span<const std::array<float, 2>> share, std::size_t rows,
                           const std::array<float*, 2>& out) {
  for (float* const one : out) std::fill_n(one, panel.octets * kOctet, -std::numeric_limits<float>::infinity());
  HWY_DYNAMIC_DISPATCH(multiply_largest_pair)(weights, panel, in, share, rows, out);
}

Depthwise::Depthwise(std::size_t channels, std::size_t kernel, std::span<const float> weights,
                     std::span<const float> bias)
    : channels_(channels), kernel_(kernel), weights_(weights.size()), bias_(bias.begin(), bias.end()) {
  if ((kernel != 3 && kernel != 5) || channels % kOctet != 0 || weights.size() != channels * kernel * kernel ||
      bias.size() != channels)
    throw Error("a depthwise convolution takes kernels of 3 or 5 and a multiple of 8 channels", "Depthwise");
  const std::size_t taps = kernel * kernel;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t t = 0; t < taps; ++t) weights_[t * channels + c] = weights[c * taps + t];
}

void Depthwise::apply(const Row& row, const Activation& activation) const {
  const std::size_t first = row.first_octet * kOctet;
  HWY_DYNAMIC_DISPATCH(filter)(row, kernel_, weights_.data() + first, channels_, bias_.data() + first, activation);
}

void mean_and_deviation(const float* rows, std::size_t count, std::size_t channels, std::size_t stride, float* means,
                        float* deviations) {
  HWY_DYNAMIC_DISPATCH(mean_and_deviation)(rows, count, channels, stride, means, deviations);
}

void scale_channels(float* rows, std::size_t count, std::size_t channels, const float* factors) {
  HWY_DYNAMIC_DISPATCH(scale_channels)(rows, count, channels, factors);
}

}  // namespace genrewise
