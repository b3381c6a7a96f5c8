// genrewise extract: a dataset's clips -> a feature table.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise extract fma --features fma518 -o features.csv\n"
    "genrewise extract fma --subset medium -o features_medium.csv --threads 4\n"
    "genrewise extract Data/genres_original --features mel224 -o mel.npy\n"
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

int extract(Options& options, Session& session) {
  if (is_feature_table(options.location) || is_labelled_table(options.location))
    throw Error("is a feature table already", options.location, "give a dataset of audio files");
  if (holds_records(options.location))
    throw Error("is a pack, whose records hold features already", options.location, "give a dataset of audio files");
  options.isolation.apply();
  const auto features = make_feature_set(options.features.value_or(kDefaultFeatures));  // before any file is opened
  options.dataset.part = options.part.get(session);
  const Dataset dataset = open_dataset(options.location, options.dataset);
  session.notes(dataset.notes);
  const PrepareResult result = extract_features(dataset, *features, options.output, session.progress());

  std::vector<Fault> skipped = dataset.rejected;
  skipped.insert(skipped.end(), result.skipped.begin(), result.skipped.end());
  session.report_skipped(skipped, "inputs");
  const std::size_t rows = result.extracted + result.reused;
  const double rate = result.extract_s > 0 ? static_cast<double>(result.extracted) / result.extract_s : 0;
  if (session.format == Format::json) {
    session.print_json({{"output", options.output},
                        {"features", features->recipe().name},
                        {"rows", rows},
                        {"columns", features->size()},
                        {"extracted", result.extracted},
                        {"reused", result.reused},
                        {"skipped", skipped},
                        {"extract_s", result.extract_s}});
  } else {
    session.print(
        fmt::format("{}: {} rows x {} columns of {}; {} extracted in {:.1f} s ({:.1f} per second), {} reused, {} "
                    "skipped\n",
                    options.output, rows, features->size(), features->recipe().name, result.extracted, result.extract_s,
                    rate, result.reused, skipped.size()));
  }
  return skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_extract(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Compute a feature table from a dataset's audio", .examples = kExamples};
  const auto [command, options] = session.add_command(app, "extract", text, extract);
  add_audio_dataset(command, options.location);
  add_features_option(command, options.features, kDefaultFeatures);
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
      .add("-o,--output", options.output, "FILE", "Table to write, NAME.csv or NAME.npy")
      ->required();
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
