// NumPy's .npy files, version 1.0 (numpy.lib.format). Private to this module.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// Header of a C-ordered little-endian float32 matrix; the values follow it in the file.
std::string npy_header(std::size_t rows, std::size_t cols);

/// Parses a two-dimensional float32 or float64 array in C order. Throws Error, naming `name`, for anything else.
Matrix parse_npy(std::string_view bytes, const std::string& name);

}  // namespace genrewise
