#include "genrewise/models/classical/smo.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <utility>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/smo_step.hpp"

namespace genrewise {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr long long kStepsBetweenInterrupts = 1024;
constexpr long long kMostFromZero = 2000;  // largest problem that the active-set solver may solve from zero
constexpr std::size_t kBlock = 448;        // examples; their kernel values take 0.8 MB
constexpr std::size_t kBlockShare = 2;     // blocks are worth it with at least this many times as many examples
constexpr double kBlockTolerance = 0.1;    // of the violation before it
// In steps over all examples, as multiples of their number: before blocks, and before another solver takes over.
constexpr double kWorkBeforeBlocks = 1.5, kWorkBeforeTakeOver = 6;
constexpr double kWorkBeforeDoubt = 3, kFar = 1;  // a violation above kFar after that much work: little progress

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
    const auto size = static_cast<double>(examples);
    const double blocks_from = size < kBlockShare * kBlock ? kInfinity : kWorkBeforeBlocks * size;
    double next_take_over = config_.is_positive ? kWorkBeforeTakeOver * size : kInfinity;
    bool is_first_take_over = true;
    long long steps = 0;
    double work = 0;  // steps over all examples that would take as long
    select_first();
    while (steps < most && highest_low_ - f_up_ >= config_.tolerance) {
      if (steps % kStepsBetweenInterrupts == 0 || work >= blocks_from) throw_if_interrupted();
      if (work >= next_take_over) {
        const bool from_zero = !is_first_take_over && examples <= kMostFromZero;  // if a warm start did not converge
        if (take_over(from_zero)) select_first();
        is_first_take_over = false;
        next_take_over = 3 * std::max(work, kWorkBeforeTakeOver * size);
      } else if (work >= blocks_from) {
        const long long in_block = solve_block(most - steps);
        steps += in_block;
        work += (static_cast<double>(in_block) + kBlock) * kBlock / size + kBlock / 2;
        if (is_first_take_over && config_.is_positive && work >= kWorkBeforeDoubt * size && highest_low_ - f_up_ > kFar)
          next_take_over = work;
      } else {
        const PairKernel::Row row_up = kernel_.row(example(up_at_));
        const std::size_t low_at = select_second(row_up);
        take_step(row_up, low_at);
        ++steps;
        ++work;
      }
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

  /// The examples that take part in the next block, in order: those that violate the conditions most, the free ones,
  /// and others that violate them.
  std::vector<std::size_t> choose_block() const {
    const std::size_t examples = counts_[0] + counts_[1];
    std::vector<std::pair<double, std::size_t>> up, low;  // how much they violate them
    std::vector<std::size_t> free;
    for (std::size_t i = 0; i < examples; ++i) {
      const std::size_t k = slot(i);
      if (up_[k] == 0 && low_[k] == 0) free.push_back(i);
      if (up_[k] == 0 && f_[k] < highest_low_) up.emplace_back(highest_low_ - f_[k], i);
      if (low_[k] == 0 && f_[k] > f_up_) low.emplace_back(f_[k] - f_up_, i);
    }
    std::vector<char> is_chosen(examples);
    std::size_t left = kBlock;
    const auto choose = [&](std::size_t i) {
      if (left == 0 || is_chosen[i]) return;
      is_chosen[i] = 1;
      --left;
    };
    for (auto* one : {&up, &low}) std::ranges::sort(*one, std::greater<>());
    for (const auto* one : {&up, &low})
      for (std::size_t at = 0; at < std::min(one->size(), kBlock / 4); ++at) choose((*one)[at].second);
    for (const std::size_t i : free) choose(i);
    for (std::size_t at = kBlock / 4; at < std::max(up.size(), low.size()); ++at)
      for (const auto* one : {&up, &low})
        if (at < one->size()) choose((*one)[at].second);
    std::vector<std::size_t> chosen;
    for (std::size_t i = 0; i < examples; ++i)
      if (is_chosen[i]) chosen.push_back(i);
    return chosen;
  }

  /// Solves for the examples of one block while the others keep their alpha. Returns the number of steps.
  long long solve_block(long long most_steps) {
    const std::vector<std::size_t> chosen = choose_block();
    const std::size_t count = chosen.size();
    const auto first = static_cast<std::size_t>(std::ranges::lower_bound(chosen, counts_[0]) - chosen.begin());
    std::vector<float> values(count * count);
    std::vector<double> bound(count);
    DualPoint point{std::vector<double>(count), std::vector<double>(count)};
    for (std::size_t a = 0; a < count; ++a) {
      const PairKernel::Row row = kernel_.row(chosen[a]);
      float* out = values.data() + a * count;
      for (std::size_t b = 0; b < first; ++b) out[b] = row.first[chosen[b]];
      for (std::size_t b = first; b < count; ++b) out[b] = row.second[chosen[b] - counts_[0]];
      const std::size_t k = slot(chosen[a]);
      const double y = a < first ? 1 : -1;
      bound[a] = bound_[k];
      point.beta[a] = y * alpha_[k];
      point.products[a] = f_[k] + y;
    }
    DensePairKernel kernel({values.data(), count, count}, 0, first, first);
    const SmoConfig config{std::max(config_.tolerance, kBlockTolerance * (highest_low_ - f_up_)), false, most_steps};
    Smo block(kernel, first, bound, config, &point);
    const long long steps = block.solve().steps;
    for (std::size_t a = 0; a < count; ++a) {
      const std::size_t k = slot(chosen[a]);
      const double changed = (a < first ? 1 : -1) * (block.alpha_[block.slot(a)] - alpha_[k]);
      if (changed == 0) continue;
      alpha_[k] = block.alpha_[block.slot(a)];
      update_sets(k);
      const PairKernel::Row row = kernel_.row(chosen[a]);
      blas::add(changed, {row.first, counts_[0]}, f_.data());
      blas::add(changed, {row.second, counts_[1]}, f_.data() + starts_[1]);
    }
    select_first();
    return steps;
  }

  /// Pairwise steps converge slowly for many free examples; another solver solves for all at once.
  bool take_over(bool from_zero) {
    DualPoint point;
    for (std::size_t i = 0; i < counts_[0] + counts_[1]; ++i) {
      const std::size_t k = slot(i);
      const double y = k < starts_[1] ? 1 : -1;
      point.beta.push_back(y * alpha_[k]);
      point.products.push_back(f_[k] + y);
    }
    if (from_zero) point = {std::vector<double>(point.beta.size()), std::vector<double>(point.beta.size())};
    if (config_.take_over) {
      if (!config_.take_over(point)) return false;
    } else if (!solve_by_active_sets(kernel_, counts_[0], bound_of_examples_, config_.tolerance, point)) {
      return false;
    }
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
