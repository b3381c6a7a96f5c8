// genrewise split: who learns, who chooses, who judges, as a file.
#include <fmt/format.h>

#include <array>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/dataset/split_file.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise split music/ --scheme grouped --seed 42 -o split.csv\n"
    "genrewise split data/fma --subset medium -o split.csv\n"
    "genrewise split features_30_sec.csv --scheme random -o split.csv";

struct Options {
  std::string place, output, scheme = "auto";
  DatasetOptions dataset;
  SplitConfig split;
};

constexpr std::array kParts{Part::training, Part::validation, Part::test};

using Counts = std::array<std::size_t, kParts.size()>;

std::vector<Counts> counts_by_label(const SplitSubjects& subjects, const Split& split) {
  std::vector<Counts> counts(subjects.labels_by_name.size());
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    ++counts[static_cast<std::size_t>(subjects.labels[i])][static_cast<std::size_t>(split.parts[i])];
  }
  return counts;
}

void print_table(const SplitSubjects& subjects, const Split& split, Session& session) {
  using enum Table::Align;
  Table table({{"genre", left}, {"training", right}, {"validation", right}, {"test", right}});
  const auto row = [&](const std::string& name, const Counts& counts) {
    table.add_row({name, std::to_string(counts[0]), std::to_string(counts[1]), std::to_string(counts[2])});
  };
  const auto counts = counts_by_label(subjects, split);
  for (std::size_t label = 0; label < counts.size(); ++label) row(subjects.labels_by_name[label], counts[label]);
  if (session.format == Format::csv) return session.print(table.csv());
  row("all", {split.rows(Part::training).size(), split.rows(Part::validation).size(), split.rows(Part::test).size()});
  session.print(table.text());
}

nlohmann::json json_of(const SplitSubjects& subjects, const Split& split, const Leakage& leakage,
                       const Options& options, std::span<const Fault> skipped) {
  const auto counts = counts_by_label(subjects, split);
  nlohmann::json genres = nlohmann::json::array(), crossings = nlohmann::json::array();
  for (std::size_t label = 0; label < counts.size(); ++label) {
    nlohmann::json genre{{"genre", subjects.labels_by_name[label]}};
    for (const Part part : kParts) {
      genre[std::string(to_string(part))] = counts[label][static_cast<std::size_t>(part)];
    }
    genres.push_back(std::move(genre));
  }
  for (const auto& crossing : leakage.crossings) {
    crossings.push_back({{"kind", crossing.kind}, {"groups", crossing.groups}, {"examples", crossing.examples}});
  }
  return {{"output", options.output}, {"scheme", std::string(to_string(split.scheme))},
          {"seed", split.seed},       {"genres", genres},
          {"leakage", crossings},     {"skipped", skipped_json(skipped)}};
}

struct Opened {
  SplitSubjects subjects;
  std::vector<Fault> rejected;
};

Opened open_subjects(const Options& options) {
  if (is_labelled_table(options.place)) return {read_labelled_table(options.place).subjects, {}};
  Dataset dataset = open_dataset(options.place, options.dataset);
  return {subjects_of(dataset), std::move(dataset.rejected)};
}

int run(const Options& options, Session& session) {
  const auto [subjects, rejected] = open_subjects(options);
  SplitConfig split_options = options.split;
  split_options.scheme = parse_split_scheme(options.scheme);
  split_options.seed = session.seed;
  const Split split = make_split(subjects, split_options);
  write_split_file(options.output, subjects, split);
  const Leakage leakage = check_leakage(subjects, split);
  session.report_skipped(rejected, "inputs");
  if (session.format == Format::json) {
    session.print_json(json_of(subjects, split, leakage, options, rejected));
  } else {
    session.say(fmt::format("{}: {} split of {} clips", options.output, to_string(split.scheme), split.parts.size()));
    for (const auto& crossing : leakage.crossings) {
      if (crossing.groups == 0) continue;
      session.say(fmt::format("{} {}s are on more than one side, with {} validation and test clips", crossing.groups,
                              crossing.kind, crossing.examples));
    }
    print_table(subjects, split, session);
  }
  return rejected.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_split(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = session.add_command(app, "split", "divide a dataset into training, validation and test parts",
                                          kExamples, [options, &session] { return run(*options, session); });
  command
      ->add_option("dataset", options->place,
                   "FMA folder, folder with one sub-folder per genre, CSV of paths, or labelled feature table")
      ->required();
  command->add_option("-o,--output", options->output, "the file to write: CSV with the columns track_id,part")
      ->required();
  command
      ->add_option("--scheme", options->scheme,
                   "official (the dataset's own), grouped (no artist or album on two sides), random (clips of one file "
                   "stay together), or auto: official where there is one, else grouped")
      ->check(CLI::IsMember({"auto", "official", "grouped", "random"}))
      ->capture_default_str();
  command->add_option("--validation", options->split.validation_share, "share of the validation part")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--test", options->split.test_share, "share of the test part")
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  command->add_option("--subset", options->dataset.fma_subset, "FMA's subset; each holds the ones before it")
      ->check(CLI::IsMember({"small", "medium", "large", "full"}))
      ->capture_default_str();
  session.add_seed_option(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
