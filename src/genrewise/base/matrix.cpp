#include "genrewise/base/matrix.hpp"

#include <algorithm>

namespace genrewise {

Matrix Matrix::select_rows(std::span<const std::size_t> rows) const {
  Matrix chosen(rows.size(), cols_);
  for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(row(rows[i]), chosen.row(i).begin());
  return chosen;
}

}  // namespace genrewise
