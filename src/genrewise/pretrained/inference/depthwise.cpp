#include "genrewise/pretrained/inference/depthwise.hpp"

#include <algorithm>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

/// Arguments of the loops over one octet of channels.
struct OctetCall {
  const ConvolutionShape& shape;
  const float* in;
  std::size_t in_stride;
  const float* weights;
  Octet bias;
  float* out;
  std::size_t out_stride;
  const Activation& activation;
};

/// The filter rows that are inside the image.
struct RowRange {
  std::size_t first, last;
};

/// kPixels neighbouring pixels of one output row, whose windows are inside the image. Each input column is read once
/// for all windows that contain it.
template <std::size_t kKernel, std::size_t kStride, std::size_t kPixels>
[[gnu::always_inline]] inline void inner_pixels(const OctetCall& call, std::size_t y, std::size_t x, RowRange range) {
  constexpr std::size_t kColumns = (kPixels - 1) * kStride + kKernel;
  Octet sum[kPixels];
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kPixels; ++i) sum[i] = call.bias;
  const std::size_t left = x * kStride - call.shape.pad_left;
  for (std::size_t ky = range.first; ky < range.last; ++ky) {
    const std::size_t row = y * kStride + ky - call.shape.pad_top;
    const float* const in = call.in + (row * call.shape.in_width + left) * call.in_stride;
    const float* const weights = call.weights + ky * kKernel * kOctet;
    Octet column[kColumns];
#pragma GCC unroll 16
    for (std::size_t i = 0; i < kColumns; ++i) column[i] = octet_at(in + i * call.in_stride);
#pragma GCC unroll 5
    for (std::size_t kx = 0; kx < kKernel; ++kx) {
      const Octet weight = octet_at(weights + kx * kOctet);
#pragma GCC unroll 4
      for (std::size_t i = 0; i < kPixels; ++i) sum[i] = multiply_add(column[i * kStride + kx], weight, sum[i]);
    }
  }
  activate(sum, call.activation);
  float* const out = call.out + (y * call.shape.out_width + x) * call.out_stride;
#pragma GCC unroll 4
  for (std::size_t i = 0; i < kPixels; ++i) octet_at(out + i * call.out_stride) = sum[i];
}

/// One pixel whose window may extend beyond the left or right edge.
template <std::size_t kKernel, std::size_t kStride>
void outer_pixel(const OctetCall& call, std::size_t y, std::size_t x, RowRange range) {
  const std::size_t origin = x * kStride;  // of the window, counted from the left edge of the padding
  const std::size_t left = call.shape.pad_left;
  const std::size_t first = origin < left ? left - origin : 0;
  const std::size_t last = std::min(kKernel, call.shape.in_width + left - origin);
  Octet sum[1] = {call.bias};
  for (std::size_t ky = range.first; ky < range.last; ++ky) {
    const std::size_t row = y * kStride + ky - call.shape.pad_top;
    for (std::size_t kx = first; kx < last; ++kx) {
      const std::size_t column = origin + kx - left;
      sum[0] = multiply_add(octet_at(call.in + (row * call.shape.in_width + column) * call.in_stride),
                            octet_at(call.weights + (ky * kKernel + kx) * kOctet), sum[0]);
    }
  }
  activate(sum, call.activation);
  octet_at(call.out + (y * call.shape.out_width + x) * call.out_stride) = sum[0];
}

template <std::size_t kKernel, std::size_t kStride>
void output_row(const OctetCall& call, std::size_t y) {
  const ConvolutionShape& shape = call.shape;
  const std::size_t top = y * kStride;
  const RowRange range{top < shape.pad_top ? shape.pad_top - top : 0,
                       std::min(kKernel, shape.in_height + shape.pad_top - top)};
  // Windows [inner, outer) are inside the image horizontally.
  const std::size_t inner = std::min(shape.out_width, (shape.pad_left + kStride - 1) / kStride);
  const std::size_t reach = shape.in_width + shape.pad_left;
  const std::size_t outer =
      reach < kKernel ? inner : std::clamp((reach - kKernel) / kStride + 1, inner, shape.out_width);
  std::size_t x = 0;
  for (; x < inner; ++x) outer_pixel<kKernel, kStride>(call, y, x, range);
  for (; x + 4 <= outer; x += 4) inner_pixels<kKernel, kStride, 4>(call, y, x, range);
  for (; x < outer; ++x) inner_pixels<kKernel, kStride, 1>(call, y, x, range);
  for (; x < shape.out_width; ++x) outer_pixel<kKernel, kStride>(call, y, x, range);
}

}  // namespace

ConvolutionShape convolution_shape(std::size_t height, std::size_t width, std::size_t kernel, std::size_t stride,
                                   Padding padding) {
  ConvolutionShape shape{.in_height = height, .in_width = width, .kernel = kernel, .stride = stride};
  const auto side = [&](std::size_t in, std::size_t& out, std::size_t& pad) {
    if (padding == Padding::symmetric) {
      pad = (kernel - 1) / 2;
      out = (in + 2 * pad - kernel) / stride + 1;
    } else {
      out = (in + stride - 1) / stride;
      const std::size_t reach = (out - 1) * stride + kernel;
      pad = reach > in ? (reach - in) / 2 : 0;
    }
  };
  side(height, shape.out_height, shape.pad_top);
  side(width, shape.out_width, shape.pad_left);
  return shape;
}

Depthwise::Depthwise(std::size_t channels, std::size_t kernel, std::span<const float> weights,
                     std::span<const float> bias)
    : kernel_(kernel), weights_(weights.size()), bias_(bias.begin(), bias.end()) {
  if ((kernel != 3 && kernel != 5) || channels % kOctet != 0 || weights.size() != channels * kernel * kernel ||
      bias.size() != channels)
    throw Error("a depthwise convolution takes kernels of 3 or 5 and a multiple of 8 channels", "Depthwise");
  const std::size_t taps = kernel * kernel;
  for (std::size_t c = 0; c < channels; ++c)
    for (std::size_t t = 0; t < taps; ++t)
      weights_[((c / kOctet) * taps + t) * kOctet + c % kOctet] = weights[c * taps + t];
}

void Depthwise::apply(const ConvolutionShape& shape, const Part& part, const float* in, std::size_t in_stride,
                      float* out, std::size_t out_stride, const Activation& activation) const {
  const auto row = kernel_ == 3 ? (shape.stride == 1 ? output_row<3, 1> : output_row<3, 2>)
                                : (shape.stride == 1 ? output_row<5, 1> : output_row<5, 2>);
  for (std::size_t y = part.first_row; y < part.last_row; ++y) {
    for (std::size_t c = 0; c < part.octets; ++c) {
      const std::size_t octet = part.first_octet + c;
      row({shape, in + c * kOctet, in_stride, weights_.data() + octet * kernel_ * kernel_ * kOctet,
           octet_at(bias_.data() + octet * kOctet), out + c * kOctet, out_stride, activation},
          y);
    }
  }
}

}  // namespace genrewise
