#include "genrewise/study/results.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "genrewise/study/learners.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kFormatVersion = 1;

std::size_t distinct(const std::vector<std::string>& names, const std::vector<std::size_t>& rows) {
  std::set<std::string_view> seen;
  for (const std::size_t row : rows) {
    if (!names[row].empty()) seen.insert(names[row]);
  }
  return seen.size();
}

json genre_facts(const Examples& examples, const Split& split) {
  json genres = json::array();
  for (std::size_t genre = 0; genre < examples.labels.size(); ++genre) {
    std::vector<std::size_t> rows;
    std::map<Part, std::size_t> parts;
    for (std::size_t i = 0; i < split.parts.size(); ++i) {
      if (examples.subjects.labels[i] != static_cast<int>(genre)) continue;
      rows.push_back(i);
      ++parts[split.parts[i]];
    }
    genres.push_back({{"genre", examples.labels[genre]},
                      {"examples", rows.size()},
                      {"tracks", distinct(examples.subjects.tracks, rows)},
                      {"artists", distinct(examples.subjects.artists, rows)},
                      {"albums", distinct(examples.subjects.albums, rows)},
                      {"training", parts[Part::training]},
                      {"validation", parts[Part::validation]},
                      {"test", parts[Part::test]}});
  }
  return genres;
}

json split_facts(const Examples& examples, const Split& split) {
  json leakage = json::array();
  for (const auto& crossing : check_leakage(examples.subjects, split).crossings) {
    leakage.push_back({{"kind", crossing.kind},
                       {"groups", crossing.groups},
                       {"examples", crossing.examples},
                       {"samples", crossing.samples}});
  }
  return {{"scheme", to_string(split.scheme)},
          {"seed", split.seed},
          {"training", split.rows(Part::training).size()},
          {"validation", split.rows(Part::validation).size()},
          {"test", split.rows(Part::test).size()},
          {"leakage", leakage}};
}

void add_comparison(json& document, const std::vector<bool>& hits, const std::vector<bool>& best_hits) {
  const PairedComparison comparison = mcnemar(hits, best_hits);
  document["versus_best"] = {
      {"only_this", comparison.only_first}, {"only_best", comparison.only_second}, {"p_value", comparison.p_value}};
}

json models_json(const Examples& examples, const Split& split, const StudyResult& result) {
  std::vector<int> truth;
  for (const std::size_t row : split.rows(Part::test)) truth.push_back(examples.subjects.labels[row]);
  json models = json::array();
  for (std::size_t i = 0; i < result.models.size(); ++i) {
    const ModelResult& model = result.models[i];
    json document = to_json(model, examples.labels);
    document.erase("test_labels");
    if (model.error.empty()) {
      document["model_file"] = "models/" + model.name + ".gwm";
      if (result.best && i != *result.best) {
        add_comparison(document, hits_of(truth, model.test_labels),
                       hits_of(truth, result.models[*result.best].test_labels));
      }
    }
    models.push_back(std::move(document));
  }
  return models;
}

Score score_from(const json& document) {
  return {document.at("value"), document.at("low"), document.at("high"), document.at("n")};
}

Metrics metrics_from(const json& document) {
  Metrics metrics;
  metrics.accuracy = score_from(document.at("accuracy"));
  if (const json& over = document.at("accuracy_over_groups"); !over.is_null()) {
    metrics.over_groups = GroupedInterval{over.at("low"), over.at("high"), over.at("groups")};
  }
  metrics.macro_f1 = document.at("macro_f1");
  metrics.balanced_accuracy = document.at("balanced_accuracy");
  metrics.log_loss = document.at("log_loss");
  for (const json& score : document.at("top_k")) metrics.top_k.push_back(score_from(score));
  for (const json& genre : document.at("genres")) {
    metrics.genres.push_back({genre.at("examples"), genre.at("predicted"), genre.at("hits"), genre.at("precision"),
                              genre.at("recall"), genre.at("f1")});
  }
  metrics.confusion = document.at("confusion");
  return metrics;
}

json preprocessing_json(const PreprocessingConfig& config) {
  return {{"standardise", config.standardise}, {"pca_components", config.pca_components}};
}

}  // namespace

json to_json(const ModelSpec& spec) {
  json grid = json::object();
  for (const GridAxis& axis : spec.grid) grid[axis.parameter] = axis.values;
  json document = {{"name", spec.name}, {"kind", spec.kind}, {"parameters", spec.parameters}, {"grid", grid}};
  if (!spec.features.empty()) document["features"] = spec.features;
  return document;
}

json to_json(const Score& score) {
  return {{"value", score.value}, {"low", score.low}, {"high", score.high}, {"n", score.n}};
}

json to_json(const Metrics& metrics, const std::vector<std::string>& labels) {
  json document = {{"accuracy", to_json(metrics.accuracy)},
                   {"accuracy_over_groups", nullptr},
                   {"macro_f1", metrics.macro_f1},
                   {"balanced_accuracy", metrics.balanced_accuracy},
                   {"log_loss", metrics.log_loss},
                   {"top_k", json::array()},
                   {"genres", json::array()},
                   {"confusion", metrics.confusion}};
  if (const auto& over = metrics.over_groups) {
    document["accuracy_over_groups"] = {{"low", over->low}, {"high", over->high}, {"groups", over->groups}};
  }
  for (std::size_t k = 0; k < metrics.top_k.size(); ++k) {
    document["top_k"].push_back(to_json(metrics.top_k[k]));
    document["top_k"].back()["k"] = k + 1;
  }
  for (std::size_t i = 0; i < metrics.genres.size(); ++i) {
    const GenreScore& genre = metrics.genres[i];
    document["genres"].push_back({{"genre", labels[i]},
                                  {"examples", genre.examples},
                                  {"predicted", genre.predicted},
                                  {"hits", genre.hits},
                                  {"precision", genre.precision},
                                  {"recall", genre.recall},
                                  {"f1", genre.f1}});
  }
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
  if (!result.explained_variance.empty()) document["explained_variance"] = result.explained_variance;
  document["parameters"] = result.parameters;
  document["validation"] = {
      {"accuracy", to_json(result.validation)}, {"log_loss", result.validation_log_loss}, {"tried", std::move(tried)}};
  document["test_labels"] = result.test_labels;
  document["choose_s"] = result.choose_s;
  document["fit_s"] = result.fit_s;
  document["predict_s"] = result.predict_s;
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
  result.explained_variance = document.value("explained_variance", std::vector<double>());
  result.validation = score_from(validation.at("accuracy"));
  result.validation_log_loss = validation.at("log_loss");
  result.test = metrics_from(document);
  result.test_labels = document.at("test_labels").get<std::vector<int>>();
  result.choose_s = document.at("choose_s");
  result.fit_s = document.at("fit_s");
  result.predict_s = document.at("predict_s");
  return result;
}

json count_by_reason(const std::vector<Fault>& faults) {
  std::map<std::string, std::size_t> counts;
  for (const Fault& fault : faults) ++counts[fault.reason];
  std::vector<std::pair<std::string, std::size_t>> sorted(counts.begin(), counts.end());
  std::ranges::stable_sort(sorted, std::greater<>(), [](const auto& entry) { return entry.second; });
  json reasons = json::array();
  for (const auto& [reason, count] : sorted) reasons.push_back({{"reason", reason}, {"count", count}});
  return reasons;
}

json document_head(const char* format, const Examples& examples, std::uint64_t seed, const StudyContext& context) {
  std::vector<FeatureFacts> sets = context.features;
  if (sets.empty()) sets.push_back({examples.table.recipe, examples.table.columns.size(), 0});
  json features = json::array();
  for (const FeatureFacts& set : sets) {
    features.push_back({{"name", set.recipe.name},
                        {"version", set.recipe.version},
                        {"hash", set.recipe.hash},
                        {"columns", set.columns},
                        {"extract_s", set.extract_s}});
  }
  json dataset = {{"name", context.dataset_name},
                  {"kind", context.dataset_kind},
                  {"place", context.dataset_place},
                  {"examples", examples.subjects.ids.size()},
                  {"clip_s", nullptr},
                  {"skipped", count_by_reason(context.skipped)}};
  if (const auto& clips = context.clip_facts) {
    dataset["clip_s"] = {
        {"least", clips->least_s}, {"median", clips->median_s}, {"most", clips->most_s}, {"total", clips->total_s}};
  }
  return {{"format", format},
          {"format_version", kFormatVersion},
          {"program_version", GENREWISE_VERSION},
          {"name", context.name},
          {"command", context.command},
          {"created", context.created},
          {"seed", seed},
          {"dataset", std::move(dataset)},
          {"features", features.front()},
          {"feature_sets", features}};
}

json results_json(const Examples& examples, const Split& split, const StudyConfig& config, const StudyResult& result,
                  const StudyContext& context) {
  json document = document_head("genrewise results", examples, config.seed, context);
  document["dataset"]["genres"] = genre_facts(examples, split);
  document["split"] = split_facts(examples, split);
  document["preprocessing"] = preprocessing_json(config.preprocessing);
  document["labels"] = examples.labels;
  document["models"] = models_json(examples, split, result);
  document["best"] = nullptr;
  document["notes"] = honest_notes(examples, split, result);
  if (result.best) document["best"] = result.models[*result.best].name;
  document["baseline"] = to_json(result.baseline, examples.labels);
  for (const char* absent : {"test_labels", "choose_s", "fit_s", "predict_s", "parameters", "features", "columns"}) {
    document["baseline"].erase(absent);
  }
  return document;
}

}  // namespace genrewise
