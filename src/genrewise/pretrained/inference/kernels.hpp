// The kernels of the inference engine, by Google Highway: compiled for each instruction set, chosen when the program
// runs. Activations are rows of channels (pixels row-major, channels last), a multiple of 8 floats apart.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <limits>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"

namespace genrewise {

/// Channels are padded to octets, so every instruction set reads and writes whole vectors.
inline constexpr std::size_t kOctet = 8;
constexpr std::size_t octets_of(std::size_t channels) {
  return (channels + kOctet - 1) / kOctet;
}

/// The activation after a convolution: those of these networks clip, and hard-swish, x * clip(x + 3, 0, 6) / 6,
/// multiplies by the clipped value.
struct Activation {
  float low = -std::numeric_limits<float>::infinity();
  float high = std::numeric_limits<float>::infinity();
  bool hard_swish = false;
};
inline constexpr Activation kNoActivation = {};
inline constexpr Activation kRelu = {.low = 0};
inline constexpr Activation kRelu6 = {.low = 0, .high = 6};
inline constexpr Activation kHardSwish = {.hard_swish = true};

/// A depth x columns matrix in the layout of the kernels: panels of a few octets of columns, row by row, and a bias per
/// column. Columns are padded with zeros to a multiple of 8. The panels suit the instruction set that is chosen when
/// the matrix is packed, and work for the others.
class PackedWeights {
 public:
  struct Panel {
    std::size_t first_octet = 0, octets = 0, offset = 0;
  };
  static constexpr std::size_t kMostOctets = 4;

  PackedWeights() = default;
  /// `weight(row, column)`; `bias` has one value per column, or none.
  PackedWeights(std::size_t depth, std::size_t columns,
                const std::function<float(std::size_t row, std::size_t column)>& weight, std::span<const float> bias);

  std::size_t octets() const { return octets_of(columns_); }
  const std::vector<Panel>& panels() const { return panels_; }
  const float* values(const Panel& panel) const { return values_.data() + panel.offset; }
  const float* bias(const Panel& panel) const { return bias_.data() + panel.first_octet * kOctet; }

 private:
  std::size_t columns_ = 0;
  std::vector<Panel> panels_;
  AlignedVector<float> values_, bias_;
};

/// The left matrix: row i begins at data + i * stride and consists of `segments` runs of `depth` values, segment_stride
/// apart, so the window of a convolution is a row without being copied.
struct RowsIn {
  const float* data = nullptr;
  std::size_t stride = 0, depth = 0, segments = 1, segment_stride = 0;
};

/// The result: row i at data + i * stride, plus `gap` floats after every `run` rows (the padding of an image's rows).
/// `add`, if given, is added after the activation: row i at add + i * stride.
struct RowsOut {
  float* data = nullptr;
  std::size_t stride = 0;
  const float* add = nullptr;
  std::size_t run = std::numeric_limits<std::size_t>::max(), gap = 0;
};

/// out = activation(in x weights + bias) (+ add), for panels [first_panel, last_panel); column c of the weights is
/// written to column c of the row. Writes whole octets: rows are padded to a multiple of 8 columns. The bits of a row
/// depend on the instruction set, but not on the other rows.
void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
              const Activation& activation, std::size_t first_panel, std::size_t last_panel);
inline void multiply(const PackedWeights& weights, const RowsIn& in, std::size_t rows, const RowsOut& out,
                     const Activation& activation = kNoActivation) {
  multiply(weights, in, rows, out, activation, 0, weights.panels().size());
}

/// For each column the largest of `rows` products (no bias, no activation): a convolution followed by a maximum over
/// positions. Only for the panel `panel`; writes its columns to out.
void multiply_largest(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                      std::size_t rows, float* out);

/// Two results from the products of the segments: y_j = sum over s of share[s][j] (segment s of in x segment s of
/// weights), and for each column the largest y_0 and the largest y_1 of `rows` rows, to out[0] and out[1]. Used by the
/// Toom-Cook convolution with few outputs (musicnn.cpp).
void multiply_largest_pair(const PackedWeights& weights, const PackedWeights::Panel& panel, const RowsIn& in,
                           std::span<const std::array<float, 2>> share, std::size_t rows,
                           const std::array<float*, 2>& out);

/// One kernel x kernel filter and a bias per channel; kernels of 3 and 5, strides of 1 and 2.
class Depthwise {
 public:
  Depthwise() = default;
  /// `weights`: channels x kernel x kernel; the number of channels is a multiple of 8. Throws Error for other kernels.
  Depthwise(std::size_t channels, std::size_t kernel, std::span<const float> weights, std::span<const float> bias);

  std::size_t kernel() const { return kernel_; }

  /// `rows` rows of `width` output pixels for the channels of the octets from first_octet on. `in`: the input rows,
  /// those under the first output row's filter first, each pointing to these channels at the left edge of the padding;
  /// pixels are in_stride and out_stride floats apart.
  struct Part {
    std::size_t first_octet = 0, octets = 0, rows = 1, width = 0, stride = 1;
    std::span<const float* const> in;
    std::size_t in_stride = 0;
    float* out = nullptr;
    std::size_t out_stride = 0;
  };
  void apply(const Part& part, const Activation& activation) const;

 private:
  std::size_t channels_ = 0, kernel_ = 3;
  AlignedVector<float> weights_;  // kernel x kernel x channels
  AlignedVector<float> bias_;
};

/// Mean and (unless null) population standard deviation of each of `channels` channels, a multiple of 8, over `count`
/// rows that are `stride` floats apart.
void mean_and_deviation(const float* rows, std::size_t count, std::size_t channels, std::size_t stride, float* means,
                        float* deviations);

/// Multiplies each of `count` rows of `channels` values, a multiple of 8, by the factors of the channels.
void scale_channels(float* rows, std::size_t count, std::size_t channels, const float* factors);

}  // namespace genrewise
