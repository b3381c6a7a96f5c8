#include "genrewise/data_source/data_source.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/storage/place.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// How much of a track that long the clip is.
double clip_length_s(const ClipRequest& clip, double track_s) {
  if (!clip.start_s && track_s <= clip.duration_s + clip.slack_s) return track_s;
  return std::min(clip.duration_s, track_s - clip.start_s.value_or(0));
}

}  // namespace

DataSource::DataSource(DataSourceConfig config)
    : config_(std::move(config)), features_(config_.features.value_or(config_.default_features)) {
  name_tables();
  if (is_labelled_table(config_.location)) {
    if (!table_.empty()) throw Error("the dataset is a feature table itself", "--table", "leave the option out");
    kind_ = "table";
  } else if (holds_records(config_.location)) {
    if (!table_.empty())
      throw Error("the dataset is a pack: its numbers are in its records", "--table", "leave the option out");
    pack_ = open_pack(config_.location);
    kind_ = "pack";
  } else {
    if (table_.empty()) make_feature_set(features_);  // a wrong name is reported before anything is opened
    dataset_ = open_dataset(config_.location, {.fma_subset = config_.subset.value_or(DatasetOptions{}.fma_subset)});
    kind_ = dataset_.kind;
  }
}

void DataSource::name_tables() {
  for (const std::string& text : config_.tables) {
    const std::size_t equals = text.find('=');
    const bool named = equals != std::string::npos && equals > 0 && text.find('/') > equals;
    if (named) {
      named_tables_[text.substr(0, equals)] = text.substr(equals + 1);
    } else if (table_.empty() || table_ == text) {
      table_ = text;
    } else {
      throw Error("two tables cannot both be the study's own", "--table", "write NAME=PATH for one of them");
    }
  }
}

std::string DataSource::location() const {
  if (is_remote(config_.location)) return config_.location;
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(config_.location, ignored);
  return whole.empty() ? config_.location : whole.string();
}

std::string DataSource::name() const {
  return dataset_.name.empty() ? fs::path(location()).stem().string() : dataset_.name;
}

std::string DataSource::fingerprint() const {
  Hasher hasher(HashKind::sha256);
  if (kind_ == "table") {
    hasher.update(read_file(config_.location));
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
  return hasher.hex();
}

fs::path DataSource::table_of(const std::string& set) const {
  const auto found = named_tables_.find(set);
  return found == named_tables_.end() ? fs::path() : fs::path(found->second);
}

std::size_t DataSource::extracted_columns() const {
  return extracts() ? make_feature_set(features_)->size() : 0;
}

LoadedExamples DataSource::with_genres(LoadedTable loaded) const {
  std::vector<Fault> skipped = dataset_.rejected;
  skipped.insert(skipped.end(), loaded.skipped.begin(), loaded.skipped.end());
  return {join(dataset_, std::move(loaded.table)), std::move(skipped), loaded.extract_s};
}

LoadedTable DataSource::extract(const std::string& set, const fs::path& path, Progress& progress) const {
  const PrepareResult prepared = extract_features(dataset_, *make_feature_set(set), path, progress);
  return {read_feature_table(path), prepared.skipped, prepared.extracted > 0 ? prepared.extract_s : 0};
}

LoadedExamples DataSource::load(const fs::path& features_path, Progress& progress) const {
  if (kind_ == "table") return {read_labelled_table(config_.location), {}, 0};
  if (kind_ == "pack") return load_pack(progress);
  return with_genres(table_.empty() ? extract(features_, features_path, progress)
                                    : LoadedTable{read_feature_table(table_), {}, 0});
}

LoadedExamples DataSource::load(Progress& progress) const {
  const std::string key =
      sha256_hex(location() + '\n' + features_ + '\n' + config_.subset.value_or(DatasetOptions{}.fma_subset));
  const fs::path features = fs::temp_directory_path() / fmt::format("genrewise-{}.csv", key.substr(0, 16));
  LoadedExamples loaded = load(features, progress);
  std::error_code ignored;
  fs::remove(features, ignored);
  fs::remove(features.string() + ".json", ignored);
  return loaded;
}

LoadedExamples DataSource::load_pack(Progress& progress) const {
  LoadedExamples loaded;
  loaded.examples = read_packed_examples(pack_, loaded.skipped, progress);
  const bool foreign = pack_.recipe.name.empty();  // then what is damaged was seen when it was opened
  if (foreign) loaded.skipped.insert(loaded.skipped.end(), pack_.skipped.begin(), pack_.skipped.end());
  const SplitSubjects& subjects = loaded.examples.subjects;
  const auto unknown = [](const std::string& name) { return name.empty(); };
  if (std::ranges::all_of(subjects.artists, unknown) && std::ranges::all_of(subjects.albums, unknown)) {
    progress.note("the pack names no artists: a grouped split can only keep the records of one track together");
  }
  return loaded;
}

LoadedTable DataSource::load_set(const std::string& set, const fs::path& features_path, Progress& progress) const {
  const fs::path given = table_of(set);
  if (!given.empty()) {
    return {is_labelled_table(given) ? read_labelled_table(given).table : read_feature_table(given), {}, 0};
  }
  if (!has_audio()) {
    throw Error(fmt::format("the dataset has no audio, and there is none of the features {}", set), "--models",
                fmt::format("give it with --table {}=PATH", set));
  }
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

}  // namespace genrewise
