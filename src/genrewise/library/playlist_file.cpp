#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <pugixml.hpp>
#include <set>
#include <sstream>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/playlist.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kMark = "#GENREWISE:";
constexpr std::string_view kFileUri = "file://";
constexpr char kMeta[] = "urn:genrewise:entry";

/// Marks the entry of this location as written by this program.
std::string mark_of(std::string_view location) {
  return sha256_hex(location).substr(0, 16);
}

bool is_file_uri(std::string_view location) {
  return location.starts_with(kFileUri);
}

/// The folder of a playlist, to which its entries are relative.
class Base {
 public:
  explicit Base(const fs::path& playlist) : folder_(absolute_path(playlist).lexically_normal().parent_path()) {
    std::error_code ignored;
    real_ = fs::canonical(folder_, ignored);
  }
  // ".." leads out of the real folder, also where the given one is a symbolic link.
  fs::path relative(const fs::path& path) const {
    const fs::path within = path.lexically_relative(folder_);
    return within.empty() || *within.begin() == ".." ? path.lexically_relative(real_) : within;
  }
  fs::path resolved(std::string_view location) const {
    if (is_file_uri(location)) return percent_decoded(location.substr(kFileUri.size()));
    return ((location.starts_with("..") ? real_ : folder_) / location).lexically_normal();
  }

 private:
  fs::path folder_, real_;
};

/// An entry of an existing playlist that a person added.
struct Added {
  fs::path path;     // empty: comments at the end
  std::string text;  // in the playlist's format
};

std::vector<Added> added_to_m3u(std::string_view bytes, const Base& base) {
  std::string text(without_byte_order_mark(bytes));
  std::ranges::replace(text, '\r', '\n');
  const auto lines = split_text(text, '\n');
  std::set<std::string, std::less<>> marks;
  for (const std::string& line : lines)
    if (line.starts_with(kMark)) marks.emplace(trimmed(line.substr(kMark.size())));
  std::vector<Added> added;
  std::string comments;
  for (const std::string& line : lines) {
    if (line.empty() || line == "#EXTM3U" || line.starts_with("#PLAYLIST:") || line.starts_with(kMark)) continue;
    if (line.starts_with('#')) {
      comments += line + "\n";
      continue;
    }
    if (!marks.contains(mark_of(line))) added.push_back({base.resolved(line), comments + line + "\n"});
    comments.clear();
  }
  if (!comments.empty()) added.push_back({{}, comments});
  return added;
}

/// The library's functions that write and remove elements are recursive, and run out of stack on deep ones.
bool is_deep(pugi::xml_document& document) {
  struct Walker : pugi::xml_tree_walker {
    bool for_each(pugi::xml_node&) override { return depth() < 100; }
  } walker;
  return !document.traverse(walker);
}

/// Takes the tracks of a person out of the document and removes all others; what else it holds stays.
std::vector<Added> take_added(pugi::xml_document& document, const std::string& text, const fs::path& file,
                              const Base& base) {
  std::vector<Added> added;
  if (text.empty()) {
    document.append_child(pugi::node_declaration).append_attribute("version") = "1.0";
    document.first_child().append_attribute("encoding") = "UTF-8";
    auto playlist = document.append_child("playlist");
    playlist.append_attribute("version") = "1";
    playlist.append_attribute("xmlns") = "http://xspf.org/ns/0/";
  } else if (!document.load_buffer(text.data(), text.size(), pugi::parse_full) || !document.child("playlist") ||
             is_deep(document)) {
    throw Error("is not an XSPF playlist", file.string(), "move it away, or give another name");
  }
  if (auto head = document.first_child(); head.type() == pugi::node_declaration)
    if (auto encoding = head.attribute("encoding")) encoding = "UTF-8";  // in which it is written
  auto playlist = document.child("playlist");
  for (auto track : playlist.child("trackList").children("track")) {
    const std::string location = track.child_value("location");
    if (track.find_child_by_attribute("meta", "rel", kMeta).text().get() == mark_of(location)) continue;
    std::ostringstream xml;
    track.print(xml);
    added.push_back({base.resolved(is_file_uri(location) ? location : percent_decoded(location)), xml.str()});
  }
  playlist.remove_child("trackList");
  return added;
}

std::string without_controls(std::string text) {
  std::ranges::replace_if(
      text, [](unsigned char letter) { return letter < 0x20; }, ' ');
  return text;
}

/// The title, else the file's name as valid UTF-8 without control characters.
std::string title_of(const CatalogueTrack& track) {
  if (!track.tags.title.empty()) return track.tags.title;
  using nlohmann::json;
  return without_controls(
      json::parse(json(track.path.stem().string()).dump(-1, ' ', false, json::error_handler_t::replace)));
}

struct Entry {
  const CatalogueTrack* track;
  std::string path;  // as it is written
  bool marked;       // not one that a person added before
};

std::string m3u_text(const std::string& title, const std::vector<Entry>& entries, const std::vector<Added>& added,
                     const fs::path& file) {
  std::string text = fmt::format("#EXTM3U\n#PLAYLIST:{}\n", title);
  for (const auto& [track, path, marked] : entries) {
    if (path.find_first_of("\r\n") != std::string::npos)
      throw UsageError("the name of a track has a line break, which an M3U playlist cannot hold", path,
                       fmt::format("write {}", fs::path(file).replace_extension(".xspf").filename().string()));
    const std::string line = path.starts_with('#') || path.starts_with(' ') ? "./" + path : path;
    if (marked) text += fmt::format("{}{}\n", kMark, mark_of(line));
    text += fmt::format("#EXTINF:{},{}{}{}\n{}\n", track->duration_s > 0 ? std::lround(track->duration_s) : -1,
                        track->tags.artist, track->tags.artist.empty() ? "" : " - ", title_of(*track), line);
  }
  for (const Added& entry : added) text += entry.text;
  return text;
}

std::string xspf_text(pugi::xml_document& document, const std::string& title, const std::vector<Entry>& entries,
                      const std::vector<Added>& added) {
  auto playlist = document.child("playlist");
  auto heading = playlist.child("title");
  if (!heading) heading = playlist.prepend_child("title");
  heading.text() = title.c_str();
  auto list = playlist.append_child("trackList");
  for (const auto& [track, path, marked] : entries) {
    auto node = list.append_child("track");
    const auto add = [&](const char* name, const std::string& value) {
      if (!value.empty()) node.append_child(name).text() = value.c_str();
    };
    const std::string uri = (path.starts_with('/') ? "file://" : "") + percent_encoded(path, /*keep_slashes=*/true);
    add("location", uri);
    add("title", title_of(*track));
    add("creator", track->tags.artist);
    add("album", track->tags.album);
    if (track->tags.track > 0) add("trackNum", std::to_string(track->tags.track));
    if (track->duration_s > 0) add("duration", std::to_string(std::lround(1000 * track->duration_s)));
    if (!marked) continue;
    auto meta = node.append_child("meta");
    meta.append_attribute("rel") = kMeta;
    meta.text() = mark_of(uri).c_str();
  }
  for (const Added& entry : added) list.append_buffer(entry.text.data(), entry.text.size(), pugi::parse_full);
  std::ostringstream text;
  document.save(text, "  ");
  return text.str();
}

}  // namespace

PlaylistWritten write_playlist(const PlaylistFile& file, const std::string& title,
                               std::span<const CatalogueTrack> tracks) {
  const std::string extension = lower_case(file.path.extension().string());
  const bool xspf = extension == ".xspf";
  if (!xspf && extension != ".m3u8" && extension != ".m3u")
    throw UsageError("is no name of a playlist", file.path.string(), "give a name that ends in .m3u8, .m3u or .xspf");
  FileContents there;
  if (file_exists(file.path)) there = read_file_and_version(file.path);
  if (!file.keep_added) there.bytes.clear();
  const Base base(file.path);
  pugi::xml_document document;
  auto added = xspf ? take_added(document, there.bytes, file.path, base) : added_to_m3u(there.bytes, base);
  std::set<fs::path> of_person, now;
  for (const Added& entry : added) of_person.insert(entry.path);
  std::vector<Entry> entries;
  for (const CatalogueTrack& track : tracks) {
    const fs::path path = track.path.lexically_normal();
    now.insert(path);
    entries.push_back({&track, (file.absolute_paths ? path : base.relative(path)).string(), !of_person.contains(path)});
  }
  std::erase_if(added, [&](const Added& entry) { return now.contains(entry.path); });
  const std::string heading = without_controls(title);
  const std::string text =
      xspf ? xspf_text(document, heading, entries, added) : m3u_text(heading, entries, added, file.path);
  const auto condition = there.version.empty() ? WriteCondition::absent() : WriteCondition::unchanged(there.version);
  if (!write_file_if(condition, file.path, text))
    throw Error("was written by another program at the same time", file.path.string(), "run the command again");
  const auto kept = std::ranges::count_if(added, [](const Added& entry) { return !entry.path.empty(); });
  return {entries.size(), static_cast<std::size_t>(kept)};
}

}  // namespace genrewise
