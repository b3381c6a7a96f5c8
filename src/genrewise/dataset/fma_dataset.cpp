#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"

// Source: Defferrard et al., FMA: A Dataset for Music Analysis, ISMIR 2017.
namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::array<std::string_view, 4> kSubsets{"small", "medium", "large", "full"};

/// 0 for small .. 3 for full, which also contains tracks without a subset.
std::size_t subset_rank(std::string_view name) {
  const auto found = std::ranges::find(kSubsets, name);
  return std::min<std::size_t>(static_cast<std::size_t>(found - kSubsets.begin()), kSubsets.size() - 1);
}

/// Path of tracks.csv: below the location, in it, or beside it if the location is one of FMA's own folders; else empty.
fs::path find_metadata(const fs::path& location) {
  std::vector<fs::path> candidates{location / "fma_metadata" / "tracks.csv", location / "tracks.csv"};
  const fs::path whole = absolute_path(location / "").lexically_normal().parent_path();
  if (whole.filename().string().starts_with("fma_")) {
    candidates.push_back(whole.parent_path() / "fma_metadata" / "tracks.csv");
  }
  for (const fs::path& candidate : candidates) {
    if (is_file(candidate)) return candidate;
  }
  return {};
}

/// Folders that may contain 000/000002.mp3, best first: the subset's, the larger ones (all of its tracks), the smaller
/// ones (some of its tracks), and the location itself.
std::vector<fs::path> audio_roots(const fs::path& location, const fs::path& metadata, std::size_t subset) {
  std::vector<std::size_t> order;
  for (std::size_t i = subset; i < kSubsets.size(); ++i) order.push_back(i);
  for (std::size_t i = subset; i-- > 0;) order.push_back(i);
  std::vector<fs::path> roots;
  const fs::path beside = metadata.parent_path().parent_path();
  for (const std::size_t i : order) {
    for (const fs::path& parent : {location, beside}) {
      fs::path root = parent / fmt::format("fma_{}", kSubsets[i]);
      if (is_folder(root)) roots.push_back(std::move(root));
    }
  }
  roots.push_back(location);
  return roots;
}

fs::path audio_path(const std::vector<fs::path>& roots, long long id) {
  const std::string relative = fmt::format("{:03}/{:06}.mp3", id / 1000, id);
  std::error_code ignored;
  for (const fs::path& root : roots) {
    if (fs::is_regular_file(root / relative, ignored)) return root / relative;
  }
  return roots.front() / relative;
}

/// The columns in use, named by FMA's two header rows ("set", "split").
struct Columns {
  std::size_t split, subset, genre, title, artist_id, artist_name, album_id, album_title, count;
};

Columns find_columns(CsvReader& reader) {
  const std::string where = reader.name() + ":1";
  const std::string remedy = "use the unmodified tracks.csv from fma_metadata.zip";
  std::vector<std::string> groups;
  std::vector<std::string_view> fields;
  if (reader.next(fields)) groups.assign(fields.begin(), fields.end());
  if (!reader.next(fields) || fields.size() != groups.size()) {
    throw Error("does not have FMA's header rows", where, remedy);
  }
  const auto find = [&](std::string_view group, std::string_view name) {
    for (std::size_t i = 0; i < fields.size(); ++i) {
      if (groups[i] == group && fields[i] == name) return i;
    }
    throw Error(fmt::format("the column '{}, {}' of FMA's tracks.csv is missing", group, name), where, remedy);
  };
  const Columns columns{.split = find("set", "split"),
                        .subset = find("set", "subset"),
                        .genre = find("track", "genre_top"),
                        .title = find("track", "title"),
                        .artist_id = find("artist", "id"),
                        .artist_name = find("artist", "name"),
                        .album_id = find("album", "id"),
                        .album_title = find("album", "title"),
                        .count = fields.size()};
  if (!reader.next(fields) || fields.empty() || fields[0] != "track_id") {
    throw Error("does not have FMA's third header row (track_id)", reader.name() + ":3", remedy);
  }
  return columns;
}

/// Name and id, so that equal names do not collide; empty if FMA has no album (id -1) or artist.
std::string named(std::string_view name, std::string_view id) {
  if (id.empty() || id.starts_with('-')) return std::string(trimmed(name));
  return fmt::format("{} [{}]", trimmed(name), id);
}

bool is_fma_folder(const fs::path& location, const DatasetOptions&) {
  return is_folder(location) && !find_metadata(location).empty();
}

Dataset open_fma(const fs::path& location, const DatasetOptions& options) {
  const std::string subset = options.fma_subset.value_or(std::string(kSubsets.front()));
  if (std::ranges::find(kSubsets, subset) == kSubsets.end()) {
    throw UsageError(fmt::format("'{}' is not a subset of FMA", subset), "--subset",
                     "choose small, medium, large or full");
  }
  const std::size_t largest_rank = subset_rank(subset);
  const fs::path metadata = find_metadata(location);
  const std::vector<fs::path> roots = audio_roots(location, metadata, largest_rank);
  const std::string text = read_file(metadata);
  CsvReader reader(text, metadata.string());
  const Columns columns = find_columns(reader);
  DatasetBuilder builder("fma", location, options.keep_unlabelled);
  std::vector<std::string_view> fields;
  while (reader.next(fields)) {
    const std::string where = fmt::format("{}:{}", reader.name(), reader.line());
    long long id = 0;
    if (fields.size() != columns.count || !parse_number(fields[0], id) || id < 0) {
      throw Error("the row is not an FMA track", where, "the file is damaged: fetch fma-metadata again");
    }
    if (subset_rank(fields[columns.subset]) > largest_rank) continue;
    Track track;
    track.id = std::to_string(id);
    track.path = audio_path(roots, id);
    track.artist = named(fields[columns.artist_name], fields[columns.artist_id]);
    track.album = named(fields[columns.album_title], fields[columns.album_id]);
    track.title = trimmed(fields[columns.title]);
    track.official_part = parse_part(fields[columns.split]);
    builder.add(std::move(track), trimmed(fields[columns.genre]), where);
  }
  return std::move(builder).build(fmt::format("looked for audio files like {}; fetch fma-{} or give its folder",
                                              audio_path(roots, 2).string(), subset));
}

}  // namespace

DatasetKindDescriptor fma_dataset() {
  return {.kind = "fma",
          .title = "FMA dataset",
          .location = "an FMA folder",
          .recognised_by = "it contains fma_metadata/ or tracks.csv, or is fma_small/ beside them",
          .recognises = is_fma_folder,
          .open = open_fma};
}

}  // namespace genrewise
