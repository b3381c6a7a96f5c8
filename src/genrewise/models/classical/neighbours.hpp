// Exact nearest-neighbour search.
#pragma once

#include <cstddef>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/byte_products.hpp"

namespace genrewise {

/// The k nearest points of each query, nearest first; at equal distances the lower index first.
struct Neighbours {
  std::size_t k = 0;
  std::vector<std::size_t> index;  ///< queries x k
  std::vector<double> distance;    ///< queries x k
};

class CandidateFilter;

enum class Metric { minkowski, euclidean, manhattan, cosine };  // in the order of the parameter's words

/// Index of a set of points for exact search: for the Euclidean and the cosine metric an inexact matrix product, of
/// bytes where the processor gains from them, selects all points that may be among the nearest, whose distances are
/// then computed in double.
class NeighbourIndex {
 public:
  NeighbourIndex() = default;
  /// `p`: exponent of the Minkowski metric.
  NeighbourIndex(Matrix points, Metric metric, double p);

  const Matrix& points() const { return points_; }  ///< as passed to the constructor
  /// 1 <= k <= number of points; queries have as many columns as the points.
  Neighbours find(const Matrix& queries, std::size_t k) const;

 private:
  const Matrix& ready_points() const { return centred_.empty() ? points_ : centred_; }
  void centre(Matrix& rows) const;
  /// Memory of a thread, reused for all blocks of queries: new memory is slow.
  struct Scratch {
    std::vector<float> squared_norm, factor;  ///< of the queries; the cosine metric divides by their lengths
    ByteRows bytes;
    std::vector<float> products;
  };

  void find_by_product(const Matrix& queries, std::size_t first, std::size_t count, Scratch& scratch,
                       Neighbours& out) const;
  std::vector<CandidateFilter> filters_of(const Scratch& scratch, bool by_bytes, std::size_t k) const;
  /// Adds all products, which multiply(first point, products) computes tile by tile, to the filters.
  template <class Multiply>
  void add_products(std::span<CandidateFilter> filters, Scratch& scratch, const Multiply& multiply) const;
  /// Adds the products with what products of bytes select to the filters; false if that is not worth while.
  bool select_by_bytes(blas::View<const float> queries, Scratch& scratch, std::span<CandidateFilter> filters) const;
  void find_directly(const Matrix& queries, std::size_t first, std::size_t count, Neighbours& out) const;
  double distance(const float* a, const float* b) const;

  Matrix points_;
  Matrix centred_;  // the points less centre_; empty where points_ is used
  Metric metric_ = Metric::euclidean;
  double p_ = 2;
  std::vector<float> centre_;
  std::vector<float> squared_norm_;    // of ready_points(); 1 for the cosine metric
  std::vector<float> inverse_length_;  // for the cosine metric; 0 for an all-zero point
  ByteRows bytes_;             // ready_points(); empty where the processor or their number of columns gains nothing
  std::vector<float> length_;  // of the points in bytes_, rounded up
};

}  // namespace genrewise
