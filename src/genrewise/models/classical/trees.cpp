#include "genrewise/models/classical/trees.hpp"

#include "genrewise/base/error.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

std::span<const float> Forest::leaf(std::int32_t root, std::span<const float> x) const {
  const TreeNode* node = &nodes[static_cast<std::size_t>(root)];
  while (node->feature >= 0) {
    const bool goes_left = x[static_cast<std::size_t>(node->feature)] <= node->threshold;
    node = &nodes[static_cast<std::size_t>(goes_left ? node->left : node->right)];
  }
  return leaves.row(static_cast<std::size_t>(node->left));
}

Forest joined_trees(const std::vector<Forest>& trees) {
  Forest all;
  std::vector<float> leaves;
  std::size_t width = 0;
  for (const Forest& tree : trees) {
    width = tree.leaves.cols();
    const auto node_offset = static_cast<std::int32_t>(all.nodes.size());
    const auto leaf_offset = static_cast<std::int32_t>(leaves.size() / width);
    for (const std::int32_t root : tree.roots) all.roots.push_back(root + node_offset);
    for (TreeNode node : tree.nodes) {
      node.left += node.feature < 0 ? leaf_offset : node_offset;
      node.right += node_offset;
      all.nodes.push_back(node);
    }
    leaves.insert(leaves.end(), tree.leaves.values().begin(), tree.leaves.values().end());
  }
  const std::size_t count = width == 0 ? 0 : leaves.size() / width;
  all.leaves = Matrix(count, width, std::move(leaves));
  return all;
}

void Forest::save(TensorArchive& archive, const std::string& prefix) const {
  std::vector<std::int64_t> links;
  std::vector<float> thresholds;
  for (const TreeNode& node : nodes) {
    links.insert(links.end(), {node.feature, node.left, node.right});
    thresholds.push_back(node.threshold);
  }
  archive.put(prefix + "nodes", links, {nodes.size(), 3});
  archive.put(prefix + "thresholds", thresholds);
  archive.put(prefix + "roots", std::vector<std::int64_t>(roots.begin(), roots.end()));
  archive.put(prefix + "leaves", leaves);
}

void Forest::load(const TensorArchive& archive, const std::string& prefix, std::size_t columns, std::size_t values) {
  const std::size_t count = archive.count(prefix + "thresholds");
  const auto thresholds = archive.floats(prefix + "thresholds", count);
  const auto links = archive.integers(prefix + "nodes", count * 3);
  const auto starts = archive.integers(prefix + "roots", archive.count(prefix + "roots"));
  leaves = archive.matrix(prefix + "leaves", values);
  const auto size = static_cast<std::int64_t>(count), leaf_count = static_cast<std::int64_t>(leaves.rows());
  bool sound = size <= INT32_MAX && !starts.empty();
  nodes.clear();
  for (std::int64_t i = 0; sound && i < size; ++i) {
    const std::int64_t feature = links[i * 3], left = links[i * 3 + 1], right = links[i * 3 + 2];
    const auto is_behind = [&](std::int64_t child) { return child > i && child < size; };
    sound = feature == -1
                ? left >= 0 && left < leaf_count
                : feature >= 0 && feature < static_cast<std::int64_t>(columns) && is_behind(left) && is_behind(right);
    nodes.push_back({static_cast<std::int32_t>(feature), static_cast<std::int32_t>(left),
                     static_cast<std::int32_t>(right), thresholds[static_cast<std::size_t>(i)]});
  }
  roots.clear();
  for (const std::int64_t root : starts) {
    sound = sound && root >= 0 && root < size;
    roots.push_back(static_cast<std::int32_t>(root));
  }
  if (!sound) throw Error("the trees are invalid", archive.name());
}

}  // namespace genrewise
