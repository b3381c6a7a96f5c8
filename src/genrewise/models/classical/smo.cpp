#include "genrewise/models/classical/smo.hpp"

#include <algorithm>
#include <limits>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/smo_step.hpp"

namespace genrewise {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr long long kStepsBetweenInterrupts = 1024;
constexpr long long kMostFromZero = 2000;  // largest problem that the active-set solver may solve from zero

/// Sequential minimal optimisation in terms of f_i = sum_j alpha_j y_j K_ij - y_i. As in Keerthi et al. (2001), an
/// example is "up" when y_i alpha_i may increase and "low" when it may decrease; at the optimum no up example has a
/// smaller f than a low one. Arrays are padded to whole registers, first and second class each, with examples that are
/// neither.
class Smo {
 public:
  Smo(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, const SmoConfig& config,
      const DualPoint* start)
      : kernel_(kernel), config_(config), bound_of_examples_(bound), counts_{first_count, bound.size() - first_count} {
    starts_[1] = padded(counts_[0]);
    const std::size_t size = starts_[1] + padded(counts_[1]);
    alpha_.assign(size, 0);
    bound_.assign(size, 0);
    f_.assign(size, 0);
    diagonal_.assign(size, 1);
    up_.assign(size, kInfinity);
    low_.assign(size, -kInfinity);
    for (std::size_t i = 0; i < bound.size(); ++i) {
      const std::size_t k = slot(i);
      bound_[k] = bound[i];
      f_[k] = k < starts_[1] ? -1 : 1;
      diagonal_[k] = kernel_.diagonal(i);
      update_sets(k);
    }
    if (start != nullptr) take(*start);
  }

  SmoResult solve() {
    const auto examples = static_cast<long long>(counts_[0] + counts_[1]);
    const long long most =
        config_.most_steps > 0 ? config_.most_steps : std::max<long long>(10'000'000, 100 * examples);
    long long steps = 0;
    long long next_active_sets = examples;
    select_first();
    for (; steps < most && highest_low_ - f_up_ >= config_.tolerance; ++steps) {
      if (steps % kStepsBetweenInterrupts == 0) throw_if_interrupted();
      if (steps == next_active_sets && config_.is_positive) {
        const bool from_zero = steps > examples && examples <= kMostFromZero;  // if a warm start did not converge
        if (solve_active_sets(from_zero)) select_first();
        next_active_sets *= 3;
        continue;
      }
      const PairKernel::Row row_up = kernel_.row(example(up_at_));
      const std::size_t low_at = select_second(row_up);
      take_step(row_up, low_at);
    }
    return result(steps);
  }

 private:
  static std::size_t padded(std::size_t count) { return (count + kSmoLanes - 1) / kSmoLanes * kSmoLanes; }
  std::size_t slot(std::size_t example) const {
    return example < counts_[0] ? example : starts_[1] + example - counts_[0];
  }
  std::size_t example(std::size_t slot) const { return slot < starts_[1] ? slot : slot - starts_[1] + counts_[0]; }

  void update_sets(std::size_t k) {
    const bool first = k < starts_[1], may_grow = alpha_[k]<bound_[k], may_shrink = alpha_[k]> 0;
    up_[k] = (first ? may_grow : may_shrink) ? 0 : kInfinity;
    low_[k] = (first ? may_shrink : may_grow) ? 0 : -kInfinity;
  }

  /// Adds delta * (a - b) to f, and finds the extremes.
  void update_f(const PairKernel::Row& a, const PairKernel::Row& b, double delta) {
    SmoExtremes seen;
    update_smo(state(0), a.first, b.first, delta, seen);
    update_smo(state(1), a.second, b.second, delta, seen);
    f_up_ = seen.f_up;
    up_at_ = seen.up_at;
    highest_low_ = seen.highest_low;
  }

  void select_first() {
    const std::vector<float> zeros(std::max(counts_[0], counts_[1]));
    update_f({zeros.data(), zeros.data()}, {zeros.data(), zeros.data()}, 0);
  }

  std::size_t select_second(const PairKernel::Row& row_up) {
    SmoSecond best;
    find_smo_second(state(0), row_up.first, f_up_, diagonal_[up_at_], best);
    find_smo_second(state(1), row_up.second, f_up_, diagonal_[up_at_], best);
    return best.at;
  }

  SmoClass state(int c) {
    const std::size_t at = starts_[c];
    return {at, counts_[c], f_.data() + at, up_.data() + at, low_.data() + at, diagonal_.data() + at};
  }

  /// Moves y alpha of the up example by +delta and that of the low one by -delta, within their bounds.
  void take_step(const PairKernel::Row& row_up, std::size_t low_at) {
    const PairKernel::Row row_low = kernel_.row(example(low_at));
    const std::size_t within = up_at_ < starts_[1] ? up_at_ : up_at_ - starts_[1];
    const double shared = up_at_ < starts_[1] ? row_low.first[within] : row_low.second[within];
    const double curvature = std::max(diagonal_[up_at_] + diagonal_[low_at] - 2 * shared, kLeastSmoCurvature);
    const bool up_first = up_at_ < starts_[1], low_first = low_at < starts_[1];
    const double slack_up = up_first ? bound_[up_at_] - alpha_[up_at_] : alpha_[up_at_];
    const double slack_low = low_first ? alpha_[low_at] : bound_[low_at] - alpha_[low_at];
    const double optimal = (f_[low_at] - f_up_) / curvature;
    const double delta = std::min({optimal, slack_up, slack_low});
    alpha_[up_at_] = delta == slack_up ? (up_first ? bound_[up_at_] : 0) : alpha_[up_at_] + (up_first ? delta : -delta);
    alpha_[low_at] =
        delta == slack_low ? (low_first ? 0 : bound_[low_at]) : alpha_[low_at] + (low_first ? -delta : delta);
    update_sets(up_at_);
    update_sets(low_at);
    update_f(row_up, row_low, delta);
  }

  /// Pairwise steps converge slowly for many free examples; the active-set solver solves for all at once.
  bool solve_active_sets(bool from_zero) {
    DualPoint point;
    for (std::size_t i = 0; i < counts_[0] + counts_[1]; ++i) {
      const std::size_t k = slot(i);
      const double y = k < starts_[1] ? 1 : -1;
      point.beta.push_back(y * alpha_[k]);
      point.products.push_back(f_[k] + y);
    }
    if (from_zero) point = {std::vector<double>(point.beta.size()), std::vector<double>(point.beta.size())};
    if (!solve_by_active_sets(kernel_, counts_[0], bound_of_examples_, config_.tolerance, point)) return false;
    take(point);
    return true;
  }

  void take(const DualPoint& point) {
    for (std::size_t i = 0; i < point.beta.size(); ++i) {
      const std::size_t k = slot(i);
      const double y = k < starts_[1] ? 1 : -1;
      alpha_[k] = y * point.beta[i];
      f_[k] = point.products[i] - y;
      update_sets(k);
    }
  }

  /// Free examples all have f = rho; without any, rho is midway between the limits of the others.
  double rho() const {
    double sum = 0, least = -kInfinity, most = kInfinity;
    std::size_t free = 0;
    for (std::size_t k = 0; k < f_.size(); ++k) {
      const bool up = up_[k] == 0, low = low_[k] == 0;
      if (up && low) {
        sum += f_[k];
        ++free;
      } else if (up) {
        most = std::min(most, f_[k]);
      } else if (low) {
        least = std::max(least, f_[k]);
      }
    }
    return free > 0 ? sum / static_cast<double>(free) : (least + most) / 2;
  }

  SmoResult result(long long steps) const {
    SmoResult out;
    out.rho = rho();
    out.steps = steps;
    const std::size_t n = counts_[0] + counts_[1];
    out.alpha.resize(n);
    out.decision.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::size_t k = slot(i);
      out.alpha[i] = alpha_[k];
      out.decision[i] = f_[k] + (k < starts_[1] ? 1 : -1) - out.rho;
    }
    return out;
  }

  PairKernel& kernel_;
  SmoConfig config_;
  std::span<const double> bound_of_examples_;
  std::size_t counts_[2];
  std::size_t starts_[2] = {0, 0};
  std::vector<double> alpha_, bound_, f_, diagonal_;
  std::vector<double> up_, low_;  // 0 for the up (low) examples, else the infinity that excludes an example
  std::size_t up_at_ = 0;
  double f_up_ = 0, highest_low_ = 0;
};

}  // namespace

SmoResult solve_smo(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, const SmoConfig& config,
                    const DualPoint* start) {
  return Smo(kernel, first_count, bound, config, start).solve();
}

}  // namespace genrewise
