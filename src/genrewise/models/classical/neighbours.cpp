#include "genrewise/models/classical/neighbours.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <numeric>
#include <span>

#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/byte_products.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"

namespace genrewise {
namespace {

// A tile of products is large enough for fast products, and small enough to be scanned before it leaves the cache.
constexpr std::size_t kQueries = 400, kPoints = 2048;
constexpr double kMostSquaredNorm = 1e28;    // sums of products of such rows stay finite in float
constexpr double kLeastSquaredNorm = 1e-28;  // of a row that is divided by its length, unless it is 0
constexpr std::size_t kSample = 512;         // points that the centre is estimated from: any centre is correct
constexpr std::size_t kLeastByteColumns = 64, kMostByteColumns = 100'000;  // below: no gain; above: sums need 33 bits
constexpr std::size_t kByteShare = 8;  // more candidates than a share of the points cost as much as products of floats

struct Candidate {
  float lower;  // lower bound of its squared distance, less the query's squared norm
  std::uint32_t index;
};

struct Found {
  double distance;
  std::size_t index;
  auto operator<=>(const Found&) const = default;
};

}  // namespace

/// Selects the points that may be among the k nearest of one query, in one pass over inexact products, tile by tile: a
/// point is excluded when its lower bound is above the k-th smallest upper bound. `slack`: twice what the query's norm
/// adds to the error of each bound.
class CandidateFilter {
 public:
  CandidateFilter(std::size_t k, const blas::DistanceTerms& terms, const blas::DistanceBounds& bounds, float slack)
      : k_(k), terms_(terms), bounds_(bounds), slack_(slack) {}

  /// Adds the query's products with points [first, first + count).
  void add(const float* products, std::size_t first, std::size_t count) {
    constexpr std::size_t kPart = 256;  // products that are compared with one threshold
    if (candidates_.empty() && k_ <= blas::kBoundGroups) {
      auto least = blas::least_upper_bounds(terms_from(first), {products, count}, bounds_);
      std::ranges::nth_element(least, least.begin() + static_cast<std::ptrdiff_t>(k_ - 1));
      threshold_ = least[k_ - 1] + slack_;
    }
    std::array<std::uint32_t, kPart + blas::kFoundPadding> found;
    for (std::size_t at = first; at < first + count; at += kPart) {
      const std::span part(products + (at - first), std::min(kPart, first + count - at));
      const std::size_t number = blas::find_within(terms_from(at), part, bounds_, threshold_, found.data());
      for (std::size_t i = 0; i < number; ++i) add(products[at - first + found[i]], at + found[i]);
    }
  }

  /// Adds the query's product with point j.
  void add(float product, std::size_t j) {
    const float value = terms_.norm[j] - bounds_.factor * product, error = error_of(j);
    if (value - error > threshold_) return;
    candidates_.push_back({value - error, static_cast<std::uint32_t>(j)});
    if (upper_.size() == k_) {
      if (value + error >= upper_.front()) return;
      std::ranges::pop_heap(upper_);
      upper_.back() = value + error;
    } else {
      upper_.push_back(value + error);
    }
    std::ranges::push_heap(upper_);
    if (upper_.size() == k_) threshold_ = std::min(threshold_, upper_.front() + slack_);
  }

  std::size_t k() const { return k_; }
  const std::vector<Candidate>& candidates() {
    std::erase_if(candidates_, [&](const Candidate& candidate) { return candidate.lower > threshold_; });
    return candidates_;
  }

 private:
  blas::DistanceTerms terms_from(std::size_t j) const {
    if (bounds_.of_length == 0) return {.norm = terms_.norm + j};
    return {terms_.norm + j, terms_.length + j, terms_.rest + j};
  }

  float error_of(std::size_t j) const {
    const float error = bounds_.of_norm * terms_.norm[j];
    return bounds_.of_length == 0 ? error
                                  : error + bounds_.of_length * terms_.length[j] + bounds_.of_rest * terms_.rest[j];
  }

  std::size_t k_;
  blas::DistanceTerms terms_;
  blas::DistanceBounds bounds_;
  float slack_, threshold_ = std::numeric_limits<float>::infinity();
  std::vector<float> upper_;  // the k smallest upper bounds so far, a heap
  std::vector<Candidate> candidates_;
};

namespace {

float inverse_length(double squared_norm) {
  return squared_norm > 0 ? static_cast<float>(1 / std::sqrt(squared_norm)) : 0;
}

/// Whether products with the row are exact enough in float, for the cosine metric also when divided by its length.
bool suits_products(double squared_norm, Metric metric) {
  const bool is_tiny = squared_norm > 0 && squared_norm < kLeastSquaredNorm;
  return squared_norm < kMostSquaredNorm && !(metric == Metric::cosine && is_tiny);
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
  if (metric_ == Metric::minkowski || metric_ == Metric::manhattan) return;
  if (metric_ == Metric::euclidean) {
    const auto [mean, variance] = blas::column_moments(sample_of(points_, kSample));
    if (is_far_from_zero(mean, variance)) {  // smaller norms: less cancellation, fewer candidates
      centre_.assign(mean.begin(), mean.end());
      centred_ = points_;
      centre(centred_);
    }
  }
  std::vector<double> squared_norm(points_.rows());
  blas::for_blocks(points_.rows(), kSample, [&](std::size_t first, std::size_t count) {
    for (std::size_t i = first; i < first + count; ++i)
      squared_norm[i] = blas::dot(ready_points().row(i), ready_points().row(i));
  });
  if (!std::ranges::all_of(squared_norm, [&](double norm) { return suits_products(norm, metric_); })) return;
  if (metric_ == Metric::cosine) {
    std::ranges::transform(squared_norm, std::back_inserter(inverse_length_), inverse_length);
    std::ranges::fill(squared_norm, 1.0);
  }
  squared_norm_.assign(squared_norm.begin(), squared_norm.end());
  if (!has_byte_products() || points_.cols() < kLeastByteColumns || points_.cols() > kMostByteColumns) return;
  bytes_ = pack_points(ready_points());
  length_.resize(points_.rows());
  for (std::size_t i = 0; i < points_.rows(); ++i) {
    length_[i] = 1.00001f * std::sqrt(squared_norm_[i]);
    if (metric_ != Metric::cosine) continue;
    bytes_.scale[i] *= inverse_length_[i];
    bytes_.rest[i] *= 1.00001f * inverse_length_[i];
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
    case Metric::minkowski: {  // of shares of the largest difference, whose powers do not overflow
      const auto difference = [](double x, double y) { return std::abs(x - y); };
      const auto larger = [](double x, double y) { return std::max(x, y); };
      const double most = std::transform_reduce(left.begin(), left.end(), right.begin(), 0.0, larger, difference);
      if (most == 0) return 0;
      const auto power = [&](double x, double y) { return std::pow(difference(x, y) / most, p_); };
      return most *
             std::pow(std::transform_reduce(left.begin(), left.end(), right.begin(), 0.0, std::plus(), power), 1 / p_);
    }
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
  std::vector<Scratch> scratch(static_cast<std::size_t>(thread_budget()));
  parallel_for((queries.rows() + block - 1) / block, [&](std::size_t index, int worker) {
    const std::size_t first = index * block;
    find_by_product(queries, first, std::min(block, queries.rows() - first), scratch[static_cast<std::size_t>(worker)],
                    out);
  });
  return out;
}

void NeighbourIndex::find_by_product(const Matrix& queries, std::size_t first, std::size_t count, Scratch& scratch,
                                     Neighbours& out) const {
  Matrix centred;
  if (!centre_.empty()) {
    centred = Matrix(count, queries.cols());
    std::ranges::copy(queries.values().subspan(first * queries.cols(), count * queries.cols()), centred.data());
    centre(centred);
  }
  const blas::View<const float> block =
      centre_.empty() ? blas::View<const float>(queries).rows_from(first, count) : blas::View<const float>(centred);
  scratch.squared_norm.resize(count);
  scratch.factor.assign(count, 1);
  for (std::size_t i = 0; i < count; ++i) {
    const std::span<const float> query(block.data + i * block.stride, block.cols);
    const double squared_norm = blas::dot(query, query);
    if (!suits_products(squared_norm, metric_)) return find_directly(queries, first, count, out);
    if (metric_ == Metric::cosine) scratch.factor[i] = inverse_length(squared_norm);
    scratch.squared_norm[i] = metric_ == Metric::cosine ? 1 : static_cast<float>(squared_norm);
  }

  std::vector<CandidateFilter> filters = filters_of(scratch, false, out.k);
  if (!select_by_bytes(block, scratch, filters)) {
    add_products(filters, scratch, [&](std::size_t at, blas::View<float> products) {
      blas::multiply(blas::Form::nt, 1.0f, block, blas::View<const float>(ready_points()).rows_from(at, products.cols),
                     0.0f, products);
      if (metric_ != Metric::cosine) return;
      for (std::size_t i = 0; i < count; ++i)
        for (std::size_t j = 0; j < products.cols; ++j)
          products.data[i * products.stride + j] *= inverse_length_[at + j];
    });
  }
  std::vector<Found> found;
  for (std::size_t i = 0; i < count; ++i) {
    found.clear();
    for (const Candidate& candidate : filters[i].candidates())
      found.push_back({distance(queries.row(first + i).data(), points_.row(candidate.index).data()), candidate.index});
    keep_nearest(found, first + i, out);
  }
}

std::vector<CandidateFilter> NeighbourIndex::filters_of(const Scratch& scratch, bool by_bytes, std::size_t k) const {
  // Rounding errors of a sum of n products of floats grow like a random walk; eight of its standard deviations. Sums of
  // bytes are exact; the bound leaves room for rounding afterwards.
  const float relative_error = 8 * std::numeric_limits<float>::epsilon() / 2 *
                               std::sqrt(static_cast<float>(std::max<std::size_t>(points_.cols(), 16)));
  const blas::DistanceTerms terms{squared_norm_.data(), length_.data(), bytes_.rest.data()};
  std::vector<CandidateFilter> filters;
  for (std::size_t i = 0; i < scratch.squared_norm.size(); ++i) {
    blas::DistanceBounds bounds{.factor = 2 * scratch.factor[i], .of_norm = relative_error};
    if (by_bytes) {
      const float rest = 1.00001f * scratch.factor[i] * scratch.bytes.rest[i];
      bounds.factor *= scratch.bytes.scale[i];
      bounds.of_length = 2 * rest;
      bounds.of_rest = 2 * (1.00001f * std::sqrt(scratch.squared_norm[i]) + rest);
    }
    filters.emplace_back(k, terms, bounds, 2 * relative_error * scratch.squared_norm[i]);
  }
  return filters;
}

template <class Multiply>
void NeighbourIndex::add_products(std::span<CandidateFilter> filters, Scratch& scratch,
                                  const Multiply& multiply) const {
  const std::size_t most = std::min(kPoints, points_.rows()), stride = padded_points(most);
  scratch.products.resize(filters.size() * stride);
  for (std::size_t at = 0; at < points_.rows(); at += kPoints) {
    const blas::View<float> products(scratch.products.data(), filters.size(), std::min(kPoints, points_.rows() - at),
                                     stride);
    multiply(at, products);
    for (std::size_t i = 0; i < filters.size(); ++i) filters[i].add(products.data + i * stride, at, products.cols);
  }
}

bool NeighbourIndex::select_by_bytes(blas::View<const float> queries, Scratch& scratch,
                                     std::span<CandidateFilter> filters) const {
  const std::size_t most = points_.rows() / kByteShare, k = filters.front().k();
  if (bytes_.bytes.empty() || k > most / 2) return false;
  pack_queries(queries, scratch.bytes);
  std::vector<CandidateFilter> by_bytes = filters_of(scratch, true, k);
  add_products(by_bytes, scratch, [&](std::size_t at, blas::View<float> products) {
    multiply_bytes(scratch.bytes, bytes_, at, products);
  });
  std::size_t selected = 0;
  for (CandidateFilter& filter : by_bytes) selected += filter.candidates().size();
  if (selected > most * queries.rows) return false;
  for (std::size_t i = 0; i < queries.rows; ++i) {
    const std::span<const float> query(queries.data + i * queries.stride, queries.cols);
    for (const Candidate& candidate : by_bytes[i].candidates()) {
      const float product = blas::dot_in_float(query, ready_points().row(candidate.index).data());
      filters[i].add(metric_ == Metric::cosine ? product * inverse_length_[candidate.index] : product, candidate.index);
    }
  }
  return true;
}

void NeighbourIndex::find_directly(const Matrix& queries, std::size_t first, std::size_t count, Neighbours& out) const {
  std::vector<std::vector<Found>> found(count);
  for (std::size_t j = 0; j < points_.rows(); ++j)  // a point stays in the cache for all queries of the block
    for (std::size_t i = 0; i < count; ++i)
      found[i].push_back({distance(queries.row(first + i).data(), points_.row(j).data()), j});
  for (std::size_t i = 0; i < count; ++i) keep_nearest(found[i], first + i, out);
}

}  // namespace genrewise
