// One decision tree, as scikit-learn's DecisionTreeClassifier (CART, Gini). Features are tried in an order drawn from
// the seed, and the first of equal splits is used, as there.
#include <algorithm>
#include <numeric>

#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/tree_growth.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

class DecisionTree final : public ClassicalClassifier {
 public:
  DecisionTree(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(decision_tree(), given), seed_(seed), growth_(growth_of(read())) {}

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    growth_.features = tried_features(read(), examples.cols());
    std::vector<std::uint32_t> rows(classes.size());
    std::iota(rows.begin(), rows.end(), 0u);
    tree_ = grow_tree({examples, classes, static_cast<std::size_t>(class_count), {}}, growth_, std::move(rows), seed_);
  }

  Matrix probabilities(const Matrix& examples) const override {
    Matrix result(examples.rows(), static_cast<std::size_t>(class_count()));
    for (std::size_t i = 0; i < examples.rows(); ++i)
      std::ranges::copy(tree_.leaf(tree_.roots[0], examples.row(i)), result.row(i).begin());
    return result;
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override { tree_.save(archive, prefix); }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    tree_.load(archive, prefix, columns(), static_cast<std::size_t>(class_count()));
  }

  std::uint64_t seed_;
  GrowthConfig growth_;
  Forest tree_;
};

}  // namespace

const ClassifierDescriptor& decision_tree() {
  static const ClassifierDescriptor descriptor = {
      .kind = "tree",
      .title = "Decision tree",
      .summary = "one CART tree with Gini splits, as scikit-learn's DecisionTreeClassifier",
      .parameters = growth_parameters("all"),
      .searches = {{"wide", {"max_depth=2,4,8,16,none", "min_samples_leaf=1,5,20"}}},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<DecisionTree>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
