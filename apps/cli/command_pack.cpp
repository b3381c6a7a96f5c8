// genrewise pack: a dataset's clips -> sharded records.
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "commands.hpp"
#include "data_options.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/location.hpp"
#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr char kExamples[] =
    "genrewise pack fma --features mel224 --shards 16 -o packs/mel224\n"
    "genrewise pack fma --features mel224 --store float16 --compress gzip -o packs/mel224_small\n"
    "genrewise pack fma --features mel224,raw10k -o packs\n"
    "genrewise pack music.csv --features raw10k --split-file split.csv -o packs/raw10k\n"
    "genrewise pack fma --features mel224 --record-steps 224 --record-label genre -o packs/rows\n"
    "genrewise pack fma --features mel224 --shards 64 -o s3://bucket/packs/mel224\n"
    "genrewise pack music.csv --features mel224 --shards 64 --part 3/8 -o s3://bucket/packs/mel224\n"
    "genrewise pack packs/mel224 --verify";

struct Options {
  DataSourceConfig data{.location = {}, .default_features = "mel224"};
  std::optional<std::string> features;
  std::string output, scheme = "auto", split_file;
  PackConfig pack;
  PartOption part;
  bool verify = false;
};

std::optional<Split> split_of(const Options& options, Session& session, const DataSource& source) {
  const bool unlabelled =
      std::ranges::any_of(source.audio().tracks, [](const Track& track) { return track.label < 0; });
  if (unlabelled && options.scheme != "auto" && options.scheme != "none")
    throw UsageError("tracks without a genre are not split", "--scheme", "leave the option out");
  if (unlabelled || options.scheme == "none") return std::nullopt;
  Split split =
      split_dataset(source,
                    {.scheme = parse_split_scheme(options.scheme), .seed = session.seed, .file = options.split_file})
          .split;
  session.notes(split.notes);
  return split;
}

void print_result(const Options& options, const PackOutput& output, const PackResult& result, Session& session) {
  const std::size_t packed = result.examples - result.reused;
  const double rate = result.pack_s > 0 ? static_cast<double>(packed) / result.pack_s : 0;
  session.print(fmt::format(
      "{}: {} examples of {} in {} shards, {:.1f} MB; {} packed in {:.1f} s ({:.1f} per second), {} "
      "reused, {} skipped\n",
      output.folder.string(), result.examples, output.set->recipe().name, result.shards,
      static_cast<double>(result.bytes) / 1e6, packed, result.pack_s, rate, result.reused, result.skipped.size()));
  if (!result.loss) return;
  session.print(fmt::format("stored as {}: largest error {:.4g}, root-mean-square error {:.4g}\n",
                            to_string(options.pack.stored_as), result.loss->largest_error, result.loss->rms_error));
}

nlohmann::json json_of(const Options& options, const PackOutput& output, const PackResult& result) {
  nlohmann::json out = {{"output", output.folder.string()},
                        {"features", output.set->recipe().name},
                        {"shards", result.shards},
                        {"examples", result.examples},
                        {"reused", result.reused},
                        {"bytes", result.bytes},
                        {"stored_as", to_string(options.pack.stored_as)},
                        {"compression", to_string(options.pack.compression)},
                        {"skipped", result.skipped},
                        {"pack_s", result.pack_s}};
  if (result.loss) out["loss"] = {{"largest_error", result.loss->largest_error}, {"rms_error", result.loss->rms_error}};
  return out;
}

int pack(Options& options, Session& session) {
  if (options.output.empty()) throw UsageError("no folder for the shards is given", "--output", "add -o FOLDER");
  if (!options.pack.work_folder.empty() && local_work_path(options.output) == options.output)
    throw UsageError("shards are written directly to a local folder", "--work", "leave the option out");
  options.data.genres.by_artist = options.scheme != "random";
  options.pack.part = options.part.get(session);
  const auto sets = make_feature_sets(options.features.value_or(options.data.default_features));
  if (options.features) options.data.features = sets[0]->recipe().name;
  const DataSource source(options.data);
  if (!source.has_audio())
    throw Error("holds features and no audio", options.data.location, "give a dataset of audio files");
  std::vector<PackOutput> packs;
  for (const auto& set : sets)
    packs.push_back({set.get(), sets.size() == 1 ? options.output : join_location(options.output, set->recipe().name)});
  const Dataset& dataset = source.audio();
  const auto split = split_of(options, session, source);
  options.pack.seed = session.seed;
  std::vector<PackResult> results =
      pack_dataset(dataset, packs, split ? &*split : nullptr, options.pack, session.progress());
  std::vector<std::vector<Fault>> skipped_of_sets;
  nlohmann::json documents = nlohmann::json::array();
  for (std::size_t i = 0; i < packs.size(); ++i) {
    std::vector<Fault>& skipped = results[i].skipped;
    skipped_of_sets.push_back(skipped);
    skipped.insert(skipped.begin(), dataset.rejected.begin(), dataset.rejected.end());
    documents.push_back(json_of(options, packs[i], results[i]));
  }
  const ExitCode code = session.report_skipped(distinct_faults(dataset.rejected, skipped_of_sets), "inputs");
  if (session.format == Format::json) {
    session.print_json(packs.size() == 1 ? documents[0] : nlohmann::json{{"packs", documents}});
  } else {
    for (std::size_t i = 0; i < packs.size(); ++i) print_result(options, packs[i], results[i], session);
  }
  return code;
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
                              faults.empty() ? "all as the manifest states" : fmt::format("{} faults", faults.size())));
  }
  return faults.empty() ? kDone : kFailed;
}

int run(Options& options, Session& session) {
  return options.verify ? verify(options, session) : pack(options, session);
}

}  // namespace

void add_pack(CLI::App& app, Session& session) {
  const CommandText text{.summary = "Write a dataset's clips as sharded records (TFRecord), or verify a pack",
                         .examples = kExamples};
  const auto [command, options] = session.add_command(app, "pack", text, run);
  add_audio_dataset(command, options.data.location, "; with --verify a pack");
  add_features_option(command, options.features, options.data.default_features, /*several=*/true);
  add_dataset_options(command, options.data.dataset);
  add_genre_options(command, options.data.genres);
  const OptionGroup data(command, kData), split(command, kSplit), output(command, kOutput);
  data.flag("--unlabelled", options.data.dataset.keep_unlabelled,
            "Include tracks without a genre, as the class \"unlabelled\"; records are then not split");
  CLI::Option* scheme = one_of(split.add("--scheme", options.scheme, "SCHEME",
                                         "How records are split, as in `genrewise split`; none: not at all"),
                               {"auto", "official", "grouped", "random", "none"})
                            ->capture_default_str();
  split.add("--split-file", options.split_file, "FILE", "Take the parts from this file of `genrewise split`")
      ->excludes(scheme);
  output.add(
      "-o,--output", options.output, "FOLDER",
      "Folder for the shards and manifest.json, also s3://BUCKET/PREFIX or gs://BUCKET/PREFIX; for several feature "
      "sets, each has a folder SET in it");
  at_least(output.add("--shards", options.pack.shards, "N", "Files to write"), 1)->capture_default_str();
  output.add("--prefix", options.pack.prefix, "NAME", "Start of the shards' names")
      ->default_str("the feature set and -");
  add_choice(output, "--store", options.pack.stored_as, "TYPE",
             "Type of the stored numbers; for float16 and uint8 the rounding error is printed", StoredAs::float32,
             StoredAs::float16, StoredAs::uint8);
  add_choice(output, "--compress", options.pack.compression, "METHOD",
             "Compression of the shards, readable by TensorFlow", Compression::none, Compression::gzip,
             Compression::zlib);
  RecordForm& form = options.pack.form;
  output.add("--record-features", form.features, "KEY", "Key of the features; KEY_range is that of the range of uint8")
      ->capture_default_str();
  output.add("--record-label", form.label, "KEY", "Key of the class; one_hot_KEY is that of its list of 0 and 1")
      ->capture_default_str();
  output.add("--record-id", form.id, "KEY", "Key of the track's id")->capture_default_str();
  at_least(output.add("--record-steps", form.steps, "N",
                      "Write tf.train.SequenceExample, with the features as a list of N steps of equal length"),
           1)
      ->default_str("tf.train.Example");
  options.part.add_to(command, "Write this part of the shards, for `genrewise merge`");
  output
      .add("--work", options.pack.work_folder, "FOLDER",
           "Folder for shards, at most three at a time, before they are sent to an object store")
      ->default_str("in ~/.cache/genrewise");
  CLI::Option* verify = output.flag("--verify", options.verify, "Check a pack against its manifest, and write nothing");
  session.add_seed_option(command);
  for (CLI::Option* option : command->get_options())
    if (option != verify && option->nonpositional() && option != command->get_help_ptr()) verify->excludes(option);
  session.add_format_options(command, /*with_csv=*/false);
}

}  // namespace genrewise::cli
