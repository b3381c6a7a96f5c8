#include "genrewise/jobs/study_plan.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/run_document.hpp"

namespace genrewise {

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(LeftOut, model, reason, remedy)

namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr double kDefaultBudget_min = 30;

std::string time_text(double seconds) {
  return seconds < 90 ? fmt::format("{:.0f} s", std::ceil(seconds))
                      : fmt::format("{:.0f} min", std::ceil(seconds / 60));
}

std::vector<std::string> models_of(const StudyPlan& plan, const std::string& set) {
  std::vector<std::string> names;
  for (const ModelSpec& spec : plan.study.models)
    if (spec.features == set) names.push_back(spec.name);
  return names;
}

double models_s(const StudyPlan& plan, const std::string& set) {
  double sum = 0;
  for (const ModelSpec& spec : plan.study.models)
    if (spec.features == set) sum += plan.cost.models_s.at(spec.name);
  return sum;
}

double total_s(const StudyPlan& plan, int seeds) {
  const std::vector<std::string> sets = feature_sets_of(plan.study.models);
  double sum = plan.cost.extraction_s(sets);
  for (const std::string& set : sets) sum += seeds * models_s(plan, set);
  return sum;
}

/// Names of all models and what else the choice depends on.
json question(const StudyPlan& plan, const StudyJobConfig& config) {
  json models = json::array();
  for (const ModelSpec& spec : plan.study.models) models.push_back(spec.name);
  const double budget = budget_s(config);
  return {{"preset", plan.preset},
          {"budget_s", std::isfinite(budget) ? json(budget) : json()},
          {"seeds", config.seeds},
          {"models", std::move(models)}};
}

/// What an earlier run of this folder measured for the same question.
std::optional<StudyCost> kept_cost(const fs::path& file, const json& asked) {
  if (!file_exists(file)) return std::nullopt;
  try {
    const SealedJson kept = parse_sealed_json(read_file(file), file.string());
    if (kept.seal != Seal::sound || kept.value.at("question") != asked) return std::nullopt;
    return StudyCost{kept.value.at("features_s"), kept.value.at("models_s"), kept.value.at("unusable"),
                     kept.value.at("shared_s")};
  } catch (const FileError&) {
    throw;
  } catch (const Error&) {
    return std::nullopt;  // damaged: measured again
  } catch (const json::exception&) {
    return std::nullopt;
  }
}

/// The models of the most expensive item: a model with all its fits, or a feature set with its models.
std::vector<std::string> most_expensive(const StudyPlan& plan, int seeds) {
  double most = -1;
  std::vector<std::string> models;
  for (const std::string& set : feature_sets_of(plan.study.models)) {
    const double seconds = plan.cost.features_s.at(set);
    if (seconds <= most) continue;
    most = seconds;
    models = models_of(plan, set);
  }
  for (const ModelSpec& spec : plan.study.models) {
    const double seconds = seeds * plan.cost.models_s.at(spec.name);
    if (seconds <= most) continue;
    most = seconds;
    models = {spec.name};
  }
  return models;
}

/// "fma518: 41 s, 8 models 35 s; raw10k: 3 s, cnn1d 8 min".
std::string estimate_text(const StudyPlan& plan, const DataSource& source, int seeds) {
  std::vector<std::string> parts;
  if (plan.cost.shared_s > 0) parts.push_back("decoding: " + time_text(plan.cost.shared_s));
  for (const std::string& set : feature_sets_of(plan.study.models)) {
    const std::vector<std::string> names = models_of(plan, set);
    parts.push_back(fmt::format("{}: {}, {} {}", shown_set(set, source), time_text(plan.cost.features_s.at(set)),
                                names.size() == 1 ? names.front() : fmt::format("{} models", names.size()),
                                time_text(seeds * models_s(plan, set))));
  }
  return fmt::format("{}", fmt::join(parts, "; "));
}

void drop(StudyPlan& plan, const std::vector<std::string>& names, const std::string& reason,
          const std::string& remedy) {
  for (const std::string& name : names) plan.left_out.push_back({name, reason, remedy});
  std::erase_if(plan.study.models,
                [&](const ModelSpec& spec) { return std::ranges::find(names, spec.name) != names.end(); });
}

/// Removes models until the rest is within the budget.
void drop_expensive(StudyPlan& plan, const StudyJobConfig& config) {
  const double everything = total_s(plan, config.seeds), budget = budget_s(config);
  while (total_s(plan, config.seeds) > budget) {
    const std::vector<std::string> names = most_expensive(plan, config.seeds);
    if (names.size() == plan.study.models.size()) {
      plan.notes.push_back("Even the cheapest models are expected to take longer than the budget.");
      return;
    }
    drop(plan, names, fmt::format("the budget of {} is too short", time_text(budget)),
         fmt::format("--budget {:.0f}", std::ceil(everything / 60)));
  }
}

}  // namespace

double StudyCost::extraction_s(const std::vector<std::string>& sets) const {
  double sum = 0;
  for (const std::string& set : sets) sum += features_s.at(set);
  return sum > 0 ? sum + shared_s : 0;
}

void leave_out(StudyPlan& plan, const std::string& set, const std::string& reason) {
  const std::vector<std::string> names = models_of(plan, set);
  if (names.size() < plan.study.models.size()) drop(plan, names, reason, "");
}

double budget_s(const StudyJobConfig& config) {
  if (config.budget_min) return *config.budget_min * 60;
  return config.preset == kDefaultPreset ? kDefaultBudget_min * 60 : std::numeric_limits<double>::infinity();
}

StudyPlan plan_study(const StudyJobConfig& config, const DataSource& source) {
  StudyPlan plan;
  plan.study.seed = config.seed;
  plan.study.preprocessing.pca_components = config.pca_components;
  plan.study.preprocessing.seed = config.seed;
  if (!config.models.empty()) {
    if (config.budget_min) throw UsageError("a budget applies to presets only", "--budget", "leave the option out");
    plan.study.models = parse_models(config.models);
    return plan;
  }
  PresetModels chosen = preset_models(config.preset, source);
  plan.preset = config.preset;
  plan.study.models = std::move(chosen.models);
  plan.left_out = std::move(chosen.left_out);
  plan.notes = std::move(chosen.notes);
  return plan;
}

void keep_within_budget(StudyPlan& plan, const StudyJobConfig& config, const DataSource& source, const fs::path& folder,
                        const FeaturesPath& path_of, Progress& progress) {
  if (plan.preset.empty()) return;
  const fs::path file = folder / "plan.json";
  const json asked = question(plan, config);
  if (auto kept = kept_cost(file, asked)) {
    plan.cost = std::move(*kept);
  } else {
    plan.cost = estimate_cost(source, plan.study, path_of, progress);
    write_file(file, document_text({{"format_version", kRunFormatVersion},
                                    {"question", asked},
                                    {"features_s", plan.cost.features_s},
                                    {"shared_s", plan.cost.shared_s},
                                    {"models_s", plan.cost.models_s},
                                    {"unusable", plan.cost.unusable}}));
  }
  for (const auto& [set, reason] : plan.cost.unusable)
    leave_out(plan, set, fmt::format("of the clips that were measured, none can be used ({})", reason));
  drop_expensive(plan, config);
  const double budget = budget_s(config);
  progress.note(fmt::format("Expected time: {}{}. {}.", time_text(total_s(plan, config.seeds)),
                            std::isfinite(budget) ? fmt::format(" of a budget of {}", time_text(budget)) : "",
                            estimate_text(plan, source, config.seeds)));
  for (const std::string& note : plan.notes) progress.note(note);
  for (const std::string& sentence : sentences(plan.left_out)) progress.note(sentence);
}

json plan_json(const StudyPlan& plan) {
  return {{"preset", plan.preset}, {"left_out", plan.left_out}};
}

}  // namespace genrewise
