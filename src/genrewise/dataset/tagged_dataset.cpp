#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <span>

#include "genrewise/audio/tags.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/dataset/genre_map.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

struct TaggedFile {
  fs::path path;
  std::string folder;  ///< relative to the collection; empty: the collection itself
  Expected<Tags> tags;
};

std::vector<TaggedFile> read_all(const fs::path& root, std::vector<Fault>& faults, std::size_t most = SIZE_MAX) {
  const std::vector<fs::path> found = find_audio(std::span(&root, 1), faults);
  std::vector<TaggedFile> files(std::min(found.size(), most));  // evenly spread
  Progress& progress = Runtime::current().progress();
  progress.begin("reading tags", "files", files.size());
  parallel_for(files.size(), [&](std::size_t i, int) {
    const fs::path& path = found[i * found.size() / files.size()];
    const std::string folder = path.parent_path().lexically_relative(root).generic_string();
    files[i] = {path, folder == "." ? "" : folder, read_tags(path)};
    progress.advance();
  });
  progress.finish();
  return files;
}

bool states_nobody(const std::string& name) {
  static const std::set<std::string, std::less<>> keys = {
      "", "various", "variousartists", "variousartist", "va", "unknown", "unknownartist", "unknownalbum", "noartist"};
  return keys.contains(name_key(name));
}

/// Whether one name is a part of the other: "Beatles" and "The Beatles", "1973 - Album" and "Album".
bool resemble(const std::string& a, const std::string& b) {
  constexpr std::size_t kShortest = 3;
  return a == b || (std::min(a.size(), b.size()) >= kShortest &&
                    (a.find(b) != std::string::npos || b.find(a) != std::string::npos));
}

/// What the files of one sub-folder of a collection state about its name.
struct SubFolder {
  std::size_t named = 0, of_artist = 0;        // files with an artist or album; those whose one is the folder's name
  std::map<std::string, std::size_t> genres;   // files of each genre
  std::size_t tagged = 0, of_most_common = 0;  // files with a genre; those with the most common one
  bool is_genre = false;                       // its name is one of these genres, or a genre of the map
};

std::map<std::string, SubFolder> sub_folders_of(const std::vector<TaggedFile>& files) {
  const GenreMap& map = GenreMap::standard();
  std::map<std::string, SubFolder> folders;
  for (const TaggedFile& file : files) {
    if (!file.tags || file.folder.empty()) continue;
    const std::string name = file.folder.substr(0, file.folder.find('/'));
    const Tags& tags = *file.tags;
    SubFolder& folder = folders[name];
    const std::string key = name_key(name);
    const auto is_name = [&](const std::string& text) { return !states_nobody(text) && resemble(name_key(text), key); };
    folder.named += !tags.artist.empty() || !tags.album_artist.empty() || !tags.album.empty();
    folder.of_artist += is_name(tags.artist) || is_name(tags.album_artist) || is_name(tags.album);
    const std::vector<std::string> genres = map.fold(tags.genres);
    folder.tagged += !genres.empty();
    if (!genres.empty()) folder.of_most_common = std::max(folder.of_most_common, ++folder.genres[genres.front()]);
    folder.is_genre |= !map.find(name).value_or("").empty() ||
                       std::ranges::any_of(genres, [&](const std::string& genre) { return name_key(genre) == key; });
  }
  return folders;
}

/// Why the names of the sub-folders are not genres, from the tags of a sample; empty if they may be.
std::string why_not_folders(const fs::path& location) {
  constexpr std::size_t kSample = 200;
  std::vector<Fault> ignored;
  const std::vector<TaggedFile> files = read_all(genre_folders_of(location), ignored, kSample);
  if (files.empty()) return "";
  if (std::ranges::all_of(files, [](const TaggedFile& file) { return file.folder.empty(); }))
    return "there are no sub-folders with music";
  const auto folders = sub_folders_of(files);
  std::size_t named = 0, artists = 0, tagged = 0, several = 0, mixed = 0, genres = 0;
  std::set<std::string> distinct;
  for (const auto& [name, folder] : folders) {
    named += folder.named > 0;
    artists += !folder.is_genre && 2 * folder.of_artist > folder.named;
    tagged += folder.tagged > 0;
    several += folder.tagged > 1;
    for (const auto& [genre, count] : folder.genres) distinct.insert(genre);
    mixed += folder.tagged > 1 && !folder.is_genre && 2 * folder.of_most_common <= folder.tagged;
    genres += folder.is_genre;
  }
  if (2 * artists > named) return "the sub-folders are artists or albums";
  if (4 * genres <= folders.size() && (2 * mixed > several || 2 * distinct.size() < tagged))
    return "the sub-folders are not named like the genres in these tags";
  return "";
}

bool is_tagged_collection(const fs::path& location, const DatasetOptions& options) {
  if (options.labels != LabelSource::automatic) return options.labels == LabelSource::tags && is_folder(location);
  if (!is_folder(location) || !find_fma_clips(location).empty()) return false;
  return !why_not_folders(location).empty();
}

/// The first spelling of each name, in place of all others with its key.
class Spellings {
 public:
  const std::string& first(const std::string& name) { return first_.try_emplace(name_key(name), name).first->second; }

 private:
  std::map<std::string, std::string> first_;
};

/// Turns tags into tracks, and counts what the user should know.
class TagReader {
 public:
  TagReader(const DatasetOptions& options, DatasetBuilder& builder)
      : options_(options),
        builder_(builder),
        map_(options.genre_map.empty() ? GenreMap::standard() : GenreMap(options.genre_map)) {}

  void add(const fs::path& root, const TaggedFile& file) {
    const std::string where = file.path.string();
    if (!file.tags) return builder_.reject(file.tags.error().reason, where, file.tags.error().detail);
    const Tags& tags = *file.tags;
    const std::string genre = genre_of(tags);
    if (genre.empty() && !options_.keep_unlabelled)
      return builder_.reject(
          "no genre", where,
          tags.genres.empty() ? "it has no genre tag" : fmt::format("its tag is '{}'", fmt::join(tags.genres, "; ")));
    Track track;
    track.path = file.path;
    track.id = file.path.lexically_relative(root).generic_string();
    track.artist = states_nobody(tags.album_artist) ? tags.artist : tags.album_artist;
    track.artist = track.artist.substr(0, track.artist.find("; "));
    track.artist = states_nobody(track.artist) ? "" : artists_.first(track.artist);
    track.album = album_of(tags, file.folder, track.artist);
    track.title = tags.title.empty() ? file.path.stem().string() : tags.title;
    builder_.add(std::move(track), genre, where);
  }

  void finish(Dataset& dataset) const {
    if (!options_.top_genres) dataset.parents = map_.parents();
    if (several_ > 0)
      dataset.notes.push_back(fmt::format(
          "{} tracks have several genres, of which the first one in the map is taken, or else the first.", several_));
    constexpr std::size_t kNamed = 10;
    std::vector<std::string> most;
    const auto counts = counts_by_reason(unknown_);
    for (std::size_t i = 0; i < std::min(kNamed, counts.size()); ++i)
      most.push_back(fmt::format("{} ({})", counts[i].first, counts[i].second));
    if (counts.size() > kNamed) most.emplace_back("...");
    if (!most.empty())
      dataset.notes.push_back(fmt::format("{} genres are not in the map and stay as they are (--map): {}.",
                                          counts.size(), fmt::join(most, ", ")));
  }

 private:
  std::string genre_of(const Tags& tags) {
    const std::vector<std::string> genres = map_.fold(tags.genres, options_.top_genres);
    several_ += genres.size() > 1;
    const auto known =
        std::ranges::find_if(genres, [&](const std::string& genre) { return map_.find(genre).has_value(); });
    if (known != genres.end() || genres.empty()) return genres.empty() ? "" : *known;
    const std::string& genre = unknown_spellings_.first(genres.front());
    unknown_.push_back({genre, "", ""});
    return genre;
  }

  /// Unique for an album of an album artist, else in its folder. Tracks without an album and an artist: their folder.
  std::string album_of(const Tags& tags, const std::string& folder, const std::string& artist) {
    if (states_nobody(tags.album)) return artist.empty() ? folder : "";
    const std::string owner = tags.album_artist.empty()          ? folder
                              : states_nobody(tags.album_artist) ? "Various Artists"
                                                                 : artists_.first(tags.album_artist);
    return owner.empty() ? tags.album : owner + ": " + tags.album;
  }

  const DatasetOptions& options_;
  DatasetBuilder& builder_;
  const GenreMap map_;
  Spellings artists_, unknown_spellings_;
  std::size_t several_ = 0;     // tracks with several genres
  std::vector<Fault> unknown_;  // a track of a genre that the map does not have
};

Dataset open_tagged(const fs::path& location, const DatasetOptions& options) {
  DatasetBuilder builder("tags", location, options.keep_unlabelled);
  TagReader reader(options, builder);
  std::vector<Fault> faults;
  const std::vector<TaggedFile> files = read_all(location, faults);
  for (Fault& fault : faults) builder.reject(fault.reason, fault.where, fault.detail);
  for (const TaggedFile& file : files) reader.add(location, file);
  const std::string why = options.labels == LabelSource::automatic ? why_not_folders(location) : "";
  Dataset dataset = std::move(builder).build(
      "write genres into the tags, sort the files into one sub-folder per genre (--labels folders), or predict their "
      "genres (genrewise predict)" +
      (why.empty() ? why : "; tags are read because " + why));
  if (!why.empty())
    dataset.notes.push_back(fmt::format(
        "Genres come from the files' tags, because {} (--labels folders takes the names of sub-folders).", why));
  reader.finish(dataset);
  return dataset;
}

}  // namespace

DatasetKindDescriptor tagged_dataset() {
  return {.kind = "tags",
          .title = "Tagged collection",
          .location = "a folder of music with tags",
          .recognised_by = "its sub-folders are artists or albums, or unlike the genres in the tags, or it has none",
          .recognises = is_tagged_collection,
          .open = open_tagged};
}

}  // namespace genrewise
