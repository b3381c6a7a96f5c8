#include "study_support.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/dataset/split_file.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/pipeline/prepare.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/storage/place.hpp"

namespace genrewise::cli {

namespace fs = std::filesystem;

void ExamplesSource::add_options(CLI::App* command) {
  command
      ->add_option(
          "DATASET", place_,
          "an FMA folder, a folder with one sub-folder per genre, a CSV of tracks, a feature table (a CSV with a genre "
          "or label column), or a packed folder")
      ->required();
  command->add_option("--features", features_, "the feature set to extract")->capture_default_str();
  command->add_option("--table", table_,
                      "take the features from this table (such as FMA's features.csv) instead of extracting them");
  command->add_option("--subset", subset_, "of an FMA dataset: small, medium, large or full")->capture_default_str();
}

const std::string& ExamplesSource::open() {
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
  if (is_remote(place_)) return place_;
  std::error_code ignored;
  const fs::path whole = fs::weakly_canonical(place_, ignored);
  return whole.empty() ? place_ : whole.string();
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

LoadedExamples ExamplesSource::load(const fs::path& features_path, Progress& progress) {
  if (kind_.empty()) open();
  if (kind_ == "table") return {read_labelled_table(place_), {}, 0};
  if (kind_ == "pack") return load_pack(progress);
  LoadedExamples loaded;
  loaded.skipped = dataset_.rejected;
  if (!table_.empty()) {
    loaded.examples = join(dataset_, read_feature_table(table_));
    return loaded;
  }
  const PrepareResult prepared = extract_features(dataset_, *make_feature_set(features_), features_path, progress);
  loaded.skipped.insert(loaded.skipped.end(), prepared.skipped.begin(), prepared.skipped.end());
  if (prepared.extracted > 0) loaded.extract_s = prepared.extract_s;
  loaded.examples = join(dataset_, read_feature_table(features_path));
  return loaded;
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

Split SplitSource::make(const SplitSubjects& subjects, std::uint64_t seed) const {
  if (!file_.empty()) return read_split_file(file_, subjects);
  return make_split(subjects, {.scheme = parse_split_scheme(scheme_), .seed = seed});
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
