#include "genrewise/models/model_spec.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <optional>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/models/candidates.hpp"
#include "genrewise/models/point.hpp"

namespace genrewise {
namespace {

using grammar::Assignment;
using grammar::Candidates;
using grammar::parse_assignment;
using grammar::parse_candidates;
using grammar::Part;
using grammar::value_text;

constexpr std::size_t kMostFileName = 120;
constexpr std::string_view kFmaBaselines = "fma-baselines";

/// A named model with its own parameters.
struct NamedPreset {
  const ClassifierDescriptor* classifier;
  ModelPreset preset;
};

/// The classifiers of the FMA dataset's baselines.ipynb (Defferrard et al. 2017).
std::vector<NamedPreset> fma_presets() {
  struct Baseline {
    const char *name, *title, *kind;
    Parameters parameters;
  };
  static const std::vector<Baseline> baselines = {
      {"LR", "Logistic regression", "logreg", {}},
      {"kNN", "200 nearest neighbours", "knn", {{"n_neighbors", "200"}}},
      {"SVCrbf", "SVM, RBF kernel", "svm", {{"kernel", "rbf"}}},
      {"SVCpoly1", "SVM, polynomial kernel of degree 1", "svm", {{"kernel", "poly"}, {"degree", "1"}}},
      {"linSVC1", "SVM, linear kernel", "svm", {{"kernel", "linear"}}},
      {"linSVC2", "Linear SVM, one against the rest", "linearsvc", {}},
      {"DT", "Decision tree", "tree", {{"max_depth", "5"}}},
      {"RF",
       "Random forest of 10 shallow trees",
       "forest",
       {{"max_depth", "5"}, {"n_estimators", "10"}, {"max_features", "1"}}},
      {"AdaBoost", "10 boosted stumps", "adaboost", {{"n_estimators", "10"}}},
      {"MLP1", "Perceptron, 100", "mlp", {{"hidden_layer_sizes", "100"}, {"max_iter", "2000"}}},
      {"MLP2", "Perceptron, 200 and 50", "mlp", {{"hidden_layer_sizes", "(200,50)"}, {"max_iter", "2000"}}},
      {"NB", "Gaussian naive Bayes", "gnb", {}},
      {"QDA", "Quadratic discriminant analysis", "qda", {}}};
  std::vector<NamedPreset> presets;
  for (const Baseline& one : baselines)
    presets.push_back({&classifier_descriptor(one.kind),
                       {std::string("fma-") + one.name, std::string(one.title) + ", FMA baseline", one.parameters}});
  return presets;
}

/// Those of the classifiers, then FMA's baselines.
std::vector<NamedPreset> all_presets() {
  std::vector<NamedPreset> presets;
  for (const ClassifierDescriptor* classifier : classifier_descriptors())
    for (const ModelPreset& preset : classifier->presets) presets.push_back({classifier, preset});
  std::ranges::copy(fma_presets(), std::back_inserter(presets));
  return presets;
}

std::optional<NamedPreset> find_preset(std::string_view name) {
  std::vector<NamedPreset> presets = all_presets();
  const auto found = std::ranges::find(presets, name, [](const NamedPreset& one) { return one.preset.name; });
  return found == presets.end() ? std::nullopt : std::optional(*found);
}

GridAxis make_axis(std::string name, const Candidates& candidates) {
  GridAxis axis{std::move(name), candidates.values};
  if (candidates.is_range) axis.written = candidates.parts.front().text();
  return axis;
}

/// The parameter that is meant, of the classifier or of preprocessing; null for a parameter of an ensemble's estimator.
const ParameterDescriptor* declared(const ClassifierDescriptor& classifier, const Assignment& assignment) {
  if (const auto* own = find_parameter(classifier.parameters, assignment.name)) return own;
  if (const auto* preprocessing = find_parameter(preprocessing_parameters(), assignment.name)) return preprocessing;
  if (classifier.capabilities.members && assignment.name.find('.') != std::string::npos) return nullptr;
  const auto names = [](std::span<const ParameterDescriptor> parameters) {
    std::vector<std::string> all;
    for (const ParameterDescriptor& one : parameters) all.push_back(one.name);
    return fmt::format("{}", fmt::join(all, ", "));
  };
  assignment.name_part.refuse(fmt::format("{} has no parameter '{}'", classifier.kind, assignment.name),
                              fmt::format("its parameters are {}; preprocessing parameters are {}",
                                          names(classifier.parameters), names(preprocessing_parameters())));
}

/// Parses and checks the candidates of one parameter; the axis has the parameter's canonical name.
GridAxis checked_axis(const ClassifierDescriptor& classifier, const Assignment& assignment) {
  const ParameterDescriptor* parameter = declared(classifier, assignment);
  const Candidates candidates = parse_candidates(assignment.value, assignment.name);
  if (parameter == nullptr) return make_axis(assignment.name, candidates);
  for (std::size_t i = 0; i < candidates.values.size(); ++i) {
    if (allows(*parameter, candidates.values[i])) continue;
    candidates.parts[candidates.is_range ? 0 : i].refuse(
        fmt::format("{} = '{}' is not allowed", parameter->name, candidates.values[i]),
        "give " + allowed_text(*parameter));
  }
  return make_axis(parameter->name, candidates);
}

[[noreturn]] void refuse_several(const Assignment& assignment) {
  assignment.value.refuse(
      fmt::format("{} has several candidates where one value is expected", assignment.name),
      fmt::format("write a value that is a list in parentheses, as in {}=({}); candidates are for study and tune",
                  assignment.name, assignment.value.text()));
}

/// NAME=VALUE of everything that differs from the kind or preset.
std::vector<std::string> changes_of(const ModelSpec& spec) {
  std::vector<std::string> changes;
  const std::optional<NamedPreset> preset = find_preset(spec.base);
  for (const auto& [name, value] : spec.parameters) {
    const bool by_preset =
        preset && preset->preset.parameters.contains(name) && preset->preset.parameters.at(name) == value;
    if (!by_preset) changes.push_back(fmt::format("{}={}", name, value_text(value)));
  }
  for (const GridAxis& axis : spec.grid)
    if (!axis.by_default) changes.push_back(text_of(axis));
  return changes;
}

void rename(ModelSpec& spec) {
  spec.name = text_of(spec);
  const std::optional<NamedPreset> preset = find_preset(spec.base);
  spec.title = preset ? preset->preset.title : classifier_descriptor(spec.kind).title;
  for (const std::string& change : changes_of(spec)) spec.title += ", " + change;
}

/// Replaces what a preset sets; throws Error for a parameter that was given before.
void replace(ModelSpec& spec, const Assignment& assignment, const std::string& name) {
  const std::optional<NamedPreset> preset = find_preset(spec.base);
  const auto from_preset = [&](const std::string& parameter) {
    const auto fixed = spec.parameters.find(parameter);
    return fixed != spec.parameters.end() && preset && preset->preset.parameters.contains(parameter) &&
           preset->preset.parameters.at(parameter) == fixed->second;
  };
  const auto axis = std::ranges::find(spec.grid, name, &GridAxis::parameter);
  if ((spec.parameters.contains(name) && !from_preset(name)) || (axis != spec.grid.end() && !axis->by_default))
    assignment.name_part.refuse(fmt::format("{} is given twice", name), "leave one of them out");
  spec.parameters.erase(name);
  if (axis != spec.grid.end()) spec.grid.erase(axis);
  if (name == "pca_components" && from_preset("pca_variance")) spec.parameters.erase("pca_variance");  // the other way
}

/// The estimators of an ensemble and their weights can only be checked together.
void check_members(const ModelSpec& spec) {
  if (!classifier_descriptor(spec.kind).capabilities.members) return;
  for (const Parameters& parameters : grid_points(spec.parameters, spec.grid))
    make_classifier(spec.kind, Point(parameters).classifier, kDefaultSeed);
}

ModelSpec named_model(const std::string& word, std::string_view whole) {
  if (const std::optional<NamedPreset> found = find_preset(word)) {
    ModelSpec spec{word, found->preset.title, {}, found->classifier->kind, found->preset.parameters, {}, word};
    for (const std::string& axis : found->preset.axes) {
      spec.grid.push_back(parse_axis(axis));
      spec.grid.back().by_default = true;
    }
    return spec;
  }
  const ClassifierDescriptor* known = find_classifier(word);
  if (known != nullptr && known->capabilities.trainable) return {word, {}, {}, word, {}, {}, word};
  std::vector<std::string> names;
  for (const NamedPreset& one : all_presets())
    if (!one.preset.name.starts_with("fma-") && find_classifier(one.preset.name) == nullptr)
      names.push_back(one.preset.name);
  throw UnknownName(fmt::format("there is no model \"{}\"", word), fmt::format("\"{}\"", whole),
                    fmt::format("use {}, {}, {}, with parameters as in svm:C=10:kernel=poly; FEATURES/ before it names "
                                "its feature set",
                                fmt::join(classifier_kinds(), ", "), fmt::join(names, ", "), kFmaBaselines));
}

/// "a/svm:C=1" -> "svm".
std::string_view word_of(std::string_view text) {
  text = text.substr(0, text.find(':'));
  return text.substr(text.find('/') == std::string_view::npos ? 0 : text.find('/') + 1);
}

bool starts_model(std::string_view text) {
  const std::string word(word_of(text));
  return word == kFmaBaselines || find_preset(word) || find_classifier(word) != nullptr;
}

/// At the commas that start a new model.
std::vector<std::string> split_models(std::string_view text) {
  std::vector<std::string> models;
  for (const Part& part : grammar::split(Part{text, 0, text.size()}, ',')) {
    const bool continues =
        !models.empty() && models.back().find('=') != std::string::npos && !starts_model(part.text());
    if (continues) {
      models.back() += ',' + std::string(part.text());
    } else {
      models.emplace_back(part.text());
    }
  }
  return models;
}

}  // namespace

ModelSpec parse_model(std::string_view text, Values values) {
  const std::size_t head_end = std::min(text.find(':'), text.size());
  const std::size_t slash = text.substr(0, head_end).find('/');
  const std::string_view word = word_of(text);
  if (slash == 0)
    Part{text, 0, 0}.refuse("no features are named before the /", "write FEATURES/MODEL, as in fma518/svm");
  if (word.empty())
    Part{text, head_end, head_end}.refuse("no model is named", "write KIND[:NAME=VALUE]..., as in svm:C=10");
  ModelSpec spec = named_model(std::string(word), text);
  if (slash < head_end) spec.features = text.substr(0, slash);
  if (values == Values::single) spec.grid.clear();
  const ClassifierDescriptor& classifier = classifier_descriptor(spec.kind);
  if (head_end < text.size()) {
    const Part rest{text, head_end + 1, text.size()};
    for (const Part& part : grammar::split(
             rest, [&](std::size_t at) { return text[at] == ':' && grammar::name_end(text, at + 1).has_value(); })) {
      const Assignment assignment = parse_assignment(part);
      if (assignment.name == "features")
        assignment.name_part.refuse(
            "a model is fitted on a whole table",
            "name a feature set before the model, as in fma518/svm; groups of features are for tune and --ablation");
      GridAxis axis = checked_axis(classifier, assignment);
      if (values == Values::single && axis.values.size() > 1) refuse_several(assignment);
      replace(spec, assignment, axis.parameter);
      if (axis.values.size() > 1) {
        spec.grid.push_back(std::move(axis));
      } else {
        spec.parameters[axis.parameter] = axis.values.front();
      }
    }
  }
  check_members(spec);
  rename(spec);
  return spec;
}

std::vector<ModelSpec> parse_models(const std::vector<std::string>& texts) {
  std::vector<ModelSpec> models;
  const auto add = [&](ModelSpec spec) {
    const auto found =
        std::ranges::find(models, file_name_of(spec.name), [](const ModelSpec& one) { return file_name_of(one.name); });
    if (found == models.end()) {
      models.push_back(std::move(spec));
    } else if (*found != spec) {
      throw Error(fmt::format("{} and {} would have files of the same name", found->name, spec.name), "models",
                  "leave one of them out");
    }
  };
  for (const std::string& text : texts) {
    for (const std::string& model : split_models(text)) {
      if (word_of(model) != kFmaBaselines) {
        add(parse_model(model));
        continue;
      }
      const std::string features = model.substr(0, model.find(kFmaBaselines));
      for (const NamedPreset& one : fma_presets()) add(parse_model(features + one.preset.name));
    }
  }
  return models;
}

void add_parameter(ModelSpec& spec, std::string_view text) {
  const Assignment assignment = parse_assignment({text, 0, text.size()});
  const GridAxis axis = checked_axis(classifier_descriptor(spec.kind), assignment);
  if (axis.values.size() > 1) refuse_several(assignment);
  replace(spec, assignment, axis.parameter);
  spec.parameters[axis.parameter] = axis.values.front();
  check_members(spec);
  rename(spec);
}

void add_axis(ModelSpec& spec, std::string_view text) {
  const Assignment assignment = parse_assignment({text, 0, text.size()});
  GridAxis axis = checked_axis(classifier_descriptor(spec.kind), assignment);
  replace(spec, assignment, axis.parameter);
  spec.grid.push_back(std::move(axis));
  check_members(spec);
  rename(spec);
}

GridAxis parse_axis(std::string_view text) {
  const Assignment assignment = parse_assignment({text, 0, text.size()});
  std::string name = assignment.name;
  for (const ClassifierDescriptor* classifier : classifier_descriptors())
    if (const auto* parameter = find_parameter(classifier->parameters, name)) name = parameter->name;
  return make_axis(std::move(name), parse_candidates(assignment.value, assignment.name));
}

std::string text_of(const GridAxis& axis) {
  if (!axis.written.empty()) return axis.parameter + "=" + axis.written;
  std::vector<std::string> values;
  for (const std::string& value : axis.values) values.push_back(value_text(value));
  return fmt::format("{}={}", axis.parameter, fmt::join(values, ","));
}

std::string text_of(const ModelSpec& spec) {
  std::string text = spec.features.empty() ? "" : spec.features + "/";
  text += spec.base.empty() ? spec.kind : spec.base;
  for (const std::string& change : changes_of(spec)) text += ":" + change;
  return text;
}

std::string file_name_of(std::string_view model_name) {
  std::string name = as_file_name(model_name);
  if (name.size() <= kMostFileName) return name;
  const std::string sum = sha256_hex(model_name).substr(0, 12);
  return name.substr(0, kMostFileName - sum.size() - 1) + "-" + sum;
}

std::string as_file_name(std::string_view text) {
  constexpr std::string_view kKept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.";
  std::string name;
  for (const char c : text) name += kKept.find(c) == std::string_view::npos ? '-' : c;
  return name;
}

std::vector<ModelSpec> default_models() {
  std::vector<ModelSpec> models;
  for (const NamedPreset& one : all_presets())
    if (one.preset.in_study) models.push_back(parse_model(one.preset.name));
  return models;
}

}  // namespace genrewise
