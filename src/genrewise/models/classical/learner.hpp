// Base of the classical classifiers: checks input, and puts labels aside that no example has.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classifier.hpp"
#include "genrewise/models/shared_work.hpp"

namespace genrewise {

/// Throws Error that names row and column of the first number that is not finite.
void require_finite(const Matrix& examples, std::string_view what);

class Learner : public Classifier {
 public:
  const ClassifierDescriptor& descriptor() const final { return descriptor_; }
  const Parameters& parameters() const final { return parameters_.all(); }
  void fit(const TrainingData& data, const FitContext& context) final;
  Predictions predict_with_probabilities(const Matrix& examples) const final;
  void save(TensorArchive& archive, const std::string& prefix) const final;
  void load(const TensorArchive& archive, const std::string& prefix) final;

 protected:
  Learner(const ClassifierDescriptor& descriptor, const ParameterValues& parameters)
      : descriptor_(descriptor), parameters_(parameters) {}

  /// At least two classes, numbered 0 .. classes-1, each with at least one example; all numbers finite.
  virtual void learn(const Matrix& examples, std::span<const int> classes, int class_count) = 0;
  /// examples x classes; rows sum to 1.
  virtual Matrix probabilities(const Matrix& examples) const = 0;
  /// probabilities() with the class decided for: the first of the most probable ones, unless it is overridden.
  virtual Predictions decide_with_probabilities(const Matrix& examples) const;
  virtual void save_state(TensorArchive& archive, const std::string& prefix) const = 0;
  /// class_count() and columns() are known already.
  virtual void load_state(const TensorArchive& archive, const std::string& prefix) = 0;

  const ParameterValues& read() const { return parameters_; }
  std::size_t columns() const { return columns_; }
  int class_count() const { return static_cast<int>(present_.size()); }
  /// The last fit's; null where it had none, or its owner has let it go.
  std::shared_ptr<SharedWork> shared_work() const { return work_.lock(); }

 private:
  void require_columns(const Matrix& examples) const;
  Matrix widened(Matrix narrow) const;

  const ClassifierDescriptor& descriptor_;
  ParameterValues parameters_;
  std::size_t columns_ = 0;
  int label_count_ = 0;
  std::vector<int> present_;  // class -> label
  std::weak_ptr<SharedWork> work_;
};

/// The parameter class_weight, for class_weights().
ParameterDescriptor class_weight_parameter();

/// How often each class occurs.
std::vector<std::size_t> class_sizes(std::span<const int> classes, int class_count);
/// The fold of each example: each class shuffled and dealt out.
std::vector<std::size_t> stratified_folds(std::span<const int> classes, int class_count, std::size_t folds,
                                          std::uint64_t seed);
/// A weight for each class: 1, or "balanced" as scikit-learn: examples / (classes * examples of the class).
std::vector<double> class_weights(const ParameterValues& parameters, std::span<const int> classes, int class_count);
/// The first of the largest in each row.
std::vector<int> row_argmax(const Matrix& scores);
/// exp(x - log-sum-exp(x)), in place, for one row of log scores.
void softmax_row(std::span<const double> scores, std::span<float> out);

}  // namespace genrewise
