#include <fmt/format.h>

#include <cmath>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"

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

/// The only CSV in the folder that lists clips; empty if there is none. Throws Error if there are several.
std::filesystem::path find_csv_in(const std::filesystem::path& folder) {
  std::filesystem::path found;
  std::error_code ignored;
  for (const auto& entry : entries_of(folder, ignored)) {
    if (entry.extension() != ".csv" || !std::filesystem::is_regular_file(entry, ignored)) continue;
    const CsvColumns columns = read_csv_columns(entry);
    if (!columns.find("path") || !columns.find("genre")) continue;
    if (!found.empty()) {
      throw Error(fmt::format("contains more than one list of clips ({}, {})", found.filename().string(),
                              entry.filename().string()),
                  folder.string(), "give one of these files");
    }
    found = entry;
  }
  return found;
}

bool is_list_of_clips(const std::filesystem::path& location, const DatasetOptions&) {
  if (is_folder(location)) return !find_csv_in(location).empty();
  return path_exists(location) || file_exists(location);  // includes pipes and objects in a store
}

Dataset open_csv(const std::filesystem::path& given, const DatasetOptions& options) {
  const std::filesystem::path location = is_folder(given) ? find_csv_in(given) : given;
  NamedCsv csv(location);
  const std::string file = !csv.has("path") && csv.has("filename") ? "filename" : "path";
  csv.require({file, "genre"},
              "name the columns of a list of clips path and genre; a table of features needs a column named genre or "
              "label");
  DatasetBuilder builder("csv", location, options.keep_unlabelled);
  while (csv.next()) {
    NamedFile named = named_file(location.parent_path(), csv.get_untrimmed(file));
    if (named.name.empty())
      throw Error("the path is empty", csv.where(), "give the path of the audio file, or remove the row");
    Track track;
    track.path = std::move(named.path);
    track.id = csv.get("track_id");
    if (track.id.empty()) {
      track.id = std::move(named.name);
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
          .recognised_by = "a file with the columns path and genre (or synonyms), or a folder with one such file in it",
          .recognises = is_list_of_clips,
          .open = open_csv};
}

}  // namespace genrewise
