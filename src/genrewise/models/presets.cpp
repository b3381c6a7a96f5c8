#include "genrewise/models/presets.hpp"

#include <algorithm>
#include <iterator>
#include <string>

namespace genrewise {

std::vector<NamedPreset> fma_presets() {
  struct Baseline {
    const char *name, *title, *kind;
    Parameters parameters;
  };
  static const std::vector<Baseline> baselines = {
      {"LR", "Logistic regression", "logreg", {}},
      {"kNN", "200 nearest neighbours", "knn", {{"n_neighbors", "200"}}},
      {"SVCrbf", "SVM, RBF kernel", "svm", {{"kernel", "rbf"}}},
      {"SVCpoly1", "SVM, polynomial kernel of degree 1", "svm", {{"kernel", "poly"}, {"degree", "1"}}},
      {"linSVC1", "SVM, linear kernel", "svm", {{"kernel", "linear"}}},
      {"linSVC2", "Linear SVM, one against the rest", "linearsvc", {}},
      {"DT", "Decision tree", "tree", {{"max_depth", "5"}}},
      {"RF",
       "Random forest of 10 shallow trees",
       "forest",
       {{"max_depth", "5"}, {"n_estimators", "10"}, {"max_features", "1"}}},
      {"AdaBoost", "10 boosted stumps", "adaboost", {{"n_estimators", "10"}}},
      {"MLP1", "Perceptron, 100", "mlp", {{"hidden_layer_sizes", "100"}, {"max_iter", "2000"}}},
      {"MLP2", "Perceptron, 200 and 50", "mlp", {{"hidden_layer_sizes", "(200,50)"}, {"max_iter", "2000"}}},
      {"NB", "Gaussian naive Bayes", "gnb", {}},
      {"QDA", "Quadratic discriminant analysis", "qda", {}}};
  std::vector<NamedPreset> presets;
  for (const Baseline& one : baselines)
    presets.push_back({&classifier_descriptor(one.kind),
                       {std::string("fma-") + one.name, std::string(one.title) + ", FMA baseline", one.parameters}});
  return presets;
}

std::vector<NamedPreset> all_presets() {
  std::vector<NamedPreset> presets;
  for (const ClassifierDescriptor* classifier : classifier_descriptors())
    for (const ModelPreset& preset : classifier->presets) presets.push_back({classifier, preset});
  std::ranges::copy(fma_presets(), std::back_inserter(presets));
  return presets;
}

std::optional<NamedPreset> find_preset(std::string_view name) {
  std::vector<NamedPreset> presets = all_presets();
  const auto found = std::ranges::find(presets, name, [](const NamedPreset& one) { return one.preset.name; });
  return found == presets.end() ? std::nullopt : std::optional(*found);
}

}  // namespace genrewise
