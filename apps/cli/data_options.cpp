#include "data_options.hpp"

#include <fmt/format.h>

#include <cstdlib>
#include <set>
#include <tuple>

#include "session.hpp"

namespace genrewise::cli {
namespace {

const std::string kAudioDatasets =
    "An FMA folder, a folder with a sub-folder or playlist for each genre, a folder of music with tags,";

constexpr char kSchemeHelp[] =
    "How examples are split into training, validation and test. official: as the dataset states; grouped: no artist or "
    "album in two parts; random: clips of one file stay together; shards: whole shards of a pack, 64/16/20; "
    "fault-filtered: GTZAN's, without its 70 faulty excerpts; auto: "
    "official where the dataset states parts, with missing parts taken from training, else grouped";

}  // namespace

void add_data_options(CLI::App* command, DataSourceConfig& config, Tables tables, const std::string& default_features) {
  const OptionGroup data(command, kData);
  data.add("DATASET", config.location, "",
           kAudioDatasets +
               " a CSV file of tracks, a feature table (CSV with a column genre or label) or a pack; a "
               "pattern in quotes, such as 'packs/*', for several tables or packs")
      ->required();
  data.add("--manifest", config.manifest, "FILE", "The manifest.json of shards that are without one");
  add_features_option(command, config.features, default_features);
  const bool several = tables == Tables::several;
  CLI::Option* table =
      data.add("--table", config.tables, several ? "[NAME=]PATH" : "PATH",
               std::string("Take the features from this table, such as FMA's features.csv, instead of extracting "
                           "them") +
                   (several ? "; with NAME=, the features of models that are called NAME/MODEL" : ""));
  if (!several) table->expected(1);
  add_dataset_options(command, config.dataset);
  add_genre_options(command, config.genres);
  add_record_options(command, config.records, true);
}

void add_record_options(CLI::App* command, RecordKeys& keys, bool all) {
  const OptionGroup records(command, kRecords);
  if (all)
    records.add("--record-features", keys.features, "KEY", "Key of the features in the records of another program");
  records.add("--record-label", keys.label, "KEY", "Key of the labels: integers or texts");
  if (all) {
    records.add("--record-id", keys.id, "KEY", "Key of the ids; records with one id stay in one part");
    using enum RecordBytes;
    add_choice(records, "--record-bytes", keys.bytes, "KIND", "Content of features that are byte strings", uint8,
               float16, float32, audio);
    using enum RecordPool;
    add_choice(
        records, "--record-pool", keys.pool, "POOL",
        "How the steps of a sequence become one row: mean, mean and standard deviation, or none: one after another",
        mean, mean_std, none);
  }
  records.add("--class-map", keys.classes, "FILE",
              "CSV file with the names of labels (index,name); records with none or several of them are skipped");
  if (all) records.add("--one-class", keys.one_class, "NAME", "This class against all others");
}

void add_audio_dataset(CLI::App* command, std::string& location, const std::string& further) {
  OptionGroup(command, kData)
      .add("DATASET", location, "", kAudioDatasets + " or a CSV file of tracks" + further)
      ->required();
}

void add_dataset_options(CLI::App* command, DatasetOptions& options) {
  const OptionGroup data(command, kData);
  one_of(data.add("--subset", options.fma_subset, "NAME", "Subset of an FMA folder; each contains the ones before it"),
         {"small", "medium", "large", "full"})
      ->default_str("small");
  using enum LabelSource;
  add_choice(data, "--labels", options.labels, "SOURCE",
             "Genres of a folder of music: the names of its sub-folders, or the tags of its files; auto: folders, "
             "unless they are artists or albums, or unlike the genres in the tags",
             automatic, folders, tags);
  data.add("--map", options.genre_map, "FILE",
           "Spellings of genres in tags, and the genre that each is a part of: YAML, such as \"Metal: {names: [heavy "
           "metal, doom], parent: Rock}\"; it takes precedence over the program's own map")
      ->default_str("the program's own");
  data.flag("--top-genres", options.top_genres, "Count genres of tags as the top-level genre that they are a part of");
}

CLI::Option* add_features_option(CLI::App* command, std::optional<std::string>& features, const std::string& standard,
                                 bool several) {
  return OptionGroup(command, kData)
      .add("--features", features, several ? "SET,..." : "SET",
           several ? "Feature sets, computed in one pass; `genrewise features` lists them"
                   : "Feature set; `genrewise features` lists them")
      ->default_str(standard);
}

std::vector<Fault> distinct_faults(const std::vector<Fault>& rejected, const std::vector<std::vector<Fault>>& of_sets) {
  std::vector<Fault> all = rejected;
  std::set<std::tuple<std::string, std::string, std::string>> seen;
  for (const std::vector<Fault>& faults : of_sets)
    for (const Fault& fault : faults)
      if (seen.emplace(fault.where, fault.reason, fault.detail).second) all.push_back(fault);
  return all;
}

void add_genre_options(CLI::App* command, GenreConfig& genres) {
  const OptionGroup data(command, kData);
  data.add("--merge", genres.merge, "GENRE=GENRE",
           "Count examples of the first genre as the second; may be given several times")
      ->allow_extra_args(false);
  at_least(
      data.add(
          "--min-groups", genres.min_groups, "N",
          "Leave out genres with fewer groups of examples that stay together in the split: those of one "
          "artist, album or file; with --scheme random those of one file. Genres of tags: at least 3 unless given, "
          "and those with fewer count as the genre that they are a part of"),
      0)
      ->capture_default_str();
}

void add_split_options(CLI::App* command, SplitConfig& config, bool with_file) {
  const OptionGroup split(command, kSplit);
  using enum SplitScheme;
  CLI::Option* scheme = add_choice(split, "--scheme", config.scheme, "SCHEME", kSchemeHelp, automatic, official,
                                   grouped, random, shards, fault_filtered)
                            ->option_text("");
  if (!with_file) return;
  split
      .add("--split-file", config.file, "FILE",
           "Take the parts from this CSV file (track_id,part), as `genrewise split` writes it")
      ->excludes(scheme);
}

void PartOption::add_to(CLI::App* command, const std::string& what) {
  OptionGroup(command, kData)
      .add_function<std::string>(
          "--part", [this](const std::string& text) { stated = parse_job_part(text); }, "I/N",
          what +
              "; auto or auto/N: as Slurm, MPI, torchrun, Kubernetes or AWS Batch number the process (docs/scale.md)")
      ->default_str("all of it");
}

std::optional<JobPart> PartOption::get(Session& session) const {
  if (stated) {
    const std::string source = stated->source.empty() ? "" : " (" + stated->source + ")";
    session.note(fmt::format("part {} of {}{}", stated->part.number, stated->part.count, source));
    return stated->part;
  }
  try {
    if (const auto launched = part_of_launcher(); launched && launched->part.count > 1)
      session.note(fmt::format("this is process {} of {} ({}), and each does the whole work: --part auto divides it",
                               launched->part.number, launched->part.count, launched->source));
  } catch (const UsageError&) {  // the variables were not asked for
  }
  return std::nullopt;
}

void IsolationOptions::add_to(CLI::App* command, bool by_default) {
  const OptionGroup data(command, kData);
  isolate = by_default;
  CLI::Option* flag =
      by_default ? data.flag("--no-isolate{false}", isolate,
                             "Decode in this process: faster, but a file that crashes a decoder ends the program")
                 : data.flag("--isolate", isolate,
                             "Decode in separate processes, so that a file that makes a decoder crash, hang or use too "
                             "much memory is skipped");
  CLI::Option* seconds =
      at_least_seconds(data.add("--max-seconds", limits.max_seconds, "SECONDS",
                                by_default ? "Time to decode one file" : "With --isolate: time to decode one file"),
                       0, false)
          ->capture_default_str();
  CLI::Option* memory =
      in_range(data.add_function<std::uint64_t>(
                   "--max-memory", [this](std::uint64_t mib) { limits.max_memory_bytes = mib << 20; }, "MIB",
                   by_default ? "Memory of each decoding process, in MiB"
                              : "With --isolate: memory of each process, in MiB"),
               16, 1 << 20)
          ->default_str("1024");
  for (CLI::Option* limit : {seconds, memory}) by_default ? limit->excludes(flag) : limit->needs(flag);
}

std::optional<DecodeIsolation> IsolationOptions::config() const {
  if (!isolate) return std::nullopt;
  DecodeIsolation isolation = limits;
  // This very program, also where its file has been replaced.
  if (std::getenv("GENREWISE_DECODE_WORKER") == nullptr) isolation.worker = "/proc/self/exe";
  return isolation;
}

void LibraryOptions::add_to(CLI::App* command) {
  OptionGroup(command, kData)
      .add("--library", file, "FILE", "The catalogue; else GENREWISE_LIBRARY is used")
      ->default_str("~/.local/share/genrewise/library.db");
}

Catalogue LibraryOptions::open(Catalogue::Access access) const {
  return Catalogue(file.empty() ? default_catalogue() : file, access);
}

void TrackOptions::add_to(CLI::App* command, bool required) {
  OptionGroup(command, kData)
      .add("QUERY", query, "",
           "Paths of tracks or folders, or terms that all apply, as in genre:Rock confidence:>0.6 -artist:Bach "
           "added:<30d (docs/library.md)")
      ->required(required);
  LibraryOptions::add_to(command);
  one_of(OptionGroup(command, kOutput)
             .add("--sort", sort, "KEY", "Order of the tracks; confidence, novelty and added: highest first"),
         {std::begin(kSortKeys), std::end(kSortKeys)})
      ->capture_default_str();
  at_least(OptionGroup(command, kOutput).add("--limit", limit, "N", "Tracks at most"), 1)->default_str("all");
}

std::vector<CatalogueTrack> TrackOptions::tracks(const Catalogue& catalogue, std::uint64_t seed) const {
  QueryOrder order = parse_order(sort);
  order.seed = seed;
  order.limit = limit;
  return select_tracks(catalogue, query, order);
}

}  // namespace genrewise::cli
