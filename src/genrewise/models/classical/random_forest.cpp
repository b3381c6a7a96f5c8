// Random forest, as scikit-learn's RandomForestClassifier: trees on bootstrap samples, the best Gini split among a
// random choice of features at each node; probabilities are the mean of the leaves' class shares. And one decision
// tree, as scikit-learn's DecisionTreeClassifier (CART, Gini): features are tried in an order drawn from the seed, and
// the first of equal splits is used, as there.
#include <algorithm>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

class Trees final : public ClassicalClassifier {
 public:
  /// `is_forest`: of n_estimators trees; else one tree.
  Trees(const ClassifierDescriptor& descriptor, bool is_forest, const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(descriptor, given),
        is_forest_(is_forest),
        seed_(seed),
        trees_(is_forest ? static_cast<std::size_t>(read().integer("n_estimators")) : 1),
        bootstrap_(is_forest && read().flag("bootstrap")),
        growth_(growth_of(read())) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    growth_.features = tried_features(read(), examples.cols());
    const RankedColumns ranks(examples);
    std::vector<Forest> grown(trees_);
    parallel_for(trees_, [&](std::size_t t, int) {
      Rng rng(derive_seed(seed_, "forest sample " + std::to_string(t)));
      std::vector<std::uint32_t> rows(classes.size());
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = static_cast<std::uint32_t>(bootstrap_ ? rng.below(rows.size()) : i);
      const TreeTask task{examples, ranks, classes, static_cast<std::size_t>(class_count), {}};
      grown[t] =
          grow_tree(task, growth_, rows, is_forest_ ? derive_seed(seed_, "forest tree " + std::to_string(t)) : seed_);
    });
    forest_ = joined_trees(grown);
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

  bool is_forest_;
  std::uint64_t seed_;
  std::size_t trees_;
  bool bootstrap_;
  GrowthConfig growth_;
  Forest forest_;
};

}  // namespace

const ClassifierDescriptor& random_forest() {
  static const ClassifierDescriptor descriptor = {
      .kind = "forest",
      .title = "Random forest",
      .summary =
          "trees on bootstrap samples, a random choice of features at each node, as scikit-learn's "
          "RandomForestClassifier",
      .parameters =
          [] {
            std::vector<ParameterDescriptor> all = growth_parameters("sqrt");
            all.insert(all.begin(), trees_parameter("100"));
            all.push_back(parameter::boolean("bootstrap", "true", "each tree on rows drawn with replacement"));
            return all;
          }(),
      .searches = {{"wide", {"max_depth=4,8,16,none", "max_features=sqrt,log2"}}},
      .make = [](const ParameterValues& given,
                 std::uint64_t seed) { return std::make_unique<Trees>(random_forest(), true, given, seed); }};
  return descriptor;
}

const ClassifierDescriptor& decision_tree() {
  static const ClassifierDescriptor descriptor = {
      .kind = "tree",
      .title = "Decision tree",
      .summary = "one CART tree with Gini splits, as scikit-learn's DecisionTreeClassifier",
      .parameters = growth_parameters("all"),
      .searches = {{"wide", {"max_depth=2,4,8,16,none", "min_samples_leaf=1,5,20"}}},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<Trees>(decision_tree(), false, given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
