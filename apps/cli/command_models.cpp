// genrewise models: classifiers, networks and their parameters.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/models/listing.hpp"
#include "genrewise/models/model_spec.hpp"
#include "option_group.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise models\n"
    "genrewise models svm\n"
    "genrewise models knn --json";

struct ModelsOptions {
  std::string kind;
  bool markdown = false;
};

std::string notes_of(const ClassifierDescriptor& one) {
  std::vector<std::string> notes;
  if (one.capabilities.neural_program) notes.emplace_back("network");
  if (!one.capabilities.trainable) notes.emplace_back("not trained");
  const auto own = std::ranges::count_if(one.presets, [&](const auto& preset) { return preset.name != one.kind; });
  if (own > 0) notes.push_back(fmt::format("{} presets", own));
  return fmt::format("{}", fmt::join(notes, ", "));
}

int list_all(Session& session) {
  Table table({{"kind"}, {"title", Table::Align::left, Table::Overflow::wrap}, {"notes"}});
  nlohmann::json models = nlohmann::json::array();
  for (const ClassifierDescriptor* one : classifier_descriptors()) {
    table.add_row({one->kind, one->title, notes_of(*one)});
    models.push_back(to_json(*one));
  }
  print_result(session, table, [&] { return nlohmann::json{{"models", models}}; });
  if (session.format == Format::table) session.note("`genrewise models KIND` lists the parameters of one");
  return kDone;
}

/// As in a manual page: each parameter with its default; its description and allowed values are indented.
std::string page_of(const ClassifierDescriptor& one) {
  const auto fill = [width = page_width(Stream::out)](std::string_view text, std::size_t indent) {
    return wrapped(text, indent, width);
  };
  std::string page = fmt::format("{}: {}\n{}\n", one.kind, one.title, fill(one.summary, 0));
  if (!one.parameters.empty()) page += "\nparameters, with their defaults\n";
  for (const ParameterDescriptor& parameter : one.parameters) {
    page += fmt::format("  {}={}\n", parameter.name, parameter.standard);
    page += fill(parameter.help, 6) + "\n" + fill(allowed_text(parameter), 6) + "\n";
    if (!parameter.alias.empty()) page += fmt::format("      also called {}\n", parameter.alias);
    if (!parameter.candidates.empty())
      page += fmt::format("      worth trying: {}={}\n", parameter.name, parameter.candidates);
  }
  if (one.capabilities.members) page += "  MEMBER.PARAMETER=VALUE\n      a member's own parameters\n";
  if (!one.searches.empty()) page += "\nsearch spaces (tune --preset)\n";
  for (const SearchSpace& space : one.searches)
    page += fill(fmt::format("{}: {}", space.name, fmt::join(space.axes, " ")), 2) + "\n";
  if (!one.presets.empty()) page += "\npresets, with the values that a study chooses from\n";
  for (const ModelPreset& preset : one.presets) {
    std::vector<std::string> parts = preset.axes;
    for (const auto& [name, value] : preset.parameters) parts.insert(parts.begin(), name + "=" + value);
    page += fill(fmt::format("{}: {}", preset.name, fmt::join(parts, " ")), 2) + "\n";
  }
  return page;
}

Table parameters_table(const ClassifierDescriptor& one) {
  Table table({{"parameter"}, {"type"}, {"default"}, {"allowed"}, {"worth trying"}, {"what"}});
  for (const ParameterDescriptor& parameter : one.parameters)
    table.add_row({parameter.name, std::string(to_string(parameter.type)), parameter.standard, allowed_text(parameter),
                   parameter.candidates, parameter.help});
  return table;
}

int run(const ModelsOptions& options, Session& session) {
  if (options.markdown) {
    session.print(classifiers_markdown());
    return kDone;
  }
  if (options.kind.empty()) return list_all(session);
  const ClassifierDescriptor* known = find_classifier(options.kind);
  const ClassifierDescriptor& one = known != nullptr ? *known : classifier_descriptor(parse_model(options.kind).kind);
  if (session.format == Format::table) {
    session.print(page_of(one));
  } else {
    print_result(session, parameters_table(one), [&] { return to_json(one); });
  }
  return kDone;
}

}  // namespace

void add_models(CLI::App& app, Session& session) {
  const CommandText text{.summary = "List classifiers and networks, or describe one", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "models", text, run);
  OptionGroup(command, kModel).add("KIND", options.kind, "", "The kind or preset to describe, as in svm or svm-rbf");
  OptionGroup(command, kOutput).flag("--markdown", options.markdown, "Print the table of docs/models.md");
  session.add_format_options(command);
}

}  // namespace genrewise::cli
