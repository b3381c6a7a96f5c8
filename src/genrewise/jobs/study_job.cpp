#include "genrewise/jobs/study_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/dataset/genres.hpp"
#include "genrewise/jobs/options.hpp"
#include "genrewise/jobs/study_plan.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/mirrored_folder.hpp"
#include "genrewise/storage/work_folder.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/exploration.hpp"
#include "genrewise/study/refits.hpp"
#include "genrewise/study/run_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string stage_of(const ModelSpec& spec, const StudyJobConfig& config, int seed) {
  return seed == 0 ? spec.name : fmt::format("{}, seed {}", spec.name, config.seed + static_cast<std::uint64_t>(seed));
}

/// "repeats" of results.json, of the models that could be fitted with every seed.
nlohmann::json repeats_json(const std::vector<StudyResult>& results, std::uint64_t first_seed) {
  nlohmann::json seeds = nlohmann::json::array(), models = nlohmann::json::array();
  const auto count = static_cast<double>(results.size());
  for (std::size_t number = 0; number < results.size(); ++number) seeds.push_back(first_seed + number);
  for (std::size_t i = 0; i < results.front().models.size(); ++i) {
    std::vector<double> values;
    double mean = 0, variance = 0;
    for (const StudyResult& result : results) {
      if (result.models[i].error.empty()) values.push_back(result.models[i].test.accuracy.value);
    }
    if (values.size() < results.size()) continue;
    for (const double value : values) mean += value / count;
    for (const double value : values) variance += std::pow(value - mean, 2) / (count - 1);
    models.push_back(
        {{"name", results.front().models[i].name}, {"mean", mean}, {"sd", std::sqrt(variance)}, {"values", values}});
  }
  return {{"seeds", std::move(seeds)}, {"models", std::move(models)}};
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
    return folder.scores_in(fs::path("ablation") / file_name_of(features), selected, split);
  });
}

/// "features fma518, mel224": one pass over the clips.
std::string features_stage(const StudyPlan& plan, const DataSource& source) {
  std::vector<std::string> sets;
  for (const std::string& set : feature_sets_of(plan.study.models)) sets.push_back(shown_set(set, source));
  return fmt::format("features {}", fmt::join(sets, ", "));
}

/// The stages of the whole job with their expected times, where they are known.
Stages stages_of(const StudyPlan& plan, const StudyJobConfig& config, const DataSource& source,
                 const std::vector<std::string>& packed, Progress& progress) {
  std::vector<StageExpectation> stages;
  const bool known = !plan.preset.empty();
  stages.push_back(
      {features_stage(plan, source), known ? plan.cost.extraction_s(feature_sets_of(plan.study.models)) : -1});
  for (const std::string& set : packed) stages.push_back({"records " + set, known ? 0.0 : -1});
  for (int seed = 0; seed < config.seeds; ++seed) {
    for (const ModelSpec& spec : plan.study.models)
      stages.push_back({stage_of(spec, config, seed), known ? plan.cost.models_s.at(spec.name) : -1});
  }
  stages.push_back({"results", known ? 0.0 : -1});
  return {std::move(stages), progress};
}

/// Feature sets whose examples are written as records: those that networks are trained on, extracted from audio.
std::vector<std::string> packed_sets(const StudyPlan& plan, const StudyJobConfig& config, const DataSource& source) {
  std::vector<std::string> sets;
  if (!source.has_audio() || (plan.preset != "original" && config.pack_to.empty())) return sets;
  for (const ModelSpec& spec : plan.study.models) {
    const bool extracted = spec.features.empty() ? source.extracts() : source.table_of(spec.features).empty();
    if (!extracted || !classifier_descriptor(spec.kind).capabilities.neural_program) continue;
    const std::string& set = spec.features.empty() ? source.features() : spec.features;
    if (std::ranges::find(sets, set) == sets.end()) sets.push_back(set);
  }
  return sets;
}

/// Packs; with `replace`, a folder that cannot be continued is deleted once.
PackResult pack_or_replace(const PackJob& job, const fs::path& location, const PackConfig& config, bool replace,
                           Progress& progress) {
  if (replace && is_folder(location)) {
    try {
      return pack_examples(job, location, config, progress);
    } catch (const Interrupted&) {
      throw;
    } catch (const FileError&) {
      throw;
    } catch (const Error&) {  // records of other examples, or damaged ones
      remove_tree(location);
    }
  }
  return pack_examples(job, location, config, progress);
}

/// Packs the examples of a study, with its parts, as `genrewise pack` does; a finished pack of the same examples is
/// left unchanged. `replace`: a pack of other content is replaced (local folders only). A new pack is verified. Returns
/// a sentence for the user.
std::string write_records(const DataSource& source, const Examples& examples, const FeatureTable& table,
                          const Split& split, const fs::path& location, bool replace, Progress& progress) {
  const SplitSubjects& subjects = examples.subjects;
  std::map<std::string, std::string> sources;  // by track id
  for (const ClipIdentity& identity : clip_identities(source.audio())) sources[identity.id] = identity.portable_text();
  PackJob job{.recipe = table.recipe,
              .values = table.columns.size(),
              .labels = examples.labels,
              .track_ids = subjects.ids,
              .classes = subjects.labels,
              .artists = subjects.artists,
              .albums = subjects.albums,
              .parts = {split.parts.begin(), split.parts.end()},
              .split_scheme = std::string(to_string(split.scheme)),
              .source = [&](std::size_t i) { return sources[subjects.ids[i]]; },
              .extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
                std::ranges::copy(table.values.row(i), out.begin());
                return {};
              }};
  PackConfig config{.seed = split.seed};
  config.shards = static_cast<int>(std::min<std::size_t>(static_cast<std::size_t>(config.shards), subjects.ids.size()));
  const PackResult packed = pack_or_replace(job, location, config, replace, progress);
  if (packed.reused < packed.examples) {
    progress.begin("verifying " + table.recipe.name, "packs", 1);
    const std::vector<Fault> faults = verify_pack(open_pack(location));
    progress.finish();
    if (!faults.empty())
      throw Error(fmt::format("the records that were just written are damaged: {}", to_string(faults.front())),
                  location.string(), "check the disk, delete the folder and run the same command again");
  }
  return fmt::format("Records of {}: {} examples in {} shards in {}.", table.recipe.name, packed.examples,
                     config.shards, location.string());
}

/// One study job while it runs.
class StudyJob {
 public:
  StudyJob(const StudyJobConfig& config, Runtime& runtime)
      : config_(config), progress_(runtime.progress()), source_(data_for(config.data, config.split)) {}

  StudyJobResult run() {
    prepare();
    load();
    for (const std::string& set : packed_) pack(set);
    StudyJobResult done;
    done.result = compare(0, split_);
    if (config_.seeds > 1) repeat(done.result);
    write(done);
    return done;
  }

 private:
  /// Everything that can be refused before anything is computed, then the models within the budget.
  void prepare() {
    if (config_.seeds < 1) throw UsageError("a study needs at least one seed", "--seeds", "give 1 or more");
    plan_ = plan_study(config_, source_);
    source_.require_used(feature_sets_of(plan_.study.models));
    if (!config_.pack_to.empty() && packed_sets(plan_, config_, source_).empty()) {
      throw UsageError("no network is trained on features that are extracted here", "--pack-to",
                       "add one with --models, as in raw10k/cnn1d, or leave the option out");
    }
    require_split(source_, config_.split);
    require_genres(source_);
    require_features(source_, feature_sets_of(plan_.study.models));
    mirror_.emplace(config_.output);
    folder_.emplace(mirror_->path(), identity(source_, config_), config_.replace);
    if (!folder_->note().empty()) progress_.note(folder_->note());
    keep_within_budget(plan_, config_, source_, folder_->path(), features_path(), progress_);
    packed_ = packed_sets(plan_, config_, source_);
    stages_.emplace(stages_of(plan_, config_, source_, packed_, progress_));
  }

  void load() {
    stages_->enter(features_stage(plan_, source_));
    if (!plan_.preset.empty() && source_.has_audio()) leave_out_incomplete_sets();
    joined_ = load_joined(source_, feature_sets_of(plan_.study.models), features_path(), progress_);
    split_ = make_split(joined_.examples.subjects, config_.split);
    nested_ = nested_splits(joined_.examples.subjects, config_.nested_folds, config_.seed);
  }

  /// A preset compares its models on the tracks that have all features. Extracts them and leaves out a set that would
  /// cost the others many tracks.
  void leave_out_incomplete_sets() {
    constexpr double kMostLost = 0.02;  // of the tracks
    const auto skipped = source_.extract_sets(feature_sets_of(plan_.study.models), features_path(), progress_);
    std::size_t least = source_.audio().tracks.size();
    for (const auto& [set, faults] : skipped) least = std::min(least, faults.size());
    const double most = static_cast<double>(least) + kMostLost * static_cast<double>(source_.audio().tracks.size());
    for (const auto& [set, faults] : skipped) {
      if (static_cast<double>(faults.size()) <= most) continue;
      leave_out(plan_, set, fmt::format("{} tracks cannot be used ({})", faults.size(), counts_text(faults)));
      progress_.note(sentences({plan_.left_out.back()}).front());
    }
  }

  void pack(const std::string& set) {
    stages_->enter("records " + set);
    const bool own = config_.pack_to.empty();
    const fs::path location = (own ? folder_->path() / "records" : config_.pack_to) / as_file_name(set);
    const bool first = set == joined_.examples.table.recipe.name;
    const FeatureTable other = first ? FeatureTable{} : joined_.table_of(set);
    const FeatureTable& table = first ? joined_.examples.table : other;
    progress_.note(write_records(source_, joined_.examples, table, split_, location, own, progress_));
  }

  /// The study with one of the seeds, counted from 0.
  StudyResult compare(int number, const Split& split) {
    StudyConfig study = plan_.study;
    study.seed = study.preprocessing.seed = config_.seed + static_cast<std::uint64_t>(number);
    study.confidence = number == 0;  // the others' models are not kept
    return run_study(
        joined_.examples, split, study, progress_,
        [&, number](const Examples& table) {
          StudyStore store = number == 0
                                 ? folder_->store(table, split)
                                 : folder_->scores_in(fs::path("seeds") / std::to_string(study.seed), table, split);
          store.find = [this, number, find = std::move(store.find)](const ModelSpec& spec) {
            stages_->enter(stage_of(spec, config_, number));
            return find(spec);
          };
          return store;
        },
        joined_.table_of);
  }

  void repeat(const StudyResult& first) {
    std::vector<StudyResult> results = {first};
    for (int number = 1; number < config_.seeds; ++number) {
      SplitConfig config = config_.split;
      config.seed += static_cast<std::uint64_t>(number);
      results.push_back(compare(number, make_split(joined_.examples.subjects, config)));
    }
    repeats_ = repeats_json(results, config_.seed);
    if (repeats_.at("models").size() < first.models.size())
      progress_.note("Models that could not be fitted with every seed have no mean and spread.");
  }

  void write(StudyJobResult& done) {
    stages_->enter("results");
    const Examples& examples = joined_.examples;
    StudyContext context = context_of(source_, config_.output.string(), command_line(config_), joined_.skipped);
    context.features = joined_.features;
    context.genre_tree = genre_tree(source_.location(), examples.labels);
    context.clip_facts = source_.clip_facts(examples, progress_);
    done.document = results_json(examples, split_, plan_.study, done.result, context);
    done.document["exploration"] = explore(source_, examples, split_, feature_sets_of(plan_.study.models),
                                           joined_.table_of, config_.seed, progress_);
    const StudiedData studied{examples,         split_,
                              plan_.study,      done.result,
                              joined_.table_of, [&](const std::string& name) { return folder_->model_path(name); }};
    add_refits(done.document, studied, progress_);
    if (!nested_.empty()) {
      done.document["nested"] = nested_json(studied, nested_, progress_, [&](const Examples& table, std::size_t fold) {
        return folder_->scores_in(fs::path("nested") / std::to_string(fold + 1), table, nested_[fold]);
      });
    }
    if (config_.ablation) {
      done.document["ablation"] =
          ablation_json(ablate(examples, split_, plan_.study, *folder_, progress_), examples.labels);
    }
    if (!plan_.preset.empty()) done.document.update(plan_json(plan_));
    if (!repeats_.at("models").empty()) done.document["repeats"] = repeats_;
    for (const std::string& note : plan_.notes) done.document["notes"].push_back(note);
    stages_->leave();
    done.document["stages"] = stages_->json();
    write_study(*folder_, examples, split_, done.result, done.document);
    done.notes = done.document.at("notes").get<std::vector<std::string>>();
    done.skipped = joined_.skipped;
    mirror_->synchronise();
    done.report = join_location(config_.output.native(), "report.html");
  }

  FeaturesPath features_path() const {
    return [this](const std::string& set, std::size_t columns) { return folder_->features_path(columns, set); };
  }

  const StudyJobConfig& config_;
  Progress& progress_;
  const DataSource source_;
  StudyPlan plan_;
  std::optional<MirroredFolder> mirror_;
  std::optional<RunFolder> folder_;
  std::vector<std::string> packed_;
  std::optional<Stages> stages_;
  JoinedExamples joined_;
  Split split_;
  std::vector<Split> nested_;
  nlohmann::json repeats_ = {{"models", nlohmann::json::array()}};
};

}  // namespace

StudyJobResult study_job(const StudyJobConfig& config, Runtime& runtime) {
  const UseRuntime use(runtime);
  return StudyJob(config, runtime).run();
}

std::string command_line(const StudyJobConfig& config) {
  std::vector<std::string> words = {"genrewise", "study", config.data.location, "-o", config.output.string()};
  add_options(words, config.data);
  add_options(words, config.split);
  if (!config.models.empty()) words.push_back("--models");
  words.insert(words.end(), config.models.begin(), config.models.end());
  if (config.pca_components > 0) add_option(words, "--pca", std::to_string(config.pca_components));
  if (config.models.empty() && config.preset != kDefaultPreset) add_option(words, "--preset", config.preset);
  if (config.budget_min) add_option(words, "--budget", fmt::format("{:g}", *config.budget_min));
  if (config.seeds != 1) add_option(words, "--seeds", std::to_string(config.seeds));
  if (!config.pack_to.empty()) add_option(words, "--pack-to", config.pack_to.string());
  if (config.ablation) words.emplace_back("--ablation");
  if (config.nested_folds > 0) add_option(words, "--nested", std::to_string(config.nested_folds));
  if (config.seed != kDefaultSeed) add_option(words, "--seed", std::to_string(config.seed));
  return shell_line(words);
}

}  // namespace genrewise
