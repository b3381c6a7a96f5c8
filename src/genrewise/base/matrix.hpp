// The matrix type that modules exchange.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

namespace genrewise {

/// Owning, row-major matrix of float; rows are contiguous. Feature tables hold one example per row. Indices are not
/// checked.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : rows_(rows), cols_(cols), values_(rows * cols) {}
  Matrix(std::size_t rows, std::size_t cols, std::vector<float> values)
      : rows_(rows), cols_(cols), values_(std::move(values)) {}

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  bool empty() const { return values_.empty(); }

  float* data() { return values_.data(); }
  const float* data() const { return values_.data(); }
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return values_; }

  std::span<float> row(std::size_t i) { return {values_.data() + i * cols_, cols_}; }
  std::span<const float> row(std::size_t i) const { return {values_.data() + i * cols_, cols_}; }
  float& operator()(std::size_t i, std::size_t j) { return values_[i * cols_ + j]; }
  float operator()(std::size_t i, std::size_t j) const { return values_[i * cols_ + j]; }

  Matrix select_rows(std::span<const std::size_t> rows) const {
    Matrix chosen(rows.size(), cols_);
    for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(row(rows[i]), chosen.row(i).begin());
    return chosen;
  }

  friend bool operator==(const Matrix&, const Matrix&) = default;

 private:
  std::size_t rows_ = 0, cols_ = 0;
  std::vector<float> values_;
};

}  // namespace genrewise
