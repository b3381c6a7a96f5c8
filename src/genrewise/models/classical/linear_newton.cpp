#include "genrewise/models/classical/linear_newton.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>
#include <utility>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/smoothing.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr double kLeastFirstWidth = 1.01;  // all examples, whose margin is 0 at first, are in the zone
constexpr SmoothingConfig kSchedule = {
    .shrinking = 0.3, .most_shrinking = 0.05, .least_shrinking = 0.7, .few_rounds = 3, .many_rounds = 8};
constexpr int kMostRounds = 400;
constexpr double kGoodEnough = 0.1;  // line search: a full step is accepted when the slope at its end is below this
                                     // share of the slope at its start
constexpr double kEdge = 1e-8;       // hysteresis at the borders of a region, as a share of the width
constexpr double kNoLoss = 1e-12;    // of a function value: rounding
constexpr int kHalvings = 40;
constexpr std::size_t kRowBlock = 512;

class LinearNewton {
 public:
  LinearNewton(View<const float> first, View<const float> second, std::span<const double> bound)
      : first_(first),
        second_(second),
        bound_(bound),
        cols_(first.cols),
        weights_(cols_),
        margin_(bound.size()),
        slope_(bound.size()),
        region_(bound.size(), Region::zone),
        in_gram_(bound.size()),
        gram_((cols_ + 1) * (cols_ + 1)) {}

  DualPoint solve(double tolerance) {
    if (!has_slack(0, first_.rows) || !has_slack(first_.rows, bound_.size())) return point(1);
    const double polished = SmoothingSchedule::kPolish * (SmoothingSchedule::kLastWidth * tolerance);
    double next = first_smoothing_width(kLeastFirstWidth, bound_, mean_diagonal());
    SmoothingSchedule schedule(next, tolerance, kSchedule);
    std::optional<DualPoint> best;
    for (double least = std::numeric_limits<double>::infinity();;) {
      const int rounds = settle(next, schedule.may_retry());
      if (rounds_ >= kMostRounds) return best ? *best : point(next);
      if (rounds == 0) {
        next = schedule.retry();
        continue;
      }
      const double width = next;
      next = schedule.advance(width, rounds);
      if (width > schedule.last()) continue;
      DualPoint now = point(width);
      const double violated = violation(now, first_.rows, bound_);
      if (violated < least || !best) best = std::move(now);
      if (width <= polished || violated > least) return *best;
      least = violated;
      next = polished;
    }
  }

 private:
  enum class Region : char { zero, zone, bound };  // margin above 1 + h, between, below 1 - h

  const float* row(std::size_t i) const {
    return i < first_.rows ? first_.data + i * first_.stride : second_.data + (i - first_.rows) * second_.stride;
  }
  double sign(std::size_t i) const { return i < first_.rows ? 1 : -1; }
  bool has_slack(std::size_t from, std::size_t to) const {
    return std::any_of(bound_.begin() + static_cast<std::ptrdiff_t>(from),
                       bound_.begin() + static_cast<std::ptrdiff_t>(to), [](double b) { return b > 0; });
  }

  double mean_diagonal() const {
    double diagonal = 0;
    for (std::size_t i = 0; i < bound_.size(); ++i) diagonal += blas::dot({row(i), cols_}, {row(i), cols_});
    return diagonal / static_cast<double>(bound_.size());
  }

  /// Rounds at one width until no region changes; returns their number. The first round tries a full step with the
  /// regions of the previous width; with `may_refuse`, if that does not decrease the objective, nothing is changed and
  /// 0 is returned.
  int settle(double width, bool may_refuse) {
    const int before = rounds_;
    for (bool is_first = true; rounds_ < kMostRounds; is_first = false) {
      throw_if_interrupted();
      ++rounds_;
      const double length = step(width, is_first);
      if (is_first && may_refuse && length < 1) return 0;
      if (reassign(width) == 0 && length == 1) break;
    }
    return rounds_ - before;
  }

  /// alpha according to the region; in the zone it may exceed its bounds.
  double alpha_in_region(std::size_t i, double width) const {
    return region_[i] == Region::zero    ? 0
           : region_[i] == Region::bound ? bound_[i]
                                         : bound_[i] * (1 + width - margin_[i]) / (2 * width);
  }

  /// Moves the offset to where the sum of beta is 0, to the middle if that holds for an interval.
  void centre_offset(double width) {
    double furthest = 1 + width;
    for (const double margin : margin_) furthest = std::max(furthest, 1 + width + std::abs(margin));
    const auto sum_after = [&](double move) {
      double sum = 0;
      for (std::size_t i = 0; i < margin_.size(); ++i)
        sum += sign(i) * bound_[i] * std::clamp((1 + width - margin_[i] - sign(i) * move) / (2 * width), 0.0, 1.0);
      return sum;
    };
    const auto end_of = [&](auto&& is_before) {
      double low = -furthest, high = furthest;
      for (int i = 0; i < kHalvings; ++i) {
        const double middle = (low + high) / 2;
        (is_before(sum_after(middle)) ? low : high) = middle;
      }
      return (low + high) / 2;
    };
    const double move = (end_of([](double sum) { return sum > 0; }) + end_of([](double sum) { return sum >= 0; })) / 2;
    for (std::size_t i = 0; i < margin_.size(); ++i) margin_[i] += sign(i) * move;
    reassign(width);
  }

  /// Newton step with fixed regions; returns the step length. The first step at a width uses the regions of the
  /// previous width: it is taken completely, or not at all if it increases the objective.
  double step(double width, bool is_first) {
    bool is_zone_empty = add_zone_to_gram() == 0;
    if (is_zone_empty) {  // the offset is not determined
      centre_offset(width);
      is_zone_empty = add_zone_to_gram() == 0;
    }
    std::vector<double> hessian(gram_);
    for (double& value : hessian) value /= 2 * width;
    const std::size_t size = cols_ + 1;
    for (std::size_t j = 0; j < cols_; ++j) hessian[j * size + j] += 1;
    if (is_zone_empty) hessian[cols_ * size + cols_] = 1;

    std::vector<std::vector<double>> sides(1, std::vector<double>(size));
    std::vector<double>& direction = sides[0];
    for (std::size_t i = 0; i < region_.size(); ++i) {
      const double alpha = bound_[i] == 0 ? 0 : sign(i) * alpha_in_region(i, width);
      if (alpha == 0) continue;
      blas::add(alpha, {row(i), cols_}, direction.data());
      direction[cols_] += alpha;
    }
    for (std::size_t j = 0; j < cols_; ++j) direction[j] -= weights_[j];
    if (!blas::solve_positive(hessian, size, sides)) return 1;
    blas::for_blocks(region_.size(), kRowBlock, [&](std::size_t at, std::size_t count) {
      for (std::size_t i = at; i < at + count; ++i)
        slope_[i] = sign(i) * (blas::dot({row(i), cols_}, direction.data()) + direction[cols_]);
    });

    const std::span<const double> change(direction.data(), cols_);
    const double part = line_search(blas::dot(weights_, change), blas::dot(change, change), width, is_first);
    if (part == 0) return 0;
    for (std::size_t j = 0; j < cols_; ++j) weights_[j] += part * direction[j];
    for (std::size_t i = 0; i < margin_.size(); ++i) margin_[i] += part * slope_[i];
    return part;
  }

  /// Exact line search: the step length that minimises the smoothed primal objective. The weights' part of its
  /// derivative is linear + t * bend.
  double line_search(double linear, double bend, double width, bool is_first) const {
    const double scale = 1 / (2 * width);
    const auto derivative = [&](double t) {
      double sum = 0;
      for (std::size_t i = 0; i < margin_.size(); ++i)
        sum += bound_[i] * slope_[i] * std::clamp((1 + width - margin_[i] - t * slope_[i]) * scale, 0.0, 1.0);
      return linear + t * bend - sum;
    };
    if (is_first) {
      const double before = loss(0, width);
      return linear + bend / 2 + loss(1, width) <= before * (1 + kNoLoss) ? 1 : 0;
    }
    const double at_start = derivative(0);
    if (at_start >= 0) return 1;  // rounding, at the solution
    if (derivative(1) <= -kGoodEnough * at_start) return 1;
    double low = 0, high = 1;
    for (int i = 0; i < kHalvings; ++i) {
      const double middle = (low + high) / 2;
      (derivative(middle) < 0 ? low : high) = middle;
    }
    return low;
  }

  /// The smoothed hinge loss after a step of length `part`.
  double loss(double part, double width) const {
    double sum = 0;
    for (std::size_t i = 0; i < margin_.size(); ++i) {
      const double under = 1 + width - margin_[i] - part * slope_[i];
      sum += bound_[i] * (under <= 0 ? 0 : under >= 2 * width ? under - width : under * under / (4 * width));
    }
    return sum;
  }

  /// Reassigns examples to the regions of their margins, with hysteresis against rounding; returns the number of
  /// changes.
  std::size_t reassign(double width) {
    std::size_t changed = 0;
    for (std::size_t i = 0; i < region_.size(); ++i) {
      const double slack = region_[i] == Region::zone ? kEdge * width : -kEdge * width;
      const Region region = margin_[i] > 1 + width + slack   ? Region::zero
                            : margin_[i] < 1 - width - slack ? Region::bound
                                                             : Region::zone;
      changed += region != region_[i] && bound_[i] > 0;
      region_[i] = region;
    }
    return changed;
  }

  /// gram_ = sum over the zone of bound (x, 1) (x, 1)^T, lower triangle, updated by the examples that entered or left.
  std::size_t add_zone_to_gram() {
    std::vector<std::size_t> entered, left, all;
    for (std::size_t i = 0; i < region_.size(); ++i) {
      const bool is_in = region_[i] == Region::zone && bound_[i] > 0;
      if (is_in) all.push_back(i);
      if (is_in && !in_gram_[i]) entered.push_back(i);
      if (!is_in && in_gram_[i]) left.push_back(i);
      in_gram_[i] = is_in;
    }
    if (entered.size() + left.size() > all.size()) {
      std::ranges::fill(gram_, 0);
      add_to_gram(all, 1);
    } else {
      add_to_gram(left, -1);
      add_to_gram(entered, 1);
    }
    return all.size();
  }

  void add_to_gram(std::span<const std::size_t> indices, double factor) {
    const std::size_t size = cols_ + 1;
    std::vector<double> rows(std::min(indices.size(), kRowBlock) * size);
    for (std::size_t at = 0; at < indices.size(); at += kRowBlock) {
      const auto part = indices.subspan(at, std::min(kRowBlock, indices.size() - at));
      for (std::size_t k = 0; k < part.size(); ++k) {
        const double root = std::sqrt(bound_[part[k]]);
        const float* values = row(part[k]);
        for (std::size_t j = 0; j < cols_; ++j) rows[k * size + j] = root * static_cast<double>(values[j]);
        rows[k * size + cols_] = root;
      }
      blas::add_lower_gram_of_columns(factor, {rows.data(), part.size(), size}, {gram_.data(), size, size});
    }
  }

  /// The dual point of the margins. A nonzero sum of beta is corrected within the bounds, in the zone first.
  DualPoint point(double width) const {
    const std::size_t n = region_.size();
    DualPoint out{std::vector<double>(n), std::vector<double>(n), rounds_};
    double sum = 0;
    for (std::size_t i = 0; i < n; ++i) {
      out.beta[i] = sign(i) * bound_[i] * std::clamp((1 + width - margin_[i]) / (2 * width), 0.0, 1.0);
      sum += out.beta[i];
    }
    for (const bool in_zone : {true, false})
      for (std::size_t i = 0; i < n && sum != 0; ++i) {
        if ((region_[i] == Region::zone) != in_zone) continue;
        const double least = i < first_.rows ? 0 : -bound_[i], most = i < first_.rows ? bound_[i] : 0;
        const double moved = std::clamp(out.beta[i] - sum, least, most);
        sum += moved - out.beta[i];
        out.beta[i] = moved;
      }
    std::vector<double> weights(cols_);
    for (std::size_t i = 0; i < n; ++i) {
      if (out.beta[i] == 0) continue;
      blas::add(out.beta[i], {row(i), cols_}, weights.data());
    }
    blas::for_blocks(n, kRowBlock, [&](std::size_t at, std::size_t count) {
      for (std::size_t i = at; i < at + count; ++i) out.products[i] = blas::dot({row(i), cols_}, weights.data());
    });
    return out;
  }

  View<const float> first_, second_;
  std::span<const double> bound_;
  std::size_t cols_;
  std::vector<double> weights_;
  std::vector<double> margin_, slope_;  // y (w . x + b), and its change along the step
  std::vector<Region> region_;
  std::vector<char> in_gram_;
  std::vector<double> gram_;
  int rounds_ = 0;
};

}  // namespace

DualPoint solve_linear_by_newton(View<const float> first, View<const float> second, std::span<const double> bound,
                                 double tolerance) {
  return LinearNewton(first, second, bound).solve(tolerance);
}

}  // namespace genrewise
