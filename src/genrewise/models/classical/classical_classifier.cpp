#include "genrewise/models/classical/classical_classifier.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/base/floats.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {

namespace {

constexpr std::size_t kProbedRows = 16;
constexpr std::size_t kRowBlock = 64;  // rows that a thread predicts at a time

/// Of a fitted classifier: sums of huge or tiny values can leave the range of floating point in any solver.
void require_finite_probabilities(const Matrix& probabilities, const std::string& kind) {
  if (all_finite(probabilities.values())) return;
  throw Error("cannot be fitted to these columns: its probabilities are not finite numbers", kind,
              "leave standardise at true or scale the columns, and check the values of C, gamma and coef0");
}

}  // namespace

void require_finite(const Matrix& examples, std::string_view what) {
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    if (all_finite(examples.row(i))) continue;
    const auto row = examples.row(i);
    const auto bad = std::ranges::find_if_not(row, [](float value) { return std::isfinite(value); });
    throw Error("the value " + std::to_string(*bad) + " in row " + std::to_string(i) + ", column " +
                    std::to_string(bad - row.begin()) + " is not a finite number",
                std::string(what));
  }
}

void require_labels(const Matrix& examples, std::span<const int> labels, int label_count, const std::string& kind) {
  if (examples.rows() != labels.size())
    throw Error(std::to_string(examples.rows()) + " examples have " + std::to_string(labels.size()) + " labels", kind);
  for (int label : labels)
    if (label < 0 || label >= label_count)
      throw Error("label " + std::to_string(label) + " is not one of 0 .. " + std::to_string(label_count - 1), kind);
}

void ClassicalClassifier::require_columns(const Matrix& examples) const {
  if (present_.empty()) throw Error("has not been fitted yet", descriptor_.kind);
  if (examples.cols() != columns_)
    throw Error("was fitted on " + std::to_string(columns_) + " columns and cannot predict from " +
                    std::to_string(examples.cols()),
                descriptor_.kind);
  require_finite(examples, descriptor_.kind);
}

void ClassicalClassifier::fit(const TrainingData& data, const FitContext& context) {
  const auto& [examples, labels, label_count, groups] = data;
  const std::string& kind = descriptor_.kind;
  require_labels(examples, labels, label_count, kind);
  if (examples.cols() == 0) throw Error("the examples have no columns", kind);
  const auto sizes = class_sizes(labels, std::max(label_count, 0));
  std::vector<int> class_of(sizes.size()), present;
  for (std::size_t label = 0; label < sizes.size(); ++label) {
    class_of[label] = static_cast<int>(present.size());
    if (sizes[label] > 0) present.push_back(static_cast<int>(label));
  }
  if (present.size() < 2)
    throw Error("the training examples have " + std::string(present.empty() ? "no" : "only one") + " label", kind,
                "give examples of at least two labels");
  require_finite(examples, kind);

  std::vector<int> classes(labels.size());
  std::ranges::transform(labels, classes.begin(), [&](int label) { return class_of[static_cast<std::size_t>(label)]; });
  present_ = std::move(present);
  label_count_ = label_count;
  columns_ = examples.cols();
  work_ = context.work;
  fit_classes(examples, classes, class_count());
  require_finite_probabilities(probabilities(sample_of(examples, kProbedRows)), kind);
}

Matrix ClassicalClassifier::widened(Matrix narrow) const {
  if (class_count() == label_count_) return narrow;
  Matrix wide(narrow.rows(), static_cast<std::size_t>(label_count_));
  for (std::size_t i = 0; i < narrow.rows(); ++i)
    for (std::size_t c = 0; c < present_.size(); ++c) wide(i, static_cast<std::size_t>(present_[c])) = narrow(i, c);
  return wide;
}

Predictions ClassicalClassifier::predict_with_probabilities(const Matrix& examples) const {
  require_columns(examples);
  Predictions predictions = decide_with_probabilities(examples);
  for (int& label : predictions.labels) label = present_[static_cast<std::size_t>(label)];
  return {std::move(predictions.labels), widened(std::move(predictions.probabilities))};
}

Predictions ClassicalClassifier::decide_with_probabilities(const Matrix& examples) const {
  Matrix found = probabilities(examples);
  std::vector<int> decided = row_argmax(found);
  return {std::move(decided), std::move(found)};
}

Matrix ClassicalClassifier::softmax_of(const Matrix& examples, const AddScores& add) const {
  Matrix result(examples.rows(), present_.size());
  blas::for_blocks(examples.rows(), kRowBlock, [&](std::size_t first, std::size_t count) {
    std::vector<double> scores(present_.size());
    for (std::size_t i = first; i < first + count; ++i) {
      std::ranges::fill(scores, 0.0);
      add(examples.row(i), scores);
      softmax_row(scores, result.row(i));
    }
  });
  return result;
}

void ClassicalClassifier::save(TensorArchive& archive, const std::string& prefix) const {
  if (present_.empty()) throw Error("has not been fitted yet", descriptor_.kind);
  std::vector<std::int64_t> present(present_.begin(), present_.end());
  archive.put(prefix + "present_labels", present);
  archive.put(prefix + "sizes", std::vector<std::int64_t>{label_count_, static_cast<std::int64_t>(columns_)});
  save_state(archive, prefix);
}

void ClassicalClassifier::load(const TensorArchive& archive, const std::string& prefix) {
  const auto sizes = archive.integers(prefix + "sizes", 2);
  const auto present = archive.integers(prefix + "present_labels", archive.count(prefix + "present_labels"));
  const bool sound = sizes[1] > 0 && sizes[1] <= 1'000'000'000 && sizes[0] <= 1'000'000 && present.size() >= 2 &&
                     std::ranges::adjacent_find(present, std::greater_equal<>()) == present.end() &&
                     present.front() >= 0 && present.back() < sizes[0];
  if (!sound) throw Error("the classifier's labels or columns are invalid", archive.name());
  label_count_ = static_cast<int>(sizes[0]);
  columns_ = static_cast<std::size_t>(sizes[1]);
  present_.assign(present.begin(), present.end());
  load_state(archive, prefix);
}

std::vector<std::size_t> class_sizes(std::span<const int> classes, int class_count) {
  std::vector<std::size_t> sizes(static_cast<std::size_t>(class_count));
  for (int c : classes) ++sizes[static_cast<std::size_t>(c)];
  return sizes;
}

std::vector<std::size_t> stratified_folds(std::span<const int> classes, int class_count, std::size_t folds,
                                          std::uint64_t seed) {
  Rng rng(seed);
  std::vector<std::size_t> fold(classes.size());
  for (int c = 0; c < class_count; ++c) {
    std::vector<std::size_t> examples_of_class;
    for (std::size_t i = 0; i < classes.size(); ++i)
      if (classes[i] == c) examples_of_class.push_back(i);
    rng.shuffle(std::span(examples_of_class));
    for (std::size_t k = 0; k < examples_of_class.size(); ++k) fold[examples_of_class[k]] = k % folds;
  }
  return fold;
}

ParameterDescriptor class_weight_parameter() {
  return parameter::choice("class_weight", "none", {"none", "balanced"},
                           "weights of the classes: equal, or inverse to their number of examples");
}

std::vector<double> class_weights(const ParameterValues& parameters, std::span<const int> classes, int class_count) {
  std::vector<double> weights(static_cast<std::size_t>(class_count), 1.0);
  if (parameters.is("class_weight", "none")) return weights;
  const auto sizes = class_sizes(classes, class_count);
  for (std::size_t c = 0; c < weights.size(); ++c)
    weights[c] =
        static_cast<double>(classes.size()) / (static_cast<double>(class_count) * static_cast<double>(sizes[c]));
  return weights;
}

std::vector<int> row_argmax(const Matrix& scores) {
  std::vector<int> best(scores.rows());
  for (std::size_t i = 0; i < scores.rows(); ++i) {
    const auto row = scores.row(i);
    best[i] = static_cast<int>(std::ranges::max_element(row) - row.begin());
  }
  return best;
}

Matrix sample_of(const Matrix& examples, std::size_t most) {
  const std::size_t count = std::min(most, examples.rows());
  std::vector<std::size_t> rows(count);
  for (std::size_t i = 0; i < count; ++i) rows[i] = i * examples.rows() / count;
  return examples.select_rows(rows);
}

void softmax_row(std::span<const double> scores, std::span<float> out) {
  const double largest = *std::ranges::max_element(scores);
  double sum = 0;
  for (double score : scores) sum += std::exp(score - largest);
  for (std::size_t c = 0; c < scores.size(); ++c) out[c] = static_cast<float>(std::exp(scores[c] - largest) / sum);
}

}  // namespace genrewise
