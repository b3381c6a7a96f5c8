#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "genrewise/base/parallel.hpp"
#include "genrewise/study/exploration.hpp"

namespace genrewise {
namespace {

constexpr double kPerplexity = 30, kExaggeration = 12;
constexpr int kIterations = 750, kExaggerated = 250, kSearchSteps = 64;
constexpr std::size_t kWide = 8;  // partial sums, in vector registers; the same on every processor
using Wide = std::array<float, kWide>;

/// Replaces squared distances from example `self` by the probabilities of its neighbours: a Gaussian whose width gives
/// the perplexity.
void to_probabilities(std::span<float> row, std::size_t self, double perplexity) {
  std::vector<double> weights(row.size());
  double precision = 1, low = 0, high = std::numeric_limits<double>::infinity();
  double nearest = std::numeric_limits<double>::infinity();
  for (std::size_t j = 0; j < row.size(); ++j) {
    if (j != self) nearest = std::min(nearest, double{row[j]});
  }
  double sum = 1;
  for (int step = 0; step < kSearchSteps; ++step) {
    double moment = 0;
    sum = 0;
    for (std::size_t j = 0; j < row.size(); ++j) {
      weights[j] = j == self ? 0 : std::exp(-precision * (row[j] - nearest));
      sum += weights[j];
      moment += weights[j] * (row[j] - nearest);
    }
    const double difference = std::log(sum) + precision * moment / sum - std::log(perplexity);
    if (std::abs(difference) < 1e-5) break;
    (difference > 0 ? low : high) = precision;
    precision = std::isinf(high) ? 2 * precision : (low + high) / 2;
  }
  for (std::size_t j = 0; j < row.size(); ++j) row[j] = static_cast<float>(weights[j] / sum);
}

/// Symmetric joint probabilities, n x stride, zero beyond n.
std::vector<float> joint_probabilities(const Matrix& points, std::size_t stride) {
  const std::size_t n = points.rows();
  const double perplexity = std::min(kPerplexity, static_cast<double>(n - 1) / 3);
  std::vector<float> joint(n * stride);
  parallel_for(n, [&](std::size_t i, int) {
    for (std::size_t j = 0; j < n; ++j) {
      double squares = 0;
      for (std::size_t k = 0; k < points.cols(); ++k) squares += std::pow(points(i, k) - points(j, k), 2);
      joint[i * stride + j] = static_cast<float>(squares);
    }
    to_probabilities({joint.data() + i * stride, n}, i, perplexity);
  });
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const float both = (joint[i * stride + j] + joint[j * stride + i]) / (2 * static_cast<float>(n));
      joint[i * stride + j] = joint[j * stride + i] = std::max(both, 1e-12F);
    }
  }
  return joint;
}

/// Positions as two arrays; padding lies so far away that it exerts no force.
struct Layout {
  std::vector<float> x, y;
};

/// Attraction (x, y), repulsion (x, y) and the sum of weights.
using Force = std::array<double, 5>;

Force force_on(std::size_t i, const Layout& at, const float* joint) {
  std::array<Wide, 5> sums{};
  for (std::size_t j = 0; j < at.x.size(); j += kWide) {
    for (std::size_t k = 0; k < kWide; ++k) {
      const float dx = at.x[i] - at.x[j + k], dy = at.y[i] - at.y[j + k];
      const float weight = 1 / (1 + dx * dx + dy * dy);
      const float pull = joint[j + k] * weight, push = weight * weight;
      sums[0][k] += pull * dx, sums[1][k] += pull * dy;
      sums[2][k] += push * dx, sums[3][k] += push * dy;
      sums[4][k] += weight;
    }
  }
  Force force;
  std::ranges::transform(sums, force.begin(),
                         [](const Wide& sum) { return std::accumulate(sum.begin(), sum.end(), 0.0); });
  force[4] -= 1;  // without itself
  return force;
}

}  // namespace

Matrix tsne(const Matrix& components) {
  const std::size_t n = components.rows(), stride = (n + kWide - 1) / kWide * kWide;
  const std::vector<float> joint = joint_probabilities(components, stride);
  double spread = 0;
  for (std::size_t i = 0; i < n; ++i) spread += double{components(i, 0)} * components(i, 0);
  const double scale = spread > 0 ? 1e-4 / std::sqrt(spread / static_cast<double>(n)) : 0;
  Layout at{std::vector<float>(stride, 1e9F), std::vector<float>(stride, 1e9F)};
  for (std::size_t i = 0; i < n; ++i) {
    at.x[i] = static_cast<float>(scale * components(i, 0));
    at.y[i] = static_cast<float>(scale * components(i, 1));
  }
  const double rate = std::max(static_cast<double>(n) / kExaggeration / 4, 50.0);
  std::vector<std::array<double, 2>> step(n), gain(n, {1, 1});
  std::vector<Force> forces(n);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    parallel_for((n + 63) / 64, [&](std::size_t block, int) {
      for (std::size_t i = 64 * block; i < std::min(n, 64 * block + 64); ++i)
        forces[i] = force_on(i, at, joint.data() + i * stride);
    });
    const double exaggeration = iteration < kExaggerated ? kExaggeration : 1;
    const double momentum = iteration < kExaggerated ? 0.5 : 0.8;
    double weight = 0;
    for (const Force& force : forces) weight += force[4];
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t d = 0; d < 2; ++d) {
        const double slope = 4 * (exaggeration * forces[i][d] - forces[i][2 + d] / weight);
        gain[i][d] = std::max(0.01, (slope > 0) != (step[i][d] > 0) ? gain[i][d] + 0.2 : gain[i][d] * 0.8);
        step[i][d] = momentum * step[i][d] - rate * gain[i][d] * slope;
        (d == 0 ? at.x : at.y)[i] += static_cast<float>(step[i][d]);
      }
    }
  }
  Matrix placed(n, 2);
  for (std::size_t i = 0; i < n; ++i) placed(i, 0) = at.x[i], placed(i, 1) = at.y[i];
  return placed;
}

}  // namespace genrewise
