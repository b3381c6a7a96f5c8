// genrewise split: training, validation and test parts, as a file.
#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/dataset/split.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise split music/ --scheme grouped --seed 42 -o split.csv\n"
    "genrewise split data/fma --subset medium --min-groups 3 -o split.csv\n"
    "genrewise split features_30_sec.csv --scheme random -o split.csv\n"
    "genrewise split packs/mel224 --scheme grouped -o split.csv";

struct Options {
  DataSourceConfig data;
  SplitConfig split;
  std::string output;
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
  session.print(table);
}

nlohmann::json json_of(const DatasetSplit& made, const Options& options, const std::vector<Fault>& skipped) {
  const auto counts = counts_by_label(made.subjects, made.split);
  nlohmann::json genres = nlohmann::json::array();
  for (std::size_t label = 0; label < counts.size(); ++label) {
    nlohmann::json genre{{"genre", made.subjects.labels_by_name[label]}};
    for (const Part part : kParts) {
      genre[std::string(to_string(part))] = counts[label][static_cast<std::size_t>(part)];
    }
    genres.push_back(std::move(genre));
  }
  return {{"output", options.output},  {"scheme", std::string(to_string(made.split.scheme))},
          {"seed", made.split.seed},   {"genres", genres},
          {"notes", made.split.notes}, {"leakage", made.leakage.crossings},
          {"skipped", skipped}};
}

int run(Options& options, Session& session) {
  options.split.seed = session.seed;
  options.data.genres.by_artist = options.split.scheme != SplitScheme::random;
  const DataSource source(options.data);
  const DatasetSplit made = split_dataset(source, options.split);
  write_split_file(options.output, made.subjects, made.split);
  session.report_skipped(source.rejected(), "inputs");
  session.notes(made.split.notes);
  if (session.format == Format::json) {
    session.print_json(json_of(made, options, source.rejected()));
  } else {
    session.line(
        fmt::format("{}: {} split of {} clips", options.output, to_string(made.split.scheme), made.split.parts.size()));
    for (const auto& crossing : made.leakage.crossings) {
      if (crossing.groups == 0) continue;
      session.note(fmt::format("{} {}s are in more than one part; {} validation and test clips are theirs",
                               crossing.groups, crossing.kind, crossing.examples));
    }
    print_table(made.subjects, made.split, session);
  }
  return source.rejected().empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_split(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Divide a dataset into training, validation and test parts", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "split", text, run);
  add_audio_dataset(command, options.data.location, "; also a labelled feature table or a pack");
  add_dataset_options(command, options.data.dataset);
  add_genre_options(command, options.data.genres);
  const OptionGroup split(command, kSplit);
  add_split_options(command, options.split, /*with_file=*/false);
  in_share_range(split.add("--validation", options.split.validation_share, "SHARE", "Share of the validation part"))
      ->default_str("0.16");
  in_share_range(split.add("--test", options.split.test_share, "SHARE", "Share of the test part"))->default_str("0.2");
  OptionGroup(command, kOutput)
      .add("-o,--output", options.output, "FILE", "CSV file to write, with the columns track_id,part")
      ->required();
  session.add_format_options(command);
  session.add_seed_option(command);
}

}  // namespace genrewise::cli
