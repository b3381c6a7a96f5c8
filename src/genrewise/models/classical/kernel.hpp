// Kernel functions of support vector machines, computed as matrix products.
#pragma once

#include <cstddef>
#include <list>
#include <span>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/classical/blas.hpp"

namespace genrewise {

enum class KernelKind { linear, poly, rbf, sigmoid };  // in the order of the parameter's words

/// linear: a.b; poly: (gamma a.b + coef0)^degree; rbf: exp(-gamma |a-b|^2); sigmoid: tanh(gamma a.b + coef0).
struct Kernel {
  KernelKind kind = KernelKind::rbf;
  double gamma = 1, coef0 = 0;
  int degree = 3;
};

/// Rows with their squared norms, which the RBF kernel uses.
struct KernelPoints {
  blas::View<const float> rows;
  std::span<const float> squared_norm;
};
std::vector<float> squared_norms(const Matrix& rows);

/// Converts out(i, j) = a_i . b_j to kernel(a_i, b_j), bitwise equal to kernel_block().
void apply_kernel(const Kernel& kernel, std::span<const float> a_squared_norm, std::span<const float> b_squared_norm,
                  blas::View<float> out);

/// out(i, j) = kernel(a_i, b_j), on the calling thread.
void kernel_block(const Kernel& kernel, const KernelPoints& a, const KernelPoints& b, blas::View<float> out);

/// The kernel matrix of a binary problem, by rows. Its examples are those of one class, followed by those of the other;
/// a row is returned in two pieces, so it may be part of a larger matrix that is sorted by class.
class PairKernel {
 public:
  struct Row {
    const float *first, *second;
  };
  virtual ~PairKernel() = default;
  /// The last two returned rows stay valid.
  virtual Row row(std::size_t i) = 0;
  virtual float diagonal(std::size_t i) = 0;
  /// Whether several threads may read at once.
  virtual bool is_shareable() const = 0;
};

/// Two ranges of the rows and columns of a kernel matrix owned by the caller.
class DensePairKernel final : public PairKernel {
 public:
  DensePairKernel(blas::View<const float> matrix, std::size_t first_at, std::size_t first_count, std::size_t second_at)
      : matrix_(matrix), first_at_(first_at), first_count_(first_count), second_at_(second_at) {}
  Row row(std::size_t i) override {
    const float* start = matrix_.data + index_of(i) * matrix_.stride;
    return {start + first_at_, start + second_at_};
  }
  float diagonal(std::size_t i) override { return matrix_.data[index_of(i) * (matrix_.stride + 1)]; }
  bool is_shareable() const override { return true; }

 private:
  std::size_t index_of(std::size_t i) const { return i < first_count_ ? first_at_ + i : second_at_ + i - first_count_; }
  blas::View<const float> matrix_;
  std::size_t first_at_, first_count_, second_at_;
};

/// Computes rows on demand; drops the least recently used ones when `bytes` are full.
class CachedPairKernel final : public PairKernel {
 public:
  CachedPairKernel(const Kernel& kernel, const KernelPoints& first, const KernelPoints& second, std::size_t bytes);
  Row row(std::size_t i) override;
  float diagonal(std::size_t i) override { return diagonal_[i]; }
  bool is_shareable() const override { return false; }

 private:
  KernelPoints point(std::size_t i) const;
  void compute(std::size_t i, float* out) const;

  Kernel kernel_;
  KernelPoints first_, second_;
  std::vector<float> diagonal_;
  std::list<std::size_t> by_age_;  // the cached rows, the most recently used one first
  struct Cached {
    std::vector<float> values;  // empty: not cached
    std::list<std::size_t>::iterator place;
  };
  std::vector<Cached> rows_;
  std::size_t most_ = 0;
};

}  // namespace genrewise
