// genrewise inspect: the contents of a dataset and its faults.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/dataset/inspection.hpp"
#include "genrewise/records/record_reader.hpp"
#include "result_file.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise inspect data/fma --subset small\n"
    "genrewise inspect music/ --csv > faults.csv\n"
    "genrewise inspect data/demo/demo.csv --json\n"
    "genrewise inspect s3://bucket/music/ --part 3/64 -o s3://bucket/faults.csv\n"
    "genrewise inspect audioset/ --record-label labels --class-map class_labels_indices.csv";

struct Options {
  std::string location;
  DatasetOptions dataset;
  RecordKeys records;
  PartOption part;
  IsolationOptions isolation;
  ResultFile file;
};

using enum Table::Align;

template <class Key>
std::string counts_text(const std::map<Key, std::size_t>& counts, std::string_view unit) {
  std::string text;
  for (const auto& [key, count] : counts)
    text += fmt::format("{}{}{} ({})", text.empty() ? "" : ", ", key, unit, count);
  return text;
}

std::string spread_text(const Spread& spread, std::string_view unit) {
  return fmt::format("{:.4g} to {:.4g} {}, median {:.4g} {}", spread.least, spread.most, unit, spread.median, unit);
}

std::string facts_text(const Inspection& found) {
  std::string text =
      fmt::format("{} ({}): {} clips of {} files, {} artists, {} albums, {:.2f} hours\n", found.name, found.kind,
                  found.clips, found.files, found.artists, found.albums, found.total_s / 3600);
  text += fmt::format("clips     {}\n", spread_text(found.clip_s, "s"));
  text += fmt::format("files     {}\n", spread_text(found.file_s, "s"));
  text += fmt::format("bit rate  {}\n", spread_text(found.bit_rate_kbps, "kb/s"));
  text += fmt::format("codec     {}\n", counts_text(found.codecs, ""));
  text += fmt::format("rate      {}\n", counts_text(found.sample_rates_hz, " Hz"));
  text += fmt::format("channels  {}\n", counts_text(found.channels, ""));
  if (found.ignored > 0)
    text += fmt::format("ignored   {} files whose names are not those of audio files\n", found.ignored);
  return text;
}

std::string genres_text(const Inspection& found) {
  std::vector<Table::Column> columns{
      {"genre", left}, {"clips", right}, {"files", right}, {"artists", right}, {"albums", right}};
  if (found.has_official_split)
    for (const char* part : {"training", "validation", "test"}) columns.push_back({part, right});
  Table table(columns);
  for (const auto& genre : found.genres) {
    std::vector<std::string> cells{genre.name, std::to_string(genre.clips), std::to_string(genre.files),
                                   std::to_string(genre.artists), std::to_string(genre.albums)};
    if (found.has_official_split)
      for (const std::size_t count : genre.parts) cells.push_back(std::to_string(count));
    table.add_row(std::move(cells));
  }
  return fitted(table);
}

std::string faults_text(const Inspection& found) {
  std::string text;
  const auto counts = found.counts_by_kind();
  if (counts.empty()) text += "\nno faults were found\n";
  constexpr std::size_t kExamplesShown = 3;
  for (const auto& [kind, count] : counts) {
    text += fmt::format("\n{:>6}  {}\n", count, printable(kind));
    std::size_t shown = 0;
    for (const auto& finding : found.findings) {
      if (finding.kind != kind) continue;
      if (shown++ == kExamplesShown) break;
      text += fmt::format("        {} ({})\n", printable(finding.path), printable(finding.detail));
    }
    if (count > kExamplesShown) text += fmt::format("        and {} more (--csv lists all)\n", count - kExamplesShown);
  }
  const auto crossing_parts = std::ranges::count_if(found.duplicates, &Inspection::Duplicate::several_parts);
  if (crossing_parts > 0)
    text += fmt::format("\n{} groups of duplicates are in more than one part of the official split\n", crossing_parts);
  for (const auto& crossing : found.leakage.crossings) {
    if (crossing.groups == 0) continue;
    std::vector<std::string> names;
    for (const std::string& name : crossing.samples) names.push_back(printable(name));
    text += fmt::format(
        "\n{} {}s are in more than one part of the official split, with {} validation and test clips: {}{}\n",
        crossing.groups, crossing.kind, crossing.examples, fmt::join(names, ", "),
        names.size() < crossing.groups ? ", ..." : "");
  }
  return text;
}

std::string findings_csv(const Inspection& found) {
  Table table({{"kind"}, {"track_id"}, {"path"}, {"detail"}});
  for (const auto& finding : found.findings)
    table.add_row({finding.kind, finding.track_id, finding.path, finding.detail});
  return table.csv();
}

/// Files, keys and labels of records.
int run_records(const Options& options, Session& session) {
  if (options.dataset.part) throw UsageError("records are not read in parts", "--part", "leave the option out");
  if (options.file.given())
    throw UsageError("the summary of records is printed", "--output", "redirect standard output to a file");
  require_for_kind(options.dataset, "records", options.location);
  if (options.isolation.isolate)
    throw UsageError("records are read without decoding audio", "--isolate", "leave the option out");
  if (!options.records.classes.empty() && options.records.label.empty())
    throw UsageError("names of labels need the key of the labels", "--class-map", "add --record-label KEY");
  const RecordSummary found = summarise_records(options.location, options.records, session.progress());
  Table keys({{"key"}, {"kind"}, {"records", right}, {"values", right}, {"first"}});
  for (const auto& [name, key] : found.keys) {
    const std::string values =
        key.least == key.most ? std::to_string(key.most) : fmt::format("{} - {}", key.least, key.most);
    keys.add_row({name, key.kind, std::to_string(key.records), values, key.sample});
  }
  Table labels({{"label"}, {"records", right}});
  for (const auto& [name, count] : found.labels) labels.add_row({name, std::to_string(count)});
  print_result(session, options.records.label.empty() ? keys : labels, [&] { return to_json(found); });
  session.line(fmt::format("{} records in {} files", found.records, found.files));
  return session.report_skipped(found.skipped, "records");
}

/// Nothing if there are only records at the location. Its sub-folders are searched for them only if it is no dataset.
std::optional<Dataset> dataset_at(const Options& options) {
  if (options.records != RecordKeys() || !list_record_files(options.location).empty()) return std::nullopt;
  try {
    return open_dataset(options.location, options.dataset);
  } catch (const Interrupted&) {
    throw;
  } catch (const Error&) {
    if (find_record_files(options.location).empty()) throw;
    return std::nullopt;
  }
}

std::string text_of(const Inspection& found, Format format) {
  return format == Format::csv ? findings_csv(found) : json_text(to_json(found));
}

int run_part(const Options& options, const Dataset& dataset, Session& session) {
  const DatasetPart& whole = *dataset.part;
  auto part = options.file.begin(
      whole.part,
      {{"command", "inspect"},
       {"dataset", fmt::format("{} of {} tracks, {}", dataset.name, whole.tracks, whole.sha256.substr(0, 16))}});
  if (part) {
    session.note(fmt::format("part {} was finished before", to_string(whole.part)));
  } else {
    part = ResultPart{measure(dataset, session.progress()), dataset.rejected};
    for (const auto& track : part->result.at("tracks"))
      if (track.contains("fault")) part->skipped.push_back(track.at("fault").get<Fault>());
    options.file.write_part(whole.part, *part);
  }
  return session.report_skipped(part->skipped, "inputs");
}

int run(Options& options, Session& session) {
  options.file.choose_format(session);
  options.isolation.apply();
  options.dataset.part = options.part.get(session);
  const std::optional<Dataset> dataset = dataset_at(options);
  if (!dataset) return run_records(options, session);
  session.notes(dataset->notes);
  if (dataset->part && options.file.given()) return run_part(options, *dataset, session);
  const Inspection found = inspect(*dataset, session.progress());
  if (session.format == Format::table)
    session.print(facts_text(found) + "\n" + genres_text(found) + faults_text(found));
  else
    options.file.write(session, text_of(found, session.format));
  std::vector<Fault> unusable;
  for (const auto& finding : found.findings)
    if (finding.unusable) unusable.push_back({finding.kind, finding.path, finding.detail});
  return session.report_skipped(unusable, "inputs");
}

}  // namespace

MergedResult merge_inspections(std::vector<ResultPart> parts, Format format) {
  std::vector<nlohmann::json> measured;
  for (ResultPart& part : parts) measured.push_back(std::move(part.result));
  const Inspection found = inspection_of(measured);
  return {text_of(found, format), found.clips};
}

void add_inspect(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Decode a dataset and report its contents and faults", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "inspect", text, run);
  add_audio_dataset(command, options.location, ", or TFRecord files");
  add_record_options(command, options.records, false);
  add_dataset_options(command, options.dataset);
  options.file.add_to(command);
  options.part.add_to(
      command,
      "Inspect this part of the clips, with -o for `genrewise merge`; without, duplicates and leakage are "
      "found within it only");
  options.isolation.add_to(command);
  session.add_format_options(command);
}

}  // namespace genrewise::cli
