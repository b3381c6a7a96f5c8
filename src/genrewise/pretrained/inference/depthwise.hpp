// Depthwise convolutions.
#pragma once

#include <cstddef>
#include <span>

#include "genrewise/base/aligned.hpp"
#include "genrewise/pretrained/inference/octet.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise {

/// Sizes of a convolution's input and output, and its padding at the top and left.
struct ConvolutionShape {
  std::size_t in_height = 0, in_width = 0, out_height = 0, out_width = 0;
  std::size_t kernel = 3, stride = 1, pad_top = 0, pad_left = 0;
  std::size_t in_pixels() const { return in_height * in_width; }
  std::size_t out_pixels() const { return out_height * out_width; }
};

ConvolutionShape convolution_shape(std::size_t height, std::size_t width, std::size_t kernel, std::size_t stride,
                                   Padding padding);

/// One kernel x kernel filter and a bias per channel; kernels of 3 and 5, strides of 1 and 2.
class Depthwise {
 public:
  Depthwise() = default;
  /// `weights`: channels x kernel x kernel; the number of channels is a multiple of 8. Throws Error for other kernels.
  Depthwise(std::size_t channels, std::size_t kernel, std::span<const float> weights, std::span<const float> bias);

  /// A part of the output: rows [first_row, last_row) of `octets` octets of channels.
  struct Part {
    std::size_t first_octet = 0, octets = 0, first_row = 0, last_row = 0;
  };
  /// `in` and `out` point to the first of these octets in the first pixel of the image; strides are the distances
  /// between pixels in floats (pixels row-major, channels last).
  void apply(const ConvolutionShape& shape, const Part& part, const float* in, std::size_t in_stride, float* out,
             std::size_t out_stride, const Activation& activation) const;

 private:
  std::size_t kernel_ = 3;
  AlignedVector<float> weights_;  // octets x kernel x kernel x 8
  AlignedVector<float> bias_;
};

}  // namespace genrewise
