#include "genrewise/study/run_document.hpp"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::size_t kCurvePoints = 60;  // epochs of a curve; the run folder has all

static_assert(std::endian::native == std::endian::little, "the numbers in files are little-endian");

std::string base64_of(const Matrix& numbers) {
  const auto values = numbers.values();
  return to_base64({reinterpret_cast<const char*>(values.data()), values.size_bytes()});
}

/// One row per test label and one column per genre; empty for a text of another size.
Matrix matrix_of(const std::string& base64, const ModelResult& result) {
  const std::string bytes = from_base64(base64);
  Matrix numbers(result.test_labels.size(), result.test.genres.size());
  if (bytes.size() != numbers.values().size_bytes()) return {};
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace

std::string document_text(const json& document) {
  return sealed_text(document, 1);
}

void require_known_version(const json& document, const std::string& where) {
  if (!document.is_object() || !document.contains("format_version")) return;
  const json& version = document.at("format_version");
  if (!version.is_number_integer()) throw Error("the format version is not an integer", where, "run it again");
  if (version > kRunFormatVersion) {
    throw NewerVersion(fmt::format("this is format version {}, but this program reads versions up to {}",
                                   version.dump(), kRunFormatVersion),
                       where, "use a newer genrewise");
  }
}

void require_document(const json& document, std::string_view format, std::initializer_list<const char*> names,
                      const std::string& where) {
  if (!document.is_object() || document.value("format", json()) != format) {
    throw Error(fmt::format("this is not a document of the format \"{}\"", format), where);
  }
  require_known_version(document, where);
  for (const char* name : names) {
    if (!document.contains(name)) {
      throw Error(fmt::format("the document lacks \"{}\"", name), where, "run the command that wrote it again");
    }
  }
}

json to_json(const ModelSpec& spec) {
  json grid = json::object();
  for (const GridAxis& axis : spec.grid) grid[axis.parameter] = axis.values;
  json document = {{"name", spec.name}, {"kind", spec.kind}, {"parameters", spec.parameters}, {"grid", grid}};
  if (!spec.features.empty()) document["features"] = spec.features;
  return document;
}

json to_json(const ModelResult& result, const std::vector<std::string>& labels) {
  json document = {{"name", result.name},
                   {"title", result.title},
                   {"kind", result.kind},
                   {"features", result.features},
                   {"columns", result.columns}};
  if (!result.error.empty()) {
    document["error"] = result.error;
    return document;
  }
  document.update(to_json(result.test, labels));
  json tried = json::array();
  for (const TriedPoint& point : result.tried) {
    if (point.error.empty()) {
      tried.push_back({{"parameters", point.parameters}, {"accuracy", point.accuracy}, {"log_loss", point.log_loss}});
    } else {
      tried.push_back({{"parameters", point.parameters}, {"error", point.error}});
    }
  }
  if (!result.confidence.is_null()) document["confidence"] = result.confidence;
  if (!result.explained_variance.empty()) document["explained_variance"] = result.explained_variance;
  document["parameters"] = result.parameters;
  document["validation"] = {
      {"accuracy", result.validation}, {"log_loss", result.validation_log_loss}, {"tried", std::move(tried)}};
  document["test_labels"] = result.test_labels;
  document["test_probabilities"] = base64_of(result.test_probabilities);
  document["choose_s"] = result.choose_s;
  document["fit_s"] = result.fit_s;
  document["predict_s"] = result.predict_s;
  if (!result.training.epochs.empty()) {
    document["training"] = to_json(thinned(result.training, kCurvePoints));
    if (!result.training_folder.empty()) document["training"]["folder"] = result.training_folder;
  }
  document["cost"] = {{"peak_memory_bytes", result.peak_memory_bytes}};
  return document;
}

ModelResult model_result_from_json(const json& document) {
  ModelResult result;
  result.name = document.at("name"), result.title = document.at("title"), result.kind = document.at("kind");
  result.parameters = document.at("parameters").get<Parameters>();
  const json& validation = document.at("validation");
  for (const json& point : validation.at("tried")) {
    result.tried.push_back({point.at("parameters").get<Parameters>(), point.value("accuracy", 0.0),
                            point.value("log_loss", 0.0), point.value("error", "")});
  }
  result.features = document.at("features");
  result.columns = document.at("columns");
  result.confidence = document.value("confidence", json());
  result.explained_variance = document.value("explained_variance", std::vector<double>());
  result.validation = validation.at("accuracy").get<Score>();
  result.validation_log_loss = validation.at("log_loss");
  result.test = metrics_from_json(document);
  result.test_labels = document.at("test_labels").get<std::vector<int>>();
  result.test_probabilities = matrix_of(document.at("test_probabilities").get_ref<const std::string&>(), result);
  result.choose_s = document.at("choose_s");
  result.fit_s = document.at("fit_s");
  result.predict_s = document.at("predict_s");
  if (document.contains("training")) {
    result.training = training_curve_from_json(document.at("training"));
    result.training_folder = document.at("training").value("folder", "");
  }
  result.peak_memory_bytes = document.at("cost").at("peak_memory_bytes");
  return result;
}

}  // namespace genrewise
