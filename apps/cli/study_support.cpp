#include "study_support.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <ctime>
#include <numeric>
#include <set>
#include <utility>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/data_source/prepare.hpp"
#include "genrewise/dataset/split_file.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/study/selection.hpp"

namespace genrewise::cli {

namespace fs = std::filesystem;

namespace {

/// How much of a track that long the clip is.
double clip_length_s(const ClipRequest& clip, double track_s) {
  if (!clip.start_s && track_s <= clip.duration_s + clip.slack_s) return track_s;
  return std::min(clip.duration_s, track_s - clip.start_s.value_or(0));
}

enum class Presence { everywhere, skipped, absent };  // skipped: a fault says why some table lacks it

/// Leaves out the tracks that some table lacks, and every fault that was told twice.
void keep_common(LoadedStudy& loaded, const std::vector<Presence>& presence) {
  std::vector<std::size_t> common;
  for (std::size_t i = 0; i < presence.size(); ++i) {
    if (presence[i] == Presence::everywhere) common.push_back(i);
    if (presence[i] == Presence::absent) {
      loaded.skipped.push_back({"not in every table", loaded.examples.subjects.ids[i], ""});
    }
  }
  if (common.empty()) {
    throw Error("no track is in every table that the models learn from", loaded.examples.name,
                "use tables of this dataset, by the same track ids");
  }
  if (common.size() < presence.size()) {
    loaded.examples = select_examples(loaded.examples, common);
    drop_absent_genres(loaded.examples);
  }
  std::set<std::pair<std::string, std::string>> told;
  std::erase_if(loaded.skipped, [&](const Fault& fault) { return !told.insert({fault.where, fault.reason}).second; });
}

}  // namespace

void ExamplesSource::add_options(CLI::App* command, Tables tables) {
  command
      ->add_option(
          "DATASET", place_,
          "an FMA folder, a folder with one sub-folder per genre, a CSV of tracks, a feature table (a CSV with a genre "
          "or label column), or a packed folder")
      ->required();
  features_option_ = add_features_option(command, features_);
  auto* table = command->add_option(
      "--table", tables_,
      tables == Tables::one
          ? "take the features from this table (such as FMA's features.csv) instead of extracting them"
          : "PATH: take the features from this table (such as FMA's features.csv) instead of extracting them; "
            "NAME=PATH: those of models that are called NAME/MODEL");
  if (tables == Tables::one) table->expected(1);
  command->add_option("--subset", subset_, "of an FMA dataset: small, medium, large or full")->capture_default_str();
}

const std::string& ExamplesSource::open() {
  for (const std::string& text : tables_) {
    const std::size_t equals = text.find('=');
    const bool named = equals != std::string::npos && equals > 0 && text.find('/') > equals;
    if (named) {
      named_tables_[text.substr(0, equals)] = text.substr(equals + 1);
    } else if (table_.empty() || table_ == text) {
      table_ = text;
    } else {
      throw CLI::ValidationError("--table", "two tables cannot both be the study's own: write NAME=PATH");
    }
  }
  if (is_labelled_table(place_)) {
    if (!table_.empty()) throw CLI::ValidationError("--table", "the dataset is a feature table itself");
    return kind_ = "table";
  }
  if (holds_records(place_)) {
    if (!table_.empty()) throw CLI::ValidationError("--table", "the dataset is a pack: its numbers are in its records");
    pack_ = open_pack(place_);
    return kind_ = "pack";
  }
  if (table_.empty()) make_feature_set(features_);  // a wrong name is told before anything is opened
  dataset_ = open_dataset(place_, {.fma_subset = subset_});
  return kind_ = dataset_.kind;
}

std::string ExamplesSource::place() const {
  return canonical_location(place_).string();
}

std::string ExamplesSource::name() const {
  return dataset_.name.empty() ? fs::path(place()).stem().string() : dataset_.name;
}

std::string ExamplesSource::fingerprint() const {
  Hasher hasher(HashKind::sha256);
  if (kind_ == "table") {
    hasher.update(read_file(place_));
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

std::size_t ExamplesSource::extracted_columns() const {
  return extracts() ? make_feature_set(features_)->size() : 0;
}

void ExamplesSource::add_words(std::vector<std::string>& words) const {
  const auto add = [&](const char* option, const std::string& value) { words.insert(words.end(), {option, value}); };
  for (const std::string& table : tables_) add("--table", table);
  if (extracts() && features_ != "fma518") add("--features", features_);
  if (subset_ != "small") add("--subset", subset_);
}

LoadedExamples ExamplesSource::with_genres(LoadedTable loaded) const {
  std::vector<Fault> skipped = dataset_.rejected;
  skipped.insert(skipped.end(), loaded.skipped.begin(), loaded.skipped.end());
  return {join(dataset_, std::move(loaded.table)), std::move(skipped), loaded.extract_s};
}

LoadedTable ExamplesSource::extract(const std::string& set, const fs::path& path, Progress& progress) const {
  const PrepareResult prepared = extract_features(dataset_, *make_feature_set(set), path, progress);
  return {read_feature_table(path), prepared.skipped, prepared.extracted > 0 ? prepared.extract_s : 0};
}

LoadedExamples ExamplesSource::load(const fs::path& features_path, Progress& progress) {
  if (kind_.empty()) open();
  if (kind_ == "table") return {read_labelled_table(place_), {}, 0};
  if (kind_ == "pack") return load_pack(progress);
  return with_genres(table_.empty() ? extract(features_, features_path, progress)
                                    : LoadedTable{read_feature_table(table_), {}, 0});
}

LoadedExamples ExamplesSource::load_pack(Progress& progress) const {
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

fs::path ExamplesSource::table_of(const std::string& set) const {
  const auto found = named_tables_.find(set);
  return found == named_tables_.end() ? fs::path() : fs::path(found->second);
}

LoadedTable ExamplesSource::load_set(const std::string& set, const fs::path& features_path, Progress& progress) {
  const fs::path given = table_of(set);
  if (!given.empty()) {
    return {is_labelled_table(given) ? read_labelled_table(given).table : read_feature_table(given), {}, 0};
  }
  if (is_numbers()) {
    throw Error(fmt::format("the dataset has no audio, and there is none of the features {}", set), "--models",
                fmt::format("give it with --table {}=PATH", set));
  }
  return extract(set, features_path, progress);
}

std::optional<ClipFacts> ExamplesSource::clip_facts(const Examples& examples, Progress& progress) const {
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

LoadedExamples ExamplesSource::load(Progress& progress) {
  if (kind_.empty()) open();
  const std::string key = sha256_hex(place() + '\n' + features_ + '\n' + subset_).substr(0, 16);
  const fs::path features = fs::temp_directory_path() / fmt::format("genrewise-{}.csv", key);
  LoadedExamples loaded = load(features, progress);
  std::error_code ignored;
  fs::remove(features, ignored);
  fs::remove(features.string() + ".json", ignored);
  return loaded;
}

void SplitSource::add_options(CLI::App* command) {
  auto* scheme = command
                     ->add_option("--scheme", scheme_,
                                  "who learns and who judges: official (the dataset's own), grouped (no artist on two "
                                  "sides), random, shards (of a pack: whole shards, 64/16/20), or auto (official "
                                  "where it is whole, else grouped); a pack's own parts are its official ones")
                     ->capture_default_str();
  command
      ->add_option("--split-file", file_,
                   "take the parts from this CSV (track_id,part), as `genrewise split` writes it")
      ->excludes(scheme);
}

void SplitSource::add_words(std::vector<std::string>& words) const {
  if (!file_.empty()) words.insert(words.end(), {"--split-file", file_});
  if (scheme_ != "auto") words.insert(words.end(), {"--scheme", scheme_});
}

Split SplitSource::make(const SplitSubjects& subjects, std::uint64_t seed) const {
  if (!file_.empty()) return read_split_file(file_, subjects);
  return make_split(subjects, {.scheme = parse_split_scheme(scheme_), .seed = seed});
}

LoadedStudy load_study(ExamplesSource& source, const std::vector<ModelSpec>& models, const RunFolder& folder,
                       Progress& progress) {
  LoadedStudy loaded;
  const auto path_of = [&](const std::string& set) {
    const bool given = !source.table_of(set).empty() || source.is_numbers();
    return folder.features_path(given ? 0 : make_feature_set(set)->size(), set);
  };
  const auto note = [&](const FeatureTable& table, const std::string& set, double extract_s) {
    loaded.features.push_back({table.recipe, table.columns.size(), extract_s});
    if (table.recipe.name == "table" && !set.empty()) loaded.features.back().recipe.name = set;
  };
  const bool uses_own =
      source.is_numbers() || std::ranges::any_of(models, [&](const ModelSpec& spec) {
        return spec.features.empty() || (spec.features == source.features() && source.table().empty());
      });
  const std::string first = uses_own ? "" : models.front().features;
  LoadedExamples base = uses_own ? source.load(folder.features_path(source.extracted_columns()), progress)
                                 : source.with_genres(source.load_set(first, path_of(first), progress));
  loaded.examples = std::move(base.examples);
  loaded.skipped = std::move(base.skipped);
  note(loaded.examples.table, first, base.extract_s);

  std::set<std::string> seen = {"", first, loaded.examples.table.recipe.name};
  std::vector<Presence> presence(loaded.examples.subjects.ids.size(), Presence::everywhere);
  for (const ModelSpec& spec : models) {
    if (!seen.insert(spec.features).second) continue;
    const LoadedTable other = source.load_set(spec.features, path_of(spec.features), progress);
    note(other.table, spec.features, other.extract_s);
    loaded.skipped.insert(loaded.skipped.end(), other.skipped.begin(), other.skipped.end());
    const std::set<std::string_view> there(other.table.track_ids.begin(), other.table.track_ids.end());
    const bool extracted = source.table_of(spec.features).empty();
    for (std::size_t i = 0; i < presence.size(); ++i) {
      if (presence[i] != Presence::everywhere || there.contains(loaded.examples.subjects.ids[i])) continue;
      presence[i] = extracted ? Presence::skipped : Presence::absent;
    }
  }
  keep_common(loaded, presence);
  loaded.table_of = [&source, path_of, &progress, ids = loaded.examples.subjects.ids](const std::string& set) {
    return select_tracks(source.load_set(set, path_of(set), progress).table, ids);
  };
  return loaded;
}

StudyContext context_of(const ExamplesSource& source, const std::string& output, std::string command,
                        std::vector<Fault> skipped) {
  return {.name = fs::absolute(output).lexically_normal().filename().string(),
          .command = std::move(command),
          .created = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr))),
          .dataset_name = source.name(),
          .dataset_kind = source.kind(),
          .dataset_place = source.place(),
          .skipped = std::move(skipped),
          .features = {},
          .clip_facts = {}};
}

void print_result(Session& session, const Table& table, const std::function<nlohmann::json()>& json) {
  switch (session.format) {
    case Format::table:
      return session.print(table.text());
    case Format::csv:
      return session.print(table.csv());
    case Format::json:
      return session.print_json(json());
  }
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty()) line += ' ';
    const bool plain = !word.empty() && std::ranges::all_of(word, [](unsigned char c) {
      return std::isalnum(c) || c >= 0x80 ||
             std::string_view("-_./=:,+@%").find(static_cast<char>(c)) != std::string_view::npos;
    });
    if (plain) {
      line += word;
      continue;
    }
    line += '\'';
    for (const char c : word) line += c == '\'' ? std::string("'\\''") : std::string(1, c);
    line += '\'';
  }
  return line;
}

}  // namespace genrewise::cli
