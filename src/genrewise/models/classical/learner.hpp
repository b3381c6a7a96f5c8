// What all classical learners share: their input is checked, and labels that no example has are put aside.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/models/classical/parameters.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/shared_work.hpp"

namespace genrewise {

/// Throws Error that names row and column of the first number that is not finite.
void require_finite(const Matrix& examples, std::string_view what);

class Learner : public Classifier {
 public:
  std::string_view kind() const final { return kind_; }
  const Parameters& parameters() const final { return parameters_.all(); }
  void fit(const Matrix& examples, std::span<const int> labels, int label_count) final;
  Matrix predict_probabilities(const Matrix& examples) const final;
  std::vector<int> predict(const Matrix& examples) const final;
  Answers answer(const Matrix& examples) const final;
  void share(std::shared_ptr<SharedWork> work) final;
  void save(TensorArchive& archive, const std::string& prefix) const final;
  void load(const TensorArchive& archive, const std::string& prefix) final;

 protected:
  Learner(std::string_view kind, Parameters defaults, const Parameters& given)
      : kind_(kind), parameters_(kind, std::move(defaults), given) {}

  /// At least two classes, numbered 0 .. classes-1, each with at least one example; all numbers finite.
  virtual void learn(const Matrix& examples, std::span<const int> classes, int class_count) = 0;
  /// examples x classes; rows sum to 1.
  virtual Matrix probabilities(const Matrix& examples) const = 0;
  /// The class decided for; by default the first of the most probable ones.
  virtual std::vector<int> decide(const Matrix& examples) const;
  /// decide() and probabilities(); a learner that has its own decide() has its own of this.
  virtual Answers decide_with_probabilities(const Matrix& examples) const;
  /// Called by share(); `work` may be null. The place to announce what it will ask for.
  virtual void joined(const std::shared_ptr<SharedWork>& /*work*/) {}
  virtual void save_state(TensorArchive& archive, const std::string& prefix) const = 0;
  /// class_count() and columns() are known already.
  virtual void load_state(const TensorArchive& archive, const std::string& prefix) = 0;

  const ParameterReader& read() const { return parameters_; }
  std::size_t columns() const { return columns_; }
  int class_count() const { return static_cast<int>(present_.size()); }
  /// Null where nothing is shared.
  SharedWork* shared_work() const { return work_.get(); }

 private:
  void require_columns(const Matrix& examples) const;
  Matrix widened(Matrix narrow) const;
  std::vector<int> labels_of(std::vector<int> decided) const;

  std::string kind_;
  ParameterReader parameters_;
  std::size_t columns_ = 0;
  int label_count_ = 0;
  std::vector<int> present_;  // class -> label
  std::shared_ptr<SharedWork> work_;
};

/// How often each class occurs.
std::vector<std::size_t> class_sizes(std::span<const int> classes, int class_count);
/// The fold of each example: each class shuffled and dealt out.
std::vector<std::size_t> stratified_folds(std::span<const int> classes, int class_count, std::size_t folds,
                                          std::uint64_t seed);
/// A weight for each class: 1, or "balanced" as scikit-learn: examples / (classes * examples of the class).
std::vector<double> class_weights(const ParameterReader& parameters, std::span<const int> classes, int class_count);
/// The first of the largest in each row.
std::vector<int> row_argmax(const Matrix& scores);
/// exp(x - log-sum-exp(x)), in place, for one row of log scores.
void softmax_row(std::span<const double> scores, std::span<float> out);

}  // namespace genrewise
