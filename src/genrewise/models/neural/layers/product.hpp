// Matrix products of the layers that are trained on the CPU, by Google Highway. Free of libtorch.
//
// OpenBLAS copies both matrices into its own layout in every call, which costs as much as the arithmetic where one of
// them is narrow, as most layers' are. Here neither is copied, and the left one may overlap itself, so the window of a
// convolution is a row, and a transposed matrix is read in place.
#pragma once

#include <cstddef>
#include <limits>

namespace genrewise::neural {

/// Columns of a product are padded to a multiple of this.
inline constexpr std::size_t kColumnStep = 8;
constexpr std::size_t padded_columns(std::size_t columns) {
  return (columns + kColumnStep - 1) / kColumnStep * kColumnStep;
}

struct Product {
  std::size_t rows = 0, depth = 0, columns = 0;  ///< columns: a multiple of kColumnStep
  const float* left = nullptr;                   ///< element (i, k) at left[i * left_row + k * left_depth]
  std::size_t left_row = 0, left_depth = 1;
  const float* right = nullptr;  ///< element (k, j) at right[k * right_row + j]
  std::size_t right_row = 0;
  float* out = nullptr;  ///< element (i, j) at out[i * out_row + j]
  std::size_t out_row = 0;
  bool adds = false;            ///< to what `out` holds
  const float* bias = nullptr;  ///< `columns` values added to each row, or null
  float low = -std::numeric_limits<float>::infinity(), high = std::numeric_limits<float>::infinity();  ///< limits
};

/// out = clip(left x right + bias), on the calling thread. An element's bits depend on the instruction set, but not on
/// the other elements.
void multiply(const Product& product);

/// out[i * out_row + j] = sum over k < depth of left[i * left_row + k] * right[j * right_row + k].
void multiply_rows(const Product& product);

}  // namespace genrewise::neural
