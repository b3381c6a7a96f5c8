// Base class of the classical classifiers: validates the input and maps labels to the classes that occur.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"
#include "genrewise/models/shared_work.hpp"

namespace genrewise {

/// Throws Error that names row and column of the first value that is not finite; `what` is where in the message.
void require_finite(const Matrix& examples, std::string_view what);

/// Throws Error where the numbers of examples and labels differ, or a label is not one of 0 .. label_count - 1.
void require_labels(const Matrix& examples, std::span<const int> labels, int label_count, const std::string& kind);

class ClassicalClassifier : public Classifier {
 public:
  const ClassifierDescriptor& descriptor() const final { return descriptor_; }
  const Parameters& parameters() const final { return parameters_.all(); }
  void fit(const TrainingData& data, const FitContext& context) final;
  Predictions predict_with_probabilities(const Matrix& examples) const final;
  Matrix scores(const Matrix& examples) const final;
  std::span<const long long> iterations() const final { return iterations_; }
  void save(TensorArchive& archive, const std::string& prefix) const final;
  void load(const TensorArchive& archive, const std::string& prefix) final;

 protected:
  ClassicalClassifier(const ClassifierDescriptor& descriptor, const ParameterValues& parameters)
      : descriptor_(descriptor), parameters_(parameters) {}

  /// At least two classes, numbered 0 .. classes-1, each with at least one example; all values are finite.
  virtual void fit_classes(const Matrix& examples, std::span<const int> classes, int class_count) = 0;
  /// examples x classes; rows sum to 1.
  virtual Matrix probabilities(const Matrix& examples) const = 0;
  /// probabilities() with the predicted class: the first of the most probable ones unless overridden.
  virtual Predictions decide_with_probabilities(const Matrix& examples) const;
  /// scores() of one column for each class, or of one column for two classes.
  virtual Matrix decision_values(const Matrix& examples) const { return Classifier::scores(examples); }
  virtual void save_state(TensorArchive& archive, const std::string& prefix) const = 0;
  /// class_count() and columns() are already set.
  virtual void load_state(const TensorArchive& archive, const std::string& prefix) = 0;

  const ParameterValues& read() const { return parameters_; }
  /// The enumerator at the position of the chosen word in the declaration of a choice.
  template <class Enum>
  Enum chosen(std::string_view name) const {
    const std::vector<std::string>& words = find_parameter(descriptor_.parameters, name)->words;
    return static_cast<Enum>(std::ranges::find(words, read().text(name)) - words.begin());
  }
  /// Adds a score for each class to zeros, for one example.
  using AddScores = std::function<void(std::span<const float> example, std::span<double> scores)>;
  /// examples x classes: the softmax of the scores, over all threads.
  Matrix softmax_of(const Matrix& examples, const AddScores& add) const;
  /// The scores as decision_values().
  Matrix decision_values_of(const Matrix& examples, const AddScores& add) const;
  std::size_t decision_columns() const { return present_.size() == 2 ? 1 : present_.size(); }
  /// Weight of each class: the label_weights of fit() times 1, or "balanced" as scikit-learn: examples / (classes *
  /// examples of the class).
  std::vector<double> class_weights(std::span<const int> classes) const;
  std::size_t columns() const { return columns_; }
  int class_count() const { return static_cast<int>(present_.size()); }
  /// From the last fit; null if it had none, or its owner has released it.
  std::shared_ptr<SharedWork> shared_work() const { return work_.lock(); }

  std::vector<long long> iterations_;  // set by fit_classes() of kinds with the parameter max_iter

 private:
  using FinishScores = void (*)(std::span<const double> scores, std::span<float> out);
  Matrix finished(const Matrix& examples, std::size_t columns, const AddScores& add, FinishScores finish) const;
  void require_columns(const Matrix& examples) const;
  Matrix widened(Matrix narrow) const;

  const ClassifierDescriptor& descriptor_;
  ParameterValues parameters_;
  std::size_t columns_ = 0;
  int label_count_ = 0;
  std::vector<int> present_;           // class -> label
  std::vector<double> given_weights_;  // of each class; empty: 1
  std::weak_ptr<SharedWork> work_;
};

/// The parameter class_weight, read by ClassicalClassifier::class_weights().
ParameterDescriptor class_weight_parameter();

/// Number of examples of each class.
std::vector<std::size_t> class_sizes(std::span<const int> classes, int class_count);
/// The fold of each example: each class is shuffled and distributed over the folds in turn.
std::vector<std::size_t> stratified_folds(std::span<const int> classes, int class_count, std::size_t folds,
                                          std::uint64_t seed);
/// The first of the largest values in each row.
std::vector<int> row_argmax(const Matrix& scores);
/// Evenly spaced rows, at most that many.
Matrix sample_of(const Matrix& examples, std::size_t most);
/// exp(x - log-sum-exp(x)) for one row of log scores.
void softmax_row(std::span<const double> scores, std::span<float> out);
/// The scores, or where `out` has one column the second less the first.
void decision_row(std::span<const double> scores, std::span<float> out);

}  // namespace genrewise
