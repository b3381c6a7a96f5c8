// Interface of every classifier, and the descriptors of the kinds of classifiers.
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
#include "genrewise/models/training_curve.hpp"

namespace genrewise {

class Progress;
class SharedWork;
class TensorArchive;
struct BatchSource;
struct ClassifierDescriptor;

/// Examples to fit on. Everything is borrowed for the duration of the call.
struct TrainingData {
  const Matrix& examples;       ///< one row each
  std::span<const int> labels;  ///< of each row: 0 .. label_count - 1
  int label_count = 0;
  std::span<const std::string> groups = {};  ///< of each row (its artist); empty: unknown
  /// Factor of each label's weight in the loss; empty: 1. Only for kinds with the parameter class_weight.
  std::span<const double> label_weights = {};
};

/// Labels and class probabilities of the same examples.
struct Predictions {
  std::vector<int> labels;
  Matrix probabilities;  ///< examples x label_count; rows sum to 1
};

/// Optional context of a fit. All pointers are borrowed for the duration of the call; all but `work` are for networks.
struct FitContext {
  Progress* progress = nullptr;           ///< for classifiers that take long to fit
  std::filesystem::path run_folder = {};  ///< where networks store checkpoints and curves, and continue from them
  bool replace_run = false;  ///< a run folder of another or a damaged run is emptied with a note, not refused
  std::filesystem::path embeddings_folder = {};  ///< shared by fits on common examples; empty: run_folder
  bool epoch_notes = true;                       ///< report every epoch as a note, besides the progress
  std::vector<std::string> labels = {};          ///< the labels' names, compared with those of an existing run folder
  std::string ranks_address = {};                ///< "host:port" of rank 0 where several processes train together
  int rank = 0, ranks = 1;
  /// Examples that are measured after every epoch and decide when to stop and which weights to keep; fit() only.
  const TrainingData* validation = nullptr;
  /// Curve of an earlier fit with a validation part, on fewer examples: this fit uses its learning rates, holds no
  /// examples out, and ends after its chosen epoch.
  const TrainingCurve* follow = nullptr;
  TrainingCurve* curve = nullptr;  ///< receives the curve of this fit
  /// Intermediate results shared with other fits on the same tables. The classifier also uses it in predictions, but
  /// does not keep it alive: it is used as long as its owner keeps it.
  std::shared_ptr<SharedWork> work = nullptr;
};

/// A classifier before and after it is fitted. Rows are examples; labels are 0 .. label_count - 1.
class Classifier {
 public:
  virtual ~Classifier() = default;

  virtual const ClassifierDescriptor& descriptor() const = 0;
  std::string_view kind() const;                     ///< "svm"
  virtual const Parameters& parameters() const = 0;  ///< all of them, defaults filled in

  /// Throws Error on unsuitable data (a value that is not finite: names row and column; fewer than two labels present).
  /// A label without examples is allowed and gets probability 0.
  virtual void fit(const TrainingData& data, const FitContext& context = {}) = 0;
  /// As fit(), from batches; the validation part, where there is one, decides when to stop and which weights to keep.
  /// Throws Interrupted after writing a checkpoint to the run folder, from which the same call continues. Throws Error
  /// where the descriptor does not state the capability `batches`.
  virtual void fit_batches(const BatchSource& source, const FitContext& context = {});

  /// Predicted labels, as scikit-learn's predict() (for most classifiers the most probable one; an SVM votes by its
  /// decision values, which its calibrated probabilities need not follow), and class probabilities. Throws Error when
  /// the number of columns differs from the one it was fitted on. Thread-safe.
  virtual Predictions predict_with_probabilities(const Matrix& examples) const = 0;
  std::vector<int> predict(const Matrix& examples) const { return predict_with_probabilities(examples).labels; }
  Matrix predict_probabilities(const Matrix& examples) const {
    return predict_with_probabilities(examples).probabilities;
  }
  /// Scores from which labels are decided, as scikit-learn's decision_function(): a column for each label that occurs
  /// in the training examples, or for two labels a single one, above 0 for the second. Throws Error where the
  /// descriptor does not state the capability `scores`. Thread-safe.
  virtual Matrix scores(const Matrix& examples) const;
  /// Iterations of each solver in the last fit(), for kinds with the parameter max_iter; not saved.
  virtual std::span<const long long> iterations() const { return {}; }

  /// Registers with `work` what fit() and predictions will request from it. Call it for all classifiers that share
  /// `work` before the first of them is fitted, so that the first computation covers the needs of all.
  virtual void announce(SharedWork& /*work*/) const {}

  /// The fitted state, under names that start with `prefix`; load() restores it with identical predictions.
  virtual void save(TensorArchive& archive, const std::string& prefix) const = 0;
  virtual void load(const TensorArchive& archive, const std::string& prefix) = 0;
};

/// A named search space: candidates of several parameters, each in the grammar of models/model_spec.hpp.
struct SearchSpace {
  std::string name;  ///< "study", "wide"
  std::vector<std::string> axes;
};

/// A kind of classifier with some parameters fixed and others to be searched, under its own name.
struct ModelPreset {
  std::string name, title;  ///< "svm-rbf", "SVM, RBF kernel"
  Parameters parameters = {};
  std::vector<std::string> axes = {};  ///< the search space that a study evaluates on the validation part
  bool in_study = false;               ///< whether a study includes it when no models are named
};

struct ClassifierCapabilities {
  bool plain_features = false;  ///< takes features unchanged (a waveform, an image): no standardisation before it
  bool batches = false;         ///< fit_batches()
  bool neural_program = false;  ///< fitted by the program genrewise-neural
  bool trainable = true;        ///< false: nothing is fitted, and studies cannot compare it
  bool members = false;         ///< an ensemble of other classifiers, whose parameters are NAME.PARAMETER
  bool scores = false;          ///< scores()
};

struct ClassifierDescriptor {
  std::string kind;     ///< "svm"
  std::string title;    ///< "Support vector machine"
  std::string summary;  ///< one line: the method, and whose implementation it follows
  std::vector<ParameterDescriptor> parameters = {};
  std::vector<SearchSpace> searches = {};
  std::vector<ModelPreset> presets = {};
  ClassifierCapabilities capabilities = {};
  std::function<std::unique_ptr<Classifier>(const ParameterValues& parameters, std::uint64_t seed)> make = {};
};

/// All kinds, in listing order.
std::vector<const ClassifierDescriptor*> classifier_descriptors();
/// The kinds that can be trained.
std::vector<std::string> classifier_kinds();
/// Null for an unknown kind.
const ClassifierDescriptor* find_classifier(std::string_view kind);
/// Throws UnknownName, listing the existing kinds.
const ClassifierDescriptor& classifier_descriptor(std::string_view kind);
/// The parameters with defaults filled in. Throws Error for one that is unknown or not allowed, with the allowed ones.
ParameterValues check_parameters(const ClassifierDescriptor& descriptor, const Parameters& given);

/// A classifier of that kind. Throws as classifier_descriptor() and check_parameters() do.
std::unique_ptr<Classifier> make_classifier(std::string_view kind, const Parameters& parameters, std::uint64_t seed);

}  // namespace genrewise
