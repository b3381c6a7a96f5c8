#include "genrewise/pretrained/inference/kernels.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/pretrained/inference/depthwise.cpp"
#include <hwy/foreach_target.h>  // before vectors-inl.hpp

#include "genrewise/pretrained/inference/vectors-inl.hpp"

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

template <class D, std::size_t kKernel>
using Filter = hn::Vec<D>[kKernel][kKernel];

/// kPixels neighbouring output pixels of one vector of channels. Each input column is read once for all windows that
/// contain it.
template <class D, std::size_t kKernel, std::size_t kStride, std::size_t kPixels>
HWY_INLINE void filter_pixels(D d, const float* const* in, std::size_t in_stride, const Filter<D, kKernel>& weights,
                              hn::Vec<D> bias, float* out, std::size_t out_stride, const Activation& activation) {
  constexpr std::size_t kColumns = (kPixels - 1) * kStride + kKernel;
  hn::Vec<D> sum[kPixels];
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i) sum[i] = bias;
  HWY_UNROLL(5)
  for (std::size_t ky = 0; ky < kKernel; ++ky) {
    hn::Vec<D> column[kColumns];
    HWY_UNROLL(16)
    for (std::size_t i = 0; i < kColumns; ++i) column[i] = hn::LoadU(d, in[ky] + i * in_stride);
    HWY_UNROLL(5)
    for (std::size_t kx = 0; kx < kKernel; ++kx) {
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kPixels; ++i) sum[i] = hn::MulAdd(column[i * kStride + kx], weights[ky][kx], sum[i]);
    }
  }
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i) hn::StoreU(activate(d, sum[i], activation), d, out + i * out_stride);
}

/// One vector of channels in all pixels: the input rows that several output rows need stay in the first-level cache.
template <class D, std::size_t kKernel, std::size_t kStride>
void filter_channels(const Depthwise::Part& part, std::size_t channel, const float* weights, std::size_t channels,
                     const float* bias, const Activation& activation) {
  const D d;
  Filter<D, kKernel> filter;
  HWY_UNROLL(5)
  for (std::size_t ky = 0; ky < kKernel; ++ky) {
    HWY_UNROLL(5)
    for (std::size_t kx = 0; kx < kKernel; ++kx)
      filter[ky][kx] = hn::LoadU(d, weights + (ky * kKernel + kx) * channels + channel);
  }
  const auto bias_vector = hn::LoadU(d, bias + channel);
  for (std::size_t row = 0; row < part.rows; ++row) {
    const float* in[kKernel];
    HWY_UNROLL(5)
    for (std::size_t ky = 0; ky < kKernel; ++ky) in[ky] = part.in[row * kStride + ky] + channel;
    float* out = part.out + row * part.width * part.out_stride + channel;
    const auto pixels = [&](auto count) HWY_ATTR {
      filter_pixels<D, kKernel, kStride, count()>(d, in, part.in_stride, filter, bias_vector, out, part.out_stride,
                                                  activation);
      out += count() * part.out_stride;
      for (const float*& one : in) one += count() * kStride * part.in_stride;
    };
    std::size_t left = part.width;
    for (; left >= 4; left -= 4) pixels(std::integral_constant<std::size_t, 4>());
    if (left == 3) pixels(std::integral_constant<std::size_t, 3>());
    if (left == 2) pixels(std::integral_constant<std::size_t, 2>());
    if (left == 1) pixels(std::integral_constant<std::size_t, 1>());
  }
}

template <std::size_t kKernel, std::size_t kStride>
void filter_part(const Depthwise::Part& part, const float* weights, std::size_t channels, const float* bias,
                 const Activation& activation) {
  const std::size_t width = part.octets * kOctet;
  std::size_t c = 0;
  for (; c + kLanesOf<Wide> <= width; c += kLanesOf<Wide>)
    filter_channels<Wide, kKernel, kStride>(part, c, weights, channels, bias, activation);
  for (; c < width; c += kLanesOf<Narrow>)
    filter_channels<Narrow, kKernel, kStride>(part, c, weights, channels, bias, activation);
}

void filter(const Depthwise::Part& part, std::size_t kernel, const float* weights, std::size_t channels,
            const float* bias, const Activation& activation) {
  const auto run = kernel == 3 ? (part.stride == 1 ? filter_part<3, 1> : filter_part<3, 2>)
                               : (part.stride == 1 ? filter_part<5, 1> : filter_part<5, 2>);
  run(part, weights, channels, bias, activation);
}

void mean_and_deviation(const float* rows, std::size_t count, std::size_t channels, std::size_t stride, float* means,
                        float* deviations) {
  const Narrow d;
  for (std::size_t c = 0; c < channels; c += kLanesOf<Narrow>) {
    // After centring on the first row, single precision suffices for the sums of one run of rows.
    constexpr std::size_t kRun = 256;
    const auto centre = hn::LoadU(d, rows + c);
    double sum[kLanesOf<Narrow>] = {}, squares[kLanesOf<Narrow>] = {};
    for (std::size_t start = 0; start < count; start += kRun) {
      auto run_sum = hn::Zero(d), run_squares = hn::Zero(d);
      for (std::size_t i = start; i < std::min(count, start + kRun); ++i) {
        const auto value = hn::Sub(hn::LoadU(d, rows + i * stride + c), centre);
        run_sum = hn::Add(run_sum, value);
        run_squares = hn::MulAdd(value, value, run_squares);
      }
      HWY_ALIGN float both[2][kLanesOf<Narrow>];
      hn::StoreU(run_sum, d, both[0]);
      hn::StoreU(run_squares, d, both[1]);
      for (std::size_t lane = 0; lane < kLanesOf<Narrow>; ++lane) {
        sum[lane] += both[0][lane];
        squares[lane] += both[1][lane];
      }
    }
    const auto n = static_cast<double>(count);
    for (std::size_t lane = 0; lane < kLanesOf<Narrow>; ++lane) {
      const double mean = sum[lane] / n;
      means[c + lane] = static_cast<float>(rows[c + lane] + mean);
      if (deviations)
        deviations[c + lane] = static_cast<float>(std::sqrt(std::max(0.0, squares[lane] / n - mean * mean)));
    }
  }
}

void scale_channels(float* rows, std::size_t count, std::size_t channels, const float* factors) {
  const Narrow d;
  for (float* const end = rows + count * channels; rows < end; rows += channels)
    for (std::size_t c = 0; c < channels; c += kLanesOf<Narrow>)
      hn::StoreU(hn::Mul(hn::LoadU(d, rows + c), hn::LoadU(d, factors + c)), d, rows + c);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(filter);
HWY_EXPORT(mean_and_deviation);
HWY_EXPORT(scale_channels);

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

void Depthwise::apply(const Part& part, const Activation& activation) const {
  const std::size_t first = part.first_octet * kOctet;
  HWY_DYNAMIC_DISPATCH(filter)(part, kernel_, weights_.data() + first, channels_, bias_.data() + first, activation);
}

void mean_and_deviation(const float* rows, std::size_t count, std::size_t channels, std::size_t stride, float* means,
                        float* deviations) {
  HWY_DYNAMIC_DISPATCH(mean_and_deviation)(rows, count, channels, stride, means, deviations);
}

void scale_channels(float* rows, std::size_t count, std::size_t channels, const float* factors) {
  HWY_DYNAMIC_DISPATCH(scale_channels)(rows, count, channels, factors);
}

}  // namespace genrewise
#endif
