#include "genrewise/jobs/evaluate_job.hpp"

#include <fmt/format.h>

#include <numeric>

#include "genrewise/base/error.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/jobs/options.hpp"

namespace genrewise {
namespace {

std::vector<std::size_t> rows_of(const EvaluateJobConfig& config, const Model& model, const Examples& examples,
                                 std::vector<std::string>& notes) {
  if (const auto part = parse_part(config.part)) {
    const Split split = make_split(examples.subjects, config.split);
    notes = split.notes;
    return split.rows(*part);
  }
  if (config.part == "unseen") {
    auto rows = unseen_rows(model, examples);
    if (rows.empty()) {
      throw Error("the model was trained on all of these examples", config.data.location,
                  "evaluate it on other music, or include training examples with --part all");
    }
    return rows;
  }
  std::vector<std::size_t> all(examples.subjects.ids.size());
  std::iota(all.begin(), all.end(), std::size_t{0});
  return all;
}

/// Throws Error for an option without effect.
void require_followed(const EvaluateJobConfig& config, const DataSource& source) {
  if (!parse_part(config.part) && config.part != "unseen" && config.part != "all") {
    throw UsageError(fmt::format("there is no part \"{}\"", config.part), "--part",
                     "use unseen, training, validation, test or all");
  }
  if (parse_part(config.part)) {
    require_split(source, config.split);
  } else {
    require_not_given(config.split, fmt::format("--part {} does not depend on a split", config.part));
  }
  if (!config.features_file.empty() && !source.extracts()) {
    throw UsageError("no features are extracted from this data", "--features-file", "leave the option out");
  }
}

}  // namespace

EvaluateJobResult evaluate_job(const EvaluateJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  Progress& progress = runtime.progress();
  const Model model = load_model(config.model);
  DataSourceConfig data = data_for(config.data, config.split);
  if (model.recipe.name != "table") data.default_features = model.recipe.name;
  const DataSource source(std::move(data));
  require_followed(config, source);
  LoadedExamples loaded =
      config.features_file.empty() ? source.load(progress) : source.load(config.features_file, progress);
  loaded.examples = arrange_columns(model, std::move(loaded.examples));
  EvaluateJobResult done;
  done.labels = model.labels;
  done.evaluation = evaluate(model, loaded.examples, rows_of(config, model, loaded.examples, done.notes), config.seed);
  done.skipped = std::move(loaded.skipped);
  done.skipped.insert(done.skipped.end(), done.evaluation.skipped.begin(), done.evaluation.skipped.end());
  if (done.evaluation.trained_on.value_or(0) > 0) {
    done.notes.push_back(fmt::format(
        "the model was trained on {} of these examples, so the scores are optimistic; --part unseen leaves them out",
        *done.evaluation.trained_on));
  }
  return done;
}

nlohmann::json to_json(const EvaluateJobResult& result, const EvaluateJobConfig& config) {
  nlohmann::json document = to_json(result.evaluation.metrics, result.labels);
  document["model"] = config.model.string();
  document["part"] = config.part;
  document["trained_on"] = result.evaluation.trained_on ? nlohmann::json(*result.evaluation.trained_on) : nullptr;
  return document;
}

}  // namespace genrewise
