#include "genrewise/study/refits.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/stage.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr int kPermutations = 5;
constexpr std::size_t kMostFeatures = 64;
constexpr double kLeastBudgetSeconds = 60, kBudgetShare = 0.2;  // of an analysis; the share is of the study

/// The examples with the table that the model was fitted on; `own` keeps a table that is not the study's.
const Examples& examples_of(const ModelResult& model, const StudiedData& study, Examples& own) {
  if (model.features == study.examples.table.recipe.name) return study.examples;
  own = {study.examples.name, study.examples.labels, study.table_of(model.features), study.examples.subjects};
  return own;
}

/// Fits the model's chosen parameters on some examples and returns the accuracy on others.
Score refit(const ModelResult& model, const Examples& examples, const StudyConfig& config,
            const std::vector<std::size_t>& training, const std::vector<std::size_t>& held_out) {
  throw_if_interrupted();
  const Point point(model.parameters);
  const PreprocessingConfig preprocessing =
      preprocessing_of(point, preprocessing_for(model.kind, config.preprocessing));
  const Stage stage = make_stage(examples, "all", preprocessing, training, held_out);
  const auto classifier = config.make(model.kind, point.classifier, derive_seed(config.seed, model.kind));
  classifier->fit(training_data(stage, examples), {.labels = examples.labels});
  const std::vector<bool> hits = hits_of(stage.held_out_labels, classifier->predict(stage.held_out));
  return wilson_score(static_cast<std::size_t>(std::ranges::count(hits, true)), hits.size());
}

/// Per test example, the mean loss of a hit if the columns are permuted.
std::vector<float> losses_of(const Model& fitted, const FeatureTable& table, const Matrix& test,
                             const std::vector<std::size_t>& columns, const std::vector<int>& truth,
                             const std::vector<bool>& hits, Rng& rng) {
  std::vector<std::size_t> order(test.rows());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::vector<int> lost(test.rows());
  for (int permutation = 0; permutation < kPermutations; ++permutation) {
    throw_if_interrupted();
    rng.shuffle(std::span(order));
    Matrix permuted = test;
    for (std::size_t i = 0; i < test.rows(); ++i) {
      for (const std::size_t j : columns) permuted(i, j) = test(order[i], j);
    }
    const std::vector<int> predicted = fitted.predict(permuted, table.offsets);
    for (std::size_t i = 0; i < truth.size(); ++i) lost[i] += int{hits[i]} - int{predicted[i] == truth[i]};
  }
  std::vector<float> losses(lost.begin(), lost.end());
  for (float& loss : losses) loss /= kPermutations;
  return losses;
}

using Groups = std::vector<std::vector<std::size_t>>;  // rows of each group

/// The training groups of each genre, in random order.
std::vector<Groups> training_groups(const Examples& examples, const std::vector<std::size_t>& rows,
                                    std::uint64_t seed) {
  const std::vector<std::string> groups = groups_of(examples.subjects, rows);
  std::map<std::string, std::vector<std::size_t>> by_group;
  for (std::size_t i = 0; i < rows.size(); ++i) by_group[groups[i]].push_back(rows[i]);
  std::vector<Groups> by_genre(examples.labels.size());
  for (auto& [name, members] : by_group) {
    by_genre[static_cast<std::size_t>(examples.subjects.labels[members.front()])].push_back(std::move(members));
  }
  Rng rng(derive_seed(seed, "learning curve"));
  for (Groups& genre : by_genre) rng.shuffle(std::span(genre));
  return by_genre;
}

/// Rows of the first groups of each genre.
std::vector<std::size_t> part_of(const std::vector<Groups>& by_genre, double share) {
  std::vector<std::size_t> rows;
  for (const Groups& genre : by_genre) {
    const auto count = static_cast<std::size_t>(std::ceil(share * static_cast<double>(genre.size())));
    for (std::size_t i = 0; i < count; ++i) rows.insert(rows.end(), genre[i].begin(), genre[i].end());
  }
  std::ranges::sort(rows);
  return rows;
}

/// Fitted models that the protocols compare.
std::vector<const ModelResult*> comparable(const StudiedData& study) {
  std::vector<const ModelResult*> models;
  for (const ModelResult& model : study.result.models) {
    const ClassifierDescriptor* descriptor = find_classifier(model.kind);
    const bool network = descriptor != nullptr && descriptor->capabilities.neural_program;
    if (model.error.empty() && !network && model.features == study.examples.table.recipe.name) models.push_back(&model);
  }
  return models;
}

double study_seconds(const json& document) {
  double seconds = 0;
  for (const json& set : document.at("feature_sets")) seconds += set.at("extract_s").get<double>();
  for (const json& model : document.at("models")) {
    for (const char* stage : {"choose_s", "fit_s", "predict_s"}) seconds += model.value(stage, 0.0);
  }
  return seconds;
}

}  // namespace

json importance_json(const StudiedData& study) {
  const ModelResult& best = study.result.models[*study.result.best];
  Examples own;
  const Examples& examples = examples_of(best, study, own);
  const std::vector<std::string> features = feature_names(examples.table.columns);
  json importance = json::array();
  if (features.size() < 2 || features.size() > kMostFeatures) return importance;
  const Model fitted = load_model(study.model_path(best.name));
  const std::vector<std::size_t> rows = study.split.rows(Part::test);
  const Matrix test = examples.table.values.select_rows(rows);
  const std::vector<int> truth = labels_of(examples.subjects, rows);
  const std::vector<bool> hits = hits_of(truth, best.test_labels);
  Rng rng(derive_seed(study.config.seed, "importance"));
  std::vector<std::vector<float>> losses;  // of each feature and test example
  std::map<std::string, std::vector<std::size_t>> columns;
  for (std::size_t j = 0; j < examples.table.columns.size(); ++j)
    columns[examples.table.columns[j].feature].push_back(j);
  for (const std::string& feature : features)
    losses.push_back(losses_of(fitted, examples.table, test, columns.at(feature), truth, hits, rng));
  const std::vector<std::string> groups = groups_of(examples.subjects, rows);
  auto means = bootstrap_means(losses, groups, study.config.seed);
  for (std::size_t f = 0; f < features.size(); ++f) {
    const auto interval = grouped_interval(losses[f], groups, std::move(means[f]), 0).interval;
    importance.push_back(
        {{"group", features[f]},
         {"columns", columns.at(features[f]).size()},
         {"drop", std::accumulate(losses[f].begin(), losses[f].end(), 0.0) / static_cast<double>(rows.size())},
         {"low", interval ? json(interval->low) : json()},
         {"high", interval ? json(interval->high) : json()}});
  }
  std::stable_sort(importance.begin(), importance.end(), [](const json& a, const json& b) {
    return a.at("drop").get<double>() > b.at("drop").get<double>();
  });
  return importance;
}

json learning_curve_json(const StudiedData& study) {
  const ModelResult& best = study.result.models[*study.result.best];
  json curve = json::array();
  Examples own;
  const Examples& examples = examples_of(best, study, own);
  const std::vector<std::size_t> training = study.split.rows(Part::training);
  const auto groups = training_groups(examples, training, study.config.seed);
  std::size_t last = 0;
  const auto add = [&](std::size_t count, const Score& score) {
    curve.push_back({{"examples", count}, {"accuracy", score.value}, {"low", score.low}, {"high", score.high}});
  };
  for (const double share : {1.0 / 16, 1.0 / 8, 1.0 / 4, 1.0 / 2}) {
    const std::vector<std::size_t> part = part_of(groups, share);
    if (part.size() == last || part.size() == training.size()) continue;
    last = part.size();
    try {
      add(part.size(), refit(best, examples, study.config, part, study.split.rows(Part::validation)));
    } catch (const Interrupted&) {
      throw;
    } catch (const Error&) {  // too few examples for these parameters, as for more neighbours than examples
      continue;
    }
  }
  add(training.size(), best.validation);
  return curve;
}

json protocols_json(const StudiedData& study) {
  const auto share = [&](Part part) {
    return static_cast<double>(study.split.rows(part).size()) / static_cast<double>(study.split.parts.size());
  };
  json schemes = json::array();
  std::string leak;
  for (const SplitScheme scheme : {SplitScheme::grouped, SplitScheme::random}) {
    const bool same = scheme == study.split.scheme;
    const SplitConfig config{.scheme = scheme,
                             .seed = study.config.seed,
                             .validation_share = share(Part::validation),
                             .test_share = share(Part::test)};
    const Split split = same ? study.split : make_split(study.examples.subjects, config);
    json entries = json::array();
    for (const ModelResult* model : comparable(study)) {
      const Score score =
          same ? model->test.accuracy
               : refit(*model, study.examples, study.config, split.rows_except(Part::test), split.rows(Part::test));
      entries.push_back({{"name", model->name}, {"accuracy", score}});
    }
    schemes.push_back({{"scheme", to_string(scheme)}, {"models", std::move(entries)}});
    const auto crossings = check_leakage(study.examples.subjects, split).crossings;
    const auto artist = std::ranges::find(crossings, "artist", &Leakage::Crossing::kind);
    if (scheme == SplitScheme::grouped) continue;
    if (artist == crossings.end() || artist->groups == 0) return {};
    leak = fmt::format(
        " With the random split {} artists appear in more than one part; {} validation and test examples are theirs.",
        artist->groups, artist->examples);
  }
  return {{"note",
           "The same models with the parameters that the study chose, fitted on training and validation and "
           "evaluated on the test part of each split." +
               leak},
          {"schemes", std::move(schemes)}};
}

void add_refits(json& document, const StudiedData& study, Progress& progress) {
  for (json& model : document.at("models")) {
    if (model.contains("error")) continue;
    if (const auto file = find_file(study.model_path(model.at("name")))) model["cost"]["model_bytes"] = file->bytes;
  }
  if (!study.result.best) return;
  const double budget_s = std::max(kLeastBudgetSeconds, kBudgetShare * study_seconds(document));
  const ModelResult& best = study.result.models[*study.result.best];
  json &notes = document.at("notes"), &best_model = document.at("models").at(*study.result.best);
  const auto add = [&](json& into, const char* name, const char* title, double predicted_s,
                       json (*compute)(const StudiedData&)) {
    throw_if_interrupted();
    try {
      if (predicted_s > budget_s) {
        notes.push_back(
            fmt::format("{} is left out: it would take about {:.0f} s, and at most {:.0f} s are used for it.", title,
                        predicted_s, budget_s));
      } else if (json computed = compute(study); !computed.empty()) {
        into[name] = std::move(computed);
      }
    } catch (const Interrupted&) {
      throw;
    } catch (const Error& error) {
      notes.push_back(fmt::format("{} is left out: {}.", title, error.problem()));
    }
    progress.advance();
  };
  progress.begin("analyses", "analyses", 3);
  const double features = static_cast<double>(std::min(best.columns, kMostFeatures));
  add(best_model, "importance", "The importance of features", kPermutations * features * best.predict_s,
      importance_json);
  // 1/16 + ... + 1/2 of one fit.
  add(best_model, "learning_curve", "The learning curve", best.fit_s, learning_curve_json);
  double fits_s = 0;
  for (const ModelResult* model : comparable(study)) fits_s += model->fit_s + model->predict_s;
  const bool known = study.split.scheme == SplitScheme::grouped || study.split.scheme == SplitScheme::random;
  const auto is_known = [](const std::string& artist) { return !artist.empty(); };
  if (std::ranges::any_of(study.examples.subjects.artists, is_known) && fits_s > 0) {
    add(document, "protocols", "The comparison of the grouped and the random split", known ? fits_s : 2 * fits_s,
        protocols_json);
  }
  progress.finish();
}

std::vector<Split> nested_splits(const SplitSubjects& subjects, int folds, std::uint64_t seed) {
  std::vector<Split> splits;
  if (folds == 0) return splits;
  std::vector<int> fold_of;
  try {
    fold_of = make_folds(subjects, SplitScheme::grouped, folds, derive_seed(seed, "nested"));
  } catch (const Error& error) {
    throw Error("nested cross-validation is impossible: " + error.problem(), "--nested", error.remedy());
  }
  for (int fold = 0; fold < folds; ++fold) {
    SplitSubjects stated = subjects;
    for (std::size_t i = 0; i < fold_of.size(); ++i) {
      stated.official[i] = fold_of[i] == fold ? Part::test : Part::training;
    }
    splits.push_back(make_split(stated, {.scheme = SplitScheme::automatic, .seed = seed}));
  }
  return splits;
}

json nested_json(const StudiedData& study, const std::vector<Split>& outer, Progress& progress,
                 const std::function<StudyStore(const Examples&, std::size_t fold)>& store_of) {
  std::vector<std::size_t> hits(study.config.models.size()), examples(study.config.models.size());
  std::vector<json> folds(study.config.models.size(), json::array());
  std::vector<std::string> errors(study.config.models.size());
  for (std::size_t fold = 0; fold < outer.size(); ++fold) {
    const StudyResult result = run_study(
        study.examples, outer[fold], study.config, progress,
        [&](const Examples& table) { return store_of(table, fold); }, study.table_of);
    for (std::size_t i = 0; i < result.models.size(); ++i) {
      const ModelResult& model = result.models[i];
      if (!model.error.empty()) {
        errors[i] = fmt::format("fold {}: {}", fold + 1, model.error);
        continue;
      }
      examples[i] += model.test.accuracy.n;
      for (const GenreScore& genre : model.test.genres) hits[i] += genre.hits;
      folds[i].push_back(model.test.accuracy.value);
    }
  }
  json models = json::array();
  for (std::size_t i = 0; i < folds.size(); ++i) {
    models.push_back({{"name", study.config.models[i].name}});
    if (errors[i].empty()) {
      models.back().update({{"accuracy", wilson_score(hits[i], examples[i])}, {"folds", folds[i]}});
    } else {
      models.back()["error"] = errors[i];
    }
  }
  return {{"outer_folds", outer.size()}, {"models", std::move(models)}};
}

}  // namespace genrewise
