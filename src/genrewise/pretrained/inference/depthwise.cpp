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

/// kPixels neighbouring output pixels of one vector of channels. Each input column is read once for all windows that
/// contain it.
template <class D, std::size_t kKernel, std::size_t kStride, std::size_t kPixels>
HWY_INLINE void filter_pixels(D d, const Depthwise::Row& row, std::size_t x, std::size_t channel, const float* weights,
                              std::size_t channels, const float* bias, const Activation& activation) {
  constexpr std::size_t kColumns = (kPixels - 1) * kStride + kKernel;
  hn::Vec<D> sum[kPixels];
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i) sum[i] = hn::LoadU(d, bias + channel);
  HWY_UNROLL(5)
  for (std::size_t ky = 0; ky < kKernel; ++ky) {
    const float* const in = row.in[ky] + x * kStride * row.in_stride + channel;
    hn::Vec<D> column[kColumns];
    HWY_UNROLL(16)
    for (std::size_t i = 0; i < kColumns; ++i) column[i] = hn::LoadU(d, in + i * row.in_stride);
    HWY_UNROLL(5)
    for (std::size_t kx = 0; kx < kKernel; ++kx) {
      const auto weight = hn::LoadU(d, weights + (ky * kKernel + kx) * channels + channel);
      HWY_UNROLL(4)
      for (std::size_t i = 0; i < kPixels; ++i) sum[i] = hn::MulAdd(column[i * kStride + kx], weight, sum[i]);
    }
  }
  HWY_UNROLL(4)
  for (std::size_t i = 0; i < kPixels; ++i)
    hn::StoreU(activate(d, sum[i], activation), d, row.out + (x + i) * row.out_stride + channel);
}

template <std::size_t kKernel, std::size_t kStride>
void filter_row(const Depthwise::Row& row, const float* weights, std::size_t channels, const float* bias,
                const Activation& activation) {
  const std::size_t width = row.octets * kOctet;
  for_row_blocks(0, row.width, 4, [&](std::size_t x, std::size_t count) HWY_ATTR {
    const auto pixels = [&](auto d, std::size_t first, std::size_t last) HWY_ATTR {
      using D = decltype(d);
      for (std::size_t c = first; c < last; c += kLanesOf<D>) {
        switch (count) {
          case 1:
            filter_pixels<D, kKernel, kStride, 1>(d, row, x, c, weights, channels, bias, activation);
            break;
          case 2:
            filter_pixels<D, kKernel, kStride, 2>(d, row, x, c, weights, channels, bias, activation);
            break;
          case 3:
            filter_pixels<D, kKernel, kStride, 3>(d, row, x, c, weights, channels, bias, activation);
            break;
          default:
            filter_pixels<D, kKernel, kStride, 4>(d, row, x, c, weights, channels, bias, activation);
        }
      }
    };
    const std::size_t wide = width / kLanesOf<Wide> * kLanesOf<Wide>;
    pixels(Wide(), 0, wide);
    pixels(Narrow(), wide, width);
  });
}

void filter(const Depthwise::Row& row, std::size_t kernel, const float* weights, std::size_t channels,
            const float* bias, const Activation& activation) {
  const auto run = kernel == 3 ? (row.stride == 1 ? filter_row<3, 1> : filter_row<3, 2>)
                               : (row.stride == 1 ? filter_row<5, 1> : filter_row<5, 2>);
  run(row, weights, channels, bias, activation);
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
#endif
