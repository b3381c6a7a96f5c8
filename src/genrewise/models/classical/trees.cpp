#include "genrewise/models/classical/trees.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/sort_few.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr int kIndexBits = 6;  // of an index in a node with kMostSortedFew examples
constexpr int kMostDigitBits = 8;
constexpr std::size_t kColumnBlock = 32;  // columns that are ranked together
constexpr double kRounding = 1e-12;       // relative, of a score

struct Split {
  std::size_t feature = 0;
  std::uint32_t rank = 0;  // the largest that goes left
  float threshold = 0;
  double score = -std::numeric_limits<double>::infinity();  // larger is purer
};

/// Bits of a float as an unsigned integer with the same order.
std::uint32_t ordered_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 becomes 0
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/// Sorts keys by their upper 32 bits, which are at most `largest`: a stable radix sort, starting from the lowest digit.
class KeySorter {
 public:
  void sort(std::vector<std::uint64_t>& keys, std::uint32_t largest) {
    const int bits = std::bit_width(largest), passes = (bits + kMostDigitBits - 1) / kMostDigitBits;
    if (passes == 0) return;
    const int digit_bits = (bits + passes - 1) / passes;
    const std::uint64_t mask = (std::uint64_t{1} << digit_bits) - 1;
    other_.resize(keys.size());
    for (int shift = 32; shift < 32 + bits; shift += digit_bits) {
      std::array<std::uint32_t, std::size_t{1} << kMostDigitBits> next{};
      for (const std::uint64_t key : keys) ++next[key >> shift & mask];
      std::uint32_t before = 0;
      for (std::size_t digit = 0; digit <= mask; ++digit) before += std::exchange(next[digit], before);
      for (const std::uint64_t key : keys) other_[next[key >> shift & mask]++] = key;
      keys.swap(other_);
    }
  }

 private:
  std::vector<std::uint64_t> other_;
};

class TreeGrower {
 public:
  TreeGrower(const TreeTask& task, const GrowthConfig& config, std::uint64_t seed)
      : task_(task), config_(config), rng_(seed), features_(task.examples.cols()) {
    std::iota(features_.begin(), features_.end(), std::size_t{0});
  }

  /// A forest of one tree.
  Forest grow(std::span<const std::uint32_t> rows) {
    take(rows);
    forest_.roots = {0};
    struct Task {
      std::size_t node, begin, end, depth;
    };
    forest_.nodes.emplace_back();
    std::vector<Task> open = {{0, 0, samples_.size(), 0}};
    while (!open.empty()) {
      const Task task = open.back();
      open.pop_back();
      const std::span<Sample> samples = std::span(samples_).subspan(task.begin, task.end - task.begin);
      const Split split = may_split(samples, task.depth) ? best_split(samples) : Split{};
      if (std::isinf(split.score)) {
        make_leaf(task.node, samples);
        continue;
      }
      const std::size_t middle = task.begin + partition(samples, split);
      const std::size_t left = forest_.nodes.size();
      forest_.nodes.resize(left + 2);
      forest_.nodes[task.node] = {static_cast<std::int32_t>(split.feature), static_cast<std::int32_t>(left),
                                  static_cast<std::int32_t>(left + 1), split.threshold};
      open.push_back({left + 1, middle, task.end, task.depth + 1});
      open.push_back({left, task.begin, middle, task.depth + 1});
    }
    const std::size_t leaf_count = leaves_.size() / task_.class_count;
    forest_.leaves = Matrix(leaf_count, task_.class_count, std::move(leaves_));
    return std::move(forest_);
  }

 private:
  /// An example of the tree; `weight` is that of all its copies.
  struct Sample {
    double weight;
    std::uint32_t row, copies, of_class;
  };

  void take(std::span<const std::uint32_t> rows) {
    std::vector<std::uint32_t> copies(task_.examples.rows());
    for (const std::uint32_t row : rows) ++copies[row];
    for (std::uint32_t row = 0; row < copies.size(); ++row)
      if (copies[row] > 0)
        samples_.push_back({copies[row] * (task_.weights.empty() ? 1 : task_.weights[row]), row, copies[row],
                            static_cast<std::uint32_t>(task_.classes[row])});
    other_.resize(samples_.size());
  }

  /// Weight of each class.
  std::vector<double> counts_of(std::span<const Sample> samples) const {
    std::vector<double> counts(task_.class_count);
    for (const Sample& sample : samples) counts[sample.of_class] += sample.weight;
    return counts;
  }

  bool may_split(std::span<const Sample> samples, std::size_t depth) const {
    if (config_.most_depth > 0 && depth >= config_.most_depth) return false;
    std::size_t rows = 0;
    bool is_pure = true;
    for (const Sample& sample : samples) {
      rows += sample.copies;
      is_pure = is_pure && sample.of_class == samples.front().of_class;
    }
    return !is_pure && rows >= config_.least_split;
  }

  /// Moves those that go left to the front; returns their number. Keeps the order otherwise.
  std::size_t partition(std::span<Sample> samples, const Split& split) {
    std::size_t left = 0, right = 0;
    task_.ranks.with_column(split.feature, samples.size(), [&](const auto& rank_of) {
      for (const Sample& sample : samples)
        (rank_of(sample.row) <= split.rank ? samples[left++] : other_[right++]) = sample;
    });
    std::copy_n(other_.begin(), right, samples.begin() + static_cast<std::ptrdiff_t>(left));
    return left;
  }

  void make_leaf(std::size_t node, std::span<const Sample> samples) {
    forest_.nodes[node].left = static_cast<std::int32_t>(leaves_.size() / task_.class_count);
    const auto counts = counts_of(samples);
    const double sum = std::reduce(counts.begin(), counts.end());
    for (double count : counts) leaves_.push_back(static_cast<float>(count / sum));
  }

  /// Draws features without replacement until enough that are not constant in this node have been tried.
  Split best_split(std::span<const Sample> samples) {
    const auto counts = counts_of(samples);
    Split best;
    std::size_t tried = 0;
    for (std::size_t k = 0; k < features_.size() && tried < config_.features; ++k) {
      throw_if_interrupted();
      std::swap(features_[k], features_[k + rng_.below(features_.size() - k)]);
      if (!sort_by(features_[k], samples)) continue;
      ++tried;
      try_splits(features_[k], samples, counts, best);
    }
    return best;
  }

  /// Fills keys_ with the rank of each sample's value, less the smallest one, and its index in `samples`, sorted. False
  /// for a constant feature.
  bool sort_by(std::size_t feature, std::span<const Sample> samples) {
    std::uint32_t least = std::numeric_limits<std::uint32_t>::max(), most = 0;
    keys_.resize(samples.size());
    task_.ranks.with_column(feature, samples.size(), [&](const auto& rank_of) {
      for (std::size_t i = 0; i < samples.size(); ++i) {
        const std::uint32_t rank = rank_of(samples[i].row);
        least = std::min(least, rank);
        most = std::max(most, rank);
        keys_[i] = std::uint64_t{rank} << 32 | i;
      }
    });
    if (least == most) return false;
    least_rank_ = least;
    for (std::uint64_t& key : keys_) key -= std::uint64_t{least} << 32;
    if (samples.size() <= kMostSortedFew && (most - least) >> (31 - kIndexBits) == 0)
      sort_few_keys();
    else
      sorter_.sort(keys_, most - least);
    return true;
  }

  void sort_few_keys() {
    std::array<std::int32_t, kMostSortedFew> few;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      few[i] = static_cast<std::int32_t>(keys_[i] >> (32 - kIndexBits) | (keys_[i] & (kMostSortedFew - 1)));
    sort_few(few.data(), keys_.size());
    for (std::size_t i = 0; i < keys_.size(); ++i) {
      const auto key = static_cast<std::uint64_t>(few[i]);
      keys_[i] = key >> kIndexBits << 32 | (key & (kMostSortedFew - 1));
    }
  }

  /// Gini impurity decreases as sum_c left_c^2 / left + sum_c right_c^2 / right increases.
  void try_splits(std::size_t feature, std::span<const Sample> samples, const std::vector<double>& counts,
                  Split& best) {
    const auto sample_at = [&](std::size_t i) -> const Sample& { return samples[keys_[i] & 0xffffffffu]; };
    right_ = counts;
    left_.assign(counts.size(), 0);
    double left_squares = 0, right_squares = 0, left_sum = 0, right_sum = 0;
    for (double count : counts) {
      right_squares += count * count;
      right_sum += count;
    }
    std::size_t left_count = 0, right_count = 0;
    for (const Sample& sample : samples) right_count += sample.copies;
    for (std::size_t i = 0; i + 1 < keys_.size(); ++i) {
      const auto& [w, row, copies, c] = sample_at(i);
      left_squares += w * (2 * left_[c] + w);
      right_squares -= w * (2 * right_[c] - w);
      left_[c] += w;
      right_[c] -= w;
      left_sum += w;
      right_sum -= w;
      left_count += copies;
      right_count -= copies;
      const std::uint64_t rank = keys_[i] >> 32;
      if (rank == keys_[i + 1] >> 32 || left_count < config_.least_leaf || right_count < config_.least_leaf) continue;
      // Most are worse, which is seen without a division.
      if (left_squares * right_sum + right_squares * left_sum < (1 - kRounding) * best.score * (left_sum * right_sum))
        continue;
      const double score = left_squares / left_sum + right_squares / right_sum;
      if (score <= best.score) continue;
      const float below = task_.examples(row, feature), above = task_.examples(sample_at(i + 1).row, feature);
      const float middle = below / 2 + above / 2;
      best = {feature, least_rank_ + static_cast<std::uint32_t>(rank), middle < above ? middle : below, score};
    }
  }

  const TreeTask& task_;
  GrowthConfig config_;
  Rng rng_;
  std::vector<std::size_t> features_;
  std::vector<Sample> samples_, other_;
  std::vector<std::uint64_t> keys_;  // of a node's samples: rank and index
  std::uint32_t least_rank_ = 0;     // of the node's samples
  KeySorter sorter_;
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
    if (all.nodes.size() + tree.nodes.size() > std::numeric_limits<std::int32_t>::max())
      throw Error("its trees have more than 2^31 nodes", "trees",
                  "train fewer trees (n_estimators), or limit max_depth");
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
  std::vector<bool> reached(count);  // as a root or a child
  const auto reach = [&](std::int64_t node, std::int64_t least) {
    const bool is_new = node >= least && node < size && !reached[static_cast<std::size_t>(node)];
    if (is_new) reached[static_cast<std::size_t>(node)] = true;
    return is_new;
  };
  nodes.clear();
  for (std::int64_t i = 0; sound && i < size; ++i) {
    const std::int64_t feature = links[i * 3], left = links[i * 3 + 1], right = links[i * 3 + 2];
    sound = feature == -1 ? left >= 0 && left < leaf_count
                          : feature >= 0 && feature < static_cast<std::int64_t>(columns) && reach(left, i + 1) &&
                                reach(right, i + 1);
    nodes.push_back({static_cast<std::int32_t>(feature), static_cast<std::int32_t>(left),
                     static_cast<std::int32_t>(right), thresholds[static_cast<std::size_t>(i)]});
  }
  roots.clear();
  for (const std::int64_t root : starts) {
    sound = sound && reach(root, 0);
    roots.push_back(static_cast<std::int32_t>(root));
  }
  if (!sound) throw Error("the trees are invalid", archive.name());
}

RankedColumns::RankedColumns(const Matrix& examples) : rows_(examples.rows()), cols_(examples.cols()) {
  if (rows_ <= std::size_t{1} << 16)
    ranks_ = ranked<std::uint16_t>(examples);
  else
    ranks_ = ranked<std::uint32_t>(examples);
}

template <class Rank>
RankedColumns::Layouts<Rank> RankedColumns::ranked(const Matrix& examples) {
  const std::size_t rows = examples.rows(), cols = examples.cols();
  std::vector<Rank> by_columns(rows * cols), by_rows(rows * cols);
  blas::for_blocks(cols, kColumnBlock, [&](std::size_t first, std::size_t count) {
    std::vector<std::uint64_t> keys(rows);
    for (std::size_t j = first; j < first + count; ++j) {
      for (std::size_t i = 0; i < rows; ++i) keys[i] = std::uint64_t{ordered_bits(examples(i, j))} << 32 | i;
      KeySorter().sort(keys, std::numeric_limits<std::uint32_t>::max());
      Rank rank = 0;
      for (std::size_t k = 0; k < rows; ++k) {
        rank = static_cast<Rank>(rank + (k > 0 && keys[k] >> 32 != keys[k - 1] >> 32));
        by_columns[j * rows + (keys[k] & 0xffffffffu)] = rank;
      }
    }
    blas::transpose<Rank>({by_columns.data() + first * rows, count, rows}, {by_rows.data() + first, rows, count, cols});
  });
  return {std::move(by_columns), std::move(by_rows)};
}

Forest grow_tree(const TreeTask& task, const GrowthConfig& config, std::span<const std::uint32_t> rows,
                 std::uint64_t seed) {
  return TreeGrower(task, config, seed).grow(rows);
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
