#include "genrewise/models/listing.hpp"

#include <fmt/format.h>

#include "genrewise/base/csv.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

/// "`kernel` (rbf; linear, poly, sigmoid)".
std::string markdown_of(const ParameterDescriptor& parameter) {
  std::vector<std::string> others = parameter.words;
  std::erase(others, parameter.standard);
  const bool number = parameter.type == ParameterType::number || parameter.type == ParameterType::integer;
  double value = 0;
  if (number && !parameter.words.empty() && !parse_number(parameter.standard, value)) others.emplace_back("a number");
  const std::string standard = parameter.standard.empty() ? "none" : parameter.standard;
  return fmt::format("`{}` ({}{}{})", parameter.name, standard, others.empty() ? "" : "; ", fmt::join(others, ", "));
}

}  // namespace

json to_json(const ParameterDescriptor& parameter) {
  const Range& range = parameter.range;
  return {{"name", parameter.name},
          {"type", to_string(parameter.type)},
          {"default", parameter.standard},
          {"help", parameter.help},
          {"allowed", allowed_text(parameter)},
          {"choices", parameter.words},
          {"least", range.has_least() ? json(range.least) : json()},
          {"most", range.has_most() ? json(range.most) : json()},
          {"least_open", range.least_open},
          {"most_open", range.most_open},
          {"alias", parameter.alias.empty() ? json() : json(parameter.alias)},
          {"candidates", parameter.candidates},
          {"simpler", to_string(parameter.simpler)}};
}

json to_json(const ClassifierDescriptor& classifier) {
  json parameters = json::array(), presets = json::array(), searches = json::object();
  for (const ParameterDescriptor& parameter : classifier.parameters) parameters.push_back(to_json(parameter));
  for (const SearchSpace& space : classifier.searches) searches[space.name] = space.axes;
  for (const ModelPreset& preset : classifier.presets)
    presets.push_back({{"name", preset.name},
                       {"title", preset.title},
                       {"parameters", preset.parameters},
                       {"axes", preset.axes},
                       {"in_study", preset.in_study}});
  const ClassifierCapabilities& can = classifier.capabilities;
  return {{"kind", classifier.kind},
          {"title", classifier.title},
          {"summary", classifier.summary},
          {"parameters", std::move(parameters)},
          {"searches", std::move(searches)},
          {"presets", std::move(presets)},
          {"capabilities",
           {{"plain_features", can.plain_features},
            {"batches", can.batches},
            {"neural_program", can.neural_program},
            {"trainable", can.trainable},
            {"members", can.members}}}};
}

std::string classifiers_markdown() {
  std::string table = "| kind | parameters (default; other values) | what |\n|---|---|---|\n";
  for (const ClassifierDescriptor* one : classifier_descriptors()) {
    if (one->capabilities.neural_program || !one->capabilities.trainable) continue;
    std::vector<std::string> parameters;
    for (const ParameterDescriptor& parameter : one->parameters) parameters.push_back(markdown_of(parameter));
    if (one->capabilities.members) parameters.emplace_back("members' parameters as `svm.C`");
    table += fmt::format("| `{}` | {} | {}: {} |\n", one->kind, fmt::join(parameters, ", "), one->title, one->summary);
  }
  return table;
}

}  // namespace genrewise
