#include "genrewise/models/classical/smoothing.hpp"

#include <algorithm>
#include <cmath>

namespace genrewise {
namespace {

constexpr double kFirstRidge = 0.004;  // of the mean diagonal

}  // namespace

double SmoothingSchedule::next() const {
  return std::max(last_, shrinking_ * width_);
}

double SmoothingSchedule::advance(double width, int rounds) {
  width_ = width;
  if (width <= last_) return last_;
  shrinking_ = rounds <= config_.few_rounds   ? shrinking_ * shrinking_
               : rounds > config_.many_rounds ? std::sqrt(shrinking_)
                                              : shrinking_;
  shrinking_ = std::clamp(shrinking_, config_.most_shrinking, config_.least_shrinking);
  return next();
}

double SmoothingSchedule::retry() {
  shrinking_ = std::min(std::sqrt(shrinking_), config_.least_shrinking);
  return next();
}

double first_smoothing_width(double least, std::span<const double> bound, double mean_diagonal) {
  const double least_bound = *std::ranges::min_element(bound, {}, [](double b) { return b > 0 ? b : 1e300; });
  return std::max(least, kFirstRidge / 2 * least_bound * mean_diagonal);
}

}  // namespace genrewise
