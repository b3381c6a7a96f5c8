// The smoothed (Huberised) hinge loss of a support vector machine, and the schedule that reduces its width.
#pragma once

#include <algorithm>
#include <cmath>
#include <span>

namespace genrewise {

/// Both solvers of a binary machine, active_set (dual) and linear_newton (primal), replace the hinge loss max(0, 1 - m)
/// of a margin m by the Huberised hinge loss of width h (Chapelle 2007):
///
///     L_h(m) = 0                      for m >= 1 + h
///            = (1 + h - m)^2 / (4 h)  for 1 - h <= m <= 1 + h, the quadratic zone
///            = 1 - m                  for m <= 1 - h
///
/// It is convex with a continuous derivative, so that Newton's method applies. |w|^2 / 2 + sum C_i L_h(m_i) has its
/// minimum where alpha_i = -C_i L_h'(m_i), within the zone m_i + (2 h / C_i) alpha_i = 1 + h: the conditions of the
/// dual problem with 2 h / C_i added to the diagonal of K, which bounds its condition number.
///
/// Last width. At that solution |m_i - 1| <= h in the zone, and with f_i - y_i = y_i (m_i - 1) - b, examples that may
/// increase have f - y >= -b - h, those that may decrease f - y <= -b + h. libsvm's violation is therefore at most 2 h:
/// h <= tolerance / 2 solves the unsmoothed problem as exactly as libsvm does (kLastWidth: slightly less, for
/// rounding).
///
/// First width. At alpha = 0 all margins are 0, which is in the zone if h >= 1 (`least`), so no example has to be
/// assumed at a bound. 2 h / C is at least kFirstRidge of the mean diagonal of K, so that the first system is well
/// conditioned.
///
/// In between, h shrinks by a factor s from stage to stage; if s is not too small, the solution of one width is a good
/// start for the next. A stage that took few rounds squares s, one that took many, or failed, takes its square root:
/// the step size adapts to the data.
struct SmoothingConfig {
  double shrinking = 0.05;                            ///< s at first
  double most_shrinking = 0.05, least_shrinking = 1;  ///< bounds of s
  int few_rounds = 5, many_rounds = 1'000'000'000;    ///< up to few: the next stage shrinks more; above many: less
};

class SmoothingSchedule {
 public:
  static constexpr double kLastWidth = 0.45;  ///< as a share of the tolerance
  /// As a share of the last width: closer to the exact solution, where rounding allows.
  static constexpr double kPolish = 0.05;

  SmoothingSchedule(double first, double tolerance, const SmoothingConfig& config)
      : config_(config), width_(first), last_(kLastWidth * tolerance), shrinking_(config.shrinking) {}

  double width() const { return width_; }  ///< of the last solved stage
  double last() const { return last_; }
  double next() const { return std::max(last_, shrinking_ * width_); }  ///< width to try now
  /// Whether a stage may be abandoned for a larger width.
  bool may_retry() const { return shrinking_ < config_.least_shrinking; }
  /// The stage of this width was solved in that many rounds; returns the next width.
  double advance(double width, int rounds) {
    width_ = width;
    if (width <= last_) return last_;
    if (rounds <= config_.few_rounds) shrinking_ *= shrinking_;
    if (rounds > config_.many_rounds) shrinking_ = std::sqrt(shrinking_);
    shrinking_ = std::clamp(shrinking_, config_.most_shrinking, config_.least_shrinking);
    return next();
  }
  /// The stage could not be solved from the previous one; returns a larger width to try.
  double retry() {
    shrinking_ = std::min(std::sqrt(shrinking_), config_.least_shrinking);
    return next();
  }

 private:
  SmoothingConfig config_;
  double width_, last_, shrinking_;
};

/// The first width for the bounds C (those of 0 are ignored) and the mean diagonal of K, at least `least`.
inline double first_smoothing_width(double least, std::span<const double> bound, double mean_diagonal) {
  constexpr double kFirstRidge = 0.004;  // of the mean diagonal
  const double least_bound = *std::ranges::min_element(bound, {}, [](double b) { return b > 0 ? b : 1e300; });
  return std::max(least, kFirstRidge / 2 * least_bound * mean_diagonal);
}

}  // namespace genrewise
