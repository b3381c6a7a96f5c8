// Linear support vector machine, as scikit-learn's LinearSVC (liblinear): the squared hinge loss of each class against
// the rest, the intercept penalised like a weight, minimised in the primal by L-BFGS. Probabilities, which LinearSVC
// does not have, by one Platt sigmoid per class on five-fold cross-validated scores, scaled to sum to 1.
#include <algorithm>

#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/classical_classifier.hpp"
#include "genrewise/models/classical/linear_loss.hpp"
#include "genrewise/models/classical/pairwise.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kFolds = 5;

class LinearSvm final : public ClassicalClassifier {
 public:
  LinearSvm(const ParameterValues& given, std::uint64_t seed)
      : ClassicalClassifier(linear_svm(), given),
        seed_(seed),
        c_(read().number("C")),
        probability_(read().flag("probability")) {
    problem_.loss = LinearLoss::squared_hinge;
    problem_.intercept = read().flag("fit_intercept");
    problem_.penalise_intercept = true;
    problem_.tolerance = read().number("tol");
    problem_.max_iterations = static_cast<int>(read().integer("max_iter"));
  }

 private:
  std::size_t outputs() const { return class_count() == 2 ? 1 : static_cast<std::size_t>(class_count()); }
  /// Whether the class is the positive one of output k.
  bool is_positive(std::size_t k, int c) const { return outputs() == 1 ? c == 1 : c == static_cast<int>(k); }

  LinearScores minimum(const Matrix& examples, std::span<const int> classes,
                       const std::vector<double>& of_class) const {
    std::vector<double> weights;
    double sum = 0;
    for (int c : classes) sum += weights.emplace_back(of_class[static_cast<std::size_t>(c)]);
    LinearProblem problem = problem_;
    problem.penalty = 1 / (c_ * sum);
    return minimise_linear(problem, examples, classes, outputs(), weights);
  }

  void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) override {
    const auto of_class = class_weights(read(), classes, class_count);
    scores_ = minimum(examples, classes, of_class);
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
      std::vector<double> own, rest;
      for (std::size_t i = 0; i < classes.size(); ++i)
        (is_positive(k, classes[i]) ? own : rest).push_back(scores(i, k));
      const std::size_t own_count = own.size();
      own.insert(own.end(), rest.begin(), rest.end());
      sigmoids_[k] = fit_sigmoid(own, own_count);
    }
  }

  Matrix probabilities(const Matrix& examples) const override { return probabilities_of(scores_.of(examples)); }

  Matrix probabilities_of(const Matrix& scores) const {
    Matrix result(scores.rows(), static_cast<std::size_t>(class_count()));
    std::vector<double> row(scores.cols());
    for (std::size_t i = 0; i < scores.rows(); ++i) {
      if (!probability_) {
        std::ranges::copy(scores.row(i), row.begin());
        if (outputs() == 1) row = {0, row[0]};
        softmax_row(row, result.row(i));
        row.resize(scores.cols());
        continue;
      }
      double sum = 0;
      for (std::size_t k = 0; k < scores.cols(); ++k) sum += row[k] = sigmoids_[k](scores(i, k));
      if (outputs() == 1) {
        result(i, 0) = static_cast<float>(1 - row[0]);
        result(i, 1) = static_cast<float>(row[0]);
      } else {
        for (std::size_t k = 0; k < row.size(); ++k)
          result(i, k) = static_cast<float>(sum > 0 ? row[k] / sum : 1 / static_cast<double>(row.size()));
      }
    }
    return result;
  }

  Predictions decide_with_probabilities(const Matrix& examples) const override {
    const Matrix scores = scores_.of(examples);
    return {decide_by_scores(scores), probabilities_of(scores)};
  }

  void save_state(TensorArchive& archive, const std::string& prefix) const override {
    std::vector<double> slopes, offsets;
    for (const Sigmoid& sigmoid : sigmoids_) {
      slopes.push_back(sigmoid.slope);
      offsets.push_back(sigmoid.offset);
    }
    archive.put(prefix + "weights", scores_.weights, {scores_.outputs, scores_.columns + 1});
    archive.put(prefix + "sigmoid_slope", slopes);
    archive.put(prefix + "sigmoid_offset", offsets);
  }

  void load_state(const TensorArchive& archive, const std::string& prefix) override {
    scores_ = {outputs(), columns(), archive.doubles(prefix + "weights", outputs() * (columns() + 1))};
    const auto slopes = archive.doubles(prefix + "sigmoid_slope", outputs());
    const auto offsets = archive.doubles(prefix + "sigmoid_offset", outputs());
    sigmoids_.clear();
    for (std::size_t k = 0; k < outputs(); ++k) sigmoids_.push_back({slopes[k], offsets[k]});
  }

  std::uint64_t seed_;
  double c_;
  bool probability_;
  LinearProblem problem_;
  LinearScores scores_;
  std::vector<Sigmoid> sigmoids_;
};

}  // namespace

const ClassifierDescriptor& linear_svm() {
  static const ClassifierDescriptor descriptor = {
      .kind = "linearsvc",
      .title = "Linear SVM, one against the rest",
      .summary = "squared hinge of each class against the rest, as scikit-learn's LinearSVC (liblinear)",
      .parameters = {parameter::number("C", "1.0", above(0), "inverse strength of the penalty")
                         .searched("log:-5:1:13", Simpler::smaller),
                     parameter::number("tol", "1e-4", above(0), "largest gradient entry at which the solver stops"),
                     parameter::integer("max_iter", "1000", between(1, 1e9), "maximum number of solver iterations"),
                     parameter::boolean("fit_intercept", "true", "whether to fit an intercept"),
                     class_weight_parameter(),
                     parameter::boolean("probability", "true", "calibrated probabilities instead of a softmax")},
      .searches = {{"wide", {"C=log:-5:1:13"}}},
      .make = [](const ParameterValues& given, std::uint64_t seed) {
        return std::make_unique<LinearSvm>(given, seed);
      }};
  return descriptor;
}

}  // namespace genrewise
