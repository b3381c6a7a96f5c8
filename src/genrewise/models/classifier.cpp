#include "genrewise/models/classifier.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"

namespace genrewise {
namespace {

using Maker = std::unique_ptr<Classifier> (*)(const Parameters&, std::uint64_t);

struct Kind {
  std::string_view name;
  Maker make;
};

constexpr Kind kKinds[] = {
    {"gnb", make_gaussian_naive_bayes},
    {"knn", make_nearest_neighbours},
    {"logreg", make_logistic_regression},
    {"svm", make_support_vector_machine},
    {"linearsvc", make_linear_svm},
    {"mlp", make_perceptron},
    {"lda", make_linear_discriminant},
    {"qda", make_quadratic_discriminant},
    {"forest", make_random_forest},
    {"xgboost", make_gradient_boosting},
    {"voting", make_voting},
};

}  // namespace

std::vector<int> Classifier::predict(const Matrix& examples) const {
  return row_argmax(predict_probabilities(examples));
}

std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed) {
  for (const Kind& known : kKinds)
    if (known.name == kind) return known.make(parameters, seed);
  throw Error("there is no learner '" + std::string(kind) + "'", {},
              fmt::format("choose one of {}", fmt::join(classifier_kinds(), ", ")));
}

std::vector<std::string> classifier_kinds() {
  std::vector<std::string> names;
  for (const Kind& known : kKinds) names.emplace_back(known.name);
  return names;
}

}  // namespace genrewise
