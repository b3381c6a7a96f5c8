#include "genrewise/data_source/data_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <numeric>
#include <ranges>
#include <set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/data_source/feature_cache.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/data_source/table_facts.hpp"
#include "genrewise/dataset/split.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// Length of the clip of a track of that length.
double clip_length_s(const ClipRequest& clip, double track_s) {
  if (!clip.start_s && track_s <= clip.duration_s + clip.slack_s) return track_s;
  return std::min(clip.duration_s, track_s - clip.start_s.value_or(0));
}

void require_gtzan(const std::vector<std::string>& ids) {
  if (is_gtzan(ids)) return;
  throw UsageError("the scheme fault-filtered is for GTZAN's excerpts, with names like blues.00000", "--scheme",
                   "choose grouped, random or auto");
}

/// Reads a feature table of genrewise or FMA, or a labelled table of another program.
FeatureTable read_table(const fs::path& path) {
  const bool labelled = !is_feature_table(path) && is_labelled_table(path);
  return labelled ? read_labelled_table(path).table : read_feature_table(path);
}

/// The table at a location, or those that a pattern matches; empty if there is none.
std::vector<fs::path> tables_at(const fs::path& location) {
  const auto is_table = [](const fs::path& path) { return is_feature_table(path) || is_labelled_table(path); };
  if (is_table(location)) return {location};
  std::vector<fs::path> tables;
  if (location.native().find_first_of("*?[") == std::string::npos || path_exists(location)) return tables;
  for (const FileInfo& file : list_matching(location.native()))
    if (is_table(file.location)) tables.emplace_back(file.location);
  return tables;
}

}  // namespace

DataSource::DataSource(DataSourceConfig config)
    : config_(std::move(config)), features_(config_.features.value_or(config_.default_features)) {
  name_tables();
  open();
  choose_genres();
}

void DataSource::open() {
  const fs::path location = config_.location;
  if (!config_.manifest.empty()) {
    if (config_.records != RecordKeys())
      throw UsageError("records of another program have no manifest", "--manifest", "leave the option out");
    pack_ = open_pack(location, config_.manifest);
    return open_numbers("pack", pack_.recipe.name);
  }
  if (config_.records != RecordKeys()) return open_records();
  own_tables_ = tables_at(location);
  if (!own_tables_.empty()) {
    for (const fs::path& table : own_tables_) {
      if (is_feature_table(table) && !is_labelled_table(table))
        throw Error("is a feature table without the genres of its tracks", table.string(),
                    "give the dataset as DATASET, and this table with --table");
    }
    const auto facts = read_table_facts(own_tables_.front());
    return open_numbers("table", is_feature_table(own_tables_.front()) && facts ? facts->recipe.name : "");
  }
  if (holds_records(location)) {
    pack_ = open_pack(location);
    return open_numbers("pack", pack_.recipe.name);
  }
  if (table_.empty()) make_feature_set(features_);  // reports an unknown name before anything is opened
  dataset_ = open_dataset(location, config_.dataset);
  kind_ = dataset_.kind;
  if (!config_.fault_filtered) return;
  require_gtzan(subjects_of(dataset_).ids);
  for (Track& track : dataset_.tracks) track.official_part = fault_filtered_part(track.id);
  std::erase_if(dataset_.tracks, [](const Track& track) { return !track.official_part; });
}

void DataSource::open_records() {
  const RecordKeys& keys = config_.records;
  require_for_kind(config_.dataset, "records", config_.location);
  for (const auto& [option, key] : {std::pair("--record-features", &keys.features), {"--record-label", &keys.label}}) {
    if (key->empty())
      throw UsageError("records of another program need the keys of features and labels", option,
                       "genrewise inspect lists the keys of the records");
  }
  if (config_.fault_filtered) require_gtzan({});
  if (keys.bytes != RecordBytes::audio)
    open_numbers("records", "records");
  else if (keys.pool != RecordPool::mean)
    throw UsageError("the features of audio are one row without pooling", "--record-pool", "leave the option out");
  kind_ = "records";
  LoadedExamples loaded = read_records();
  const Examples& examples = loaded.examples;
  Hasher hasher(HashKind::sha256);
  for (const std::string& id : examples.subjects.ids) hasher.update(id + '\n');
  for (const int label : examples.subjects.labels)
    hasher.update(examples.labels[static_cast<std::size_t>(label)] + '\n');
  hasher.update(as_text(std::as_bytes(examples.table.values.values())));
  records_ = std::make_shared<Records>(
      Records{examples.subjects, hasher.hex(), examples.table.columns.size(), loaded.skipped, {}});
  records_->loaded = std::move(loaded);
}

LoadedExamples DataSource::read_records() const {
  LoadedExamples loaded;
  loaded.examples =
      read_record_examples(config_.location, config_.records, features_, loaded.skipped, Runtime::current().progress());
  return loaded;
}

void DataSource::open_numbers(const char* kind, const std::string& features) {
  kind_ = kind;
  const std::string title = kind_ == "table"  ? "the dataset is a feature table"
                            : kind_ == "pack" ? "the dataset is a pack"
                                              : "the dataset are records";
  if (config_.fault_filtered && kind_ != "table") require_gtzan({});
  const std::string has_numbers = title + ", which has features but no audio";
  if (!table_.empty()) throw UsageError(has_numbers, "--table", "leave the option out");
  require_for_kind(config_.dataset, kind_, config_.location);
  if (!config_.features || *config_.features == features) return;
  throw UsageError(
      features.empty() ? has_numbers : fmt::format("{} of {}, not of {}", title, features, *config_.features),
      "--features", "leave the option out");
}

void DataSource::choose_genres() {
  constexpr std::size_t kMinGroupsOfTags = 3;  // those of a split
  if (kind_ == "tags" && config_.genres.min_groups == 0) config_.genres.min_groups = kMinGroupsOfTags;
  config_.genres.parents = dataset_.parents;
  genre_notes_ = dataset_.notes;
  if (config_.genres.merge.empty() && config_.genres.min_groups == 0) return;
  if (!has_audio()) return;  // selected when the examples are loaded
  GenreSelection selection = select_genres(subjects_of(dataset_), config_.genres);
  std::ranges::move(selection.notes, std::back_inserter(genre_notes_));
  dataset_.labels = std::move(selection.labels);
  for (std::size_t i = 0; i < dataset_.tracks.size(); ++i) dataset_.tracks[i].label = selection.label_of[i];
  std::erase_if(dataset_.tracks, [](const Track& track) { return track.label < 0; });
}

void DataSource::choose_genres(Examples& examples, GenreConfig genres, Progress& progress) const {
  examples.notes = genre_notes_;
  const SplitSubjects& subjects = examples.subjects;
  const auto is_filtered = [&](std::size_t i) { return subjects.official[i] == fault_filtered_part(subjects.ids[i]); };
  if (is_gtzan(subjects.ids) &&
      !std::ranges::all_of(std::views::iota(std::size_t{0}, subjects.ids.size()), is_filtered)) {
    examples.notes.push_back(
        "GTZAN has repeated, distorted and mislabelled excerpts, and artists in several parts (Sturm, 2013), so scores "
        "on it are too high; --scheme fault-filtered uses the published split without them");
  }
  if (!genres.merge.empty() || genres.min_groups > 0) {
    GenreSelection selection = select_genres(examples.subjects, genres);
    examples.labels = examples.subjects.labels_by_name = std::move(selection.labels);
    examples.subjects.labels = selection.label_of;
    std::ranges::move(selection.notes, std::back_inserter(examples.notes));
    std::vector<std::size_t> kept;
    for (std::size_t i = 0; i < selection.label_of.size(); ++i)
      if (selection.label_of[i] >= 0) kept.push_back(i);
    if (kept.size() < selection.label_of.size()) examples = select_examples(examples, kept);
  }
  for (const std::string& note : examples.notes) progress.note(note);
}

void DataSource::name_tables() {
  for (const std::string& text : config_.tables) {
    const std::size_t equals = text.find('=');
    const bool named = equals != std::string::npos && equals > 0 && text.find('/') > equals;
    if (named) {
      const std::string name = text.substr(0, equals), path = text.substr(equals + 1);
      if (named_tables_.try_emplace(name, path).first->second != path)
        throw UsageError(fmt::format("two tables are given for {}", name), "--table", "leave one of them out");
    } else if (table_.empty() || table_ == text) {
      table_ = text;
    } else {
      throw UsageError("two tables are given without a name", "--table", "write NAME=PATH for one of them");
    }
  }
}

std::string DataSource::location() const {
  return canonical_location(config_.location).string();
}

std::string DataSource::name() const {
  return dataset_.name.empty() ? fs::path(location()).stem().string() : dataset_.name;
}

std::string DataSource::fingerprint() const {
  Hasher hasher(HashKind::sha256);
  if (kind_ == "table") {
    for (const fs::path& table : own_tables_) {
      hasher.update(read_file(table));
      if (is_feature_table(table)) hasher.update(read_file(sidecar_path(table)));  // contains the genres
    }
  } else if (kind_ == "records") {
    hasher.update(records_->fingerprint);
  } else if (kind_ == "pack") {
    hasher.update(pack_.fingerprint);
    for (const PackedShard& shard : pack_.shards) hasher.update(shard.file + shard.sha256);
  } else {
    for (const Track& track : dataset_.tracks) {
      hasher.update(fmt::format("{}\n{}\n{}\n{}\n{}\n", track.id,
                                dataset_.labels[static_cast<std::size_t>(track.label)],
                                track.path.lexically_relative(dataset_.root).string(), track.artist, track.album));
      hasher.update(fmt::format("{} {}\n", track.clip.start_s.value_or(-1), track.clip.duration_s));
    }
  }
  if (!table_.empty()) hasher.update(read_file(table_));
  if (!has_audio()) {  // in the other kinds the tracks have labels
    for (const std::string& merge : config_.genres.merge) hasher.update(merge + '\n');
    if (config_.genres.min_groups > 0) hasher.update(fmt::format("{} groups\n", config_.genres.min_groups));
  }
  return hasher.hex();
}

fs::path DataSource::table_of(const std::string& set) const {
  const auto found = named_tables_.find(set);
  return found == named_tables_.end() ? fs::path() : fs::path(found->second);
}

std::size_t DataSource::extracted_columns() const {
  return extracts() ? feature_set_descriptor(features_).columns : 0;
}

Examples DataSource::read_labelled() const {
  std::vector<Examples> all;
  for (const fs::path& table : own_tables_) all.push_back(read_labelled_table(table));
  Examples examples = join_examples(std::move(all));
  if (!config_.fault_filtered) return examples;
  require_gtzan(examples.subjects.ids);
  std::vector<std::size_t> kept;
  for (std::size_t i = 0; i < examples.subjects.ids.size(); ++i) {
    examples.subjects.official[i] = fault_filtered_part(examples.subjects.ids[i]);
    if (examples.subjects.official[i]) kept.push_back(i);
  }
  return select_examples(examples, kept);
}

SplitSubjects DataSource::subjects() const {
  if (has_audio()) return subjects_of(dataset_);
  Examples examples;
  examples.subjects = records_ ? records_->subjects : kind_ == "pack" ? subjects_of(pack_) : read_labelled().subjects;
  examples.labels = examples.subjects.labels_by_name;
  examples.table.values = Matrix(examples.subjects.ids.size(), 0);
  Progress quiet;
  choose_genres(examples, config_.genres, quiet);
  return std::move(examples.subjects);
}

LoadedExamples DataSource::with_genres(LoadedTable loaded, Progress& progress) const {
  LoadedExamples examples{join(dataset_, std::move(loaded.table)), dataset_.rejected, loaded.extract_s};
  std::ranges::move(loaded.skipped, std::back_inserter(examples.skipped));
  GenreConfig again = config_.genres;  // already merged, but a genre may have too few groups now
  again.merge.clear();
  choose_genres(examples.examples, again, progress);
  return examples;
}

LoadedTable DataSource::extract(const std::string& set, const fs::path& path, Progress& progress) const {
  const auto found = prepared_->find(path);
  const PrepareResult prepared =
      found != prepared_->end() ? found->second : extract({{make_feature_set(set).get(), path}}, progress).front();
  return {read_feature_table(path), prepared.skipped, prepared.extracted > 0 ? prepared.extract_s : 0};
}

std::vector<PrepareResult> DataSource::extract(const std::vector<TableOutput>& outputs, Progress& progress) const {
  const std::optional<FeatureCache> cache = FeatureCache::of_user();
  return extract_features(dataset_, outputs, progress, 0, cache ? &*cache : nullptr);
}

std::map<std::string, std::vector<Fault>> DataSource::extract_sets(const std::vector<std::string>& sets,
                                                                   const FeaturesPath& path_of,
                                                                   Progress& progress) const {
  std::map<std::string, fs::path> paths;
  std::vector<std::unique_ptr<FeatureSet>> made;
  std::vector<TableOutput> outputs;
  for (const std::string& set : sets) {
    const bool own = set.empty() || (set == features_ && table_.empty());
    if (own ? !extracts() : !has_audio() || !table_of(set).empty()) continue;
    auto features = make_feature_set(own ? features_ : set);
    const fs::path path = paths[set] = path_of(own ? std::string() : set, features->size());
    if (prepared_->contains(path) || std::ranges::find(outputs, path, &TableOutput::location) != outputs.end())
      continue;
    outputs.push_back({made.emplace_back(std::move(features)).get(), path});
  }
  std::vector<PrepareResult> results = extract(outputs, progress);
  const auto extracted = std::ranges::count_if(results, [](const auto& result) { return result.extracted > 0; });
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    if (results[i].extracted > 0) results[i].extract_s /= static_cast<double>(extracted);  // they add up to the whole
    prepared_->emplace(outputs[i].location, std::move(results[i]));
  }
  std::map<std::string, std::vector<Fault>> skipped;
  for (const auto& [set, path] : paths) skipped[set] = prepared_->at(path).skipped;
  return skipped;
}

LoadedExamples DataSource::load(const fs::path& features_path, Progress& progress) const {
  if (!named_tables_.empty())
    throw UsageError("only a study has models that name their own features", "--table",
                     "write --table PATH, without NAME=");
  return load_own(features_path, progress);
}

LoadedExamples DataSource::load_own(const fs::path& features_path, Progress& progress) const {
  if (kind_ == "table") {
    LoadedExamples loaded{read_labelled(), {}, 0};
    choose_genres(loaded.examples, config_.genres, progress);
    return loaded;
  }
  if (kind_ == "pack") return load_pack(progress);
  if (records_) {
    LoadedExamples loaded = records_->loaded ? std::move(*records_->loaded) : read_records();
    records_->loaded.reset();
    choose_genres(loaded.examples, config_.genres, progress);
    return loaded;
  }
  if (table_.empty()) return with_genres(extract(features_, features_path, progress), progress);
  FeatureTable table = read_table(table_);
  if (config_.features && table.recipe.name != *config_.features)
    throw UsageError(
        fmt::format("the table {} has the features {}, not {}", table_, table.recipe.name, *config_.features),
        "--features", "leave the option out");
  return with_genres({std::move(table), {}, 0}, progress);
}

LoadedExamples DataSource::load(Progress& progress) const {
  if (!extracts()) return load({}, progress);
  const std::string key = sha256_hex(location() + '\n' + features_ + '\n' + config_.dataset.fma_subset.value_or(""));
  const fs::path features =
      temporary_folder_of_user("genrewise-evaluate") / (key.substr(0, 16) + table_ending(extracted_columns()));
  LoadedExamples loaded = load(features, progress);
  std::error_code ignored;
  fs::remove(features, ignored);
  fs::remove(features.string() + ".json", ignored);
  return loaded;
}

LoadedExamples DataSource::load_pack(Progress& progress) const {
  LoadedExamples loaded;
  loaded.examples = read_packed_examples(pack_, loaded.skipped, progress);
  const bool foreign = pack_.recipe.name.empty();  // damage was found when it was opened
  if (foreign) loaded.skipped.insert(loaded.skipped.end(), pack_.skipped.begin(), pack_.skipped.end());
  const SplitSubjects& subjects = loaded.examples.subjects;
  const auto unknown = [](const std::string& name) { return name.empty(); };
  if (std::ranges::all_of(subjects.artists, unknown) && std::ranges::all_of(subjects.albums, unknown))
    progress.note("the pack has no artist names: a grouped split can only keep the records of one track together");
  choose_genres(loaded.examples, config_.genres, progress);
  return loaded;
}

LoadedTable DataSource::load_set(const std::string& set, const fs::path& features_path, Progress& progress) const {
  const fs::path given = table_of(set);
  if (!given.empty()) return {read_table(given), {}, 0};
  if (!has_audio())
    throw Error(fmt::format("the dataset has no audio to extract {} from", set), "--models",
                fmt::format("give a table with --table {}=PATH", set));
  return extract(set, features_path, progress);
}

std::optional<ClipFacts> DataSource::clip_facts(const Examples& examples, Progress& progress) const {
  if (!extracts()) return std::nullopt;
  const std::set<std::string_view> used(examples.subjects.ids.begin(), examples.subjects.ids.end());
  std::vector<double> lengths(dataset_.tracks.size(), -1);
  progress.begin("reading lengths", "files", lengths.size());
  parallel_for(lengths.size(), [&](std::size_t i, int) {
    progress.advance();
    const Track& track = dataset_.tracks[i];
    if (!used.contains(track.id)) return;
    if (const auto info = probe_file(track.path)) lengths[i] = clip_length_s(track.clip, info->duration_s);
  });
  progress.finish();
  std::erase_if(lengths, [](double length) { return length <= 0; });
  if (lengths.empty()) return std::nullopt;
  std::ranges::sort(lengths);
  return ClipFacts{lengths.front(), lengths[lengths.size() / 2], lengths.back(),
                   std::accumulate(lengths.begin(), lengths.end(), 0.0)};
}

void DataSource::require_used(const std::vector<std::string>& sets) const {
  for (const auto& [name, path] : named_tables_) {
    if (std::ranges::find(sets, name) != sets.end()) continue;
    throw UsageError(fmt::format("no model {}/MODEL uses the table {}", name, path), "--table",
                     "add one with --models, or leave the table out");
  }
  const auto is_own = [&](const std::string& set) { return set.empty() || (set == features_ && table_.empty()); };
  if (!has_audio() || std::ranges::any_of(sets, is_own)) return;
  if (!table_.empty()) throw UsageError("no model is trained on this table", "--table", "add a model without features");
  if (config_.features)
    throw UsageError(fmt::format("no model is trained on {}", *config_.features), "--features", "leave the option out");
}

DatasetSplit split_dataset(const DataSource& source, const SplitConfig& config) {
  DatasetSplit made{source.subjects(), {}, {}};
  made.split = make_split(made.subjects, config);
  made.split.notes.insert(made.split.notes.begin(), source.notes().begin(), source.notes().end());
  made.leakage = check_leakage(made.subjects, made.split);
  return made;
}

void require_split(const DataSource& source, const SplitConfig& config) {
  if (source.extracts()) make_split(source.subjects(), config);
}

}  // namespace genrewise
