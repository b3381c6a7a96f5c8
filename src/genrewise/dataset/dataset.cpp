#include "genrewise/dataset/dataset.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

std::string_view to_string(Part part) {
  constexpr std::string_view kNames[] = {"training", "validation", "test"};
  return kNames[static_cast<std::size_t>(part)];
}

std::optional<Part> parse_part(std::string_view text) {
  const std::string word = lower_case(text);
  if (word == "training" || word == "train") return Part::training;
  if (word == "validation" || word == "valid" || word == "val") return Part::validation;
  if (word == "test") return Part::test;
  return std::nullopt;
}

std::string_view to_string(LabelSource source) {
  constexpr std::string_view kNames[] = {"auto", "folders", "tags"};
  return kNames[static_cast<std::size_t>(source)];
}

void require_for_kind(const DatasetOptions& options, std::string_view kind, const std::string& location) {
  const bool tags = kind == "tags", has_folders = tags || kind == "folder" || kind == "list";
  const struct {
    bool given, has_effect;
    const char *option, *what;
  } all[] = {{options.fma_subset.has_value(), kind == "fma", "--subset", "only an FMA dataset has subsets"},
             {options.labels != LabelSource::automatic, has_folders, "--labels",
              "only a folder of music files has genres to choose from"},
             {!options.genre_map.empty(), tags, "--map", "only genres of tags are mapped (--labels tags)"},
             {options.top_genres, tags, "--top-genres", "only genres of tags are mapped (--labels tags)"}};
  for (const auto& [given, has_effect, option, what] : all)
    if (given && !has_effect)
      throw UsageError(fmt::format("{}, and this is not one: {}", what, location), option, "leave the option out");
}

namespace {

Dataset open_by_kind(const std::filesystem::path& location, const DatasetOptions& options) {
  if (looks_like_audio(location) && file_exists(location))
    throw Error("is an audio file, not a dataset", location.string(),
                "give the folder that contains it, or a CSV that lists it (`genrewise predict` takes single files)");
  for (const DatasetKindDescriptor& kind : dataset_kinds())
    if (kind.recognises(location, options)) return kind.open(location, options);
  std::vector<std::string> locations;
  for (const DatasetKindDescriptor& kind : dataset_kinds()) locations.push_back(kind.location);
  throw Error("no such file or folder", location.string(), fmt::format("give {}", fmt::join(locations, ", or ")));
}

}  // namespace

std::vector<DatasetKindDescriptor> dataset_kinds() {
#define GENREWISE_CALL(name) name(),
  return {GENREWISE_DATASET_KINDS(GENREWISE_CALL)};
#undef GENREWISE_CALL
}

Dataset open_dataset(const std::filesystem::path& location, const DatasetOptions& options) {
  Dataset dataset = open_by_kind(location, options);
  require_for_kind(options, dataset.kind, location.string());
  for (Track& track : dataset.tracks) {
    ClipRequest& clip = track.clip;
    if (options.clip_start_s) clip = {.start_s = options.clip_start_s, .duration_s = clip.duration_s};
    if (options.clip_duration_s) clip = {.start_s = clip.start_s, .duration_s = *options.clip_duration_s};
  }
  if (!options.part) return dataset;
  if (!dataset.part) keep_part(dataset, *options.part);
  std::string& sha256 = dataset.part->sha256;
  for (const auto& seconds : {options.clip_start_s, options.clip_duration_s})
    sha256 += seconds ? fmt::format(" {}", *seconds) : " -";
  sha256 = sha256_hex(sha256);
  return dataset;
}

void keep_part(Dataset& dataset, const JobPart& part) {
  std::vector<Track>& tracks = dataset.tracks;
  const bool sizes = std::ranges::all_of(tracks, [](const Track& track) { return track.bytes > 0; });
  Hasher hasher(HashKind::sha256);
  std::vector<std::uint64_t> weights;
  weights.reserve(tracks.size());
  std::string facts;
  constexpr double kMostSeconds = 1e6;
  for (const Track& track : tracks) {
    const ClipRequest& clip = track.clip;
    weights.push_back(sizes ? track.bytes : static_cast<std::uint64_t>(std::min(clip.duration_s, kMostSeconds) * 1000));
    facts.clear();
    for (const std::string& fact :
         {track.id, track.path.filename().string(), track.artist, track.album,
          track.label < 0 ? std::string() : dataset.labels[static_cast<std::size_t>(track.label)],
          track.official_part ? std::string(to_string(*track.official_part)) : std::string(),
          fmt::format("{} {} {} {}", clip.start_s.value_or(-1), clip.duration_s, clip.slack_s, track.bytes)})
      facts += fact + '\0';
    hasher.update(facts);
  }
  dataset.part = {part, tracks.size(), hasher.hex()};
  const auto [first, last] = part_range(weights, part);
  require_enough(tracks.size(), part, dataset.name);
  tracks.erase(tracks.begin() + static_cast<std::ptrdiff_t>(last), tracks.end());
  tracks.erase(tracks.begin(), tracks.begin() + static_cast<std::ptrdiff_t>(first));
  tracks.shrink_to_fit();
  if (part.number > 1) dataset.rejected.clear();
}

}  // namespace genrewise
