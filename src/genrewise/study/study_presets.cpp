#include "genrewise/study/study_presets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <optional>
#include <utility>

#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

// The systems of the original study: default_models() and this on each set of engineered features (the source's own and
// one more), ...
constexpr const char* kPerceptron = "mlp";
constexpr const char* kFurtherFeatures = "frames";
// ... and networks.
constexpr const char* kNetworks[] = {"raw10k/cnn1d", "mel224/mobilenetv2"};

// `best`: these models on the first of these feature sets whose weights are present.
// The first of each is the recipe of docs/recipe.md. Principal components keep wide tables small for the linear ones.
constexpr const char* kBestFeatures[] = {"audiotag_music", "audiotag", "musicnn_msd_pools", "music"};
constexpr const char* kBestModels[] = {"ensemble", "svm-rbf", "logreg-pca", "lda-pca"};

std::string on_features(const std::string& features, const std::string& model) {
  return features.empty() ? model : features + "/" + model;
}

/// Pretrained networks whose weights the model's features or the model itself read.
std::vector<std::string> weights_of(const ModelSpec& spec) {
  std::vector<std::string> networks;
  const auto set = std::ranges::find(feature_sets(), spec.features, &FeatureSetDescriptor::name);
  if (set != feature_sets().end()) networks = set->weights;
  const auto& all = pretrained_networks();
  if (std::ranges::find(all, spec.kind, &PretrainedNetwork::name) != all.end()) networks.push_back(spec.kind);
  return networks;
}

/// Why a model cannot run here.
std::optional<LeftOut> obstacle(const ModelSpec& spec) {
  if (classifier_descriptor(spec.kind).capabilities.neural_program && find_neural_program().empty())
    return LeftOut{spec.name, "the program genrewise-neural is not installed",
                   "tools/install_packages.sh neural, then build again"};
  for (const std::string& name : weights_of(spec)) {
    if (has_weights(name)) continue;
    const std::string& package = find_pretrained_network(name).package;
    return LeftOut{spec.name, fmt::format("the weights of {} are missing", name),
                   "genrewise fetch weights " + (package.empty() ? name : package)};
  }
  return std::nullopt;
}

class Collection {
 public:
  explicit Collection(const DataSource& source) : source_(source) {}

  void add_original() {
    add_classical("");
    if (shown_set("", source_) != kFurtherFeatures) add_classical(kFurtherFeatures);
    for (const char* network : kNetworks) add(network);
  }

  void add_best() {
    if (!source_.has_audio()) {
      for (const char* model : kBestModels) add(model);
      shrunk_ = true;
      return;
    }
    for (const std::string features : kBestFeatures) {
      std::vector<LeftOut> missing;
      for (const char* model : kBestModels) {
        if (auto found = obstacle(parse_model(on_features(features, model)))) missing.push_back(std::move(*found));
      }
      std::ranges::copy(missing, std::back_inserter(made_.left_out));
      if (!missing.empty()) continue;
      const bool own = features == shown_set("", source_);
      for (const char* model : kBestModels) add(on_features(own ? "" : features, model));
      made_.notes.push_back(fmt::format("The preset best uses the features {}.", features));
      return;
    }
  }

  PresetModels take() {
    if (shrunk_)
      made_.notes.push_back("The dataset has no audio, so the preset has only models that its own numbers allow.");
    return std::move(made_);
  }

 private:
  void add_classical(const std::string& features) {
    for (const ModelSpec& model : default_models()) add(on_features(features, model.name));
    add(on_features(features, kPerceptron));
  }

  void add(const std::string& text) {
    ModelSpec spec = parse_model(text);
    if (std::ranges::find(made_.models, spec) != made_.models.end()) return;
    const bool has_numbers = spec.features.empty() || source_.has_audio() || !source_.table_of(spec.features).empty() ||
                             shown_set("", source_) == spec.features;
    if (!has_numbers) {
      shrunk_ = true;
    } else if (auto missing = obstacle(spec)) {
      made_.left_out.push_back(std::move(*missing));
    } else {
      made_.models.push_back(std::move(spec));
    }
  }

  const DataSource& source_;
  PresetModels made_;
  bool shrunk_ = false;
};

}  // namespace

const std::vector<StudyPreset>& study_presets() {
  static const std::vector<StudyPreset> all = {
      {"default", "those of original and best that fit the budget"},
      {"original", "every system of the study that this program repeats, classical and neural"},
      {"best",
       "the recipe of docs/recipe.md, SVM, logistic regression and LDA on the strongest features whose weights are "
       "present"}};
  return all;
}

PresetModels preset_models(std::string_view preset, const DataSource& source) {
  if (std::ranges::find(study_presets(), preset, &StudyPreset::name) == study_presets().end())
    throw UnknownName(fmt::format("there is no preset \"{}\"", preset), "--preset", "use default, original or best");
  Collection models(source);
  if (preset != "best") models.add_original();
  if (preset != "original") models.add_best();
  return models.take();
}

std::vector<std::string> feature_sets_of(const std::vector<ModelSpec>& models) {
  std::vector<std::string> sets;
  for (const ModelSpec& spec : models) {
    if (std::ranges::find(sets, spec.features) == sets.end()) sets.push_back(spec.features);
  }
  return sets;
}

std::string shown_set(const std::string& set, const DataSource& source) {
  if (!set.empty()) return set;
  if (source.kind() == "pack" && !source.pack().recipe.name.empty()) return source.pack().recipe.name;
  return source.extracts() ? source.features() : "table";
}

std::vector<std::string> sentences(const std::vector<LeftOut>& left_out) {
  std::vector<std::pair<std::string, std::vector<std::string>>> models;  // by the end of the sentence, in order
  for (const LeftOut& one : left_out) {
    const std::string end = one.reason + (one.remedy.empty() ? "" : "; to include: " + one.remedy) + ".";
    auto found = std::ranges::find(models, end, [](const auto& entry) { return entry.first; });
    if (found == models.end()) found = models.insert(models.end(), {end, {}});
    found->second.push_back(one.model);
  }
  std::vector<std::string> texts;
  for (const auto& [end, names] : models) texts.push_back(fmt::format("Left out: {}: {}", fmt::join(names, ", "), end));
  return texts;
}

}  // namespace genrewise
