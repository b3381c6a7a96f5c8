// CPU kernels for training convolutions of images: pointwise (1 x 1) and depthwise ones, batch normalisation and the
// activations after them. Free of libtorch. Images are channels-last (examples x height x width x channels), and the
// numbers of channels are multiples of 8.
//
// An activation's gradient and that of batch normalisation are computed tile by tile, while the convolution's backward
// pass reads the tile, instead of in passes of their own over tensors that fit into no cache. Sums over examples are
// taken in a fixed order, so results are the same for any number of threads.
#pragma once

#include <cstddef>
#include <cstdint>

namespace genrewise::neural {

enum class Activation : std::uint8_t { none, relu, relu6, hard_swish };

struct ImageConvolution {
  std::size_t examples = 0, in_height = 0, in_width = 0, in = 0;  ///< in, out: channels
  std::size_t out_height = 0, out_width = 0, out = 0;
  bool depthwise = false;  ///< else pointwise: kernel and stride are 1
  std::size_t kernel = 1, stride = 1, pad_top = 0, pad_left = 0;
  std::size_t in_pixels() const { return in_height * in_width; }
  std::size_t out_pixels() const { return out_height * out_width; }
};

/// out = convolution of x, plus `bias` per channel and with the activation (none, relu or relu6) where bias is given.
/// weight: out x in, or out x kernel x kernel. Where `mean` and `variance` are given, they receive each channel's mean
/// and (population) variance.
void convolution_forward(const ImageConvolution& shape, const float* x, const float* weight, const float* bias,
                         Activation activation, float* out, double* mean, double* variance);

/// y = activation(scale * z + shift), per channel. y may be z.
struct ChannelMap {
  Activation activation = Activation::none;
  const float *scale = nullptr, *shift = nullptr;
};
void apply_map(const ChannelMap& map, const float* z, std::size_t pixels, std::size_t channels, float* y);

/// The gradient of a convolution's output z, from that of y = map(z): slope * (grad_y times the activation's
/// derivative)
/// + slope_z * z + slope_1, per channel. Where y = clip(z + bias), z may be y: the derivative is the same.
struct OutputGradient {
  const float *grad_y = nullptr, *z = nullptr;
  ChannelMap map;
  const float *slope = nullptr, *slope_z = nullptr, *slope_1 = nullptr;
};

/// Sums over all pixels of the gradient before the slopes, and of its product with z; per channel.
void gradient_sums(const OutputGradient& gradient, std::size_t examples, std::size_t pixels, std::size_t channels,
                   double* sums, double* sums_z);

/// Backward pass. grad_x and grad_bias (the sum of the output's gradient) may be null.
void convolution_backward(const ImageConvolution& shape, const float* x, const float* weight,
                          const OutputGradient& gradient, float* grad_x, float* grad_weight, float* grad_bias);

/// For the kernels themselves: one tap of a depthwise filter at one pixel: where its input is, relative to the image,
/// and its row of weights.
struct Tap {
  std::size_t from = 0, weight = 0;
};

}  // namespace genrewise::neural
