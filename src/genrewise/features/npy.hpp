// NumPy's .npy files, version 1.0 (numpy.lib.format). Private to this module.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace genrewise {

/// Header of a C-ordered little-endian float32 matrix; the values follow it in the file.
std::string npy_header(std::size_t rows, std::size_t cols);

/// Whether a file that begins with `bytes` is one.
bool is_npy(std::string_view bytes);
/// Length of the header at the start of `bytes`; 0 if it is not whole.
std::size_t npy_header_bytes(std::string_view bytes);
/// The number of columns in a header of npy_header(). Throws Error for another one.
std::size_t npy_columns(std::string_view header);

/// A two-dimensional array of float32 or float64 in C order; the values are the rest of the file.
struct NpyLayout {
  std::size_t rows = 0, cols = 0, value_bytes = 0;
  std::uint64_t offset = 0;  ///< of the values in the file
};
inline constexpr std::size_t kMostNpyHeaderBytes = 10 + 65535;
/// `start`: the whole file, or at least its first kMostNpyHeaderBytes. Throws Error, naming `name`, for anything else,
/// and for a file of another size than its header states.
NpyLayout parse_npy(std::string_view start, std::uint64_t file_bytes, const std::string& name);

}  // namespace genrewise
