// Logistic regression, as scikit-learn's LogisticRegression with an l2 penalty: solver "lbfgs" minimises the
// multinomial loss (for two classes the binary one) with a free intercept, "liblinear" one class against the rest with
// the intercept penalised like a weight.
#include <algorithm>
#include <cmath>

#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/linear_loss.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

class LogisticRegression final : public ClassicalClassifier {
 public:
  explicit LogisticRegression(const ParameterValues& given)
      : ClassicalClassifier(logistic_regression(), given),
        c_(read().number("C")),
        one_against_rest_(read().is("solver", "liblinear")) {
    problem_.intercept = read().flag("fit_intercept");
    problem_.penalise_intercept = one_against_rest_;
    problem_.tolerance = read().number("tol");
    problem_.max_iterations = static_cast<int>(read().integer("max_iter"));
  }

 private:
  std::size_t outputs() const { return class_count() == 2 ? 1 : static_cast<std::size_t>(class_count()); }

  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    const auto of_class = class_weights(read(), classes, class_count);
    std::vector<double> weights;
    double sum = 0;
    for (int c : classes) sum += weights.emplace_back(of_class[static_cast<std::size_t>(c)]);
    LinearProblem problem = problem_;
    problem.loss = outputs() == 1 || one_against_rest_ ? LinearLoss::logistic : LinearLoss::softmax;
    problem.penalty = 1 / (c_ * sum);
    scores_ = minimise_linear(problem, examples, classes, outputs(), weights);
  }

  Matrix probabilities(const Matrix& examples) const override { return probabilities_of(scores_.of(examples)); }

  Matrix probabilities_of(const Matrix& scores) const {
    Matrix result(scores.rows(), static_cast<std::size_t>(class_count()));
    const auto sigmoid = [](float score) { return 1 / (1 + std::exp(-static_cast<double>(score))); };
    std::vector<double> row(scores.cols());
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      std::ranges::copy(scores.row(i), row.begin());
      if (outputs() == 1) {
        result(i, 1) = static_cast<float>(sigmoid(scores(i, 0)));
        result(i, 0) = static_cast<float>(sigmoid(-scores(i, 0)));
      } else if (one_against_rest_) {
        double sum = 0;
        for (std::size_t k = 0; k < row.size(); ++k) sum += row[k] = sigmoid(scores(i, k));
        for (std::size_t k = 0; k < row.size(); ++k)
          result(i, k) = static_cast<float>(sum > 0 ? row[k] / sum : 1 / static_cast<double>(row.size()));
      } else {
        softmax_row(row, result.row(i));
      }
    }
    return result;
  }

  Predictions decide_with_probabilities(const Matrix& examples) const override {
    const Matrix scores = scores_.of(examples);
    return {decide_by_scores(scores), probabilities_of(scores)};
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "weights", scores_.weights, {scores_.outputs, scores_.columns + 1});
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    scores_ = {outputs(), columns(), archive.doubles(prefix + "weights", outputs() * (columns() + 1))};
  }

  double c_;
  bool one_against_rest_;
  LinearProblem problem_;
  LinearScores scores_;
};

}  // namespace

const ClassifierDescriptor& logistic_regression() {
  static const ClassifierDescriptor descriptor = {
      .kind = "logreg",
      .title = "Logistic regression",
      .summary = "linear scores and a softmax with an l2 penalty, as scikit-learn's LogisticRegression",
      .parameters = {parameter::number("C", "1.0", above(0), "inverse strength of the penalty")
                         .searched("log:-4:1:11", Simpler::smaller),
                     parameter::number("tol", "1e-4", above(0), "largest gradient entry at which the solver stops"),
                     parameter::integer("max_iter", "100", between(1, 1e9), "maximum number of solver iterations"),
                     parameter::boolean("fit_intercept", "true", "whether to fit an intercept"),
                     class_weight_parameter(),
                     parameter::choice("solver", "lbfgs", {"lbfgs", "liblinear"},
                                       "multinomial loss, or one class against the rest with a penalised intercept")
                         .searched("lbfgs,liblinear")},
      .searches = {{"study", {"solver=lbfgs,liblinear"}}, {"wide", {"C=log:-4:1:11"}}},
      .presets = {{"logreg", "Logistic regression", {}, {"C=0.001,0.01,0.1,1"}, true}},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<LogisticRegression>(given); }};
  return descriptor;
}

}  // namespace genrewise
