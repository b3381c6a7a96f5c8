// Matrix products of activations and weights, with the activation applied while the sums are still in registers.
#pragma once

#include <array>
#include <cstddef>
#include <functional>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/pretrained/inference/octet.hpp"

namespace genrewise {

/// A depth x columns matrix in the layout of the kernels: panels of 8, 16 or 24 columns, row by row, and a bias per
/// column. Columns are padded with zeros to a multiple of 8.
class PackedWeights {
 public:
  struct Panel {
    std::size_t first_octet = 0, octets = 0, offset = 0;
  };
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

/// The result: row i at data + i * stride. `add` (same stride), if given, is added after the activation.
struct RowsOut {
  float* data = nullptr;
  std::size_t stride = 0;
  const float* add = nullptr;
};

/// out = activation(in x weights + bias) (+ add), for panels [first_panel, last_panel); column c of the weights is
/// written to column c of the row. Writes whole octets: rows are padded to a multiple of 8 columns.
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

}  // namespace genrewise
