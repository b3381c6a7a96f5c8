// Logistic regression, as scikit-learn's LogisticRegression with an l2 penalty: solver "lbfgs" minimises the
// multinomial loss (for two classes the binary one) with a free intercept, "liblinear" one class against the rest with
// the intercept penalised like a weight.
#include <algorithm>
#include <cmath>

#include "genrewise/models/classical/learner.hpp"
#include "genrewise/models/classical/learners.hpp"
#include "genrewise/models/classical/linear_loss.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

class LogisticRegression final : public Learner {
 public:
  explicit LogisticRegression(const Parameters& given)
      : Learner("logreg",
                {{"C", "1.0"},
                 {"tol", "1e-4"},
                 {"max_iter", "100"},
                 {"fit_intercept", "true"},
                 {"class_weight", "none"},
                 {"solver", "lbfgs"}},
                given),
        c_(read().positive("C")) {
    one_against_rest_ = read().one_of("solver", {"lbfgs", "liblinear"}) == "liblinear";
    problem_.intercept = read().flag("fit_intercept");
    problem_.penalise_intercept = one_against_rest_;
    problem_.tolerance = read().positive("tol");
    problem_.max_iterations = static_cast<int>(read().integer("max_iter", 1, 1'000'000'000));
    class_weights(read(), std::vector<int>{0, 1}, 2);  // refuses a wrong class_weight now rather than in fit()
  }

 private:
  std::size_t outputs() const { return class_count() == 2 ? 1 : static_cast<std::size_t>(class_count()); }

  void learn(const Matrix& examples, std::span<const int> classes, int class_count) override {
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

  std::vector<int> decide(const Matrix& examples) const override { return decide_by_scores(scores_.of(examples)); }

  Answers decide_with_probabilities(const Matrix& examples) const override {
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
  bool one_against_rest_ = false;
  LinearProblem problem_;
  LinearScores scores_;
};

}  // namespace

std::unique_ptr<Classifier> make_logistic_regression(const Parameters& parameters, std::uint64_t /*seed*/) {
  return std::make_unique<LogisticRegression>(parameters);
}

}  // namespace genrewise
