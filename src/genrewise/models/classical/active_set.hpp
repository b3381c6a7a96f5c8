// The dual problem of one binary support vector machine by primal-dual active sets.
#pragma once

#include <cstddef>
#include <span>
#include <unordered_map>
#include <vector>

#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/kernel.hpp"

namespace genrewise {

/// The matrix K of a dual problem, as far as the method needs to know it.
class QuadraticForm {
 public:
  virtual ~QuadraticForm() = default;
  virtual double mean_diagonal() = 0;
  /// products += K d for a d that is 0 but at `places`.
  virtual void add_product(std::span<const std::size_t> places, std::span<const double> d,
                           std::span<double> products) = 0;
  /// Solves (K + diag(ridge)) x = b among `places` for each of the right sides, in place. False when that is not
  /// positive definite, or too large to be worth it.
  virtual bool solve(std::span<const std::size_t> places, std::span<const double> ridge,
                     std::span<std::vector<double>> right_sides) = 0;
};

/// Reads the rows of a kernel matrix.
class KernelForm final : public QuadraticForm {
 public:
  KernelForm(PairKernel& kernel, std::size_t first_count, std::size_t size)
      : kernel_(kernel), first_count_(first_count), size_(size) {}
  double mean_diagonal() override;
  void add_product(std::span<const std::size_t> places, std::span<const double> d, std::span<double> products) override;
  bool solve(std::span<const std::size_t> places, std::span<const double> ridge,
             std::span<std::vector<double>> right_sides) override;

 private:
  PairKernel& kernel_;
  std::size_t first_count_, size_;
};

/// A linear kernel from the examples themselves; its matrix is never made. Products cost columns instead of examples,
/// and more places than columns are solved for in as many unknowns as there are columns (Woodbury's identity).
class LinearForm final : public QuadraticForm {
 public:
  LinearForm(blas::View<const float> first, blas::View<const float> second);
  double mean_diagonal() override;
  void add_product(std::span<const std::size_t> places, std::span<const double> d, std::span<double> products) override;
  bool solve(std::span<const std::size_t> places, std::span<const double> ridge,
             std::span<std::vector<double>> right_sides) override;

 private:
  std::size_t size() const { return first_.rows + second_.rows; }
  const float* row(std::size_t i) const {
    return i < first_.rows ? first_.data + i * first_.stride : second_.data + (i - first_.rows) * second_.stride;
  }
  bool solve_by_columns(std::span<const std::size_t> places, std::span<const double> ridge,
                        std::span<std::vector<double>> right_sides) const;
  void add_slots(std::span<const std::size_t> places);

  blas::View<const float> first_, second_;
  // Products among the examples that were ever solved for by themselves: their kernel, made row by row.
  std::unordered_map<std::size_t, std::size_t> slot_of_;
  std::vector<float> slot_rows_;              // slots x columns
  std::vector<std::vector<float>> products_;  // products_[s][t] for t <= s
};

/// y_i alpha_i of every example, and K times it.
struct DualPoint {
  std::vector<double> beta, products;
};

/// Solves the problem of solve_smo() for a positive semi-definite K. The hinge is rounded off over a width h on either
/// side of the margin (Chapelle 2007), which in the dual adds 2 h / bound to the diagonal; then each example either
/// lies in that zone or at one of its bounds, and a Newton step for the zone tells who changes places (Hintermueller,
/// Ito and Kunisch 2002). h shrinks in stages, as fast as that comes to an
/// end; at h < tolerance / 2 the rounded solution is one within libsvm's
/// tolerance of the sharp problem.
///
/// Where `point` is all zeros it starts from a wide h with all examples in the zone, else with the places that they
/// have at `point` and the last h. False, and `point` as it was, when that does not come to an end.
bool solve_by_active_sets(QuadraticForm& form, std::size_t first_count, std::span<const double> bound, double tolerance,
                          DualPoint& point);

}  // namespace genrewise
