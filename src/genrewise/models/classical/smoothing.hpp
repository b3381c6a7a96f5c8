// The schedule by which the smoothed hinge of a support vector machine becomes the sharp one.
#pragma once

#include <span>

namespace genrewise {

/// Both solvers of a binary machine, active_set (dual) and linear_newton (primal), replace the hinge max(0, 1 - m) of a
/// margin m by the Huberised hinge of width h (Chapelle 2007):
///
///     L_h(m) = 0                      for m >= 1 + h
///            = (1 + h - m)^2 / (4 h)  for 1 - h <= m <= 1 + h, the zone
///            = 1 - m                  for m <= 1 - h
///
/// It is convex with a continuous slope, so that Newton's method applies. The primal problem |w|^2 / 2 + sum C_i
/// L_h(m_i) has its minimum where alpha_i = -C_i L_h'(m_i): 0 above the zone, C_i below it, and within it
///
///     alpha_i = C_i (1 + h - m_i) / (2 h),   that is   m_i + (2 h / C_i) alpha_i = 1 + h:
///
/// the conditions of the dual problem with 2 h / C_i added to the diagonal of K, which bounds its condition number.
///
/// Last width. At that solution |m_i - 1| <= h for every example in the zone, m_i >= 1 + h where alpha_i = 0 and
/// m_i <= 1 - h where alpha_i = C_i. With f_i - y_i = y_i (m_i - 1) - b, the examples that may grow have
/// f - y >= -b - h and those that may shrink f - y <= -b + h. libsvm's violation, the largest of the latter less the
/// smallest of the former, is therefore at most 2 h: h <= tolerance / 2 solves the sharp problem as exactly as libsvm
/// does. kLastWidth takes a little less than 1/2 of the tolerance, for rounding.
///
/// First width. At alpha = 0 all margins are 0; they lie in the zone where h >= 1 (`least`), so that no example has to
/// be guessed to be at a bound. Beside that 2 h / C shall be at least kFirstRidge of the mean diagonal of K, so that
/// the first system is well conditioned.
///
/// Between them h shrinks by a factor s from stage to stage. An example leaves the zone between two widths only where
/// its margin lies between them, so a solution of one width is a good start for the next as long as s is not too small.
/// On a logarithmic scale of h a stage that took few rounds doubles its stride (s becomes s^2), one that took many, or
/// failed, halves it (s becomes sqrt(s)): the number of stages grows like the logarithm of the strides that the data
/// allow, and no constant has to fit all data.
struct SmoothingConfig {
  double shrinking = 0.05;                            ///< s at first
  double most_shrinking = 0.05, least_shrinking = 1;  ///< bounds of s
  int few_rounds = 5, many_rounds = 1'000'000'000;    ///< up to few: the next stage shrinks more; above many: less
};

class SmoothingSchedule {
 public:
  static constexpr double kLastWidth = 0.45;  ///< of the tolerance
  static constexpr double kPolish = 0.05;  ///< of the last width: nearer to the exact solution, where rounding allows

  SmoothingSchedule(double first, double tolerance, const SmoothingConfig& config)
      : config_(config), width_(first), last_(kLastWidth * tolerance), shrinking_(config.shrinking) {}

  double width() const { return width_; }  ///< of the last stage that was solved
  double last() const { return last_; }
  double next() const;  ///< to be tried now
  /// Whether a stage may be given up for a less small width.
  bool may_retry() const { return shrinking_ < config_.least_shrinking; }
  /// The stage of this width was solved in so many rounds; returns the next width.
  double advance(double width, int rounds);
  /// The stage could not be solved from the one before; returns a larger width to try from there.
  double retry();

 private:
  SmoothingConfig config_;
  double width_, last_, shrinking_;
};

/// The first width for these bounds C (those of 0 take no part) and the mean diagonal of K, at least `least`.
double first_smoothing_width(double least, std::span<const double> bound, double mean_diagonal);

}  // namespace genrewise
