// Interface of every classifier, and what each kind of classifier declares of itself.
//
//     auto classifier = make_classifier("svm", {{"C", "10"}}, seed);
//     classifier->fit({examples, labels, label_count});
//     const Predictions predicted = classifier->predict_with_probabilities(others);
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/descriptor.hpp"
#include "genrewise/base/matrix.hpp"

namespace genrewise {

class Progress;
class SharedWork;
class TensorArchive;
struct BatchSource;
struct ClassifierDescriptor;

/// Examples to fit on. Everything is borrowed for the call.
struct TrainingData {
  const Matrix& examples;       ///< one row each
  std::span<const int> labels;  ///< of each row: 0 .. label_count - 1
  int label_count = 0;
  std::span<const std::string> groups = {};  ///< of each row (its artist); empty: not known
};

/// Labels and class probabilities of the same examples.
struct Predictions {
  std::vector<int> labels;
  Matrix probabilities;  ///< examples x label_count; rows sum to 1
};

/// What may accompany a fit; everything may be left out.
struct FitContext {
  Progress* progress = nullptr;           ///< for classifiers that take long
  std::filesystem::path run_folder = {};  ///< where networks store checkpoints and curves, and continue from them
  std::vector<std::string> labels = {};   ///< the labels' names, by which a run folder recognises its data
  std::string ranks_address = {};         ///< "host:port" of rank 0 where several processes train together
  int rank = 0, ranks = 1;
  /// Intermediate results shared with other fits on the same tables. The classifier remembers it for its predictions
  /// without keeping it alive: it is used as long as its owner keeps it.
  std::shared_ptr<SharedWork> work = nullptr;
};

/// A classifier before and after it is fitted. Rows are examples; labels are 0 .. label_count - 1.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const ClassifierDescriptor& descriptor() const = 0;
  std::string_view kind() const;                     ///< "svm"
  virtual const Parameters& parameters() const = 0;  ///< all of them, defaults filled in

  /// Throws Error on data that it cannot be fitted to (not finite: names row and column; fewer than two labels
  /// present). A label that no example has is allowed and gets probability 0.
  virtual void fit(const TrainingData& data, const FitContext& context = {}) = 0;
  /// As fit(), from batches; the validation part, where there is one, decides when to stop and which weights to keep.
  /// Throws Interrupted after a checkpoint is in the run folder, from which the same call continues. Throws Error where
  /// the descriptor does not announce `batches`.
  virtual void fit_batches(const BatchSource& source, const FitContext& context = {});

  /// The labels that the classifier decides for, as scikit-learn's predict() does (for most classifiers the most
  /// probable one; an SVM votes by its decision values, which its calibrated probabilities need not follow), and the
  /// class probabilities. Throws Error when the number of columns is not the one it was fitted on. Thread-safe.
  virtual Predictions predict_with_probabilities(const Matrix& examples) const = 0;
  std::vector<int> predict(const Matrix& examples) const;
  Matrix predict_probabilities(const Matrix& examples) const;

  /// Tells `work` what fit() and predictions will ask it for. Call it for all classifiers that share before the first
  /// of them is fitted, so that what is computed first serves the others too.
  virtual void announce(SharedWork& /*work*/) const {}

  /// The fitted state under names that start with `prefix`; load() restores it to identical predictions.
  virtual void save(TensorArchive& archive, const std::string& prefix) const = 0;
  virtual void load(const TensorArchive& archive, const std::string& prefix) = 0;
};

/// A named search space: candidates of several parameters, each in the grammar of models/model_spec.hpp.
struct SearchSpace {
  std::string name;  ///< "study", "wide"
  std::vector<std::string> axes;
};

/// A kind of classifier with some parameters fixed and others to be chosen, under a name of its own.
struct ModelPreset {
  std::string name, title;  ///< "svm-rbf", "SVM, RBF kernel"
  Parameters parameters = {};
  std::vector<std::string> axes = {};  ///< what a study chooses from on the validation part
  bool in_study = false;               ///< whether a study compares it when no models are named
};

struct ClassifierCapabilities {
  bool plain_features = false;  ///< takes features as they are (a waveform, an image): no standardisation before it
  bool batches = false;         ///< fit_batches()
  bool neural_program = false;  ///< fitted by the program genrewise-neural
  bool trainable = true;        ///< false: nothing is fitted, and studies cannot compare it
  bool members = false;         ///< made of other classifiers, whose parameters are NAME.PARAMETER
};

struct ClassifierDescriptor {
  std::string kind;     ///< "svm"
  std::string title;    ///< "Support vector machine"
  std::string summary;  ///< one line: what it is, and whose behaviour it follows
  std::vector<ParameterDescriptor> parameters = {};
  std::vector<SearchSpace> searches = {};
  std::vector<ModelPreset> presets = {};
  ClassifierCapabilities capabilities = {};
  std::function<std::unique_ptr<Classifier>(const ParameterValues& parameters, std::uint64_t seed)> make = {};
};

/// All kinds, in the order in which they are listed for people.
std::vector<const ClassifierDescriptor*> classifier_descriptors();
/// The kinds that can be trained.
std::vector<std::string> classifier_kinds();
/// Null where there is none of that kind.
const ClassifierDescriptor* find_classifier(std::string_view kind);
/// Throws UnknownName, listing the kinds that there are.
const ClassifierDescriptor& classifier_descriptor(std::string_view kind);
/// The parameters with defaults filled in. Throws Error for one that is unknown or not allowed, saying what there is.
ParameterValues check_parameters(const ClassifierDescriptor& descriptor, const Parameters& given);

/// A classifier of that kind. Throws as classifier_descriptor() and check_parameters() do.
std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed);

}  // namespace genrewise
