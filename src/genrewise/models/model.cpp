#include "genrewise/models/model.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/models/classifiers.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;
constexpr std::string_view kFormat = "genrewise model";
constexpr std::string_view kPreprocessorPrefix = "preprocessor.";
constexpr std::string_view kClassifierPrefix = "classifier.";
constexpr std::string_view kConfidencePrefix = "confidence.";  // optional, as the next
constexpr std::string_view kNoveltyPrefix = "novelty.";
constexpr std::uint64_t kLargestFile = std::uint64_t{4} << 30;
constexpr std::uint64_t kLargestHeader = 100'000'000;  // of safetensors

std::string text_of(const FeatureColumn& column) {
  std::string text = column.feature;
  for (const std::string& part : {column.statistic, column.number})
    if (!part.empty()) text += " " + part;
  return text;
}

/// A model from a file may lack what training guarantees.
void check_predictions(const Predictions& predictions, std::size_t rows, std::size_t labels) {
  constexpr double kTolerance = 0.01;  // rounding of some thousand float shares
  const Matrix& shares = predictions.probabilities;
  bool sound = predictions.labels.size() == rows && shares.rows() == rows && shares.cols() == labels;
  for (std::size_t i = 0; sound && i < rows; ++i) {
    double sum = 0;
    for (const float share : shares.row(i)) {
      sum += share;
      sound = sound && share >= -kTolerance;  // false for NaN
    }
    const int label = predictions.labels[i];
    sound = sound && std::abs(sum - 1) <= kTolerance && label >= 0 && static_cast<std::size_t>(label) < labels;
  }
  if (!sound)
    throw Error("its predictions are not probabilities of its labels", "model",
                "the model is unusable, or was trained on features of another scale: train it again");
}

json recipe_json(const FeatureRecipe& recipe) {
  return {{"name", any_text(recipe.name)}, {"version", recipe.version}, {"hash", any_text(recipe.hash)}};
}

void check_seal(const TensorArchive& archive) {
  if (archive.seal() != Seal::sound)
    throw Error("the model file is damaged (its checksum does not fit)", archive.name(),
                "copy it again from its source, or train it again");
}

void check_format(const TensorArchive& archive) {
  const auto format = archive.metadata.find("format");
  if (format == archive.metadata.end() || format->second != kFormat)
    throw Error("is a safetensors file, but not a genrewise model", archive.name(),
                "give a .gwm file that `genrewise train` or `study` has written");
  const auto version = archive.metadata.find("format_version");
  const std::string found = version == archive.metadata.end() ? "none" : version->second;
  if (found != std::to_string(kFormatVersion))
    throw Error(
        "has model format version " + found + ", and this program reads version " + std::to_string(kFormatVersion),
        archive.name(), "use the version of genrewise that wrote it, or train it again");
}

json metadata_json(const TensorArchive& archive, const char* key) {
  const auto found = archive.metadata.find(key);
  if (found == archive.metadata.end()) throw Error("its metadata lack '" + std::string(key) + "'", archive.name());
  return parse_json(found->second, archive.name());
}

template <class Value>
void check_finite(const Tensor& tensor, const std::string& name, const std::string& where) {
  for (std::size_t at = 0; at < tensor.bytes.size(); at += sizeof(Value)) {
    Value value;
    std::memcpy(&value, tensor.bytes.data() + at, sizeof value);
    if (!std::isfinite(value)) throw Error("tensor '" + name + "' has a value that is not a finite number", where);
  }
}

void check_finite(const TensorArchive& archive) {
  for (const auto& [name, tensor] : archive.tensors()) {
    if (tensor.dtype == "F32") check_finite<float>(tensor, name, archive.name());
    if (tensor.dtype == "F64") check_finite<double>(tensor, name, archive.name());
  }
}

/// The number of columns after preprocessing.
std::size_t prepared_columns(const Model& model, const TensorArchive& archive) {
  const std::size_t expected = model.preprocessor.input_columns();
  if (model.labels.empty() || model.columns.empty())
    throw Error("the model has no labels or no columns", archive.name());
  if (expected != 0 && expected != model.columns.size())
    throw Error("its preprocessing takes " + std::to_string(expected) + " columns, but the model has " +
                    std::to_string(model.columns.size()),
                archive.name());
  return expected == 0 ? model.columns.size() : model.preprocessor.output_columns();
}

Model read_parts(const TensorArchive& archive) {
  Model model;
  model.labels = any_texts(metadata_json(archive, "labels"));
  const json recipe = metadata_json(archive, "recipe");
  model.recipe = {any_text(recipe.at("name")), recipe.at("version").get<int>(), any_text(recipe.at("hash"))};
  for (const json& column : metadata_json(archive, "columns"))
    model.columns.push_back({any_text(column.at(0)), any_text(column.at(1)), any_text(column.at(2))});
  check_finite(archive);
  model.preprocessor.load(archive, std::string(kPreprocessorPrefix));
  require_state_of(archive, std::string(kClassifierPrefix), model.labels.size(), prepared_columns(model, archive));
  const json classifier = metadata_json(archive, "classifier");
  const auto kind = classifier.at("kind").get<std::string>();
  if (!classifier_descriptor(kind).capabilities.trainable)
    throw Error("a model file holds a trained classifier, which '" + kind + "' is not", archive.name());
  model.classifier = make_classifier(kind, classifier.at("parameters").get<Parameters>(), 0);
  model.classifier->load(archive, std::string(kClassifierPrefix));
  const auto has = [&](std::string_view prefix) {
    return std::ranges::any_of(archive.tensors(), [&](const auto& one) { return one.first.starts_with(prefix); });
  };
  if (has(kConfidencePrefix)) model.confidence.load(archive, std::string(kConfidencePrefix), model.labels.size());
  if (has(kNoveltyPrefix)) model.novelty.load(archive, std::string(kNoveltyPrefix), model.columns.size());
  model.facts = metadata_json(archive, "facts");
  return model;
}

}  // namespace

Matrix Model::prepared(const Matrix& features, std::span<const double> offsets) const {
  if (features.cols() != columns.size())
    throw Error("the model expects " + std::to_string(columns.size()) + " features (" + recipe.name + "), not " +
                std::to_string(features.cols()));
  for (std::size_t i = 0; i < features.rows(); ++i)
    for (std::size_t j = 0; j < features.cols(); ++j)
      if (!std::isfinite(features(i, j)))
        throw Error("feature '" + text_of(columns[j]) + "' is not a finite number",
                    "row " + std::to_string(i) + " of the features");
  return preprocessor.transform(features, offsets);
}

Predictions Model::predict_with_probabilities(const Matrix& features, std::span<const double> offsets) const {
  Predictions predictions = classifier->predict_with_probabilities(prepared(features, offsets));
  check_predictions(predictions, features.rows(), labels.size());
  confidence.calibrate(predictions.probabilities);
  return predictions;
}

Matrix Model::predict_probabilities(const Matrix& features, std::span<const double> offsets) const {
  return predict_with_probabilities(features, offsets).probabilities;
}

std::vector<int> Model::predict(const Matrix& features, std::span<const double> offsets) const {
  return predict_with_probabilities(features, offsets).labels;
}

void Model::require_features(const FeatureRecipe& other, const std::vector<FeatureColumn>& other_columns) const {
  const auto text = [](const FeatureRecipe& r) { return r.name + " version " + std::to_string(r.version); };
  if (other != recipe)
    throw Error("the model was trained on " + text(recipe) + " (" + recipe.hash.substr(0, 12) +
                    "), and these features are " + text(other) + " (" + other.hash.substr(0, 12) + ")",
                "features", "extract them with the model's recipe, or train a model on these");
  if (other_columns.size() != columns.size())
    throw Error("the model was trained on " + std::to_string(columns.size()) + " columns, and these features have " +
                    std::to_string(other_columns.size()),
                "features");
  for (std::size_t i = 0; i < columns.size(); ++i)
    if (columns[i] != other_columns[i])
      throw Error("column " + std::to_string(i) + " is '" + text_of(other_columns[i]) + "', and the model's is '" +
                      text_of(columns[i]) + "'",
                  "features");
}

void save_model(const Model& model, const std::filesystem::path& path) {
  TensorArchive archive(path.string());
  json columns = json::array();
  for (const FeatureColumn& column : model.columns)
    columns.push_back({any_text(column.feature), any_text(column.statistic), any_text(column.number)});
  const json classifier = {{"kind", model.classifier->kind()}, {"parameters", model.classifier->parameters()}};
  archive.metadata = {
      {"format", std::string(kFormat)},
      {"format_version", std::to_string(kFormatVersion)},
      {"labels", any_texts(model.labels).dump()},
      {"recipe", recipe_json(model.recipe).dump()},
      {"columns", columns.dump()},
      {"classifier", classifier.dump()},
      {"facts", model.facts.dump(-1, ' ', false, json::error_handler_t::replace)},
  };
  model.preprocessor.save(archive, std::string(kPreprocessorPrefix));
  model.classifier->save(archive, std::string(kClassifierPrefix));
  model.confidence.save(archive, std::string(kConfidencePrefix));
  model.novelty.save(archive, std::string(kNoveltyPrefix));
  std::uint64_t bytes = kLargestHeader;
  for (const auto& [name, tensor] : archive.tensors()) bytes += tensor.bytes.size();
  if (bytes > kLargestFile)
    throw Error("the model has more numbers than a model file of at most 4 GiB holds", path.string(),
                "train fewer trees (n_estimators), limit max_depth, or reduce the columns (pca_components)");
  write_file(path, archive.serialise_sealed());
}

Model load_model(const std::filesystem::path& path) {
  const auto file = find_file(path);
  if (file && file->bytes > kLargestFile)
    throw Error("has " + std::to_string(file->bytes) + " bytes, and a model has at most 4 GiB", path.string(),
                "give a .gwm file that `genrewise train` or `study` has written");
  return parse_model(read_file(path), path.string());
}

Model parse_model(std::string bytes, const std::string& name) {
  const TensorArchive archive = TensorArchive::parse(std::move(bytes), name);
  check_format(archive);
  check_seal(archive);
  try {
    return read_parts(archive);
  } catch (const json::exception& problem) {
    throw Error("its metadata are not those of a model: " + problem_of(problem), name);
  } catch (const UnknownName& problem) {
    throw UnknownName(problem.problem(), name, problem.remedy());
  } catch (const Error& problem) {
    if (problem.where() == name) throw;
    throw Error(problem.what(), name);
  }
}

}  // namespace genrewise
