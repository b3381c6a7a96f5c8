#include "genrewise/models/classifier.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"

namespace genrewise {
namespace {

/// In the order in which they are listed for people.
std::vector<std::pair<std::string, ClassifierMaker>>& kinds() {
  static std::vector<std::pair<std::string, ClassifierMaker>> all = {
      {"gnb", make_gaussian_naive_bayes},
      {"knn", make_nearest_neighbours},
      {"logreg", make_logistic_regression},
      {"svm", make_support_vector_machine},
      {"linearsvc", make_linear_svm},
      {"mlp", make_perceptron},
      {"lda", make_linear_discriminant},
      {"qda", make_quadratic_discriminant},
      {"tree", make_decision_tree},
      {"forest", make_random_forest},
      {"adaboost", make_adaboost},
      {"xgboost", make_gradient_boosting},
      {"voting", make_voting},
  };
  return all;
}

}  // namespace

std::vector<int> Classifier::predict(const Matrix& examples) const {
  return row_argmax(predict_probabilities(examples));
}

Answers Classifier::answer(const Matrix& examples) const {
  return {predict(examples), predict_probabilities(examples)};
}

std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed) {
  for (const auto& [name, make] : kinds())
    if (name == kind) return make(parameters, seed);
  throw UnknownName("there is no learner '" + std::string(kind) + "'", {},
                    fmt::format("choose one of {}", fmt::join(classifier_kinds(), ", ")));
}

std::vector<std::string> classifier_kinds() {
  std::vector<std::string> names;
  for (const auto& [name, make] : kinds()) names.push_back(name);
  return names;
}

void register_classifier(std::string kind, ClassifierMaker make) {
  const auto found = std::ranges::find(kinds(), kind, &std::pair<std::string, ClassifierMaker>::first);
  if (found != kinds().end()) {
    found->second = make;
  } else {
    kinds().emplace_back(std::move(kind), make);
  }
}

std::string to_string(const Parameters& parameters) {
  std::vector<std::string> parts;
  for (const auto& [name, value] : parameters) parts.push_back(name + "=" + value);
  return fmt::format("{}", fmt::join(parts, ", "));
}

}  // namespace genrewise
