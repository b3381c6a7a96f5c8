// Random forest, as scikit-learn's RandomForestClassifier: trees on bootstrap samples, the best Gini split among a
// random choice of features at each node; probabilities are the mean of the leaves' class shares.
#include <algorithm>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"
#include "genrewise/models/classical/tree_growth.hpp"
#include "genrewise/models/classical/trees.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

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
    growth_ = growth_of(read());
    tried_features(read(), 1);  // refuses a wrong max_features now rather than in fit()
  }

 private:
  void learn(const Matrix& examples, std::span<const int> classes, int class_count) override {
    growth_.features = tried_features(read(), examples.cols());
    std::vector<Forest> grown(trees_);
    parallel_for(trees_, [&](std::size_t t, int) {
      Rng rng(derive_seed(seed_, "forest sample " + std::to_string(t)));
      std::vector<std::uint32_t> rows(classes.size());
      for (std::size_t i = 0; i < rows.size(); ++i)
        rows[i] = static_cast<std::uint32_t>(bootstrap_ ? rng.below(rows.size()) : i);
      const TreeTask task{examples, classes, static_cast<std::size_t>(class_count), {}};
      grown[t] = grow_tree(task, growth_, std::move(rows), derive_seed(seed_, "forest tree " + std::to_string(t)));
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
