// NumPy's .npy files, version 1.0 (numpy.lib.format). Private to this module.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// Header of a C-ordered little-endian float32 matrix; the values follow it in the file.
std::string npy_header(std::size_t rows, std::size_t cols);

/// Whether a file that begins with `bytes` is one.
bool is_npy(std::string_view bytes);
/// Length of the header at the start of `bytes`; 0 if it is not whole.
std::size_t npy_header_bytes(std::string_view bytes);
/// The number of columns in a header of npy_header(). Throws Error for another one.
std::size_t npy_columns(std::string_view header);

/// A two-dimensional array in C order, in its own precision: one of the vectors is empty.
struct NpyArray {
  std::size_t rows = 0, cols = 0;
  std::vector<float> float32 = {};
  std::vector<double> float64 = {};
};
/// Throws Error, naming `name`, for anything else.
NpyArray parse_npy(std::string_view bytes, const std::string& name);

}  // namespace genrewise
