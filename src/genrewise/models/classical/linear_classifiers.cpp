// Linear classifiers, minimised in the primal by L-BFGS.
//
// Logistic regression, as scikit-learn's LogisticRegression with an l2 penalty: solver "lbfgs" minimises the
// multinomial loss (for two classes the binary one) with a free intercept, "liblinear" one class against the rest with
// the intercept penalised like a weight.
//
// Linear support vector machine, as scikit-learn's LinearSVC (liblinear): the squared hinge loss of each class against
// the rest, the intercept penalised like a weight. Probabilities, which LinearSVC does not have, by one Platt sigmoid
// per class on five-fold cross-validated scores, scaled to sum to 1.
#include <algorithm>
#include <cmath>

#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/linear_loss.hpp"
#include "genrewise/models/classical/pairwise.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFolds = 5;

class LinearClassifier : public ClassicalClassifier {
 protected:
  LinearClassifier(const ClassifierDescriptor& descriptor, const ParameterValues& given)
      : ClassicalClassifier(descriptor, given), c_(read().number("C")) {
    problem_.intercept = read().flag("fit_intercept");
    problem_.tolerance = read().number("tol");
    problem_.max_iterations = static_cast<int>(read().integer("max_iter"));
  }

  std::size_t outputs() const { return class_count() == 2 ? 1 : static_cast<std::size_t>(class_count()); }

  LinearScores minimum(const Matrix& examples, std::span<const int> classes,
                       const std::vector<double>& of_class) const {
    std::vector<double> weights;
    double sum = 0;
    for (int c : classes) sum += weights.emplace_back(of_class[static_cast<std::size_t>(c)]);
    LinearProblem problem = problem_;
    problem.penalty = 1 / (c_ * sum);
    return minimise_linear(problem, examples, classes, outputs(), weights);
  }

  void fit_scores(const Matrix& examples, std::span<const int> classes, const std::vector<double>& of_class) {
    scores_ = minimum(examples, classes, of_class);
    iterations_ = {scores_.iterations};
  }

  /// The probabilities of one example. `scores` and `result` have one value per class, but with one output `scores` has
  /// one; it may be overwritten.
  virtual void probabilities_of(std::vector<double>& scores, std::span<float> result) const = 0;

  /// Shares of probabilities of each class against the rest.
  static void share_out(const std::vector<double>& parts, std::span<float> result) {
    double sum = 0;
    for (const double part : parts) sum += part;
    for (std::size_t k = 0; k < parts.size(); ++k)
      result[k] = static_cast<float>(sum > 0 ? parts[k] / sum : 1 / static_cast<double>(parts.size()));
  }

  Predictions decide_with_probabilities(const Matrix& examples) const override {
    const Matrix scores = scores_.of(examples);
    Matrix result(scores.rows(), static_cast<std::size_t>(class_count()));
    std::vector<double> row;
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      row.assign(scores.row(i).begin(), scores.row(i).end());
      probabilities_of(row, result.row(i));
    }
    return {decide_by_scores(scores), std::move(result)};
  }
  Matrix probabilities(const Matrix& examples) const override {
    return decide_with_probabilities(examples).probabilities;
  }
  Matrix decision_values(const Matrix& examples) const override { return scores_.of(examples); }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    archive.put(prefix + "weights", scores_.weights, {scores_.outputs, scores_.columns + 1});
  }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    scores_ = {outputs(), columns(), archive.doubles(prefix + "weights", outputs() * (columns() + 1))};
  }

  double c_;
  LinearProblem problem_;
  LinearScores scores_;
};

class LogisticRegression final : public LinearClassifier {
 public:
  explicit LogisticRegression(const ParameterValues& given) : LinearClassifier(logistic_regression(), given) {
    problem_.penalise_intercept = read().is("solver", "liblinear");
  }

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int /*class_count*/) override {
    problem_.loss = outputs() == 1 || problem_.penalise_intercept ? LinearLoss::logistic : LinearLoss::softmax;
    fit_scores(examples, classes, class_weights(classes));
  }

  void probabilities_of(std::vector<double>& scores, std::span<float> result) const override {
    const auto sigmoid = [](double score) { return 1 / (1 + std::exp(-score)); };
    if (outputs() == 1) {
      result[1] = static_cast<float>(sigmoid(scores[0]));
      result[0] = static_cast<float>(sigmoid(-scores[0]));
    } else if (problem_.penalise_intercept) {
      std::ranges::transform(scores, scores.begin(), sigmoid);
      share_out(scores, result);
    } else {
      softmax_row(scores, result);
    }
  }
};

class LinearSvm final : public LinearClassifier {
 public:
  LinearSvm(const ParameterValues& given, std::uint64_t seed)
      : LinearClassifier(linear_svm(), given), seed_(seed), probability_(read().flag("probability")) {
    problem_.loss = LinearLoss::squared_hinge;
    problem_.penalise_intercept = true;
  }

 private:
  void fit_classes(const Matrix& examples, std::span<const int> classes, int /*class_count*/) override {
    const auto of_class = class_weights(classes);
    fit_scores(examples, classes, of_class);
    sigmoids_.assign(outputs(), {});
    if (probability_) calibrate(held_out_scores(examples, classes, of_class), classes);
  }

  /// Cross-validated scores; those of the training examples themselves where a class is too small for the folds.
  Matrix held_out_scores(const Matrix& examples, std::span<const int> classes,
                         const std::vector<double>& of_class) const {
    const auto sizes = class_sizes(classes, class_count());
    const std::size_t folds = std::min(kFolds, *std::ranges::min_element(sizes));
    if (folds < 2) return scores_.of(examples);
    const auto fold_of = stratified_folds(classes, class_count(), folds, derive_seed(seed_, "linearsvc folds"));
    Matrix result(examples.rows(), outputs());
    for (std::size_t fold = 0; fold < folds; ++fold) {
      std::vector<std::size_t> inside, outside;
      std::vector<int> inside_classes;
      for (std::size_t i = 0; i < classes.size(); ++i) {
        (fold_of[i] == fold ? outside : inside).push_back(i);
        if (fold_of[i] != fold) inside_classes.push_back(classes[i]);
      }
      const LinearScores scores = minimum(examples.select_rows(inside), inside_classes, of_class);
      const Matrix part = scores.of(examples.select_rows(outside));
      for (std::size_t i = 0; i < outside.size(); ++i) std::ranges::copy(part.row(i), result.row(outside[i]).begin());
    }
    return result;
  }

  void calibrate(const Matrix& scores, std::span<const int> classes) {
    for (std::size_t k = 0; k < outputs(); ++k) {
      const int positive = outputs() == 1 ? 1 : static_cast<int>(k);
      std::vector<double> own, rest;
      for (std::size_t i = 0; i < classes.size(); ++i) (classes[i] == positive ? own : rest).push_back(scores(i, k));
      const std::size_t own_count = own.size();
      own.insert(own.end(), rest.begin(), rest.end());
      sigmoids_[k] = fit_sigmoid(own, own_count);
    }
  }

  void probabilities_of(std::vector<double>& scores, std::span<float> result) const override {
    if (!probability_) {
      if (outputs() == 1) scores.insert(scores.begin(), 0);
      softmax_row(scores, result);
      return;
    }
    for (std::size_t k = 0; k < scores.size(); ++k) scores[k] = sigmoids_[k](scores[k]);
    if (outputs() == 1) {
      result[0] = static_cast<float>(1 - scores[0]);
      result[1] = static_cast<float>(scores[0]);
    } else {
      share_out(scores, result);
    }
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    LinearClassifier::save_state(archive, prefix);
    save_sigmoids(sigmoids_, archive, prefix);
  }
  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    LinearClassifier::load_state(archive, prefix);
    sigmoids_ = load_sigmoids(outputs(), archive, prefix);
  }

  std::uint64_t seed_;
  bool probability_;
  std::vector<Sigmoid> sigmoids_;
};

std::vector<ParameterDescriptor> linear_parameters(std::string candidates_of_c, std::string max_iter) {
  return {parameter::number("C", "1.0", above(0), "inverse strength of the penalty")
              .searched(std::move(candidates_of_c), Simpler::smaller),
          parameter::number("tol", "1e-4", above(0), "largest gradient entry at which the solver stops"),
          parameter::integer("max_iter", std::move(max_iter), between(1, 1e9), "maximum number of solver iterations"),
          parameter::boolean("fit_intercept", "true", "whether to fit an intercept"), class_weight_parameter()};
}

std::vector<ParameterDescriptor> with(std::vector<ParameterDescriptor> parameters, ParameterDescriptor own) {
  parameters.push_back(std::move(own));
  return parameters;
}

}  // namespace

const ClassifierDescriptor& logistic_regression() {
  static const ClassifierDescriptor descriptor = {
      .kind = "logreg",
      .title = "Logistic regression",
      .summary = "linear scores and a softmax with an l2 penalty, as scikit-learn's LogisticRegression",
      .parameters = with(linear_parameters("log:-4:1:11", "100"),
                         parameter::choice("solver", "lbfgs", {"lbfgs", "liblinear"},
                                           "multinomial loss, or one class against the rest with a penalised intercept")
                             .searched("lbfgs,liblinear")),
      .searches = {{"study", {"solver=lbfgs,liblinear"}}, {"wide", {"C=log:-4:1:11"}}},
      .presets = {{"logreg", "Logistic regression", {}, {"C=0.001,0.01,0.1,1"}, true},
                  {"logreg-pca", "Logistic regression, PCA", {{"pca_variance", "0.9999"}}, {"C=0.001,0.01,0.1,1"}}},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t) { return std::make_unique<LogisticRegression>(given); }};
  return descriptor;
}

const ClassifierDescriptor& linear_svm() {
  static const ClassifierDescriptor descriptor = {
      .kind = "linearsvc",
      .title = "Linear SVM, one against the rest",
      .summary = "squared hinge of each class against the rest, as scikit-learn's LinearSVC (liblinear)",
      .parameters = with(linear_parameters("log:-5:1:13", "1000"),
                         parameter::boolean("probability", "true", "calibrated probabilities instead of a softmax")),
      .searches = {{"wide", {"C=log:-5:1:13"}}},
      .capabilities = {.scores = true},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<LinearSvm>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
