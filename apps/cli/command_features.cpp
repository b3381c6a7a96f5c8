// genrewise features: lists feature sets, or describes one.
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "option_group.hpp"
#include "terminal.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise features\n"
    "genrewise features audiotag\n"
    "genrewise features --json";

struct FeaturesOptions {
  std::string name;
  bool markdown = false;
};

std::string rate_text(const FeatureSetDescriptor& set) {
  return set.sample_rate_hz == 0 ? "the file's" : fmt::format("{} Hz", set.sample_rate_hz);
}

int run(const FeaturesOptions& options, Session& session) {
  if (options.markdown) {
    session.print(feature_sets_markdown());
    return kDone;
  }
  if (!options.name.empty()) {
    const FeatureSetDescriptor& set = feature_set_descriptor(options.name);
    if (session.format == Format::json) {
      session.print_json(to_json(set));
      return kDone;
    }
    session.print(
        fmt::format("{}: {}\n{}\n\n  columns      {}\n  shape        {}\n  sample rate  {}\n  weights      {}\n",
                    set.name, set.title, wrapped(set.summary, 0, page_width(Stream::out)), set.columns, set.shape,
                    rate_text(set), set.weights.empty() ? "none" : fmt::format("{}", fmt::join(set.weights, ", "))));
    return kDone;
  }
  Table table({{"name"},
               {"columns", Table::Align::right},
               {"rate", Table::Align::right},
               {"title", Table::Align::left, Table::Overflow::wrap}});
  nlohmann::json sets = nlohmann::json::array();
  for (const FeatureSetDescriptor& set : feature_sets()) {
    table.add_row({set.name, std::to_string(set.columns), rate_text(set), set.title});
    sets.push_back(to_json(set));
  }
  print_result(session, table, [&] { return nlohmann::json{{"feature_sets", sets}}; });
  return kDone;
}

}  // namespace

void add_features(CLI::App& app, Session& session) {
  const CommandText text{.summary = "List feature sets, or describe one", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "features", text, run);
  OptionGroup(command, kData).add("NAME", options.name, "", "The feature set to describe, as in fma518");
  OptionGroup(command, kOutput).flag("--markdown", options.markdown, "Print the table of docs/features.md");
  session.add_format_options(command);
}

}  // namespace genrewise::cli
