#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <numeric>
#include <span>
#include <vector>

#include "genrewise/base/parallel.hpp"
#include "genrewise/study/exploration.hpp"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "genrewise/study/exploration_tsne.cpp"
#include <hwy/foreach_target.h>  // before highway.h

#include <hwy/highway.h>

#ifndef GENREWISE_TSNE
#define GENREWISE_TSNE
namespace genrewise {

constexpr std::size_t kWide = 16;  // points are padded to a multiple of it

}  // namespace genrewise
#endif

HWY_BEFORE_NAMESPACE();
namespace genrewise::HWY_NAMESPACE {
namespace {

/// The force on a point at (x, y) from `count` points (a multiple of kWide): attraction (x, y), repulsion (x, y) and
/// the sum of weights. Each lane has sums of its own, so that compilers use vectors; the file is compiled without
/// contraction to fused operations, so that all instruction sets give the same bits.
void find_force(float x, float y, const float* xs, const float* ys, const float* joint, std::size_t count,
                double* force) {
  float sums[5][kWide] = {};
  for (std::size_t j = 0; j < count; j += kWide) {
    for (std::size_t lane = 0; lane < kWide; ++lane) {
      const float dx = x - xs[j + lane], dy = y - ys[j + lane], weight = 1 / (1 + dx * dx + dy * dy);
      const float pull = joint[j + lane] * weight, push = weight * weight;
      sums[0][lane] += pull * dx;
      sums[1][lane] += pull * dy;
      sums[2][lane] += push * dx;
      sums[3][lane] += push * dy;
      sums[4][lane] += weight;
    }
  }
  for (std::size_t k = 0; k < 5; ++k) force[k] = std::accumulate(sums[k], sums[k] + kWide, 0.0);
}

}  // namespace
}  // namespace genrewise::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace genrewise {

HWY_EXPORT(find_force);

namespace {

constexpr double kPerplexity = 30, kExaggeration = 12;
constexpr int kIterations = 750, kExaggerated = 250, kSearchSteps = 64;

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

}  // namespace

Matrix tsne(const Matrix& components) {
  const std::size_t n = components.rows(), stride = (n + kWide - 1) / kWide * kWide;
  const std::vector<float> joint = joint_probabilities(components, stride);
  double spread = 0;
  for (std::size_t i = 0; i < n; ++i) spread += double{components(i, 0)} * components(i, 0);
  const double scale = spread > 0 ? 1e-4 / std::sqrt(spread / static_cast<double>(n)) : 0;
  // Padding lies so far away that it exerts no force.
  std::vector<float> x(stride, 1e9F), y(stride, 1e9F);
  for (std::size_t i = 0; i < n; ++i) {
    x[i] = static_cast<float>(scale * components(i, 0));
    y[i] = static_cast<float>(scale * components(i, 1));
  }
  const double rate = std::max(static_cast<double>(n) / kExaggeration / 4, 50.0);
  std::vector<std::array<double, 2>> step(n), gain(n, {1, 1});
  struct Force {
    double parts[5];
  };
  std::vector<Force> forces(n);
  const auto force_of = HWY_DYNAMIC_DISPATCH(find_force);
  for (int iteration = 0; iteration < kIterations; ++iteration) {
    parallel_for((n + 63) / 64, [&](std::size_t block, int) {
      for (std::size_t i = 64 * block; i < std::min(n, 64 * block + 64); ++i)
        force_of(x[i], y[i], x.data(), y.data(), &joint[i * stride], stride, forces[i].parts);
    });
    const double exaggeration = iteration < kExaggerated ? kExaggeration : 1;
    const double momentum = iteration < kExaggerated ? 0.5 : 0.8;
    double weight = -static_cast<double>(n);  // without the points themselves
    for (const Force& force : forces) weight += force.parts[4];
    for (std::size_t i = 0; i < n; ++i) {
      for (std::size_t d = 0; d < 2; ++d) {
        const double slope = 4 * (exaggeration * forces[i].parts[d] - forces[i].parts[2 + d] / weight);
        gain[i][d] = std::max(0.01, (slope > 0) != (step[i][d] > 0) ? gain[i][d] + 0.2 : gain[i][d] * 0.8);
        step[i][d] = momentum * step[i][d] - rate * gain[i][d] * slope;
        (d == 0 ? x : y)[i] += static_cast<float>(step[i][d]);
      }
    }
  }
  Matrix placed(n, 2);
  for (std::size_t i = 0; i < n; ++i) placed(i, 0) = x[i], placed(i, 1) = y[i];
  return placed;
}

}  // namespace genrewise
#endif
