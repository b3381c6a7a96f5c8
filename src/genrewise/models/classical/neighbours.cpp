#include "genrewise/models/classical/neighbours.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>

#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"

namespace genrewise {
namespace {

// A tile of products is large enough for fast products, and small enough to be scanned before it leaves the cache.
constexpr std::size_t kQueries = 400, kPoints = 2048;
constexpr std::size_t kGlance = 32;   // products that are scanned together
constexpr std::size_t kSample = 512;  // points that the centre is estimated from: any centre is correct
constexpr std::size_t kLanes = 16;    // independent sums, which allow vectorisation
// Queries whose short rows stay in the second-level cache while the points are streamed.
constexpr std::size_t kShortBlock = 40 * kShortQueries;

/// Sum over all columns of term(j).
template <class Term>
double sum_of(std::size_t cols, Term term) {
  double sums[kLanes] = {};
  std::size_t j = 0;
  for (; j + kLanes <= cols; j += kLanes)
    for (std::size_t lane = 0; lane < kLanes; ++lane) sums[lane] += term(j + lane);
  double sum = 0;
  for (double part : sums) sum += part;
  for (; j < cols; ++j) sum += term(j);
  return sum;
}

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
    for (std::size_t at = first; at < first + count; at += kGlance) {
      const std::size_t end = std::min(at + kGlance, first + count);
      if (!any_within(products + (at - first), at, end)) continue;
      for (std::size_t j = at; j < end; ++j) {
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
  /// Nearly always false once the threshold is low; branch-free, for vectorisation.
  bool any_within(const float* products, std::size_t first, std::size_t end) const {
    int any = 0;
    for (std::size_t j = first; j < end; ++j)
      any |= static_cast<int>(squared_norm_[j] - 2 * products[j - first] - error_ * squared_norm_[j] <= threshold_);
    return any != 0;
  }

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

/// The same for short rows that approximate query and point, each within a known error. A point is excluded when its
/// distance less both errors is above the k-th smallest of distance plus both errors.
class ShortFilter {
 public:
  /// Row `query` of `queries`, among `points`.
  ShortFilter(std::size_t k, const ShortRows& queries, std::size_t query, const ShortRows& points)
      : k_(k),
        limit_(2 * k + 16),
        points_(points),
        twice_step_(2 * queries.step[query]),
        error_(static_cast<double>(queries.error[query])),
        squared_norm_(static_cast<double>(queries.squared_norm[query])) {}

  /// Adds the query's products with a panel of points.
  void see(const std::int32_t* products, std::size_t first) {
    for (unsigned bits = within(products, first); bits != 0; bits &= bits - 1) {
      const std::size_t j = first + static_cast<std::size_t>(std::countr_zero(bits));
      if (j >= points_.rows) return;
      const auto norm = static_cast<double>(points_.squared_norm[j]);
      const double step = static_cast<double>(points_.step[j]) * static_cast<double>(twice_step_);
      const double squared = squared_norm_ + norm - step * static_cast<double>(products[j - first]);
      const double lost = kLost * (squared_norm_ + norm) + kNothing;
      const double error = error_ + static_cast<double>(points_.error[j]);
      const double lower = std::sqrt(std::max(0.0, squared - lost)) - error;
      if (lower > threshold_) continue;
      candidates_.push_back({lower, std::sqrt(std::max(0.0, squared + lost)) + error, j});
      if (candidates_.size() < limit_) continue;
      tighten();
      limit_ = std::max(limit_, 2 * candidates_.size());
    }
  }

  struct Candidate {
    double lower, upper;  // bounds of its distance
    std::size_t index;
  };
  const std::vector<Candidate>& candidates() {
    tighten();
    return candidates_;
  }

 private:
  // Rounding of a squared distance in float, relative to both squared norms; and an absolute bound below float
  // precision.
  static constexpr double kLost = 1e-6, kNothing = 1e-30;

  /// Bit j: distance <= threshold + errors for point first + j; squared, with everything that is independent of the
  /// point on the right. NaN counts as within. Branch-free, for vectorisation.
  unsigned within(const std::int32_t* products, std::size_t first) const {
    const float *norm = points_.squared_norm.data() + first, *error = points_.error.data() + first,
                *step = points_.step.data() + first;
    unsigned bits = 0;
    for (unsigned j = 0; j < kShortPoints; ++j) {
      const float left = norm[j] * kKept - twice_step_ * step[j] * static_cast<float>(products[j]) -
                         (error[j] + per_error_) * error[j];
      bits |= left > right_side_ ? 0U : 1U << j;
    }
    return bits;
  }

  void tighten() {
    if (candidates_.size() < k_) return;
    const auto kth = candidates_.begin() + static_cast<std::ptrdiff_t>(k_ - 1);
    std::ranges::nth_element(candidates_, kth, {}, &Candidate::upper);
    threshold_ = kth->upper;
    std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.lower > threshold_; });
    const double reach = threshold_ + error_;
    per_error_ = static_cast<float>(2 * reach * (1 + kLost));
    right_side_ = static_cast<float>(reach * reach * (1 + kLost) - squared_norm_ * (1 - 2 * kLost) + kNothing);
  }

  static constexpr auto kKept = static_cast<float>(1 - 2 * kLost);

  std::size_t k_, limit_;
  const ShortRows& points_;
  float twice_step_, per_error_ = 0, right_side_ = std::numeric_limits<float>::infinity();
  double error_, squared_norm_, threshold_ = std::numeric_limits<double>::infinity();
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

/// A power of two that scales the norm of centred rows to about 1; 0 where it is outside the range of float.
double unit_for(const std::vector<double>& variance) {
  double squared_length = 0;
  for (double spread : variance) squared_length += spread;
  if (!std::isfinite(squared_length)) return 0;
  return squared_length > 0 ? std::ldexp(1.0, -std::ilogb(std::sqrt(squared_length))) : 1;
}

/// Blocks of equal size, at most `most`, in a multiple of the number of threads, so that all finish together.
std::size_t even_block(std::size_t rows, std::size_t most) {
  const auto threads = static_cast<std::size_t>(thread_budget());
  const std::size_t rounds = std::max<std::size_t>(1, (rows + threads * most - 1) / (threads * most));
  return std::max<std::size_t>(1, (rows + threads * rounds - 1) / (threads * rounds));
}

/// Whether sums of products of such values stay finite in float.
bool floats_hold(const Matrix& rows) {
  return std::ranges::all_of(rows.values(), [](float value) { return std::abs(value) < 1e14f; });
}

void keep_nearest(std::vector<Found>& found, std::size_t query, Neighbours& out) {
  std::ranges::partial_sort(found, found.begin() + static_cast<std::ptrdiff_t>(out.k));
  for (std::size_t i = 0; i < out.k; ++i) {
    out.index[query * out.k + i] = found[i].index;
    out.distance[query * out.k + i] = found[i].distance;
  }
}

}  // namespace

NeighbourIndex::NeighbourIndex(Matrix points, Metric metric, double p, bool short_products)
    : points_(std::move(points)), metric_(metric), p_(p) {
  if (metric_ == Metric::minkowski && p_ == 2) metric_ = Metric::euclidean;
  if (metric_ == Metric::minkowski && p_ == 1) metric_ = Metric::manhattan;
  if (metric_ == Metric::cosine) {
    squared_norm_.assign(points_.rows(), 1);
    for (std::size_t i = 0; i < points_.rows(); ++i) inverse_length_.push_back(inverse_length(points_.row(i)));
  } else if (metric_ == Metric::euclidean) {
    const auto [mean, variance] = blas::column_moments(sample_of(points_, kSample));
    if (short_products && points_.cols() <= kMostShortColumns) {
      centre_.assign(mean.begin(), mean.end());
      unit_ = unit_for(variance);
      if (unit_ > 0) {
        short_points_ = shorten(points_, centre_, unit_, kShortPoints);
        return;
      }
      centre_.clear();
    }
    if (!floats_hold(points_)) return;
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
  const std::size_t cols = points_.cols();
  const auto difference = [&](std::size_t j) { return static_cast<double>(a[j]) - static_cast<double>(b[j]); };
  switch (metric_) {
    case Metric::euclidean:
      return std::sqrt(sum_of(cols, [&](std::size_t j) { return difference(j) * difference(j); }));
    case Metric::manhattan:
      return sum_of(cols, [&](std::size_t j) { return std::abs(difference(j)); });
    case Metric::cosine: {
      const std::span<const float> left(a, cols), right(b, cols);
      const double lengths = std::sqrt(blas::dot(left, left) * blas::dot(right, right));
      return lengths > 0 ? std::max(0.0, 1 - blas::dot(left, right) / lengths) : 1;
    }
    case Metric::minkowski:
      return std::pow(sum_of(cols, [&](std::size_t j) { return std::pow(std::abs(difference(j)), p_); }), 1 / p_);
  }
  return 0;
}

Neighbours NeighbourIndex::find(const Matrix& queries, std::size_t k) const {
  Neighbours out;
  out.k = k;
  out.index.resize(queries.rows() * k);
  out.distance.resize(queries.rows() * k);
  if (short_points_.rows > 0) {
    blas::for_blocks(queries.rows(), even_block(queries.rows(), kShortBlock),
                     [&](std::size_t first, std::size_t count) { find_by_short_product(queries, first, count, out); });
    return out;
  }
  if (squared_norm_.empty() || !floats_hold(queries)) {
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

template <class Filter>
void NeighbourIndex::keep_candidates(std::vector<Filter>& filters, const Matrix& queries, std::size_t first,
                                     Neighbours& out) const {
  std::vector<Found> found;
  for (std::size_t i = 0; i < filters.size(); ++i) {
    found.clear();
    for (const auto& candidate : filters[i].candidates())
      found.push_back({distance(queries.row(first + i).data(), points_.row(candidate.index).data()), candidate.index});
    keep_nearest(found, first + i, out);
  }
}

void NeighbourIndex::find_by_product(const Matrix& queries, std::size_t first, std::size_t count,
                                     std::vector<float>& product_values, Neighbours& out) const {
  std::vector<std::size_t> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = first + i;
  Matrix block = queries.select_rows(rows);
  centre(block);
  const Matrix& points = ready_points();
  // Rounding errors of a sum of n products grow like a random walk; eight of its standard deviations.
  const float relative_error = 8 * std::numeric_limits<float>::epsilon() / 2 *
                               std::sqrt(static_cast<float>(std::max<std::size_t>(points_.cols(), 16)));
  const bool is_cosine = metric_ == Metric::cosine;
  std::vector<CandidateFilter> filters;
  std::vector<float> scale(count, 1.0f);
  for (std::size_t i = 0; i < count; ++i) {
    if (is_cosine) scale[i] = inverse_length(block.row(i));
    const float squared_norm = is_cosine ? 1 : static_cast<float>(blas::dot(block.row(i), block.row(i)));
    filters.emplace_back(out.k, relative_error, squared_norm_, squared_norm);
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

  keep_candidates(filters, queries, first, out);
}

void NeighbourIndex::find_by_short_product(const Matrix& queries, std::size_t first, std::size_t count,
                                           Neighbours& out) const {
  const ShortRows block =
      shorten(blas::View<const float>(queries).rows_from(first, count), centre_, unit_, kShortQueries);
  std::vector<ShortFilter> filters;
  for (std::size_t i = 0; i < count; ++i) filters.emplace_back(out.k, block, i, short_points_);
  std::int32_t products[kShortQueries * kShortPoints];
  for (std::size_t panel = 0; panel < short_points_.panels(); ++panel)  // stays in the first-level cache
    for (std::size_t at = 0; at < count; at += kShortQueries) {
      multiply_short(block.panel(at / kShortQueries), short_points_.panel(panel), block.pairs, products);
      for (std::size_t i = at; i < std::min(at + kShortQueries, count); ++i)
        filters[i].see(products + (i - at) * kShortPoints, panel * kShortPoints);
    }

  keep_candidates(filters, queries, first, out);
}

void NeighbourIndex::find_directly(const Matrix& queries, std::size_t first, std::size_t count, Neighbours& out) const {
  std::vector<std::vector<Found>> found(count);
  for (std::size_t j = 0; j < points_.rows(); ++j)  // a point stays in the cache for all queries of the block
    for (std::size_t i = 0; i < count; ++i)
      found[i].push_back({distance(queries.row(first + i).data(), points_.row(j).data()), j});
  for (std::size_t i = 0; i < count; ++i) keep_nearest(found[i], first + i, out);
}

}  // namespace genrewise
