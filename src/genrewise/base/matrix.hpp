// The matrix type that modules exchange.
#pragma once

#include <algorithm>
#include <cstddef>
#include <span>
#include <utility>
#include <vector>

#include "genrewise/base/aligned.hpp"

namespace genrewise {

/// Row-major matrix of float; rows are contiguous. Feature tables hold one example per row. Indices are not checked.
class Matrix {
 public:
  Matrix() = default;
  Matrix(std::size_t rows, std::size_t cols) : Matrix(rows, cols, reserved_vector<float>(rows * cols)) {
    values_.resize(rows * cols);
  }
  Matrix(std::size_t rows, std::size_t cols, std::vector<float> values)
      : rows_(rows), cols_(cols), values_(std::move(values)), at_(values_.data()) {}
  /// A copy always has values of its own.
  Matrix(const Matrix& other) : Matrix(other.rows_, other.cols_, reserved_vector<float>(other.values().size())) {
    values_.assign(other.values().begin(), other.values().end());
  }
  Matrix(Matrix&& other) noexcept { swap(other); }
  Matrix& operator=(Matrix other) noexcept {
    swap(other);
    return *this;
  }
  ~Matrix() = default;

  /// rows * cols values of the caller, who keeps them as long as the matrix is used; for functions that take a const
  /// Matrix&. Nothing is copied.
  static const Matrix borrow(const float* values, std::size_t rows, std::size_t cols) {
    Matrix borrowed;
    borrowed.rows_ = rows;
    borrowed.cols_ = cols;
    borrowed.at_ = values;
    return borrowed;
  }

  std::size_t rows() const { return rows_; }
  std::size_t cols() const { return cols_; }
  bool empty() const { return rows_ * cols_ == 0; }

  float* data() { return values_.data(); }
  const float* data() const { return at_; }
  std::span<float> values() { return values_; }
  std::span<const float> values() const { return {at_, rows_ * cols_}; }

  std::span<float> row(std::size_t i) { return {values_.data() + i * cols_, cols_}; }
  std::span<const float> row(std::size_t i) const { return {at_ + i * cols_, cols_}; }
  float& operator()(std::size_t i, std::size_t j) { return values_[i * cols_ + j]; }
  float operator()(std::size_t i, std::size_t j) const { return at_[i * cols_ + j]; }

  Matrix select_rows(std::span<const std::size_t> rows) const {
    Matrix chosen(rows.size(), cols_);
    for (std::size_t i = 0; i < rows.size(); ++i) std::ranges::copy(row(rows[i]), chosen.row(i).begin());
    return chosen;
  }

  friend bool operator==(const Matrix& a, const Matrix& b) {
    return a.rows_ == b.rows_ && a.cols_ == b.cols_ && std::ranges::equal(a.values(), b.values());
  }

 private:
  void swap(Matrix& other) noexcept {
    std::swap(rows_, other.rows_);
    std::swap(cols_, other.cols_);
    std::swap(at_, other.at_);
    values_.swap(other.values_);
  }

  std::size_t rows_ = 0, cols_ = 0;
  std::vector<float> values_;
  const float* at_ = nullptr;  // values_, or what is borrowed
};

}  // namespace genrewise
