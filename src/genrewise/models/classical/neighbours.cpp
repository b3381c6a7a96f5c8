#include "genrewise/models/classical/neighbours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <limits>
#include <numeric>
#include <span>

#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"

namespace genrewise {
namespace {

// A tile of products is large enough for fast products, and small enough to be scanned before it leaves the cache.
constexpr std::size_t kQueries = 400, kPoints = 2048;
constexpr float kMostSquaredNorm = 1e28f;  // sums of products of such rows stay finite in float
constexpr std::size_t kSample = 512;       // points that the centre is estimated from: any centre is correct

struct Candidate {
  float upper;  // upper bound of its squared distance, less the query's squared norm
  std::uint32_t index;
};

struct Found {
  double distance;
  std::size_t index;
  auto operator<=>(const Found&) const = default;
};

/// Selects the points that may be among the k nearest of one query, in one pass over inexact products, tile by tile.
/// With an error of s_j = |b_j|^2 - 2 a.b_j of at most c |a|^2 + c |b_j|^2, a point is excluded when its lower bound is
/// above the k-th smallest upper bound.
class CandidateFilter {
 public:
  CandidateFilter(std::size_t k, float relative_error, const std::vector<float>& squared_norm, float query_squared_norm)
      : k_(k),
        limit_(4 * k + 64),
        error_(relative_error),
        slack_(2 * relative_error * query_squared_norm),
        squared_norm_(squared_norm) {}

  /// Adds the query's products with points [first, first + count).
  void see(const float* products, std::size_t first, std::size_t count) {
    constexpr std::size_t kPart = 256;  // products that are compared with one threshold
    std::array<std::uint32_t, kPart + blas::kFoundPadding> found;
    for (std::size_t at = first; at < first + count; at += kPart) {
      const std::span part(products + (at - first), std::min(kPart, first + count - at));
      const std::size_t number = blas::find_within(&squared_norm_[at], part, error_, threshold_, found.data());
      for (std::size_t i = 0; i < number; ++i) {
        const std::size_t j = at + found[i];
        const float value = squared_norm_[j] - 2 * products[j - first];
        const float error = error_ * squared_norm_[j];
        if (value - error > threshold_) continue;
        candidates_.push_back({value + error, static_cast<std::uint32_t>(j)});
        if (candidates_.size() < limit_) continue;
        tighten();
        limit_ = std::max(limit_, 2 * candidates_.size());
      }
    }
  }

  const std::vector<Candidate>& candidates() {
    tighten();
    return candidates_;
  }

 private:
  void tighten() {
    if (candidates_.size() < k_) return;
    const auto kth = candidates_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::ranges::nth_element(candidates_, kth, {}, &Candidate::upper);
    threshold_ = kth->upper + slack_;
    std::erase_if(candidates_, [&](const Candidate& candidate) {
      return candidate.upper - 2 * error_ * squared_norm_[candidate.index] > threshold_;
    });
  }

  std::size_t k_, limit_;
  float error_, slack_, threshold_ = std::numeric_limits<float>::infinity();
  const std::vector<float>& squared_norm_;
  std::vector<Candidate> candidates_;
};

float inverse_length(std::span<const float> row) {
  const double squared = blas::dot(row, row);
  return squared > 0 ? static_cast<float>(1 / std::sqrt(squared)) : 0;
}

bool is_far_from_zero(const std::vector<double>& mean, const std::vector<double>& variance) {
  double away = 0, spread = 0;
  for (std::size_t j = 0; j < mean.size(); ++j) {
    away += mean[j] * mean[j];
    spread += variance[j];
  }
  return away > 0.01 * spread;
}

/// Blocks of equal size, at most `most`, in a multiple of the number of threads, so that all finish together.
std::size_t even_block(std::size_t rows, std::size_t most) {
  const auto threads = static_cast<std::size_t>(thread_budget());
  const std::size_t rounds = std::max<std::size_t>(1, (rows + threads * most - 1) / (threads * most));
  return std::max<std::size_t>(1, (rows + threads * rounds - 1) / (threads * rounds));
}

void keep_nearest(std::vector<Found>& found, std::size_t query, Neighbours& out) {
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(out.k));
  for (std::size_t i = 0; i < out.k; ++i) {
    out.index[query * out.k + i] = found[i].index;
    out.distance[query * out.k + i] = found[i].distance;
  }
}

}  // namespace

NeighbourIndex::NeighbourIndex(Matrix points, Metric metric, double p)
    : points_(std::move(points)), metric_(metric), p_(p) {
  if (metric_ == Metric::minkowski && p_ == 2) metric_ = Metric::euclidean;
  if (metric_ == Metric::minkowski && p_ == 1) metric_ = Metric::manhattan;
  if (metric_ == Metric::cosine) {
    squared_norm_.assign(points_.rows(), 1);
    for (std::size_t i = 0; i < points_.rows(); ++i) inverse_length_.push_back(inverse_length(points_.row(i)));
  } else if (metric_ == Metric::euclidean) {
    const auto [mean, variance] = blas::column_moments(sample_of(points_, kSample));
    if (is_far_from_zero(mean, variance)) {  // smaller norms: less cancellation, fewer candidates
      centre_.assign(mean.begin(), mean.end());
      centred_ = points_;
      centre(centred_);
    }
    squared_norm_.resize(points_.rows());
    blas::for_blocks(points_.rows(), kSample, [&](std::size_t first, std::size_t count) {
      for (std::size_t i = first; i < first + count; ++i)
        squared_norm_[i] = static_cast<float>(blas::dot(ready_points().row(i), ready_points().row(i)));
    });
    if (std::ranges::any_of(squared_norm_, [](float norm) { return norm >= kMostSquaredNorm; })) squared_norm_.clear();
  }
}

void NeighbourIndex::centre(Matrix& rows) const {
  if (centre_.empty()) return;
  for (std::size_t i = 0; i < rows.rows(); ++i) {
    const auto row = rows.row(i);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] -= centre_[j];
  }
}

double NeighbourIndex::distance(const float* a, const float* b) const {
  const std::span<const float> left(a, points_.cols()), right(b, points_.cols());
  switch (metric_) {
    case Metric::euclidean:
      return std::sqrt(blas::squared_distance(left, b));
    case Metric::manhattan:
      return blas::manhattan_distance(left, b);
    case Metric::cosine: {
      const double lengths = std::sqrt(blas::dot(left, left) * blas::dot(right, right));
      return lengths > 0 ? std::max(0.0, 1 - blas::dot(left, right) / lengths) : 1;
    }
    case Metric::minkowski:
      return std::pow(std::transform_reduce(left.begin(), left.end(), right.begin(), 0.0, std::plus(),
                                            [&](double x, double y) { return std::pow(std::abs(x - y), p_); }),
                      1 / p_);
  }
  return 0;
}

Neighbours NeighbourIndex::find(const Matrix& queries, std::size_t k) const {
  Neighbours out;
  out.k = k;
  out.index.resize(queries.rows() * k);
  out.distance.resize(queries.rows() * k);
  if (squared_norm_.empty()) {
    blas::for_blocks(queries.rows(), 8,
                     [&](std::size_t first, std::size_t count) { find_directly(queries, first, count, out); });
    return out;
  }
  const std::size_t block = even_block(queries.rows(), kQueries);
  // Reused by all blocks: new memory is slow.
  std::vector<std::vector<float>> products(static_cast<std::size_t>(thread_budget()));
  parallel_for((queries.rows() + block - 1) / block, [&](std::size_t index, int worker) {
    const std::size_t first = index * block;
    find_by_product(queries, first, std::min(block, queries.rows() - first), products[static_cast<std::size_t>(worker)],
                    out);
  });
  return out;
}

void NeighbourIndex::find_by_product(const Matrix& queries, std::size_t first, std::size_t count,
                                     std::vector<float>& product_values, Neighbours& out) const {
  Matrix centred;
  if (!centre_.empty()) {
    centred = Matrix(count, queries.cols());
    std::ranges::copy(queries.values().subspan(first * queries.cols(), count * queries.cols()), centred.data());
    centre(centred);
  }
  const blas::View<const float> block =
      centre_.empty() ? blas::View<const float>(queries).rows_from(first, count) : blas::View<const float>(centred);
  const Matrix& points = ready_points();
  // Rounding errors of a sum of n products grow like a random walk; eight of its standard deviations.
  const float relative_error = 8 * std::numeric_limits<float>::epsilon() / 2 *
                               std::sqrt(static_cast<float>(std::max<std::size_t>(points_.cols(), 16)));
  const bool is_cosine = metric_ == Metric::cosine;
  std::vector<CandidateFilter> filters;
  std::vector<float> scale(count, 1.0f);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const float> query(block.data + i * block.stride, block.cols);
    const double squared_norm = blas::dot(query, query);
    if (!(squared_norm < kMostSquaredNorm)) return find_directly(queries, first, count, out);
    if (is_cosine) scale[i] = inverse_length(query);
    filters.emplace_back(out.k, relative_error, squared_norm_, is_cosine ? 1 : static_cast<float>(squared_norm));
  }

  product_values.resize(count * std::min(kPoints, points.rows()));
  for (std::size_t at = 0; at < points.rows(); at += kPoints) {
    const std::size_t width = std::min(kPoints, points.rows() - at);
    const blas::View<float> products(product_values.data(), count, width);
    blas::multiply(blas::Form::nt, 1.0f, block, blas::View<const float>(points).rows_from(at, width), 0.0f, products);
    for (std::size_t i = 0; i < count; ++i) {
      float* of_query = products.data + i * products.stride;
      if (is_cosine)
        for (std::size_t j = 0; j < width; ++j) of_query[j] *= scale[i] * inverse_length_[at + j];
      filters[i].see(of_query, at, width);
    }
  }

  std::vector<Found> found;
  for (std::size_t i = 0; i < count; ++i) {
    found.clear();
    for (const Candidate& candidate : filters[i].candidates())
      found.push_back({distance(queries.row(first + i).data(), points_.row(candidate.index).data()), candidate.index});
    keep_nearest(found, first + i, out);
  }
}

void NeighbourIndex::find_directly(const Matrix& queries, std::size_t first, std::size_t count, Neighbours& out) const {
  std::vector<std::vector<Found>> found(count);
  for (std::size_t j = 0; j < points_.rows(); ++j)  // a point stays in the cache for all queries of the block
    for (std::size_t i = 0; i < count; ++i)
      found[i].push_back({distance(queries.row(first + i).data(), points_.row(j).data()), j});
  for (std::size_t i = 0; i < count; ++i) keep_nearest(found[i], first + i, out);
}

}  // namespace genrewise
