#include "genrewise/jobs/study_job.hpp"

#include <algorithm>

#include "genrewise/dataset/genre_tree.hpp"
#include "genrewise/jobs/options.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/study/exploration.hpp"
#include "genrewise/study/refits.hpp"
#include "genrewise/study/run_folder.hpp"

namespace genrewise {
namespace {

StudyConfig study_config(const StudyJobConfig& config) {
  StudyConfig study;
  study.seed = config.seed;
  study.preprocessing.pca_components = config.pca_components;
  study.preprocessing.seed = config.seed;
  study.models = config.models.empty() ? default_models() : parse_models(config.models);
  return study;
}

std::vector<std::string> feature_sets(const std::vector<ModelSpec>& models) {
  std::vector<std::string> sets;
  for (const ModelSpec& spec : models) sets.push_back(spec.features);
  return sets;
}

/// Reports an unknown name before anything is extracted.
void require_features(const DataSource& source, const std::vector<std::string>& sets) {
  for (const std::string& set : sets) {
    if (!set.empty() && source.table_of(set).empty() && source.has_audio()) make_feature_set(set);
  }
}

/// Without the models: they may be added to a run, and each has its own entry.
nlohmann::json identity(const DataSource& source, const StudyJobConfig& config) {
  nlohmann::json identity = run_identity(source, config.split);
  identity["seed"] = config.seed;
  identity["pca_components"] = config.pca_components;
  identity["command"] = command_line(config);
  return identity;
}

std::vector<AblationRow> ablate(const Examples& examples, const Split& split, StudyConfig study,
                                const RunFolder& folder, Progress& progress) {
  std::erase_if(study.models, [&](const ModelSpec& spec) {
    return !spec.features.empty() && spec.features != examples.table.recipe.name;
  });
  return run_ablation(examples, split, study, progress, [&](const Examples& selected, const std::string& features) {
    return folder.ablation_store(selected, split, features);
  });
}

}  // namespace

StudyJobResult study_job(const StudyJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  Progress& progress = runtime.progress();
  const StudyConfig study = study_config(config);
  const std::vector<std::string> sets = feature_sets(study.models);
  const DataSource source(data_for(config.data, config.split));
  source.require_used(sets);
  require_split(source, config.split);
  require_genres(source);
  require_features(source, sets);
  const RunFolder folder(config.output, identity(source, config), config.replace);
  if (!folder.note().empty()) progress.note(folder.note());

  const JoinedExamples joined = load_joined(
      source, sets, [&](const std::string& set, std::size_t columns) { return folder.features_path(columns, set); },
      progress);
  const Examples& examples = joined.examples;
  const Split split = make_split(examples.subjects, config.split);
  const std::vector<Split> nested = nested_splits(examples.subjects, config.nested_folds, config.seed);
  StudyJobResult done;
  done.result = run_study(
      examples, split, study, progress, [&](const Examples& table) { return folder.store(table, split); },
      joined.table_of);
  StudyContext context = context_of(source, config.output.string(), command_line(config), joined.skipped);
  context.features = joined.features;
  context.genre_tree = genre_tree(source.location(), examples.labels);
  context.clip_facts = source.clip_facts(examples, progress);
  done.document = results_json(examples, split, study, done.result, context);
  done.document["exploration"] = explore(source, examples, split, sets, joined.table_of, config.seed, progress);
  const StudiedData studied{examples,        split,
                            study,           done.result,
                            joined.table_of, [&](const std::string& name) { return folder.model_path(name); }};
  add_refits(done.document, studied, progress);
  if (!nested.empty()) {
    done.document["nested"] = nested_json(studied, nested, progress, [&](const Examples& table, std::size_t fold) {
      return folder.nested_store(table, nested[fold], fold);
    });
  }
  if (config.ablation) {
    done.ablation = ablate(examples, split, study, folder, progress);
    done.document["ablation"] = ablation_json(done.ablation, examples.labels);
  }
  write_study(folder, examples, split, done.result, done.document);
  done.notes = done.document.at("notes").get<std::vector<std::string>>();
  done.skipped = joined.skipped;
  done.report = folder.path() / "report.html";
  return done;
}

std::string command_line(const StudyJobConfig& config) {
  std::vector<std::string> words = {"genrewise", "study", config.data.location, "-o", config.output.string()};
  add_options(words, config.data);
  add_options(words, config.split);
  if (!config.models.empty()) words.push_back("--models");
  words.insert(words.end(), config.models.begin(), config.models.end());
  if (config.pca_components > 0) add_option(words, "--pca", std::to_string(config.pca_components));
  if (config.ablation) words.emplace_back("--ablation");
  if (config.nested_folds > 0) add_option(words, "--nested", std::to_string(config.nested_folds));
  if (config.seed != kDefaultSeed) add_option(words, "--seed", std::to_string(config.seed));
  return shell_line(words);
}

}  // namespace genrewise
