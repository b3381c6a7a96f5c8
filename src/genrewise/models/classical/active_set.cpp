#include "genrewise/models/classical/active_set.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/smoothing.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kMostUnknowns = 5000;  // of one linear system: 200 MB
constexpr double kLeastFirstWidth = 1;       // below it examples alternate between zone and bound forever
constexpr int kMostRounds = 25;              // of one stage
constexpr int kMostRoundsOfAll = 250;
constexpr int kFewRounds = 5;    // up to this many rounds of a stage, the next may shrink more
constexpr int kFirstWidths = 3;  // first widths to try, each ten times the one before
constexpr int kCorrections = 4;  // rounds that only correct rounding

/// out += factor * row
void add_scaled(const float* row, double factor, double* out, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) out[j] += factor * static_cast<double>(row[j]);
}

class ActiveSets {
 public:
  ActiveSets(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, DualPoint point)
      : kernel_(kernel), first_count_(first_count), bound_(bound), point_(std::move(point)), region_(bound.size()) {
    for (std::size_t i = 0; i < bound.size(); ++i) region_[i] = region_of_alpha(i);
  }

  bool solve(double tolerance) {
    const double last = SmoothingSchedule::kLastWidth * tolerance;
    const bool is_new = std::ranges::all_of(point_.beta, [](double value) { return value == 0; });
    if (!(is_new ? start(tolerance) : settle(last, kMostRounds))) return false;
    for (int i = 0; i < kCorrections && violation() >= tolerance; ++i)
      if (!step(last) || reassign(last) > 0) return false;
    if (violation() >= tolerance) return false;
    polish(SmoothingSchedule::kPolish * last);
    return true;
  }

  DualPoint take() { return std::move(point_); }

 private:
  enum class Region : char { zero, zone, bound };

  double sign(std::size_t i) const { return i < first_count_ ? 1 : -1; }
  Region region_of_alpha(std::size_t i) const {
    const double alpha = sign(i) * point_.beta[i];
    return alpha <= 0 ? Region::zero : alpha >= bound_[i] ? Region::bound : Region::zone;
  }

  /// A smaller width brings the solution closer to the exact one (libsvm's may deviate to either side), but may exceed
  /// what rounding permits.
  void polish(double width) {
    const DualPoint sound = point_;
    const double before = violation();
    if (!settle(width, kFewRounds) || violation() > before) point_ = sound;
  }

  /// From a wide zone that contains all examples to the last width. Where a width is so much smaller than the one
  /// before that regions alternate, a larger one is tried from the last solution.
  bool start(double tolerance) {
    double width = first_smoothing_width(kLeastFirstWidth, bound_, mean_diagonal());
    bool settled = false;
    for (int attempt = 0; attempt < kFirstWidths && !settled; ++attempt) {
      if (attempt > 0) width *= 10;
      std::ranges::fill(region_, Region::zone);
      settled = settle(width, kMostRounds);
    }
    if (!settled) return false;
    std::vector<Region> settled_regions = region_;
    SmoothingSchedule schedule(width, tolerance, {.few_rounds = kFewRounds});
    for (double next = schedule.next(); schedule.width() > schedule.last() && rounds_ < kMostRoundsOfAll;) {
      const int before = rounds_;
      if (settle(next, 1)) {
        settled_regions = region_;
        next = schedule.advance(next, rounds_ - before);
      } else {
        region_ = settled_regions;
        next = schedule.retry();
      }
    }
    return schedule.width() <= schedule.last();
  }

  /// Rounds at one width until no region changes; false when `patience` rounds in a row bring no fewer changes.
  bool settle(double width, int patience) {
    std::size_t fewest = region_.size() + 1;
    for (int round = 0, waited = 0; round < kMostRounds && waited < patience; ++round) {
      throw_if_interrupted();
      ++rounds_;
      if (!step(width)) return false;
      const std::size_t changes = reassign(width);
      if (changes == 0) return true;
      waited = changes < fewest ? 0 : waited + 1;
      fewest = std::min(fewest, changes);
    }
    return false;
  }

  /// Newton step with fixed regions: alpha to its bounds, and in the zone the solution of y f = 1 + h - 2 h alpha /
  /// bound.
  bool step(double width) {
    std::vector<std::size_t> moved, zone;
    std::vector<double> change, ridge;
    double sum = 0;
    for (std::size_t i = 0; i < region_.size(); ++i) {
      if (bound_[i] > 0 && region_[i] == Region::zone) {
        zone.push_back(i);
        ridge.push_back(2 * width / bound_[i]);
      } else {
        const double target = region_[i] == Region::bound ? sign(i) * bound_[i] : 0;
        if (target != point_.beta[i]) {
          moved.push_back(i);
          change.push_back(target - point_.beta[i]);
          point_.beta[i] = target;
        }
      }
      sum += point_.beta[i];
    }
    if (!moved.empty()) add_product(moved, change);
    if (zone.empty()) return false;

    std::vector<std::vector<double>> sides(2, std::vector<double>(zone.size(), 1.0));
    for (std::size_t k = 0; k < zone.size(); ++k) {
      const std::size_t i = zone[k];
      sides[0][k] = sign(i) * (1 + width) - point_.products[i] - ridge[k] * point_.beta[i];
    }
    if (!solve(zone, ridge, sides)) return false;
    offset_ = (std::reduce(sides[0].begin(), sides[0].end()) + sum) / std::reduce(sides[1].begin(), sides[1].end());
    if (!std::isfinite(offset_)) return false;
    change.resize(zone.size());
    for (std::size_t k = 0; k < zone.size(); ++k) {
      change[k] = sides[0][k] - offset_ * sides[1][k];
      point_.beta[zone[k]] += change[k];
    }
    add_product(zone, change);
    return true;
  }

  /// Reassigns examples to the regions of their alpha and margin; returns the number of changes.
  std::size_t reassign(double width) {
    std::size_t changed = 0;
    for (std::size_t i = 0; i < region_.size(); ++i) {
      if (bound_[i] == 0) continue;
      const double alpha = sign(i) * point_.beta[i], margin = sign(i) * (point_.products[i] + offset_);
      Region region = region_[i];
      if (region_[i] == Region::zone) {
        region = alpha < 0 ? Region::zero : alpha > bound_[i] ? Region::bound : Region::zone;
      } else if (region_[i] == Region::zero ? margin < 1 + width : margin > 1 - width) {
        region = Region::zone;
      }
      changed += region != region_[i];
      region_[i] = region;
    }
    return changed;
  }

  double violation() const { return genrewise::violation(point_, first_count_, bound_); }

  double mean_diagonal() const {
    double sum = 0;
    for (std::size_t i = 0; i < bound_.size(); ++i) sum += static_cast<double>(kernel_.diagonal(i));
    return sum / static_cast<double>(bound_.size());
  }

  /// products += K d, where d is nonzero only at `indices`.
  void add_product(std::span<const std::size_t> indices, std::span<const double> d) {
    double* products = point_.products.data();
    for (std::size_t k = 0; k < indices.size(); ++k) {
      const PairKernel::Row row = kernel_.row(indices[k]);
      add_scaled(row.first, d[k], products, first_count_);
      add_scaled(row.second, d[k], products + first_count_, bound_.size() - first_count_);
    }
  }

  /// Solves (K + diag(ridge)) x = b restricted to `indices` for each right-hand side, in place. False when the matrix
  /// is not positive definite, or too large.
  bool solve(std::span<const std::size_t> indices, std::span<const double> ridge,
             std::span<std::vector<double>> right_sides) {
    const std::size_t n = indices.size();
    if (n > kMostUnknowns) return false;
    std::vector<double> matrix(n * n);
    for (std::size_t i = 0; i < n; ++i) {
      const PairKernel::Row row = kernel_.row(indices[i]);
      double* out = matrix.data() + i * n;
      for (std::size_t j = 0; j <= i; ++j)
        out[j] = static_cast<double>(indices[j] < first_count_ ? row.first[indices[j]]
                                                               : row.second[indices[j] - first_count_]);
      out[i] += ridge[i];
    }
    return blas::solve_positive(matrix, n, right_sides);
  }

  PairKernel& kernel_;
  std::size_t first_count_;
  std::span<const double> bound_;
  DualPoint point_;
  std::vector<Region> region_;
  double offset_ = 0;
  int rounds_ = 0;
};

}  // namespace

double violation(const DualPoint& point, std::size_t first_count, std::span<const double> bound) {
  double least_up = 1e300, most_low = -1e300;
  for (std::size_t i = 0; i < bound.size(); ++i) {
    if (bound[i] == 0) continue;
    const double sign = i < first_count ? 1 : -1, f = point.products[i] - sign, alpha = sign * point.beta[i];
    const bool may_grow = sign > 0 ? alpha < bound[i] : alpha > 0;
    const bool may_shrink = sign > 0 ? alpha > 0 : alpha < bound[i];
    if (may_grow) least_up = std::min(least_up, f);
    if (may_shrink) most_low = std::max(most_low, f);
  }
  return most_low - least_up;
}

bool solve_by_active_sets(PairKernel& kernel, std::size_t first_count, std::span<const double> bound, double tolerance,
                          DualPoint& point) {
  ActiveSets sets(kernel, first_count, bound, point);
  if (!sets.solve(tolerance)) return false;
  point = sets.take();
  return true;
}

}  // namespace genrewise
