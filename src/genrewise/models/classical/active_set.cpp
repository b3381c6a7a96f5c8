#include "genrewise/models/classical/active_set.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

using blas::View;

constexpr std::size_t kMostPlaces = 5000;  // that are solved for at once: 200 MB
constexpr double kLastWidth = 0.45;        // of the tolerance: a little room for rounding below 1/2
constexpr double kPolish = 0.05;           // of that width
constexpr double kShrinking = 0.05;        // of the width from stage to stage
constexpr double kFirstRidge = 0.004;      // of the mean diagonal, where nothing is known yet
constexpr double kLeastFirstWidth = 1;     // of the same: on this side of it places are taken in turns without an end
constexpr int kMostRounds = 25;            // of one stage
constexpr int kMostRoundsOfAll = 250;
constexpr int kFewRounds = 5;    // of a stage, after which the next may shrink more
constexpr int kFirstWidths = 3;  // each ten times as wide as the one before
constexpr int kCorrections = 4;  // rounds that only mend rounding
constexpr std::size_t kLanes = 8;
constexpr std::size_t kRowBlock = 2048;

double dot(const float* a, const double* b, std::size_t count) {
  double sums[kLanes] = {};
  std::size_t j = 0;
  for (; j + kLanes <= count; j += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += static_cast<double>(a[j + lane]) * b[j + lane];
  double sum = 0;
  for (double part : sums) sum += part;
  for (; j < count; ++j) sum += static_cast<double>(a[j]) * b[j];
  return sum;
}

/// out += factor * row
void add_scaled(const float* row, double factor, double* out, std::size_t count) {
  for (std::size_t j = 0; j < count; ++j) out[j] += factor * static_cast<double>(row[j]);
}

}  // namespace

double KernelForm::mean_diagonal() {
  double sum = 0;
  for (std::size_t i = 0; i < size_; ++i) sum += static_cast<double>(kernel_.diagonal(i));
  return sum / static_cast<double>(size_);
}

void KernelForm::add_product(std::span<const std::size_t> places, std::span<const double> d,
                             std::span<double> products) {
  for (std::size_t k = 0; k < places.size(); ++k) {
    const PairKernel::Row row = kernel_.row(places[k]);
    add_scaled(row.first, d[k], products.data(), first_count_);
    add_scaled(row.second, d[k], products.data() + first_count_, size_ - first_count_);
  }
}

bool KernelForm::solve(std::span<const std::size_t> places, std::span<const double> ridge,
                       std::span<std::vector<double>> right_sides) {
  const std::size_t n = places.size();
  if (n > kMostPlaces) return false;
  std::vector<double> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    const PairKernel::Row row = kernel_.row(places[i]);
    double* out = matrix.data() + i * n;
    for (std::size_t j = 0; j <= i; ++j)
      out[j] =
          static_cast<double>(places[j] < first_count_ ? row.first[places[j]] : row.second[places[j] - first_count_]);
    out[i] += ridge[i];
  }
  return blas::solve_positive(matrix, n, right_sides);
}

LinearForm::LinearForm(View<const float> first, View<const float> second) : first_(first), second_(second) {}

double LinearForm::mean_diagonal() {
  double sum = 0;
  for (std::size_t i = 0; i < size(); ++i) sum += blas::dot({row(i), first_.cols}, {row(i), first_.cols});
  return sum / static_cast<double>(size());
}

void LinearForm::add_product(std::span<const std::size_t> places, std::span<const double> d,
                             std::span<double> products) {
  std::vector<double> weights(first_.cols);
  for (std::size_t k = 0; k < places.size(); ++k) add_scaled(row(places[k]), d[k], weights.data(), weights.size());
  blas::for_blocks(size(), kRowBlock, [&](std::size_t at, std::size_t count) {
    for (std::size_t i = at; i < at + count; ++i) products[i] += dot(row(i), weights.data(), weights.size());
  });
}

bool LinearForm::solve(std::span<const std::size_t> places, std::span<const double> ridge,
                       std::span<std::vector<double>> right_sides) {
  const std::size_t n = places.size();
  if (n > first_.cols) return solve_by_columns(places, ridge, right_sides);
  add_slots(places);
  std::vector<std::size_t> slots(n);
  for (std::size_t i = 0; i < n; ++i) slots[i] = slot_of_[places[i]];
  std::vector<double> matrix(n * n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j <= i; ++j)
      matrix[i * n + j] = static_cast<double>(products_[std::max(slots[i], slots[j])][std::min(slots[i], slots[j])]);
    matrix[i * n + i] += ridge[i];
  }
  return blas::solve_positive(matrix, n, right_sides);
}

void LinearForm::add_slots(std::span<const std::size_t> places) {
  const std::size_t before = products_.size(), cols = first_.cols;
  for (std::size_t place : places) {
    if (!slot_of_.try_emplace(place, slot_of_.size()).second) continue;
    slot_rows_.insert(slot_rows_.end(), row(place), row(place) + cols);
  }
  const std::size_t after = slot_of_.size(), added = after - before;
  if (added == 0) return;
  std::vector<float> made(added * after);
  const View<const float> all(slot_rows_.data(), after, cols);
  blas::multiply(blas::Form::nt, 1.0f, all.rows_from(before, added), all, 0.0f, View<float>(made.data(), added, after));
  for (std::size_t s = 0; s < added; ++s)
    products_.emplace_back(made.begin() + static_cast<std::ptrdiff_t>(s * after),
                           made.begin() + static_cast<std::ptrdiff_t>(s * after + before + s + 1));
}

/// With S = ridge^(-1/2) X: (X X^T + ridge)^-1 = ridge^(-1/2) (1 - S (1 + S^T S)^-1 S^T) ridge^(-1/2).
bool LinearForm::solve_by_columns(std::span<const std::size_t> places, std::span<const double> ridge,
                                  std::span<std::vector<double>> right_sides) const {
  const std::size_t n = places.size(), cols = first_.cols;
  std::vector<float> scaled(n * cols), gram(cols * cols);
  std::vector<double> root(n), matrix(cols * cols);
  for (std::size_t i = 0; i < n; ++i) {
    root[i] = 1 / std::sqrt(ridge[i]);
    for (std::size_t j = 0; j < cols; ++j)
      scaled[i * cols + j] = static_cast<float>(root[i] * static_cast<double>(row(places[i])[j]));
  }
  blas::lower_gram_of_columns({scaled.data(), n, cols}, {gram.data(), cols, cols});
  std::ranges::copy(gram, matrix.begin());
  for (std::size_t j = 0; j < cols; ++j) matrix[j * cols + j] += 1;

  std::vector<std::vector<double>> inner;
  for (std::vector<double>& side : right_sides) {
    std::vector<double> sums(cols);
    for (std::size_t i = 0; i < n; ++i) add_scaled(&scaled[i * cols], side[i] *= root[i], sums.data(), cols);
    inner.push_back(std::move(sums));
  }
  if (!blas::solve_positive(matrix, cols, inner)) return false;
  for (std::size_t k = 0; k < inner.size(); ++k)
    for (std::size_t i = 0; i < n; ++i)
      right_sides[k][i] = root[i] * (right_sides[k][i] - dot(&scaled[i * cols], inner[k].data(), cols));
  return true;
}

namespace {

class ActiveSets {
 public:
  ActiveSets(QuadraticForm& form, std::size_t first_count, std::span<const double> bound, DualPoint point)
      : form_(form), first_count_(first_count), bound_(bound), point_(std::move(point)), place_(bound.size()) {
    for (std::size_t i = 0; i < bound.size(); ++i) place_[i] = place_now(i);
  }

  bool solve(double tolerance) {
    const double last = kLastWidth * tolerance;
    const bool is_new = std::ranges::all_of(point_.beta, [](double value) { return value == 0; });
    if (!(is_new ? start(last) : settle(last, kMostRounds))) return false;
    for (int i = 0; i < kCorrections && violation() >= tolerance; ++i)
      if (!step(last) || regroup(last) > 0) return false;
    if (violation() >= tolerance) return false;
    polish(kPolish * last);
    return true;
  }

  DualPoint take() { return std::move(point_); }

 private:
  enum class Place : char { zero, zone, bound };

  double sign(std::size_t i) const { return i < first_count_ ? 1 : -1; }
  Place place_now(std::size_t i) const {
    const double alpha = sign(i) * point_.beta[i];
    return alpha <= 0 ? Place::zero : alpha >= bound_[i] ? Place::bound : Place::zone;
  }

  /// A still smaller width brings the solution nearer to the exact one, of which libsvm's lies on any side, but
  /// rounding may be too coarse for it.
  void polish(double width) {
    const DualPoint sound = point_;
    const double before = violation();
    if (!settle(width, kFewRounds) || violation() > before) point_ = sound;
  }

  /// From a wide zone that holds all examples to the last width. Where a width is so much smaller than the one before
  /// that places change back and forth, a less small one is tried from there.
  bool start(double last) {
    const double least_bound = *std::ranges::min_element(bound_, {}, [](double b) { return b > 0 ? b : 1e300; });
    double width = std::max(kLeastFirstWidth, kFirstRidge / 2 * least_bound * form_.mean_diagonal());
    bool settled = false;
    for (int attempt = 0; attempt < kFirstWidths && !settled; ++attempt) {
      if (attempt > 0) width *= 10;
      std::ranges::fill(place_, Place::zone);
      settled = settle(width, kMostRounds);
    }
    if (!settled) return false;
    std::vector<Place> settled_place = place_;
    for (double shrinking = kShrinking; width > last && rounds_ < kMostRoundsOfAll;) {
      const double next = std::max(last, shrinking * width);
      const int before = rounds_;
      if (settle(next, 1)) {
        width = next;
        settled_place = place_;
        if (rounds_ - before <= kFewRounds) shrinking = std::max(kShrinking, shrinking * shrinking);
      } else {
        place_ = settled_place;
        shrinking = std::sqrt(shrinking);
      }
    }
    return width <= last;
  }

  /// Rounds at one width until nobody changes places; false when `patience` rounds in a row bring no fewer changes.
  bool settle(double width, int patience) {
    std::size_t fewest = place_.size() + 1;
    for (int round = 0, waited = 0; round < kMostRounds && waited < patience; ++round) {
      throw_if_interrupted();
      ++rounds_;
      if (!step(width)) return false;
      const std::size_t changes = regroup(width);
      if (changes == 0) return true;
      waited = changes < fewest ? 0 : waited + 1;
      fewest = std::min(fewest, changes);
    }
    return false;
  }

  /// Moves all to where their places want them: to their bounds, and in the zone to y f = 1 + h - 2 h alpha / bound.
  bool step(double width) {
    std::vector<std::size_t> moved, zone;
    std::vector<double> change, ridge;
    double sum = 0;
    for (std::size_t i = 0; i < place_.size(); ++i) {
      if (bound_[i] > 0 && place_[i] == Place::zone) {
        zone.push_back(i);
        ridge.push_back(2 * width / bound_[i]);
      } else {
        const double target = place_[i] == Place::bound ? sign(i) * bound_[i] : 0;
        if (target != point_.beta[i]) {
          moved.push_back(i);
          change.push_back(target - point_.beta[i]);
          point_.beta[i] = target;
        }
      }
      sum += point_.beta[i];
    }
    if (!moved.empty()) form_.add_product(moved, change, point_.products);
    if (zone.empty()) return false;

    std::vector<std::vector<double>> sides(2, std::vector<double>(zone.size(), 1.0));
    for (std::size_t k = 0; k < zone.size(); ++k) {
      const std::size_t i = zone[k];
      sides[0][k] = sign(i) * (1 + width) - point_.products[i] - ridge[k] * point_.beta[i];
    }
    if (!form_.solve(zone, ridge, sides)) return false;
    offset_ = (std::reduce(sides[0].begin(), sides[0].end()) + sum) / std::reduce(sides[1].begin(), sides[1].end());
    if (!std::isfinite(offset_)) return false;
    change.resize(zone.size());
    for (std::size_t k = 0; k < zone.size(); ++k) {
      change[k] = sides[0][k] - offset_ * sides[1][k];
      point_.beta[zone[k]] += change[k];
    }
    form_.add_product(zone, change, point_.products);
    return true;
  }

  /// How many are not where their alpha and their margin say that they belong; they go there.
  std::size_t regroup(double width) {
    std::size_t changed = 0;
    for (std::size_t i = 0; i < place_.size(); ++i) {
      if (bound_[i] == 0) continue;
      const double alpha = sign(i) * point_.beta[i], margin = sign(i) * (point_.products[i] + offset_);
      Place wanted = place_[i];
      if (place_[i] == Place::zone) {
        wanted = alpha < 0 ? Place::zero : alpha > bound_[i] ? Place::bound : Place::zone;
      } else if (place_[i] == Place::zero ? margin < 1 + width : margin > 1 - width) {
        wanted = Place::zone;
      }
      changed += wanted != place_[i];
      place_[i] = wanted;
    }
    return changed;
  }

  /// libsvm's: the largest f - y of those whose y alpha may shrink, less the smallest of those whose may grow.
  double violation() const {
    double least_up = 1e300, most_low = -1e300;
    for (std::size_t i = 0; i < place_.size(); ++i) {
      if (bound_[i] == 0) continue;
      const double f = point_.products[i] - sign(i), alpha = sign(i) * point_.beta[i];
      const bool may_grow = sign(i) > 0 ? alpha < bound_[i] : alpha > 0;
      const bool may_shrink = sign(i) > 0 ? alpha > 0 : alpha < bound_[i];
      if (may_grow) least_up = std::min(least_up, f);
      if (may_shrink) most_low = std::max(most_low, f);
    }
    return most_low - least_up;
  }

  QuadraticForm& form_;
  std::size_t first_count_;
  std::span<const double> bound_;
  DualPoint point_;
  std::vector<Place> place_;
  double offset_ = 0;
  int rounds_ = 0;
};

}  // namespace

bool solve_by_active_sets(QuadraticForm& form, std::size_t first_count, std::span<const double> bound, double tolerance,
                          DualPoint& point) {
  ActiveSets sets(form, first_count, bound, point);
  if (!sets.solve(tolerance)) return false;
  point = sets.take();
  return true;
}

}  // namespace genrewise
