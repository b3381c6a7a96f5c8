#include "genrewise/study/study_presets.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <optional>
#include <utility>

#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

/// A system of the original study.
struct System {
  const char *model, *title;
};

/// The classical systems, which the study fits on each set of engineered features.
constexpr System kClassical[] = {{"gnb", "Gaussian naive Bayes"},   {"knn", "k nearest neighbours"},
                                 {"logreg", "Logistic regression"}, {"svm-linear", "SVM, linear kernel"},
                                 {"svm-poly", "SVM, polynomial"},   {"svm-rbf", "SVM, RBF kernel"},
                                 {"svm-sigmoid", "SVM, sigmoid"},   {"mlp", "Multi-layer perceptron"}};
constexpr const char* kFurtherFeatures = "frames";  // engineered features besides the study's own
constexpr System kNetworks[] = {{"raw10k/cnn1d", "1-D CNN"}, {"mel224/mobilenetv2", "MobileNetV2"}};

/// Strongest first; `best` uses the first one whose weights are present.
constexpr const char* kBestFeatures[] = {"audiotag", "musicnn_msd_pools", "music"};
constexpr const char* kBestModels[] = {"svm-rbf", "logreg"};

std::string with_features(const std::string& features, const char* model) {
  return features.empty() ? model : features + "/" + model;
}

/// Pretrained networks whose weights the model's features or the model itself read.
std::vector<std::string> weights_of(const ModelSpec& spec) {
  std::vector<std::string> networks;
  const auto& sets = feature_sets();
  const auto set = std::ranges::find(sets, spec.features, &FeatureSetDescriptor::name);
  if (set != sets.end()) networks = set->weights;
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
    for (const System& system : kClassical) add(system.model, system.title);
    if (own_features_of(source_) != kFurtherFeatures) {
      for (const System& system : kClassical) add(with_features(kFurtherFeatures, system.model).c_str(), system.title);
    }
    for (const System& network : kNetworks) add(network.model, network.title);
  }

  void add_best() {
    if (!source_.has_audio()) return add_best_of("");
    for (const char* features : kBestFeatures) {
      std::vector<LeftOut> missing;
      for (const char* model : kBestModels) {
        if (auto found = obstacle(parse_model(with_features(features, model)))) missing.push_back(std::move(*found));
      }
      if (missing.empty()) return add_best_of(features == own_features_of(source_) ? "" : features);
      std::ranges::move(missing, std::back_inserter(made_.left_out));
    }
  }

  PresetModels take() {
    if (shrunk_)
      made_.notes.push_back(
          "The dataset has no audio, so the preset contains only models that can be trained on its own numbers.");
    return std::move(made_);
  }

 private:
  void add_best_of(const std::string& features) {
    for (const char* model : kBestModels) add(with_features(features, model).c_str(), nullptr);
    shrunk_ |= !source_.has_audio();
    if (source_.has_audio())
      made_.notes.push_back(
          fmt::format("The preset best uses the features {}.", features.empty() ? own_features_of(source_) : features));
  }

  /// `title`: null for the model's own.
  void add(const char* text, const char* title) {
    ModelSpec spec = parse_model(text);
    if (std::ranges::find(made_.models, spec.name, &ModelSpec::name) != made_.models.end()) return;
    if (!has_numbers(spec.features)) {
      shrunk_ = true;
    } else if (auto missing = obstacle(spec)) {
      made_.left_out.push_back(std::move(*missing));
    } else {
      if (title != nullptr) spec.title = title;
      made_.models.push_back(std::move(spec));
    }
  }

  bool has_numbers(const std::string& features) const {
    return features.empty() || source_.has_audio() || !source_.table_of(features).empty() ||
           (source_.kind() == "pack" && source_.pack().recipe.name == features);
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
      {"best", "SVM and logistic regression on the strongest features whose weights are present"}};
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

std::string own_features_of(const DataSource& source) {
  const std::string name = source.kind() == "pack" ? source.pack().recipe.name
                           : source.extracts()     ? source.features()
                                                   : "";
  return name.empty() ? "table" : name;
}

std::vector<std::string> feature_sets_of(const std::vector<ModelSpec>& models) {
  std::vector<std::string> sets;
  for (const ModelSpec& spec : models) {
    if (std::ranges::find(sets, spec.features) == sets.end()) sets.push_back(spec.features);
  }
  return sets;
}

std::vector<std::string> sentences(const std::vector<LeftOut>& left_out) {
  std::vector<std::pair<std::pair<std::string, std::string>, std::vector<std::string>>> groups;  // in order
  for (const LeftOut& one : left_out) {
    const std::pair key(one.reason, one.remedy);
    auto found = std::ranges::find(groups, key, [](const auto& group) { return group.first; });
    if (found == groups.end()) found = groups.insert(groups.end(), {key, {}});
    found->second.push_back(one.model);
  }
  std::vector<std::string> texts;
  for (const auto& [key, models] : groups) {
    texts.push_back(fmt::format("Left out: {}: {}{}{}.", fmt::join(models, ", "), key.first,
                                key.second.empty() ? "" : "; to include: ", key.second));
  }
  return texts;
}

}  // namespace genrewise
