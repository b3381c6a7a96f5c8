#include "genrewise/study/learners.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>

#include "genrewise/base/error.hpp"
#include "genrewise/study/point.hpp"

namespace genrewise {

std::vector<ModelSpec> default_models() {
  const GridAxis svm_c{"C", {"0.1", "1", "10"}};
  return {
      {"gnb", "Gaussian naive Bayes", {}, "gnb", {}, {{"var_smoothing", {"1e-9", "1e-3", "1e-1"}}}},
      {"knn", "k nearest neighbours", {}, "knn", {}, {{"n_neighbors", {"1", "5", "11", "21", "31", "51"}}}},
      {"logreg", "Logistic regression", {}, "logreg", {}, {{"C", {"0.001", "0.01", "0.1", "1"}}}},
      {"svm-linear", "SVM, linear kernel", {}, "svm", {{"kernel", "linear"}}, {{"C", {"0.001", "0.01", "0.1", "1"}}}},
      {"svm-poly", "SVM, polynomial kernel", {}, "svm", {{"kernel", "poly"}}, {svm_c}},
      {"svm-rbf", "SVM, RBF kernel", {}, "svm", {{"kernel", "rbf"}}, {svm_c}},
      {"svm-sigmoid", "SVM, sigmoid kernel", {}, "svm", {{"kernel", "sigmoid"}}, {svm_c}},
  };
}

std::vector<ModelSpec> fma_baseline_models() {
  const auto spec = [](const char* name, const char* title, const char* kind, Parameters parameters) {
    return ModelSpec{std::string("fma-") + name, std::string(title) + ", FMA baseline", {}, kind, parameters, {}};
  };
  return {
      spec("LR", "Logistic regression", "logreg", {}),
      spec("kNN", "200 nearest neighbours", "knn", {{"n_neighbors", "200"}}),
      spec("SVCrbf", "SVM, RBF kernel", "svm", {{"kernel", "rbf"}}),
      spec("SVCpoly1", "SVM, polynomial kernel of degree 1", "svm", {{"kernel", "poly"}, {"degree", "1"}}),
      spec("linSVC1", "SVM, linear kernel", "svm", {{"kernel", "linear"}}),
      spec("linSVC2", "Linear SVM, one against the rest", "linearsvc", {}),
      spec("DT", "Decision tree", "tree", {{"max_depth", "5"}}),
      spec("RF", "Random forest of 10 shallow trees", "forest",
           {{"max_depth", "5"}, {"n_estimators", "10"}, {"max_features", "1"}}),
      spec("AdaBoost", "10 boosted stumps", "adaboost", {{"n_estimators", "10"}}),
      spec("MLP1", "Perceptron, 100", "mlp", {{"hidden_layer_sizes", "100"}, {"max_iter", "2000"}}),
      spec("MLP2", "Perceptron, 200 and 50", "mlp", {{"hidden_layer_sizes", "200,50"}, {"max_iter", "2000"}}),
      spec("NB", "Gaussian naive Bayes", "gnb", {}),
      spec("QDA", "Quadratic discriminant analysis", "qda", {}),
  };
}

namespace {

/// The entry of that name, or the kind of classifier alone. Throws Error for any other word.
ModelSpec named_model(const std::string& word, std::string_view whole) {
  std::vector<ModelSpec> known = default_models();
  std::ranges::move(fma_baseline_models(), std::back_inserter(known));
  if (const auto found = std::ranges::find(known, word, &ModelSpec::name); found != known.end()) return *found;
  const std::vector<std::string> kinds = classifier_kinds();
  if (std::ranges::find(kinds, word) == kinds.end()) {
    std::vector<std::string> names;
    for (const ModelSpec& spec : default_models()) names.push_back(spec.name);
    throw UnknownName(
        fmt::format("there is no model \"{}\"", whole), "--models",
        fmt::format("use {}, fma-baselines, or a kind with parameters such as svm:C=10:kernel=poly; kinds "
                    "are {}; FEATURES/ before it names its feature set",
                    fmt::join(names, ", "), fmt::join(kinds, ", ")));
  }
  return {word, word, {}, word, {}, {}};
}

void set_parameter(ModelSpec& spec, const std::string& name, const std::string& value) {
  if (name == "features") {
    throw Error(
        "a model of a study learns from a whole table", "--models",
        "name a feature set before the model, as in fma518/svm; groups of features are for tune and --ablation");
  }
  std::erase_if(spec.grid, [&](const GridAxis& axis) { return axis.parameter == name; });
  spec.parameters.erase(name);
  if (auto values = split_text(value, '|'); values.size() > 1) {
    spec.grid.push_back({name, std::move(values)});
  } else {
    spec.parameters[name] = value;
  }
}

}  // namespace

ModelSpec parse_model(std::string_view text) {
  std::vector<std::string> parts = split_text(text, ':');
  std::string features;
  if (const std::size_t slash = parts.front().find('/'); slash != std::string::npos) {
    features = parts.front().substr(0, slash);
    parts.front().erase(0, slash + 1);
    if (features.empty()) throw Error(fmt::format("\"{}\" names no features before the /", text), "--models");
  }
  ModelSpec spec = named_model(parts.front(), text);
  spec.features = features;
  for (std::size_t i = 1; i < parts.size(); ++i) {
    const auto [name, value] = parse_parameter(parts[i]);
    set_parameter(spec, name, value);
  }
  if (parts.size() > 1) spec.title = fmt::format("{}", fmt::join(parts, ":"));
  if (parts.size() > 1 || !features.empty()) spec.name = as_file_name(text);
  const Parameters own = make_classifier(spec.kind, {}, kDefaultSeed)->parameters();
  for (const Parameters& parameters : grid_points(spec.parameters, spec.grid)) {
    const Point point(parameters, own);
    preprocessing_of(point, {});
    make_classifier(spec.kind, point.learning, kDefaultSeed);
  }
  return spec;
}

std::vector<ModelSpec> parse_models(const std::vector<std::string>& texts) {
  std::vector<ModelSpec> models;
  const auto add = [&](ModelSpec spec) {
    const auto found = std::ranges::find(models, spec.name, &ModelSpec::name);
    if (found == models.end()) {
      models.push_back(std::move(spec));
    } else if (*found != spec) {
      throw Error(fmt::format("two models would be called {}", spec.name), "--models", "leave one of them out");
    }
  };
  for (const std::string& text : texts) {
    const std::size_t slash = text.find('/');
    const std::string features = slash == std::string::npos ? "" : text.substr(0, slash);
    if (text.substr(slash == std::string::npos ? 0 : slash + 1) == "fma-baselines") {
      for (const ModelSpec& spec : fma_baseline_models()) {
        add(parse_model(features.empty() ? spec.name : features + "/" + spec.name));
      }
    } else {
      add(parse_model(text));
    }
  }
  return models;
}

std::string as_file_name(std::string_view text) {
  std::string name;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.';
    name += plain ? c : '-';
  }
  return name;
}

std::vector<std::string> split_text(std::string_view text, char separator) {
  std::vector<std::string> parts;
  for (std::size_t at = 0; at <= text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    parts.emplace_back(text.substr(at, end - at));
    at = end + 1;
  }
  return parts;
}

std::pair<std::string, std::string> parse_parameter(std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || equals == 0) {
    throw Error(fmt::format("\"{}\" is no parameter", text), {}, "write NAME=VALUE, as in C=10");
  }
  return {std::string(text.substr(0, equals)), std::string(text.substr(equals + 1))};
}

}  // namespace genrewise
