// What every learner can do.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/matrix.hpp"

namespace genrewise {

class Progress;
class SharedWork;
class TensorArchive;

/// Parameters by scikit-learn's names, as text: {"n_neighbors", "21"}, {"gamma", "scale"}.
using Parameters = std::map<std::string, std::string, std::less<>>;
/// "C=10, kernel=poly".
std::string to_string(const Parameters& parameters);

/// What predict() and predict_probabilities() say of the same examples.
struct Answers {
  std::vector<int> labels;
  Matrix probabilities;  ///< examples x label_count
};

/// What may go with a fit beside the examples; all of it may be left out.
struct FitContext {
  Progress* progress = nullptr;      ///< for learners that take long
  std::filesystem::path run_folder;  ///< where such a learner keeps checkpoints and curves, and goes on from them
  std::vector<std::string>
      groups;  ///< of each example (its artist): what is held back does not share one with the rest
  std::vector<std::string> labels;  ///< by name, so that a run folder knows them again
  std::string ranks_address;        ///< "host:port" of rank 0 where several processes train together
  int rank = 0, ranks = 1;
};

/// A learner, before and after it has learnt. Rows are examples; labels are 0 .. label_count-1.
class Classifier {
 public:
  virtual ~Classifier() = default;
  virtual std::string_view kind() const = 0;         ///< "svm"
  virtual const Parameters& parameters() const = 0;  ///< all of them, defaults filled in
  /// Whether it takes features as they are (a waveform, an image), so that standardisation would harm.
  virtual bool wants_plain_features() const { return false; }
  /// For the fits that follow; most learners need nothing of it.
  virtual void set_fit_context(FitContext) {}
  /// Throws Error on data it cannot learn from (not finite: names row and column; fewer than two labels present).
  /// A label that no example has is allowed and gets probability 0.
  virtual void fit(const Matrix& examples, std::span<const int> labels, int label_count) = 0;
  /// examples x label_count; rows sum to 1. Throws Error when the number of columns is not the one it learnt.
  virtual Matrix predict_probabilities(const Matrix& examples) const = 0;
  /// The label the learner decides for, as scikit-learn's predict() does: for most the most probable one, but an SVM
  /// votes by its decision values, which its calibrated probabilities need not follow.
  virtual std::vector<int> predict(const Matrix& examples) const;
  /// Both answers, where they have work in common for the cost of one.
  virtual Answers answer(const Matrix& examples) const;
  /// From now on fit() and the predictions take from `work` what other learners have done on the same tables, and leave
  /// there what they do (see SharedWork); null ends it. A learner that has nothing to share does nothing.
  virtual void share(std::shared_ptr<SharedWork> /*work*/) {}
  /// The learnt state under names that start with `prefix`; load() takes it back to identical predictions.
  virtual void save(TensorArchive& archive, const std::string& prefix) const = 0;
  virtual void load(const TensorArchive& archive, const std::string& prefix) = 0;
};

/// A learner of that kind ("gnb", "knn", "logreg", "svm", ...) with these parameters. Throws UnknownName for an unknown
/// kind, Error for an unknown parameter or a value out of range, naming what there is.
std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed);
std::vector<std::string> classifier_kinds();

using ClassifierMaker = std::unique_ptr<Classifier> (*)(const Parameters& parameters, std::uint64_t seed);
/// Makes a kind known that is not built in (the neural half's). Call it before threads are started; a kind that is
/// there already gets the new maker.
void register_classifier(std::string kind, ClassifierMaker make);

}  // namespace genrewise
