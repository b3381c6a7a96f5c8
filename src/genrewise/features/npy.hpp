// NumPy's .npy files, version 1.0 (numpy.lib.format). Private to this room.
#pragma once

#include <string>
#include <string_view>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

/// The header of a C-ordered little-endian float32 matrix; its values follow.
std::string npy_header(std::size_t rows, std::size_t cols);

/// A two-dimensional float32 or float64 array in C order. Throws Error, with `name`, for all else.
Matrix parse_npy(std::string_view bytes, const std::string& name);

}  // namespace genrewise
