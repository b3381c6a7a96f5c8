// A fitted classifier with its preprocessing and metadata, and the model file.
//
//     const Model model = load_model("genres.gwm");
//     const Predictions predictions = model.predict_with_probabilities(features);
#pragma once

#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/confidence.hpp"
#include "genrewise/models/preprocessing.hpp"

namespace genrewise {

struct Model {
  std::vector<std::string> labels;
  FeatureRecipe recipe;
  std::vector<FeatureColumn> columns;
  Preprocessor preprocessor;  ///< standardisation and PCA, fitted on the training part only
  std::unique_ptr<Classifier> classifier;
  Confidence confidence;  ///< calibrates the predicted probabilities
  Novelty novelty;        ///< of raw features
  nlohmann::json facts;   ///< training data fingerprint, split, seed, scores, program version: not used in predictions

  /// rows x labels, from raw features; `offsets` as in FeatureTable. Throws Error when the number of columns differs
  /// from the model's, when a value is not finite (names its row and column), and when the classifier does not return
  /// probabilities of the model's labels (a model from a file may hold any numbers).
  Predictions predict_with_probabilities(const Matrix& features, std::span<const double> offsets = {}) const;
  Matrix predict_probabilities(const Matrix& features, std::span<const double> offsets = {}) const;
  std::vector<int> predict(const Matrix& features, std::span<const double> offsets = {}) const;
  /// Throws Error, naming both, when the features have another recipe or other columns.
  void require_features(const FeatureRecipe& other, const std::vector<FeatureColumn>& other_columns) const;

 private:
  Matrix prepared(const Matrix& features, std::span<const double> offsets) const;
};

/// One `.gwm` file (docs/model_format.md). Throws Error, also for a model that needs more than 4 GiB.
void save_model(const Model& model, const std::filesystem::path& path);
/// Throws Error for a foreign, damaged or newer file, with the reason; for one whose labels, columns, shapes and
/// references do not fit together or whose numbers are not finite; and for one above 4 GiB. Takes at most twice the
/// memory of the file and 30 times that of its header.
Model load_model(const std::filesystem::path& path);
/// The same for a file's bytes; `name` is used in error messages.
Model parse_model(std::string bytes, const std::string& name);

}  // namespace genrewise
