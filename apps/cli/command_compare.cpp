// genrewise compare: the models of several studies.
#include <filesystem>

#include "commands.hpp"
#include "genrewise/report/compare.hpp"
#include "option_group.hpp"
#include "sections.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise compare runs/mfcc runs/music\n"
    "genrewise compare runs/seed1 runs/seed2 runs/seed3 --csv > comparison.csv\n"
    "genrewise compare runs/a runs/b --json";

using Runs = std::vector<std::filesystem::path>;

int run(const Runs& runs, Session& session) {
  const nlohmann::json comparison = compare_runs(runs, session.seed, session.progress());
  for (const auto& note : comparison.at("notes")) session.note(note.get<std::string>());
  const std::vector<Section> sections = comparison_sections(comparison);
  if (session.format == Format::table) {
    print_tables(session, sections);
  } else {
    print_result(session, as_table(sections.front().table), [&] { return comparison; });
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
  const auto [command, runs] = session.add_command(app, "compare", text, run);
  OptionGroup(command, kData)
      .add("RUN", runs, "", "Run folders of studies; differences are from the first one")
      ->required()
      ->expected(2, 1000);
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
