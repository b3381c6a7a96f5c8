// genrewise compare: the models of several studies.
#include <fmt/format.h>

#include <filesystem>

#include "commands.hpp"
#include "genrewise/report/compare.hpp"
#include "option_group.hpp"
#include "sections.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise compare runs/mfcc runs/music\n"
    "genrewise compare runs/seed1 runs/seed2 runs/seed3 --format md > comparison.md\n"
    "genrewise compare runs/a runs/b --json";

struct CompareOptions {
  std::vector<std::filesystem::path> runs;
  std::string format = "table";
};

/// A row per model and run; empty cells where there is no figure.
std::string models_csv(const nlohmann::json& comparison) {
  std::vector<std::vector<std::string>> rows = {{"model", "run", "best", "accuracy", "low", "high", "test_examples",
                                                 "macro_f1", "difference", "difference_low", "difference_high",
                                                 "paired", "error"}};
  const nlohmann::json& runs = comparison.at("runs");
  for (const auto& model : comparison.at("models")) {
    for (std::size_t k = 0; k < runs.size(); ++k) {
      const auto& entry = model.at("runs")[k];
      if (entry.is_null()) continue;
      rows.push_back({model.at("name"), runs[k].at("name"), runs[k].at("best") == model.at("name") ? "1" : "0"});
      for (const char* path : {"/accuracy/value", "/accuracy/low", "/accuracy/high", "/accuracy/n", "/macro_f1",
                               "/difference/value", "/difference/low", "/difference/high", "/difference/paired"}) {
        const auto value = entry.value(nlohmann::json::json_pointer(path), nlohmann::json());
        rows.back().push_back(value.is_null() ? "" : value.dump());
      }
      rows.back().push_back(entry.value("error", ""));
    }
  }
  return csv_text(rows);
}

int run(const CompareOptions& options, Session& session) {
  const nlohmann::json comparison = compare_runs(options.runs, session.seed, session.progress());
  for (const auto& note : comparison.at("notes")) session.note(note.get<std::string>());
  if (session.format == Format::csv) {
    session.print(models_csv(comparison));
  } else if (session.format == Format::json) {
    session.print_json(comparison);
  } else if (options.format == "md") {
    session.print(comparison_markdown(comparison));
  } else {
    print_tables(session, comparison_sections(comparison));
  }
  return kDone;
}

}  // namespace

void add_compare(CLI::App& app, Session& session) {
  const CommandText text{
      .summary = "Compare the models of several studies",
      .details =
          "Matches models by their names and test examples by their ids; the best models, and those with the "
          "same name, are tested in pairs where the runs have the same genres. What differs between the runs is "
          "stated.",
      .examples = kExamples};
  const auto [command, options] = session.add_command(app, "compare", text, run);
  OptionGroup(command, kData)
      .add("RUN", options.runs, "", "Run folders of studies; differences are from the first one")
      ->required()
      ->expected(2, 1000);
  CLI::Option* format =
      one_of(OptionGroup(command, kOutput).add("--format", options.format, "FORMAT", "Print a table or Markdown"),
             {"table", "md"})
          ->capture_default_str();
  session.add_format_options(command);
  format->excludes("--json", "--csv");
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
