#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <fstream>

#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/dataset/dataset_list.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

std::optional<double> seconds(const NamedCsv& csv, std::string_view column, bool zero_allowed) {
  const std::string_view text = csv.get(column);
  if (text.empty()) return std::nullopt;
  double value = 0;
  if (!parse_number(text, value) || !std::isfinite(value) || value < 0 || (value == 0 && !zero_allowed)) {
    throw Error(
        fmt::format("{} is '{}'", column, text), csv.where(),
        fmt::format("write seconds as a number {} 0, or leave it empty", zero_allowed ? "of at least" : "above"));
  }
  return value;
}

ClipRequest clip_of_row(const NamedCsv& csv) {
  ClipRequest clip = kDefaultClip;
  clip.start_s = seconds(csv, "start_s", true);
  if (const auto duration_s = seconds(csv, "duration_s", false)) clip.duration_s = *duration_s;
  return clip;
}

std::optional<Part> part_of_row(const NamedCsv& csv) {
  const std::string_view text = csv.get("split");
  if (text.empty()) return std::nullopt;
  if (const auto part = parse_part(text)) return part;
  throw Error(fmt::format("split is '{}'", text), csv.where(), "write training, validation or test, or leave it empty");
}

/// Whether the header has the columns that a list of clips must have. Reads only the first line.
bool lists_clips(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  std::string line;
  std::getline(file, line);
  std::vector<std::string_view> columns;
  try {
    CsvReader(line, path.string()).next(columns);
  } catch (const Error&) {
    return false;  // a different kind of table, with a line break in its header
  }
  const auto has = [&](std::string_view name) { return std::ranges::find(columns, name, trimmed) != columns.end(); };
  return has("path") && has("genre");
}

/// The only CSV in the folder that lists clips; empty if there is none. Throws Error if there are several.
std::filesystem::path find_csv_in(const std::filesystem::path& folder) {
  std::filesystem::path found;
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(folder, ignored)) {
    if (entry.path().extension() != ".csv" || !entry.is_regular_file(ignored) || !lists_clips(entry.path())) continue;
    if (!found.empty()) {
      throw Error(fmt::format("contains more than one list of clips ({}, {})", found.filename().string(),
                              entry.path().filename().string()),
                  folder.string(), "give one of these files");
    }
    found = entry.path();
  }
  return found;
}

bool is_list_of_clips(const std::filesystem::path& location) {
  if (std::filesystem::is_directory(location)) return !find_csv_in(location).empty();
  return std::filesystem::exists(location) || file_exists(location);  // includes pipes and objects in a store
}

Dataset open_csv(const std::filesystem::path& named, const DatasetOptions& options) {
  const std::filesystem::path location = std::filesystem::is_directory(named) ? find_csv_in(named) : named;
  NamedCsv csv(location);
  csv.require({"path", "genre"});
  DatasetBuilder builder("csv", location, options.keep_unlabelled);
  while (csv.next()) {
    const std::string_view path = csv.get("path");
    if (path.empty())
      throw Error("the path is empty", csv.where(), "give the path of the audio file, or remove the row");
    Track track;
    track.path = resolve_location(location.parent_path(), path);
    track.id = csv.get("track_id");
    if (track.id.empty()) {
      track.id = path;
      if (const auto start = csv.get("start_s"); !start.empty()) track.id += fmt::format("@{}", start);
    }
    track.artist = csv.get("artist");
    track.album = csv.get("album");
    track.title = csv.get("title");
    track.official_part = part_of_row(csv);
    track.clip = clip_of_row(csv);
    builder.add(std::move(track), csv.get("genre"), csv.where());
  }
  return std::move(builder).build("check the paths and genres of the rows; paths are relative to the CSV's folder");
}

}  // namespace

DatasetKindDescriptor csv_dataset() {
  return {.kind = "csv",
          .title = "CSV of clips",
          .location = "a CSV of tracks",
          .recognised_by = "a file with the columns path and genre, or a folder with one such file in it",
          .recognises = is_list_of_clips,
          .open = open_csv};
}

}  // namespace genrewise
