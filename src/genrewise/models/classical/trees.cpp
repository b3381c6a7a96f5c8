#include "genrewise/models/classical/trees.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

struct Split {
  std::size_t feature = 0;
  float threshold = 0;
  double score = -std::numeric_limits<double>::infinity();  // larger is purer
};

/// Bits of a float as an unsigned integer with the same order.
std::uint32_t ordered_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 becomes 0
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
float from_ordered_bits(std::uint32_t bits) {
  return std::bit_cast<float>(bits & 0x80000000u ? bits & 0x7fffffffu : ~bits);
}

class TreeGrower {
 public:
  TreeGrower(const TreeTask& task, const GrowthConfig& config, std::uint64_t seed)
      : examples_(task.examples),
        classes_(task.classes),
        class_count_(task.class_count),
        weights_(task.weights),
        config_(config),
        rng_(seed) {
    features_.resize(examples_.cols());
    for (std::size_t j = 0; j < features_.size(); ++j) features_[j] = j;
  }

  /// A forest of one tree.
  Forest grow(std::vector<std::uint32_t> rows) {
    rows_ = std::move(rows);
    leaves_.clear();
    forest_ = {};
    forest_.roots = {0};
    struct Task {
      std::size_t node, begin, end, depth;
    };
    forest_.nodes.emplace_back();
    std::vector<Task> open = {{0, 0, rows_.size(), 0}};
    while (!open.empty()) {
      const Task task = open.back();
      open.pop_back();
      const Split split = may_split(task.begin, task.end, task.depth) ? best_split(task.begin, task.end) : Split{};
      if (std::isinf(split.score)) {
        make_leaf(task.node, task.begin, task.end);
        continue;
      }
      const auto middle = static_cast<std::size_t>(
          std::partition(rows_.begin() + static_cast<std::ptrdiff_t>(task.begin),
                         rows_.begin() + static_cast<std::ptrdiff_t>(task.end),
                         [&](std::uint32_t row) { return examples_(row, split.feature) <= split.threshold; }) -
          rows_.begin());
      const std::size_t left = forest_.nodes.size();
      forest_.nodes.resize(left + 2);
      forest_.nodes[task.node] = {static_cast<std::int32_t>(split.feature), static_cast<std::int32_t>(left),
                                  static_cast<std::int32_t>(left + 1), split.threshold};
      open.push_back({left + 1, middle, task.end, task.depth + 1});
      open.push_back({left, task.begin, middle, task.depth + 1});
    }
    const std::size_t leaf_count = leaves_.size() / class_count_;
    forest_.leaves = Matrix(leaf_count, class_count_, std::move(leaves_));
    return std::move(forest_);
  }

 private:
  double weight(std::uint32_t row) const { return weights_.empty() ? 1 : weights_[row]; }

  /// Weight of each class.
  std::vector<double> counts_of(std::size_t begin, std::size_t end) const {
    std::vector<double> counts(class_count_);
    for (std::size_t i = begin; i < end; ++i) counts[static_cast<std::size_t>(classes_[rows_[i]])] += weight(rows_[i]);
    return counts;
  }

  bool may_split(std::size_t begin, std::size_t end, std::size_t depth) const {
    if (end - begin < config_.least_split || (config_.most_depth > 0 && depth >= config_.most_depth)) return false;
    const int first = classes_[rows_[begin]];
    for (std::size_t i = begin; i < end; ++i)
      if (classes_[rows_[i]] != first) return true;
    return false;
  }

  void make_leaf(std::size_t node, std::size_t begin, std::size_t end) {
    forest_.nodes[node].left = static_cast<std::int32_t>(leaves_.size() / class_count_);
    const auto counts = counts_of(begin, end);
    const double sum = std::reduce(counts.begin(), counts.end());
    for (double count : counts) leaves_.push_back(static_cast<float>(count / sum));
  }

  /// Draws features without replacement until enough that are not constant in this node have been tried.
  Split best_split(std::size_t begin, std::size_t end) {
    const auto counts = counts_of(begin, end);
    Split best;
    std::size_t tried = 0;
    for (std::size_t k = 0; k < features_.size() && tried < config_.features; ++k) {
      throw_if_interrupted();
      std::swap(features_[k], features_[k + rng_.below(features_.size() - k)]);
      tried += try_feature(features_[k], begin, end, counts, best);
    }
    return best;
  }

  /// Gini impurity decreases as sum_c left_c^2 / left + sum_c right_c^2 / right increases. False for a constant
  /// feature.
  bool try_feature(std::size_t feature, std::size_t begin, std::size_t end, const std::vector<double>& counts,
                   Split& best) {
    sorted_.clear();
    for (std::size_t i = begin; i < end; ++i)
      sorted_.push_back(std::uint64_t{ordered_bits(examples_(rows_[i], feature))} << 32 | rows_[i]);
    std::ranges::sort(sorted_);
    const auto value_at = [&](std::size_t i) { return static_cast<std::uint32_t>(sorted_[i] >> 32); };
    if (value_at(0) == value_at(sorted_.size() - 1)) return false;
    right_ = counts;
    left_.assign(class_count_, 0);
    double left_squares = 0, right_squares = 0, left_sum = 0, right_sum = 0;
    for (double count : counts) {
      right_squares += count * count;
      right_sum += count;
    }
    for (std::size_t i = 0; i + 1 < sorted_.size(); ++i) {
      const auto row = static_cast<std::uint32_t>(sorted_[i] & 0xffffffffu);
      const auto c = static_cast<std::size_t>(classes_[row]);
      const double w = weight(row);
      left_squares += w * (2 * left_[c] + w);
      right_squares -= w * (2 * right_[c] - w);
      left_[c] += w;
      right_[c] -= w;
      left_sum += w;
      right_sum -= w;
      const std::size_t left_count = i + 1, right_count = sorted_.size() - left_count;
      if (value_at(i) == value_at(i + 1) || left_count < config_.least_leaf || right_count < config_.least_leaf)
        continue;
      const double score = left_squares / left_sum + right_squares / right_sum;
      if (score <= best.score) continue;
      const float below = from_ordered_bits(value_at(i)), above = from_ordered_bits(value_at(i + 1));
      const float middle = below / 2 + above / 2;
      best = {feature, middle < above ? middle : below, score};
    }
    return true;
  }

  const Matrix& examples_;
  std::span<const int> classes_;
  std::size_t class_count_;
  std::span<const double> weights_;
  GrowthConfig config_;
  Rng rng_;
  std::vector<std::size_t> features_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint64_t> sorted_;  // value and number of each row of a node
  std::vector<double> left_, right_;
  Forest forest_;
  std::vector<float> leaves_;
};

}  // namespace

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

Forest grow_tree(const TreeTask& task, const GrowthConfig& config, std::vector<std::uint32_t> rows,
                 std::uint64_t seed) {
  return TreeGrower(task, config, seed).grow(std::move(rows));
}

std::vector<ParameterDescriptor> growth_parameters(std::string max_features) {
  return {parameter::integer("max_features", std::move(max_features), at_least(1), "features tried at each node")
              .or_word({"sqrt", "log2", "all"})
              .searched("sqrt,log2"),
          parameter::integer("max_depth", "none", at_least(1), "maximum depth of a tree")
              .or_word({"none"})
              .searched("4,8,16,none", Simpler::smaller),
          parameter::integer("min_samples_split", "2", at_least(2), "minimum number of examples in a node to split it"),
          parameter::integer("min_samples_leaf", "1", at_least(1), "minimum number of examples in a leaf")
              .searched("1,5,20")};
}

ParameterDescriptor trees_parameter(std::string standard) {
  return parameter::integer("n_estimators", std::move(standard), between(1, 1'000'000), "number of trees")
      .simpler_when(Simpler::smaller);
}

GrowthConfig growth_of(const ParameterValues& parameters) {
  GrowthConfig growth;
  if (!parameters.is("max_depth", "none"))
    growth.most_depth = static_cast<std::size_t>(parameters.integer("max_depth"));
  growth.least_split = static_cast<std::size_t>(parameters.integer("min_samples_split"));
  growth.least_leaf = static_cast<std::size_t>(parameters.integer("min_samples_leaf"));
  return growth;
}

std::size_t tried_features(const ParameterValues& parameters, std::size_t cols) {
  const auto at_least_one = [](double value) { return std::max<std::size_t>(1, static_cast<std::size_t>(value)); };
  if (parameters.is("max_features", "sqrt")) return at_least_one(std::sqrt(static_cast<double>(cols)));
  if (parameters.is("max_features", "log2")) return at_least_one(std::log2(static_cast<double>(cols)));
  if (parameters.is("max_features", "all")) return cols;
  return std::min(cols, static_cast<std::size_t>(parameters.integer("max_features")));
}

}  // namespace genrewise
