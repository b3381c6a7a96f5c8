#include <fmt/format.h>

#include <algorithm>
#include <unordered_map>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

bool is_playlist(const fs::path& path) {
  const std::string extension = lower_case(path.extension().string());
  return extension == ".m3u" || extension == ".m3u8";
}

/// Whether the folder contains playlists only. Playlists beside music or genre folders come from a player and do not
/// state genres.
bool is_playlist_folder(const fs::path& location, const DatasetOptions&) {
  if (!is_folder(location)) return false;
  bool any = false;
  std::error_code ignored;
  for (const auto& entry : entries_of(location, ignored)) {
    if (is_hidden(entry)) continue;
    if (!is_playlist(entry) || !fs::is_regular_file(entry, ignored)) return false;
    any = true;
  }
  return any;
}

constexpr std::string_view kScheme = "file://";

/// Path of an entry: decodes "file://" URIs; backslashes separate folders if there is no slash.
std::string path_of(std::string_view entry) {
  if (!entry.starts_with(kScheme)) {
    std::string path(entry);
    if (path.find('/') == std::string::npos) std::ranges::replace(path, '\\', '/');
    return path;
  }
  entry.remove_prefix(kScheme.size());
  if (entry.starts_with("localhost/")) entry.remove_prefix(std::string_view("localhost").size());
  return percent_decoded(entry);
}

/// Splits "#EXTINF:123,Artist - Title" as players write it.
void read_extended_info(std::string_view line, Track& track) {
  const std::size_t comma = line.find(',');
  if (comma == std::string_view::npos) return;
  const std::string_view text = trimmed(line.substr(comma + 1));
  const std::size_t dash = text.find(" - ");
  if (dash != std::string_view::npos) track.artist = trimmed(text.substr(0, dash));
  track.title = dash == std::string_view::npos ? text : trimmed(text.substr(dash + 3));
}

/// "path:line" of the first listing of each track, by id.
using Listed = std::unordered_map<std::string, std::string>;

void read_playlist(const fs::path& playlist, DatasetBuilder& builder, Listed& listed) {
  const std::string text = read_file(playlist), genre = playlist.stem().string();
  std::string_view rest = without_byte_order_mark(text);
  Track track;
  for (std::size_t number = 1; !rest.empty(); ++number) {
    const std::size_t end = std::min(rest.find_first_of("\r\n"), rest.size());
    const std::string_view written = rest.substr(0, end), line = trimmed(written);
    rest.remove_prefix(std::min(rest.size(), end + (rest.substr(end).starts_with("\r\n") ? 2 : 1)));
    if (line.starts_with("#EXTINF:")) read_extended_info(line, track);
    if (line.empty() || line.starts_with('#')) continue;
    const std::string where = fmt::format("{}:{}", playlist.string(), number);
    track.path = named_file(playlist.parent_path(), path_of(line.starts_with(kScheme) ? line : written)).path;
    track.id = track.path.lexically_relative(playlist.parent_path()).generic_string();  // the same on every machine
    if (track.id.empty()) track.id = track.path.string();                               // in an object store
    if (track.title.empty()) track.title = track.path.stem().string();
    const auto [first, is_new] = listed.try_emplace(track.id, where);
    if (is_new) {
      builder.add(std::move(track), genre, where);
    } else {
      builder.reject("listed twice", where, fmt::format("{} was listed at {}", track.id, first->second));
    }
    track = {};
  }
}

Dataset open_playlists(const fs::path& location, const DatasetOptions& options) {
  DatasetBuilder builder("playlists", location, options.keep_unlabelled);
  std::vector<fs::path> playlists;
  for (const auto& entry : entries_of(location))
    if (is_playlist(entry)) playlists.push_back(entry);
  std::ranges::sort(playlists);
  Listed listed;
  for (const fs::path& playlist : playlists) read_playlist(playlist, builder, listed);
  return std::move(builder).build("check the paths in the playlists; relative paths start at the playlists' folder");
}

}  // namespace

DatasetKindDescriptor playlist_dataset() {
  return {.kind = "playlists",
          .title = "Playlists",
          .location = "a folder of M3U playlists, one per genre",
          .recognised_by = "a folder that contains only .m3u and .m3u8 files",
          .recognises = is_playlist_folder,
          .open = open_playlists};
}

}  // namespace genrewise
