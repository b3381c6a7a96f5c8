#include "genrewise/models/classical/lbfgs.hpp"

#include <algorithm>
#include <cmath>
#include <deque>
#include <limits>
#include <numeric>

#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

constexpr double kSufficientDecrease = 1e-4;
constexpr double kCurvature = 0.9;
constexpr double kRounding = 1e-7;  // relative, of function values computed in float
constexpr int kLineSearchSteps = 30;

double dot(std::span<const double> a, std::span<const double> b) {
  return std::transform_reduce(a.begin(), a.end(), b.begin(), 0.0);
}

double largest_entry(std::span<const double> values) {
  double largest = 0;
  for (double value : values) largest = std::max(largest, std::abs(value));
  return largest;
}

struct Pair {
  std::vector<double> step, change;  // differences of x and of the gradient
  double inverse_product;
};

struct Point {
  std::vector<double> x, gradient;
  double value = 0;
};

/// The two-loop recursion: -H * gradient.
std::vector<double> direction(const std::deque<Pair>& pairs, const Preconditioner& preconditioner,
                              const std::vector<double>& gradient) {
  std::vector<double> d = gradient, weights(pairs.size());
  for (std::size_t i = pairs.size(); i-- > 0;) {
    weights[i] = pairs[i].inverse_product * dot(pairs[i].step, d);
    for (std::size_t k = 0; k < d.size(); ++k) d[k] -= weights[i] * pairs[i].change[k];
  }
  double scale = 1;
  if (!pairs.empty()) {
    std::vector<double> z = pairs.back().change;
    preconditioner(z);
    scale = 1 / (pairs.back().inverse_product * dot(pairs.back().change, z));
  }
  preconditioner(d);
  for (double& value : d) value *= scale;
  for (std::size_t i = 0; i < pairs.size(); ++i) {
    const double weight = weights[i] - pairs[i].inverse_product * dot(pairs[i].change, d);
    for (std::size_t k = 0; k < d.size(); ++k) d[k] += weight * pairs[i].step[k];
  }
  for (double& value : d) value = -value;
  return d;
}

/// Sufficient decrease: Armijo's condition or, where the value differs from the start's by rounding only, its
/// approximate form in slopes (Hager and Zhang, 2005).
bool decreases_enough(const Point& from, const Point& to, double step, double slope, double slope_there) {
  if (to.value <= from.value + kSufficientDecrease * step * slope) return true;
  return to.value <= from.value + kRounding * std::abs(from.value) &&
         slope_there <= (2 * kSufficientDecrease - 1) * slope;
}

/// Moves `to` along d from `from` until the Wolfe conditions hold; false when no step decreases the function.
bool line_search(const Objective& objective, const Point& from, std::span<const double> d, Point& to) {
  const double slope = dot(from.gradient, d);
  if (!(slope < 0)) return false;
  double least = 0, most = std::numeric_limits<double>::infinity(), step = 1;
  for (int i = 0; i < kLineSearchSteps; ++i) {
    for (std::size_t k = 0; k < d.size(); ++k) to.x[k] = from.x[k] + step * d[k];
    to.value = objective(to.x, to.gradient);
    const double slope_there = dot(to.gradient, d);
    if (!decreases_enough(from, to, step, slope, slope_there)) {
      most = step;
    } else if (slope_there < kCurvature * slope) {
      least = step;
    } else {
      return true;
    }
    step = std::isinf(most) ? 2 * least : (least + most) / 2;
  }
  return to.value < from.value;
}

}  // namespace

int minimise(const Objective& objective, const Preconditioner& preconditioner, const LbfgsConfig& config,
             std::vector<double>& x) {
  Point here{x, std::vector<double>(x.size())};
  here.value = objective(here.x, here.gradient);
  Point next = here;
  std::deque<Pair> pairs;
  int iteration = 0;
  for (; iteration < config.max_iterations && largest_entry(here.gradient) > config.tolerance; ++iteration) {
    throw_if_interrupted();
    if (!line_search(objective, here, direction(pairs, preconditioner, here.gradient), next)) {
      if (pairs.empty()) break;
      pairs.clear();  // the curvature pairs mislead: restart from the preconditioned gradient
      continue;
    }
    Pair pair{next.x, next.gradient, 0};
    for (std::size_t k = 0; k < x.size(); ++k) {
      pair.step[k] -= here.x[k];
      pair.change[k] -= here.gradient[k];
    }
    std::swap(here, next);
    const double product = dot(pair.step, pair.change);
    if (!(product > 0)) continue;
    pair.inverse_product = 1 / product;
    pairs.push_back(std::move(pair));
    if (pairs.size() > static_cast<std::size_t>(config.memory)) pairs.pop_front();
  }
  x = std::move(here.x);
  return iteration;
}

}  // namespace genrewise
