// The binary machines of a multi-class support vector machine, one for each pair of classes.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/models/classical/kernel.hpp"
#include "genrewise/models/classical/pairwise.hpp"
#include "genrewise/models/classical/smo.hpp"

namespace genrewise {

struct ClassPair {
  std::size_t first, second;
};
/// (0, 1), (0, 2), ... in libsvm's order.
std::vector<ClassPair> all_pairs(std::size_t classes);

/// Examples sorted by class, in the order of the kernel matrix.
struct SortedExamples {
  Matrix rows;
  std::vector<float> squared_norm;
  std::vector<std::size_t> start;  ///< class c is [start[c], start[c + 1])

  std::size_t size_of(std::size_t c) const { return start[c + 1] - start[c]; }
  std::size_t size_of(const ClassPair& pair) const { return size_of(pair.first) + size_of(pair.second); }
  KernelPoints of_class(std::size_t c) const {
    return {blas::View<const float>(rows).rows_from(start[c], size_of(c)),
            std::span<const float>(squared_norm).subspan(start[c], size_of(c))};
  }
};

/// Huge pages, and new elements without a value: for large tables that several threads fill.
template <class T>
struct WithoutValues : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = WithoutValues<U>;
  };
  T* allocate(std::size_t count) {
    T* memory = std::allocator<T>::allocate(count);
    prefer_huge_pages(memory, count * sizeof(T));
    return memory;
  }
  template <class U>
  void construct(U* element) {
    ::new (static_cast<void*>(element)) U;
  }
};

/// n x n values, row-major.
using SquareMatrix = std::vector<float, WithoutValues<float>>;

/// The symmetric kernel matrix of points taken from one class or from two.
SquareMatrix kernel_of(const Kernel& kernel, const KernelPoints& points);
/// The same from the products of all points, bitwise equal.
SquareMatrix kernel_of_products(const Kernel& kernel, const SquareMatrix& products, std::span<const float> norms);

struct PairProblems {
  Kernel kernel;
  SmoConfig smo;
  std::size_t cache_bytes = 0;  ///< memory for kernel values
  bool probability = false;     ///< whether to fit sigmoids
  std::uint64_t seed = 0;       ///< of the folds that sigmoids are fitted on
};

struct PairMachine {
  std::vector<double> coefficients;  ///< alpha_i y_i, first class then second
  double rho = 0;
  long long steps = 0;  ///< of the solver
  Sigmoid sigmoid;
};

/// Solves the problem of each pair; `bounds` has C for each class. For a linear kernel with very many examples, and
/// more than columns, no kernel matrix is computed. Otherwise `whole_kernel` returns the kernel matrix of all examples
/// if that fits into cache_bytes; else each pair computes its own, as many at a time as fit, and a pair whose matrix
/// does not fit computes rows on demand.
std::vector<PairMachine> solve_pairs(const PairProblems& problems, const SortedExamples& sorted,
                                     const std::vector<double>& bounds,
                                     const std::function<std::shared_ptr<const SquareMatrix>()>& whole_kernel);

}  // namespace genrewise
