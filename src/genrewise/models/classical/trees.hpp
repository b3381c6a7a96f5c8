// Binary decision trees in flat arrays, and their growth.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "genrewise/base/descriptor.hpp"
#include "genrewise/base/matrix.hpp"

namespace genrewise {

class TensorArchive;

/// An inner node sends x to `left` when x[feature] <= threshold, else to `right` (nodes of the same forest, at larger
/// indices); a leaf has feature -1, and `left` is its row in the leaf values.
struct TreeNode {
  std::int32_t feature = -1, left = 0, right = 0;
  float threshold = 0;
};

struct Forest {
  std::vector<TreeNode> nodes;
  std::vector<std::int32_t> roots;
  Matrix leaves;  ///< leaves x values

  /// The leaf of tree `root` that x reaches.
  std::span<const float> leaf(std::int32_t root, std::span<const float> x) const;

  void save(TensorArchive& archive, const std::string& prefix) const;
  /// Throws Error when a node's index is out of range or not larger than its parent's (so every traversal ends), and
  /// when a node is in two places (so all traversals together take at most as many steps as there are nodes).
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t columns, std::size_t values);
};

/// All trees in one forest; their leaves have the same number of values. Throws Error for 2^31 nodes and more.
Forest joined_trees(const std::vector<Forest>& trees);

struct GrowthConfig {
  std::size_t features = 1;                     ///< number of non-constant features tried at each node
  std::size_t least_split = 2, least_leaf = 1;  ///< rows
  std::size_t most_depth = 0;                   ///< 0: no limit
};
/// The parameters max_features, max_depth, min_samples_split and min_samples_leaf.
std::vector<ParameterDescriptor> growth_parameters(std::string max_features);
/// The parameter n_estimators of an ensemble.
ParameterDescriptor trees_parameter(std::string standard);
/// From max_depth, min_samples_split and min_samples_leaf; `features` is not set.
GrowthConfig growth_of(const ParameterValues& parameters);
/// The number of features that max_features (sqrt, log2, all, or a number) means for a table with `cols` columns.
std::size_t tried_features(const ParameterValues& parameters, std::size_t cols);

/// Each value of a table as its rank among the different values of its column. 4 bytes a value; with more than 65,536
/// rows, 8.
class RankedColumns {
 public:
  /// Over all threads. All values are finite.
  explicit RankedColumns(const Matrix& examples);

  /// Returns use(rank_of), where rank_of(row) is the rank in column j. `rows`: number of rows that will be read. Few
  /// rows are read from a copy by rows, because the same ones follow in other columns.
  template <class Use>
  auto with_column(std::size_t j, std::size_t rows, const Use& use) const {
    return std::visit(
        [&](const auto& layouts) {
          const auto *column = layouts.by_columns.data() + j * rows_, *in_row = layouts.by_rows.data() + j;
          return rows * kFew < rows_ ? use([=, cols = cols_](std::size_t row) { return in_row[row * cols]; })
                                     : use([=](std::size_t row) { return column[row]; });
        },
        ranks_);
  }

 private:
  static constexpr std::size_t kFew = 8;  // of so many rows one
  template <class Rank>
  struct Layouts {
    std::vector<Rank> by_columns, by_rows;
  };
  template <class Rank>
  static Layouts<Rank> ranked(const Matrix& examples);

  std::size_t rows_, cols_;
  std::variant<Layouts<std::uint16_t>, Layouts<std::uint32_t>> ranks_;
};

struct TreeTask {
  const Matrix& examples;
  const RankedColumns& ranks;    ///< of the examples
  std::span<const int> classes;  ///< 0 .. class_count - 1
  std::size_t class_count;
  std::span<const double> weights;  ///< of the examples, all above 0; empty: equal weights
};

/// A forest of one tree, grown on these rows (a row may occur several times) by the best Gini split among the features
/// drawn at each node. A leaf's values are the class shares.
Forest grow_tree(const TreeTask& task, const GrowthConfig& config, std::span<const std::uint32_t> rows,
                 std::uint64_t seed);

}  // namespace genrewise
