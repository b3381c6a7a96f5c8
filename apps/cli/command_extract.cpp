// genrewise extract: a dataset's clips -> a feature table.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "genrewise/base/faults.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/packs/pack_manifest.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise extract fma --features fma518 -o features.csv\n"
    "genrewise extract fma --subset medium -o features_medium.csv --threads 4\n"
    "genrewise extract Data/genres_original --features mel224 -o mel.npy\n"
    "genrewise extract music.csv --clip-seconds 10 -o features.csv";

struct Options {
  std::string place, feature_set = "fma518", output;
  std::optional<std::string> subset;
  bool unlabelled = false;
  std::optional<double> clip_start_s, clip_duration_s;
};

void apply_clip(const Options& options, Dataset& dataset) {
  for (Track& track : dataset.tracks) {
    if (options.clip_start_s) track.clip = {.start_s = options.clip_start_s, .duration_s = track.clip.duration_s};
    if (options.clip_duration_s) track.clip = {.start_s = track.clip.start_s, .duration_s = *options.clip_duration_s};
  }
}

int extract(const Options& options, Session& session) {
  if (is_feature_table(options.place) || is_labelled_table(options.place))
    throw Error("is a feature table already", options.place, "give a dataset of audio files");
  if (holds_records(options.place))
    throw Error("is a pack: its records have their numbers already", options.place, "give a dataset of audio files");
  const auto features = make_feature_set(options.feature_set);  // a wrong name is told before anything is opened
  Dataset dataset = open_dataset(options.place, {.fma_subset = options.subset, .keep_unlabelled = options.unlabelled});
  apply_clip(options, dataset);
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
        fmt::format("{}: {} rows x {} columns of {}; {} extracted in {:.1f} s ({:.1f} a second), {} ready before, "
                    "{} skipped\n",
                    options.output, rows, features->size(), features->recipe().name, result.extracted, result.extract_s,
                    rate, result.reused, skipped.size()));
  }
  return skipped.empty() ? kDone : kSomeSkipped;
}

}  // namespace

void add_extract(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = session.add_command(app, "extract", "make a feature table from a dataset's audio", kExamples,
                                          [options, &session] { return extract(*options, session); });
  command->add_option("dataset", options->place, "FMA folder, folder with one sub-folder per genre, or CSV of paths")
      ->required();
  command->add_option("--features", options->feature_set, kFeaturesHelp)->capture_default_str();
  command->add_option("-o,--output", options->output, "the table to write: NAME.csv or NAME.npy")->required();
  command->add_option("--subset", options->subset, kSubsetHelp)
      ->check(CLI::IsMember({"small", "medium", "large", "full"}));
  command->add_flag("--unlabelled", options->unlabelled, "also tracks that have no genre");
  command->add_option("--clip-start", options->clip_start_s, "seconds into the track where each clip starts")
      ->check(CLI::NonNegativeNumber);
  command
      ->add_option("--clip-seconds", options->clip_duration_s,
                   "length of each clip (default: as the dataset says, else 30)")
      ->check(CLI::PositiveNumber);
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
