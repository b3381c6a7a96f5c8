// Random forest, as scikit-learn's RandomForestClassifier: trees on bootstrap samples, the best Gini split among a
// random choice of features at each node; probabilities are the mean of the leaves' class shares.
#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/models/tensor_archive.hpp"

namespace genrewise {
namespace {

struct GrowthConfig {
  std::size_t features = 1;  // tried at each node
  std::size_t least_split = 2, least_leaf = 1, most_depth = 0;
};

struct Split {
  std::size_t feature = 0;
  float threshold = 0;
  double score = -std::numeric_limits<double>::infinity();  // larger is purer
};

/// Floats in their order as unsigned integers.
std::uint32_t ordered_bits(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value + 0.0f);  // -0 becomes 0
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}
float from_ordered_bits(std::uint32_t bits) {
  return std::bit_cast<float>(bits & 0x80000000u ? bits & 0x7fffffffu : ~bits);
}

class TreeGrower {
 public:
  TreeGrower(const Matrix& examples, std::span<const int> classes, std::size_t class_count, const GrowthConfig& config,
             std::uint64_t seed)
      : examples_(examples), classes_(classes), class_count_(class_count), config_(config), rng_(seed) {
    features_.resize(examples.cols());
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
  std::vector<double> counts_of(std::size_t begin, std::size_t end) const {
    std::vector<double> counts(class_count_);
    for (std::size_t i = begin; i < end; ++i) ++counts[static_cast<std::size_t>(classes_[rows_[i]])];
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
    for (double count : counts_of(begin, end))
      leaves_.push_back(static_cast<float>(count / static_cast<double>(end - begin)));
  }

  /// Features are drawn without replacement until enough of them that are not constant here have been tried.
  Split best_split(std::size_t begin, std::size_t end) {
    const auto counts = counts_of(begin, end);
    Split best;
    std::size_t tried = 0;
    for (std::size_t k = 0; k < features_.size() && tried < config_.features; ++k) {
      std::swap(features_[k], features_[k + rng_.below(features_.size() - k)]);
      tried += try_feature(features_[k], begin, end, counts, best);
    }
    return best;
  }

  /// Gini impurity falls as sum_c left_c^2 / left + sum_c right_c^2 / right rises. False for a constant feature.
  bool try_feature(std::size_t feature, std::size_t begin, std::size_t end, const std::vector<double>& counts,
                   Split& best) {
    sorted_.clear();
    for (std::size_t i = begin; i < end; ++i)
      sorted_.push_back(std::uint64_t{ordered_bits(examples_(rows_[i], feature))} << 32 |
                        static_cast<std::uint32_t>(classes_[rows_[i]]));
    std::ranges::sort(sorted_);
    const auto value_at = [&](std::size_t i) { return static_cast<std::uint32_t>(sorted_[i] >> 32); };
    if (value_at(0) == value_at(sorted_.size() - 1)) return false;
    right_ = counts;
    left_.assign(class_count_, 0);
    double left_squares = 0, right_squares = 0;
    for (double count : counts) right_squares += count * count;
    for (std::size_t i = 0; i + 1 < sorted_.size(); ++i) {
      const auto c = static_cast<std::size_t>(sorted_[i] & 0xffffffffu);
      left_squares += 2 * left_[c]++ + 1;
      right_squares -= 2 * right_[c]-- - 1;
      const std::size_t left_count = i + 1, right_count = sorted_.size() - left_count;
      if (value_at(i) == value_at(i + 1) || left_count < config_.least_leaf || right_count < config_.least_leaf)
        continue;
      const double score =
          left_squares / static_cast<double>(left_count) + right_squares / static_cast<double>(right_count);
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
  GrowthConfig config_;
  Rng rng_;
  std::vector<std::size_t> features_;
  std::vector<std::uint32_t> rows_;
  std::vector<std::uint64_t> sorted_;  // value and class of each row of a node
  std::vector<double> left_, right_;
  Forest forest_;
  std::vector<float> leaves_;
};

class RandomForest final : public Learner {
 public:
  RandomForest(const Parameters& given, std::uint64_t seed)
      : Learner("forest",
                {{"n_estimators", "100"},
                 {"max_features", "sqrt"},
                 {"max_depth", "none"},
                 {"min_samples_split", "2"},
                 {"min_samples_leaf", "1"},
                 {"bootstrap", "true"}},
                given),
        seed_(seed),
        trees_(static_cast<std::size_t>(read().integer("n_estimators", 1, 1'000'000))),
        bootstrap_(read().flag("bootstrap")) {
    if (!read().is("max_depth", "none")) growth_.most_depth = static_cast<std::size_t>(read().integer("max_depth", 1));
    growth_.least_split = static_cast<std::size_t>(read().integer("min_samples_split", 2));
    growth_.least_leaf = static_cast<std::size_t>(read().integer("min_samples_leaf", 1));
    features_of(1);  // refuses a wrong max_features now rather than in fit()
  }

 private:
  std::size_t features_of(std::size_t cols) const {
    const auto at_least_one = [](double value) { return std::max<std::size_t>(1, static_cast<std::size_t>(value)); };
    if (read().is("max_features", "sqrt")) return at_least_one(std::sqrt(static_cast<double>(cols)));
    if (read().is("max_features", "log2")) return at_least_one(std::log2(static_cast<double>(cols)));
    if (read().is("max_features", "all")) return cols;
    return std::min(cols, static_cast<std::size_t>(read().integer("max_features", 1)));
  }

  void learn(const Matrix& examples, std::span<const int> classes, int class_count) override {
    growth_.features = features_of(examples.cols());
    std::vector<Forest> grown(trees_);
    parallel_for(trees_, [&](std::size_t t, int) {
      Rng rng(derive_seed(seed_, "forest sample " + std::to_string(t)));
      std::vector<std::uint32_t> rows(classes.size());
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = static_cast<std::uint32_t>(bootstrap_ ? rng.below(rows.size()) : i);
      TreeGrower grower(examples, classes, static_cast<std::size_t>(class_count), growth_,
                        derive_seed(seed_, "forest tree " + std::to_string(t)));
      grown[t] = grower.grow(std::move(rows));
    });
    join(grown);
  }

  void join(const std::vector<Forest>& grown) {
    forest_ = {};
    std::vector<float> leaves;
    for (const Forest& tree : grown) {
      const auto node_offset = static_cast<std::int32_t>(forest_.nodes.size());
      const auto leaf_offset = static_cast<std::int32_t>(leaves.size()) / class_count();
      forest_.roots.push_back(node_offset);
      for (TreeNode node : tree.nodes) {
        node.left += node.feature < 0 ? leaf_offset : node_offset;
        node.right += node_offset;
        forest_.nodes.push_back(node);
      }
      leaves.insert(leaves.end(), tree.leaves.values().begin(), tree.leaves.values().end());
    }
    const auto width = static_cast<std::size_t>(class_count());
    const std::size_t leaf_count = leaves.size() / width;
    forest_.leaves = Matrix(leaf_count, width, std::move(leaves));
  }

  Matrix probabilities(const Matrix& examples) const override {
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    blas::for_blocks(examples.rows(), 64, [&](std::size_t first, std::size_t count) {
      std::vector<double> sums(result.cols());
      for (std::size_t i = first; i < first + count; ++i) {
        std::ranges::fill(sums, 0.0);
        for (const std::int32_t root : forest_.roots) {
          const auto shares = forest_.leaf(root, examples.row(i));
          for (std::size_t c = 0; c < sums.size(); ++c) sums[c] += shares[c];
        }
        for (std::size_t c = 0; c < sums.size(); ++c)
          result(i, c) = static_cast<float>(sums[c] / static_cast<double>(forest_.roots.size()));
      }
    });
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override { forest_.save(archive, prefix); }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    forest_.load(archive, prefix, columns(), static_cast<std::size_t>(class_count()));
  }

  std::uint64_t seed_;
  std::size_t trees_;
  bool bootstrap_;
  GrowthConfig growth_;
  Forest forest_;
};

}  // namespace

std::unique_ptr<Classifier> make_random_forest(const Parameters& parameters, std::uint64_t seed) {
  return std::make_unique<RandomForest>(parameters, seed);
}

}  // namespace genrewise
