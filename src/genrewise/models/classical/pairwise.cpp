#include "genrewise/models/classical/pairwise.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr int kNewtonSteps = 100;
constexpr double kRidge = 1e-12, kGradientTolerance = 1e-5, kLeastStep = 1e-10;

/// log(1 + exp(x)) - target_of_zero * x, without overflow; target t: -(t log p + (1 - t) log(1 - p)), p = 1/(1+exp(x)).
double cross_entropy(double x, double target) {
  return target * x + std::max(-x, 0.0) + std::log1p(std::exp(-std::abs(x)));
}

struct SigmoidFit {
  std::span<const double> decisions;
  std::size_t first_count;
  double target_first, target_second;

  double target(std::size_t i) const { return i < first_count ? target_first : target_second; }
  double loss(const Sigmoid& s) const {
    double sum = 0;
    for (std::size_t i = 0; i < decisions.size(); ++i)
      sum += cross_entropy(s.slope * decisions[i] + s.offset, target(i));
    return sum;
  }
};

}  // namespace

double Sigmoid::operator()(double decision) const {
  const double x = slope * decision + offset;
  return x >= 0 ? std::exp(-x) / (1 + std::exp(-x)) : 1 / (1 + std::exp(x));
}

Sigmoid fit_sigmoid(std::span<const double> decisions, std::size_t first_count) {
  const auto first = static_cast<double>(first_count), second = static_cast<double>(decisions.size() - first_count);
  const SigmoidFit fit{decisions, first_count, (first + 1) / (first + 2), 1 / (second + 2)};
  Sigmoid now{0, std::log((second + 1) / (first + 1))};
  double loss = fit.loss(now);
  for (int i = 0; i < kNewtonSteps; ++i) {
    double h11 = kRidge, h22 = kRidge, h21 = 0, g1 = 0, g2 = 0;
    for (std::size_t k = 0; k < decisions.size(); ++k) {
      const double p = now(decisions[k]), away = fit.target(k) - p, weight = p * (1 - p);
      h11 += decisions[k] * decisions[k] * weight;
      h22 += weight;
      h21 += decisions[k] * weight;
      g1 += decisions[k] * away;
      g2 += away;
    }
    if (std::abs(g1) < kGradientTolerance && std::abs(g2) < kGradientTolerance) break;
    const double determinant = h11 * h22 - h21 * h21;
    const double d1 = -(h22 * g1 - h21 * g2) / determinant, d2 = -(h11 * g2 - h21 * g1) / determinant;
    const double slope = g1 * d1 + g2 * d2;
    double step = 1;
    for (; step >= kLeastStep; step /= 2) {
      const Sigmoid next{now.slope + step * d1, now.offset + step * d2};
      const double next_loss = fit.loss(next);
      if (next_loss >= loss + 1e-4 * step * slope) continue;
      now = next;
      loss = next_loss;
      break;
    }
    if (step < kLeastStep) break;
  }
  return now;
}

void save_sigmoids(const std::vector<Sigmoid>& sigmoids, TensorArchive& archive, const std::string& prefix) {
  std::vector<double> slopes, offsets;
  for (const Sigmoid& sigmoid : sigmoids) {
    slopes.push_back(sigmoid.slope);
    offsets.push_back(sigmoid.offset);
  }
  archive.put(prefix + "sigmoid_slope", slopes);
  archive.put(prefix + "sigmoid_offset", offsets);
}

std::vector<Sigmoid> load_sigmoids(std::size_t count, const TensorArchive& archive, const std::string& prefix) {
  const auto slopes = archive.doubles(prefix + "sigmoid_slope", count);
  const auto offsets = archive.doubles(prefix + "sigmoid_offset", count);
  std::vector<Sigmoid> sigmoids;
  for (std::size_t k = 0; k < count; ++k) sigmoids.push_back({slopes[k], offsets[k]});
  return sigmoids;
}

void couple_pairwise(const Matrix& pairwise, std::span<float> probabilities) {
  const std::size_t n = pairwise.rows();
  const int most_rounds = std::max(100, static_cast<int>(n));
  const double tolerance = 0.005 / static_cast<double>(n);
  std::vector<double> q(n * n), qp(n), p(n, 1 / static_cast<double>(n));
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      if (i == j) continue;
      q[i * n + i] += static_cast<double>(pairwise(j, i)) * pairwise(j, i);
      q[i * n + j] = -static_cast<double>(pairwise(j, i)) * pairwise(i, j);
    }
  for (int round = 0; round < most_rounds; ++round) {
    double pqp = 0;
    for (std::size_t i = 0; i < n; ++i) {
      qp[i] = 0;
      for (std::size_t j = 0; j < n; ++j) qp[i] += q[i * n + j] * p[j];
      pqp += p[i] * qp[i];
    }
    const bool done = std::ranges::all_of(qp, [&](double value) { return std::abs(value - pqp) < tolerance; });
    if (done) break;
    for (std::size_t i = 0; i < n; ++i) {
      const double change = (pqp - qp[i]) / q[i * n + i];
      p[i] += change;
      pqp = (pqp + change * (change * q[i * n + i] + 2 * qp[i])) / (1 + change) / (1 + change);
      for (std::size_t j = 0; j < n; ++j) {
        qp[j] = (qp[j] + change * q[i * n + j]) / (1 + change);
        p[j] /= (1 + change);
      }
    }
  }
  for (std::size_t i = 0; i < n; ++i) probabilities[i] = static_cast<float>(p[i]);
}

}  // namespace genrewise
