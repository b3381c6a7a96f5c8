// Matrix products on OpenBLAS. OpenBLAS always runs on the calling thread only; loops over blocks of fixed size run on
// genrewise's own threads. Thread budgets therefore never multiply, and results are the same for any number of threads.
//
//     const Matrix products = blas::product(blas::Form::nt, a, b);      // a * b^T
//     const auto [mean, variance] = blas::column_moments(examples);
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise::blas {

/// A row-major matrix owned by the caller; `stride` is the distance between rows.
template <class T>
struct View {
  T* data = nullptr;
  std::size_t rows = 0, cols = 0, stride = 0;

  View(T* at, std::size_t row_count, std::size_t col_count, std::size_t row_stride)
      : data(at), rows(row_count), cols(col_count), stride(row_stride) {}
  View(T* at, std::size_t row_count, std::size_t col_count) : View(at, row_count, col_count, col_count) {}
  template <class M>
  requires std::is_same_v<std::remove_const_t<M>, Matrix> View(M& matrix)
      : View(matrix.data(), matrix.rows(), matrix.cols()) {}  // NOLINT: meant to convert

  View block(std::size_t row, std::size_t col, std::size_t row_count, std::size_t col_count) const {
    return {data + row * stride + col, row_count, col_count, stride};
  }
  View rows_from(std::size_t first, std::size_t count) const { return block(first, 0, count, cols); }
};

/// c = alpha * op(a) * op(b) + beta * c, on the calling thread.
enum class Form { nn, nt, tn };
void multiply(Form form, float alpha, View<const float> a, View<const float> b, float beta, View<float> c);
void multiply(Form form, double alpha, View<const double> a, View<const double> b, double beta, View<double> c);

/// a * b^T (nt), or a * b (nn), in blocks of rows over all threads.
Matrix product(Form form, const Matrix& a, const Matrix& b);
/// a^T * b with sums over blocks of rows in double; a.cols x b.cols, row-major.
std::vector<double> product_tn(View<const float> a, View<const float> b);
/// a^T * a likewise; only the lower triangle is computed, both are filled.
std::vector<double> gram_of_columns(View<const float> a);
/// gram += factor * a^T * a, lower triangle only, on the calling thread.
void add_lower_gram_of_columns(double factor, View<const double> a, View<double> gram);
/// a * a^T in float; only the lower triangle is computed, both are filled.
Matrix gram_of_rows(const Matrix& a);

/// Calls body(first, count) for blocks of at most `block` items of [0, count), over all threads.
template <class Body>
void for_blocks(std::size_t count, std::size_t block, Body body);

/// Fills the symmetric n x n matrix `out`: body(row, col, tile) writes one tile of the lower triangle (tiles on the
/// diagonal completely), over all threads; the upper triangle is copied.
template <class T, class Body>
void fill_symmetric(T* out, std::size_t n, Body body);

/// sum over rows of (row - mean)(row - mean)^T, cols x cols, computed in double.
std::vector<double> scatter(View<const float> rows, std::span<const double> mean);

/// Width of the column strips in which a table with that many columns is traversed from top to bottom: enough strips
/// for all threads, and otherwise as wide as possible, because every row is on another memory page.
std::size_t strip_width(std::size_t cols);

struct Moments {
  std::vector<double> mean, variance;  ///< per column; variance divides by the number of rows
};
/// Two passes over strips of columns.
Moments column_moments(const Matrix& examples);

/// Sums in double over rows. The order of the additions, and so the last bits, depend on the instruction set.
double dot(std::span<const float> a, std::span<const float> b);
double dot(std::span<const float> a, const double* b);
double dot(std::span<const double> a, std::span<const double> b);
/// The sum in float, as inexact as multiply().
float dot_in_float(std::span<const float> a, const float* b);
double squared_distance(std::span<const float> a, const float* b);
double manhattan_distance(std::span<const float> a, const float* b);
/// The sum over j of (row[j] - mean[j])^2 * factor[j].
double scaled_squared_distance(std::span<const float> row, const double* mean, const double* factor);
/// sum[j] += factor * row[j].
void add(double factor, std::span<const float> row, double* sum);
/// sum[j] += (row[j] - mean[j])^2.
void add_squared_differences(std::span<const float> row, const double* mean, double* sum);

/// Bounds of an inexact squared distance |b|^2 - 2 a.b, less |a|^2, from an inexact product of a and b.
struct DistanceBounds {
  float factor = 2;                               ///< of the product
  float of_norm = 0, of_length = 0, of_rest = 0;  ///< what |b|^2, |b| and the rest of b add to the error
};
/// |b|^2, |b| and the rest of each b; the last two are null where of_length is 0.
struct DistanceTerms {
  const float *norm = nullptr, *length = nullptr, *rest = nullptr;
};
/// The indices j whose lower bound, norm[j] - factor * product[j] - error, is at most `threshold`, in ascending order
/// in `found`, which has space for all and kFoundPadding more. Returns their number. Where the two sides differ by
/// rounding, j may be among them or not.
inline constexpr std::size_t kFoundPadding = 64;
std::size_t find_within(const DistanceTerms& terms, std::span<const float> product, const DistanceBounds& bounds,
                        float threshold, std::uint32_t* found);

/// The least upper bounds, norm[j] - factor * product[j] + error, of kBoundGroups groups of points, none of which is in
/// two groups; infinite for a group without points.
inline constexpr std::size_t kBoundGroups = 128;
std::array<float, kBoundGroups> least_upper_bounds(const DistanceTerms& terms, std::span<const float> product,
                                                   const DistanceBounds& bounds);

/// Throws Error for a matrix that is too large for eigen_symmetric(), whose work arrays are counted by 32-bit numbers.
void require_eigen_size(std::size_t n);
/// Eigenvalues in ascending order (returned) and eigenvectors (in the rows of `matrix`) of the symmetric n x n matrix
/// in `matrix` (LAPACK's dsyevd). Throws Error when it does not converge, and as require_eigen_size().
std::vector<double> eigen_symmetric(std::vector<double>& matrix, std::size_t n);

/// Cholesky factorisation (dpotrf): the lower triangle of `matrix` becomes L with L L^T = matrix. False when it is not
/// positive definite.
bool factor_positive(std::vector<double>& matrix, std::size_t n);
/// Solves L L^T x = b in place, for as many right-hand sides as `sides` has (dpotrs).
void solve_factored(const std::vector<double>& factor, std::size_t n, std::span<double> sides);
/// Solves L^T x = b in place.
void solve_transposed(const std::vector<double>& factor, std::size_t n, std::span<double> right_side);
/// Solves for the right-hand sides in place by Cholesky factorisation (dpotrf); the lower triangle of `matrix` (n x n)
/// is read, and `matrix` is overwritten. False when it is not positive definite.
bool solve_positive(std::vector<double>& matrix, std::size_t n, std::span<std::vector<double>> right_sides);

/// Replaces the columns of a column-major matrix by an orthonormal basis of their span (Householder QR, dgeqrf and
/// dorgqr). There are at most as many columns as rows.
void orthonormalise(std::vector<double>& columns, std::size_t rows);

}  // namespace genrewise::blas

#include <algorithm>

#include "genrewise/base/parallel.hpp"

namespace genrewise::blas {

template <class Body>
void for_blocks(std::size_t count, std::size_t block, Body body) {
  parallel_for((count + block - 1) / block, [&](std::size_t index, int) {
    const std::size_t first = index * block;
    body(first, std::min(block, count - first));
  });
}

/// `to` becomes the transpose of `from`, in square tiles that stay in the cache.
template <class T>
void transpose(View<const T> from, View<T> to) {
  constexpr std::size_t kSquare = 16;
  for (std::size_t i0 = 0; i0 < from.rows; i0 += kSquare)
    for (std::size_t j0 = 0; j0 < from.cols; j0 += kSquare)
      for (std::size_t i = i0; i < std::min(i0 + kSquare, from.rows); ++i)
        for (std::size_t j = j0; j < std::min(j0 + kSquare, from.cols); ++j)
          to.data[j * to.stride + i] = from.data[i * from.stride + j];
}

template <class T, class Body>
void fill_symmetric(T* out, std::size_t n, Body body) {
  constexpr std::size_t kTile = 512;
  const View<T> all(out, n, n);
  const std::size_t side = (n + kTile - 1) / kTile;
  parallel_for(side * (side + 1) / 2, [&](std::size_t index, int) {
    std::size_t down = 0;
    while (index > down) index -= ++down;
    const std::size_t row = down * kTile, col = index * kTile;
    const std::size_t height = std::min(kTile, n - row), width = std::min(kTile, n - col);
    const View<T> tile = all.block(row, col, height, width);
    body(row, col, tile);
    if (row != col) transpose<T>({tile.data, height, width, n}, all.block(col, row, width, height));
  });
}

}  // namespace genrewise::blas
