// genrewise pack: a dataset's clips -> sharded records.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/faults.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise pack fma --features mel224 --shards 16 -o packs/mel224\n"
    "genrewise pack fma --features mel224 --store float16 --compress gzip -o packs/mel224_small\n"
    "genrewise pack music.csv --features raw10k --split-file split.csv -o packs/raw10k\n"
    "genrewise pack fma --features mel224 --shards 64 -o s3://bucket/packs/mel224\n"
    "genrewise pack packs/mel224 --verify";

struct Options {
  DataSourceConfig data{.location = {}, .default_features = "mel224"};
  std::string output, scheme = "auto", split_file, stored_as = "float32", compression = "none";
  PackConfig pack;
  bool verify = false;
};

std::optional<Split> split_of(const Options& options, Session& session, const DataSource& source) {
  if (options.scheme == "none") return std::nullopt;
  Split split =
      split_dataset(source,
                    {.scheme = parse_split_scheme(options.scheme), .seed = session.seed, .file = options.split_file})
          .split;
  for (const std::string& note : split.notes) session.say(note);
  return split;
}

void print_result(const Options& options, const PackResult& result, std::size_t skipped, const std::string& recipe,
                  Session& session) {
  const std::size_t packed = result.examples - result.reused;
  const double rate = result.pack_s > 0 ? static_cast<double>(packed) / result.pack_s : 0;
  session.print(
      fmt::format("{}: {} examples of {} in {} shards, {:.1f} MB; {} packed in {:.1f} s ({:.1f} a second), {} ready "
                  "before, {} skipped\n",
                  options.output, result.examples, recipe, options.pack.shards, static_cast<double>(result.bytes) / 1e6,
                  packed, result.pack_s, rate, result.reused, skipped));
  if (!result.loss) return;
  session.print(fmt::format("stored as {}: largest error {:.4g}, root of the mean squared error {:.4g}\n",
                            options.stored_as, result.loss->largest_error, result.loss->rms_error));
}

nlohmann::json json_of(const Options& options, const PackResult& result, const std::vector<Fault>& skipped,
                       const std::string& recipe) {
  nlohmann::json out = {{"output", options.output},
                        {"features", recipe},
                        {"shards", options.pack.shards},
                        {"examples", result.examples},
                        {"reused", result.reused},
                        {"bytes", result.bytes},
                        {"stored_as", options.stored_as},
                        {"compression", options.compression},
                        {"skipped", skipped},
                        {"pack_s", result.pack_s}};
  if (result.loss) out["loss"] = {{"largest_error", result.loss->largest_error}, {"rms_error", result.loss->rms_error}};
  return out;
}

int pack(Options& options, Session& session) {
  if (options.output.empty()) throw CLI::ValidationError("--output", "say where the shards shall lie: -o FOLDER");
  if (!options.pack.work_folder.empty() && local_work_path(options.output) == options.output)
    throw CLI::ValidationError("--work", "shards go straight into a folder of this machine: leave the option out");
  options.data.genres.by_artist = options.scheme != "random";
  const DataSource source(options.data);
  if (!source.has_audio())
    throw Error("has its numbers and no audio", options.data.location, "give a dataset of audio files");
  const auto features = make_feature_set(source.features());
  const Dataset& dataset = source.audio();
  const auto split = split_of(options, session, source);
  options.pack.seed = session.seed;
  options.pack.stored_as = *parse_stored_as(options.stored_as);
  options.pack.compression = *parse_compression(options.compression);
  const PackResult result =
      pack_dataset(dataset, *features, split ? &*split : nullptr, options.output, options.pack, session.progress());
  std::vector<Fault> skipped = dataset.rejected;
  skipped.insert(skipped.end(), result.skipped.begin(), result.skipped.end());
  session.report_skipped(skipped, "inputs");
  if (session.format == Format::json) {
    session.print_json(json_of(options, result, skipped, features->recipe().name));
  } else {
    print_result(options, result, skipped.size(), features->recipe().name, session);
  }
  return skipped.empty() ? kDone : kSomeSkipped;
}

int verify(const Options& options, Session& session) {
  const PackManifest manifest = open_pack(options.data.location);
  const std::vector<Fault> faults = verify_pack(manifest);
  if (session.format == Format::json) {
    session.print_json({{"pack", options.data.location}, {"examples", manifest.size()}, {"faults", faults}});
  } else {
    for (const Fault& fault : faults) session.print(printable(to_string(fault)) + "\n");
    session.print(fmt::format("{}: {} examples in {} shards, {}\n", options.data.location, manifest.size(),
                              manifest.shards.size(),
                              faults.empty() ? "all as the manifest says" : fmt::format("{} faults", faults.size())));
  }
  return faults.empty() ? kDone : kFailed;
}

}  // namespace

void add_pack(CLI::App& app, Session& session) {
  auto options = std::make_shared<Options>();
  CLI::App* command = session.add_command(
      app, "pack", "make sharded records (TFRecord) from a dataset's audio", kExamples,
      [options, &session] { return options->verify ? verify(*options, session) : pack(*options, session); });
  CLI::Option* dataset =
      command
          ->add_option(
              "dataset", options->data.location,
              "FMA folder, folder with one sub-folder per genre, or CSV of paths; with --verify a packed folder")
          ->required();
  command->add_option("-o,--output", options->output,
                      "the folder for the shards and manifest.json, or s3://BUCKET/PREFIX, gs://BUCKET/PREFIX");
  command->add_option("--work", options->pack.work_folder,
                      "where shards lie on their way to an object store (default: under ~/.cache/genrewise); at most "
                      "three of them at a time");
  command->add_option("--features", options->data.features,
                      "the feature set, as of `genrewise extract` (default: mel224)");
  command->add_option("--shards", options->pack.shards, "how many files")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  command->add_option("--prefix", options->pack.prefix,
                      "what the shards' names begin with (default: the feature set and -)");
  command
      ->add_option("--store", options->stored_as,
                   "how numbers are stored: float32 is exact; for float16 and uint8 the loss is printed")
      ->check(CLI::IsMember({"float32", "float16", "uint8"}))
      ->capture_default_str();
  command->add_option("--compress", options->compression, "compress the shards, as TensorFlow reads them")
      ->check(CLI::IsMember({"none", "gzip", "zlib"}))
      ->capture_default_str();
  CLI::Option* scheme =
      command
          ->add_option(
              "--scheme", options->scheme,
              "which part each record belongs to: auto, official, grouped or random as `genrewise split` makes "
              "them, or none")
          ->check(CLI::IsMember({"auto", "official", "grouped", "random", "none"}))
          ->capture_default_str();
  command->add_option("--split-file", options->split_file, "the parts as `genrewise split` wrote them")
      ->excludes(scheme);
  command->add_option("--subset", options->data.subset, kSubsetHelp);
  add_genre_options(command, options->data.genres);
  session.add_seed_option(command);
  CLI::Option* verify =
      command->add_flag("--verify", options->verify, "check a packed folder against its manifest instead");
  for (CLI::Option* option : command->get_options()) {
    if (option != verify && option != dataset && option != command->get_help_ptr()) verify->excludes(option);
  }
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
