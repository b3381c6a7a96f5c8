#include "genrewise/report/results.hpp"

#include <fmt/chrono.h>

#include <algorithm>
#include <ctime>
#include <map>
#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/study/analyses.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

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

/// What a grouped split keeps on one side, as far as it is known.
json grouped_by(const SplitSubjects& subjects) {
  json kinds = json::array();
  const auto known = [](const std::string& name) { return !name.empty(); };
  if (std::ranges::any_of(subjects.artists, known)) kinds.push_back("artist");
  if (std::ranges::any_of(subjects.albums, known)) kinds.push_back("album");
  kinds.push_back("file");
  return kinds;
}

json split_facts(const Examples& examples, const Split& split) {
  json facts = {{"scheme", to_string(split.scheme)},
                {"seed", split.seed},
                {"training", split.rows(Part::training).size()},
                {"validation", split.rows(Part::validation).size()},
                {"test", split.rows(Part::test).size()},
                {"notes", split.notes},
                {"leakage", check_leakage(examples.subjects, split).crossings}};
  if (split.scheme == SplitScheme::grouped) facts["grouped_by"] = grouped_by(examples.subjects);
  return facts;
}

void erase_predictions(json& model) {
  model.erase("test_labels");
  model.erase("test_probabilities");
}

void add_comparison(json& document, const std::vector<bool>& hits, const std::vector<bool>& best_hits) {
  const PairedComparison comparison = mcnemar(hits, best_hits);
  document["versus_best"] = {
      {"only_this", comparison.only_first}, {"only_best", comparison.only_second}, {"p_value", comparison.p_value}};
}

json models_json(const TestPart& test, const StudyResult& result, const StudyContext& context) {
  json models = json::array();
  for (std::size_t i = 0; i < result.models.size(); ++i) {
    const ModelResult& model = result.models[i];
    json document = to_json(model, test.examples().labels);
    erase_predictions(document);
    if (model.error.empty()) {
      document.update(analyses_json(model, test));
      if (!context.genre_tree.empty()) {
        document["tree_confusion"] = tree_confusion_json(model.test, test.examples().labels, context.genre_tree);
      }
      if (const std::string remark = log_loss_remark(model); !remark.empty()) document["log_loss_remark"] = remark;
      document["model_file"] = "models/" + file_name_of(model.name) + ".gwm";
      if (result.best && i != *result.best) {
        add_comparison(document, test.hits(model), test.hits(result.models[*result.best]));
      }
    }
    models.push_back(std::move(document));
  }
  return models;
}

json preprocessing_json(const PreprocessingConfig& config) {
  return {{"standardise", config.standardise}, {"pca_components", config.pca_components}};
}

}  // namespace

StudyContext context_of(const DataSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped) {
  return {.name = (absolute_path(output) / "").lexically_normal().parent_path().filename().string(),
          .command = std::move(command),
          .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
          .dataset_name = source.name(),
          .dataset_kind = source.kind(),
          .dataset_location = source.location(),
          .skipped = std::move(skipped),
          .features = {},
          .clip_facts = {},
          .genre_tree = {}};
}

json count_by_reason(const std::vector<Fault>& faults) {
  json reasons = json::array();
  for (const auto& [reason, count] : counts_by_reason(faults))
    reasons.push_back({{"reason", reason}, {"count", count}});
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
                  {"location", context.dataset_location},
                  {"examples", examples.subjects.ids.size()},
                  {"clip_s", nullptr},
                  {"notes", examples.notes},
                  {"skipped", count_by_reason(context.skipped)}};
  if (const auto& clips = context.clip_facts) {
    dataset["clip_s"] = {
        {"least", clips->least_s}, {"median", clips->median_s}, {"most", clips->most_s}, {"total", clips->total_s}};
  }
  return {{"format", format},
          {"format_version", kRunFormatVersion},
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
  const TestPart test(examples, split, context.dataset_kind, context.dataset_location);
  document["models"] = models_json(test, result, context);
  if (!context.genre_tree.empty()) document["genre_tree"] = context.genre_tree;
  document.update(comparisons_json(result.models, test, config.seed));
  if (json figures = published_json(document); !figures.empty()) document["published"] = std::move(figures);
  document["best"] = nullptr;
  document["notes"] = caveats(examples, split, result);
  if (const std::string note = best_note(result); !note.empty()) document["best_note"] = note;
  if (result.best) document["best"] = result.models[*result.best].name;
  document["baseline"] = to_json(result.baseline, examples.labels);
  erase_predictions(document["baseline"]);
  for (const char* absent : {"choose_s", "fit_s", "predict_s", "cost", "parameters", "features", "columns"}) {
    document["baseline"].erase(absent);
  }
  return document;
}

json ablation_json(const std::vector<AblationRow>& rows, const std::vector<std::string>& labels) {
  json document = json::array();
  for (const AblationRow& row : rows) {
    json models = json::array();
    for (const ModelResult& model : row.models) {
      models.push_back(to_json(model, labels));
      erase_predictions(models.back());
      for (const char* detail : {"genres", "confusion", "top_k", "explained_variance", "cost", "training"})
        models.back().erase(detail);
      if (model.error.empty()) models.back()["validation"].erase("tried");
    }
    document.push_back({{"features", row.features},
                        {"fma_name", row.fma_name ? json(*row.fma_name) : json()},
                        {"columns", row.columns},
                        {"models", std::move(models)}});
  }
  return document;
}

json tuning_json(const Examples& examples, const TuningConfig& config, const TuningResult& result,
                 const StudyContext& context, const std::string& used, const std::string& train_command) {
  json points = json::array(), axes = json::array();
  for (const TuningPoint& point : result.points) {
    points.push_back(to_json(point));
    points.back()["varied"] = varied(point.parameters, config.axes);
  }
  for (const GridAxis& axis : config.axes) axes.push_back({{"parameter", axis.parameter}, {"values", axis.values}});
  json document = document_head("genrewise tuning", examples, config.seed, context);
  document["dataset"]["used"] = used;
  document["kind"] = config.kind;
  document["fixed"] = config.fixed;
  document["axes"] = std::move(axes);
  document["folds"] = config.folds;
  document["scheme"] = to_string(config.scheme);
  document["points"] = std::move(points);
  document["failed"] = count_by_reason(failures(result));
  document["train_command"] = train_command.empty() ? json() : json(train_command);
  document["notes"] = caveats(result);
  document["best"] = result.best;
  document["one_standard_error"] = result.one_standard_error;
  document["explained_variance"] = nullptr;
  if (result.variance) {
    document["explained_variance"] = {{"features", result.variance->features}, {"shares", result.variance->shares}};
  }
  return document;
}

}  // namespace genrewise
