#include "genrewise/models/model.hpp"

#include <charconv>
#include <cmath>
#include <string_view>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;
constexpr std::string_view kFormat = "genrewise model";
constexpr std::string_view kPreprocessorPrefix = "preprocessor.";
constexpr std::string_view kClassifierPrefix = "classifier.";
constexpr std::size_t kSumDigits = 64;

std::string text_of(const FeatureColumn& column) {
  std::string text = column.feature;
  for (const std::string& part : {column.statistic, column.number})
    if (!part.empty()) text += " " + part;
  return text;
}

/// Any bytes as JSON: a string where they are UTF-8, else {"hex": "..."}.
json any_text(const std::string& text) {
  json value = text;
  try {
    value.dump();
    return value;
  } catch (const json::type_error&) {
    static constexpr std::string_view digits = "0123456789abcdef";
    std::string hex;
    for (unsigned char c : text) (hex += digits[c >> 4]) += digits[c & 15];
    return {{"hex", hex}};
  }
}

std::string any_text(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  const auto hex = value.at("hex").get<std::string>();
  std::string text;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char byte = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, byte, 16);
    text += static_cast<char>(byte);
  }
  return text;
}

json recipe_json(const FeatureRecipe& recipe) {
  return {{"name", any_text(recipe.name)}, {"version", recipe.version}, {"hash", any_text(recipe.hash)}};
}

std::string sum_field(std::string_view sum) {
  return "\"sha256\":\"" + std::string(sum) + "\"";
}

/// The checksum is taken over the whole file with its own digits set to zeros. Inside a JSON string a quote is escaped,
/// so the field's name with bare quotes occurs nowhere else.
void seal(std::string& bytes) {
  const std::string sum = sha256_hex(bytes);
  bytes.replace(bytes.find(sum_field(std::string(kSumDigits, '0'))), sum_field(sum).size(), sum_field(sum));
}

void check_seal(std::string bytes, const TensorArchive& archive) {
  const auto sum = archive.metadata.find("sha256");
  const std::size_t at = sum == archive.metadata.end() ? std::string::npos : bytes.find(sum_field(sum->second));
  bool sound = at != std::string::npos && sum->second.size() == kSumDigits;
  if (sound) {
    const std::string zeros = sum_field(std::string(kSumDigits, '0'));
    bytes.replace(at, zeros.size(), zeros);
    sound = sha256_hex(bytes) == sum->second;
  }
  if (!sound)
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
  return json::parse(found->second);
}

Model read_parts(const TensorArchive& archive) {
  Model model;
  for (const json& label : metadata_json(archive, "labels")) model.labels.push_back(any_text(label));
  const json recipe = metadata_json(archive, "recipe");
  model.recipe = {any_text(recipe.at("name")), recipe.at("version").get<int>(), any_text(recipe.at("hash"))};
  for (const json& column : metadata_json(archive, "columns"))
    model.columns.push_back({any_text(column.at(0)), any_text(column.at(1)), any_text(column.at(2))});
  model.preprocessor.load(archive, std::string(kPreprocessorPrefix));
  const json classifier = metadata_json(archive, "classifier");
  model.classifier =
      make_classifier(classifier.at("kind").get<std::string>(), classifier.at("parameters").get<Parameters>(), 0);
  model.classifier->load(archive, std::string(kClassifierPrefix));
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
  return classifier->predict_with_probabilities(prepared(features, offsets));
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
  json labels = json::array(), columns = json::array();
  for (const std::string& label : model.labels) labels.push_back(any_text(label));
  for (const FeatureColumn& column : model.columns)
    columns.push_back({any_text(column.feature), any_text(column.statistic), any_text(column.number)});
  const json classifier = {{"kind", model.classifier->kind()}, {"parameters", model.classifier->parameters()}};
  archive.metadata = {
      {"format", std::string(kFormat)},
      {"format_version", std::to_string(kFormatVersion)},
      {"labels", labels.dump()},
      {"recipe", recipe_json(model.recipe).dump()},
      {"columns", columns.dump()},
      {"classifier", classifier.dump()},
      {"facts", model.facts.dump(-1, ' ', false, json::error_handler_t::replace)},
      {"sha256", std::string(kSumDigits, '0')},
  };
  model.preprocessor.save(archive, std::string(kPreprocessorPrefix));
  model.classifier->save(archive, std::string(kClassifierPrefix));
  std::string bytes = archive.serialise();
  seal(bytes);
  write_file(path, bytes);
}

Model load_model(const std::filesystem::path& path) {
  return parse_model(read_file(path), path.string());
}

Model parse_model(std::string bytes, const std::string& name) {
  const TensorArchive archive = TensorArchive::parse(bytes, name);
  check_format(archive);
  check_seal(std::move(bytes), archive);
  try {
    return read_parts(archive);
  } catch (const json::exception& problem) {
    throw Error("its metadata are not those of a model: " + std::string(problem.what()), name);
  } catch (const UnknownName& problem) {
    throw UnknownName(problem.problem(), name, problem.remedy());
  } catch (const Error& problem) {
    if (problem.where() == name) throw;
    throw Error(problem.what(), name);
  }
}

}  // namespace genrewise
