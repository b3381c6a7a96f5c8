// Binary decision trees in flat arrays.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

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
  /// Throws Error when a node's index is out of range or not larger than its parent's (so every traversal ends).
  void load(const TensorArchive& archive, const std::string& prefix, std::size_t columns, std::size_t values);
};

/// All trees in one forest; their leaves have the same number of values.
Forest joined_trees(const std::vector<Forest>& trees);

}  // namespace genrewise
