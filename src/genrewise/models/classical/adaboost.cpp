// AdaBoost for several classes (SAMME; Zhu, Zou, Rosset and Hastie 2009), as scikit-learn's AdaBoostClassifier: each
// tree is grown with larger weights on examples that earlier trees misclassified, and votes with a weight that grows
// with its accuracy.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr double kRounding = 1e-10;                     // of an error
constexpr double kLeastWeight = 2.220446049250313e-16;  // as in scikit-learn: no example gets weight 0

std::size_t first_of_largest(std::span<const float> shares) {
  return static_cast<std::size_t>(std::ranges::max_element(shares) - shares.begin());
}

class AdaBoost final : public ClassicalClassifier {
 public:
  AdaBoost(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(genrewise::adaboost(), given),
        seed_(seed),
        trees_(static_cast<std::size_t>(read().integer("n_estimators"))),
        rate_(read().number("learning_rate")) {
    growth_.most_depth = static_cast<std::size_t>(read().integer("max_depth"));
  }

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    growth_.features = examples.cols();
    std::vector<double> weights(classes.size(), 1 / static_cast<double>(classes.size()));
    std::vector<std::uint32_t> rows(classes.size());
    std::iota(rows.begin(), rows.end(), 0u);
    const RankedColumns ranks(examples);
    std::vector<Forest> grown;
    tree_weights_.clear();
    const double chance = 1 - 1 / static_cast<double>(class_count);
    for (std::size_t t = 0; t < trees_; ++t) {
      throw_if_interrupted();
      for (double& weight : weights) weight = std::max(weight, kLeastWeight);
      Forest tree = grow_tree({examples, ranks, classes, static_cast<std::size_t>(class_count), weights}, growth_, rows,
                              derive_seed(seed_, "adaboost tree " + std::to_string(t)));
      std::vector<char> missed(classes.size());
      double error = 0;
      for (std::size_t i = 0; i < classes.size(); ++i) {
        missed[i] = first_of_largest(tree.leaf(0, examples.row(i))) != static_cast<std::size_t>(classes[i]);
        if (missed[i]) error += weights[i];
      }
      error /= std::reduce(weights.begin(), weights.end());
      if (error >= chance * (1 - kRounding)) break;  // no better than chance
      grown.push_back(std::move(tree));
      tree_weights_.push_back(error <= 0 ? 1 : rate_ * (std::log((1 - error) / error) + std::log(class_count - 1.0)));
      if (error <= 0) break;
      for (std::size_t i = 0; i < classes.size(); ++i)
        if (missed[i]) weights[i] *= std::exp(tree_weights_.back());
      const double sum = std::reduce(weights.begin(), weights.end());
      if (!std::isfinite(sum)) break;
      for (double& weight : weights) weight /= sum;
    }
    if (grown.empty())
      throw Error("no tree of AdaBoost is better than a guess", "adaboost",
                  "raise max_depth, or use another classifier");
    forest_ = joined_trees(grown);
  }

  /// Decision function of SAMME, divided by the number of other classes: each tree's weight counts for its class and,
  /// evenly, against the others; the mean over the trees.
  AddScores scorer() const {
    return [this, all = std::reduce(tree_weights_.begin(), tree_weights_.end()), others = class_count() - 1.0](
               std::span<const float> example, std::span<double> scores) {
      std::ranges::fill(scores, -all / others);
      for (std::size_t t = 0; t < tree_weights_.size(); ++t)
        scores[first_of_largest(forest_.leaf(forest_.roots[t], example))] += tree_weights_[t] * (1 + 1 / others);
      for (double& score : scores) score /= all * others;
    };
  }
  Matrix probabilities(const Matrix& examples) const override { return softmax_of(examples, scorer()); }
  Matrix decision_values(const Matrix& examples) const override { return decision_values_of(examples, scorer()); }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    forest_.save(archive, prefix);
    archive.put(prefix + "says", tree_weights_);
  }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    forest_.load(archive, prefix, columns(), static_cast<std::size_t>(class_count()));
    tree_weights_ = archive.doubles(prefix + "says", forest_.roots.size());
    if (std::ranges::any_of(tree_weights_, [](double weight) { return weight <= 0; }))
      throw Error("the weight of a tree is not above 0", archive.name());
  }

  std::uint64_t seed_;
  std::size_t trees_;
  double rate_;
  GrowthConfig growth_;
  Forest forest_;
  std::vector<double> tree_weights_;  // of each tree
};

}  // namespace

const ClassifierDescriptor& adaboost() {
  static const ClassifierDescriptor descriptor = {
      .kind = "adaboost",
      .title = "AdaBoost",
      .summary = "trees grown one after another on reweighted examples (SAMME), as scikit-learn's AdaBoostClassifier",
      .parameters =
          {trees_parameter("50").searched("25,50,100,200", Simpler::smaller),
           parameter::number("learning_rate", "1.0", above(0), "factor of each tree's weight").searched("0.1,0.3,1"),
           parameter::integer("max_depth", "1", at_least(1), "maximum depth of a tree")
               .searched("1,2,3", Simpler::smaller)},
      .searches = {{"wide", {"n_estimators=25,50,100,200", "learning_rate=0.1,0.3,1"}}},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t seed) { return std::make_unique<AdaBoost>(given, seed); }};
  return descriptor;
}

}  // namespace genrewise
