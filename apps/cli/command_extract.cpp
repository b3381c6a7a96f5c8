// genrewise extract: a dataset's clips -> a feature table.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise extract fma --features fma518 -o features.csv\n"
    "genrewise extract fma --subset medium -o features_medium.csv --threads 4\n"
    "genrewise extract Data/genres_original --features mel224 -o mel.npy\n"
    "genrewise extract fma --features fma518,mel224,audiotag -o tables\n"
    "genrewise extract music.csv --clip-seconds 10 -o features.csv\n"
    "genrewise extract s3://bucket/music/ --unlabelled --part 3/64 -o s3://bucket/features.npy";

constexpr char kDefaultFeatures[] = "fma518";

struct Options {
  std::string location, output;
  std::optional<std::string> features;
  DatasetOptions dataset;
  IsolationOptions isolation;
  PartOption part;
};

/// The file of one feature set, or a file of each set in a folder.
std::vector<TableOutput> tables_of(const std::string& output, const std::vector<std::unique_ptr<FeatureSet>>& sets) {
  const std::filesystem::path path = output;
  const bool folder = !path.has_filename() || is_folder(path);
  if (sets.size() == 1 && !folder) return {{sets[0].get(), path}};
  if (!folder && (path.extension() == ".csv" || path.extension() == ".npy"))
    throw UsageError("several feature sets are written to a folder", "--output", "give its name");
  std::vector<TableOutput> tables;
  for (const auto& set : sets)
    tables.push_back({set.get(), join_location(output, set->recipe().name + table_ending(set->size()))});
  return tables;
}

nlohmann::json json_of(const TableOutput& table, const PrepareResult& result) {
  return {{"output", table.location.string()},
          {"features", table.set->recipe().name},
          {"rows", result.extracted + result.reused},
          {"columns", table.set->size()},
          {"extracted", result.extracted},
          {"reused", result.reused},
          {"skipped", result.skipped},
          {"extract_s", result.extract_s}};
}

std::string text_of(const TableOutput& table, const PrepareResult& result) {
  const double rate = result.extract_s > 0 ? static_cast<double>(result.extracted) / result.extract_s : 0;
  return fmt::format(
      "{}: {} rows x {} columns of {}; {} extracted in {:.1f} s ({:.1f} per second), {} reused, {} skipped\n",
      table.location.string(), result.extracted + result.reused, table.set->size(), table.set->recipe().name,
      result.extracted, result.extract_s, rate, result.reused, result.skipped.size());
}

int extract(Options& options, Session& session) {
  if (is_feature_table(options.location) || is_labelled_table(options.location))
    throw Error("is a feature table already", options.location, "give a dataset of audio files");
  if (holds_records(options.location))
    throw Error("is a pack, whose records hold features already", options.location, "give a dataset of audio files");
  options.isolation.apply();
  const auto sets = make_feature_sets(options.features.value_or(kDefaultFeatures));  // before any file is opened
  const std::vector<TableOutput> tables = tables_of(options.output, sets);
  options.dataset.part = options.part.get(session);
  const Dataset dataset = open_dataset(options.location, options.dataset);
  session.notes(dataset.notes);
  if (tables[0].location != options.output) make_folders(options.output);
  std::vector<PrepareResult> results = extract_features(dataset, tables, session.progress());

  std::vector<std::vector<Fault>> skipped_of_sets;
  nlohmann::json documents = nlohmann::json::array();
  for (std::size_t i = 0; i < tables.size(); ++i) {
    std::vector<Fault>& skipped = results[i].skipped;
    skipped_of_sets.push_back(skipped);
    skipped.insert(skipped.begin(), dataset.rejected.begin(), dataset.rejected.end());
    documents.push_back(json_of(tables[i], results[i]));
  }
  const ExitCode code = session.report_skipped(distinct_faults(dataset.rejected, skipped_of_sets), "inputs");
  if (session.format == Format::json) {
    session.print_json(tables[0].location == options.output ? documents[0] : nlohmann::json{{"tables", documents}});
  } else {
    for (std::size_t i = 0; i < tables.size(); ++i) session.print(text_of(tables[i], results[i]));
  }
  return code;
}

}  // namespace

void add_extract(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Compute a feature table from a dataset's audio", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "extract", text, extract);
  add_audio_dataset(command, options.location);
  add_features_option(command, options.features, kDefaultFeatures, /*several=*/true);
  add_dataset_options(command, options.dataset);
  const OptionGroup data(command, kData);
  data.flag("--unlabelled", options.dataset.keep_unlabelled, "Include tracks without a genre");
  at_least_seconds(data.add("--clip-start", options.dataset.clip_start_s, "SECONDS", "Start of each clip in its track"),
                   0, true)
      ->default_str("as the dataset states");
  at_least_seconds(data.add("--clip-seconds", options.dataset.clip_duration_s, "SECONDS", "Length of each clip"), 0,
                   false)
      ->default_str("as the dataset states, else 30");
  options.part.add_to(command, "Extract this part of the clips, for `genrewise merge`");
  options.isolation.add_to(command);
  OptionGroup(command, kOutput)
      .add("-o,--output", options.output, "FILE",
           "Table to write, NAME.csv or NAME.npy; for several feature sets a folder, for SET.csv of each, or SET.npy "
           "above 2,000 columns")
      ->required();
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
