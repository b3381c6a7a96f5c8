#include <algorithm>
#include <set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/dataset/dataset_list.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// Entries of a folder, sorted by name. A folder that cannot be read is rejected and has none.
std::vector<fs::path> entries_of(const fs::path& folder, DatasetBuilder& builder) {
  std::vector<fs::path> entries;
  std::error_code code;
  for (fs::directory_iterator at(folder, code), end; !code && at != end; at.increment(code)) entries.push_back(*at);
  if (code) builder.reject("cannot be opened", folder.string(), code.message());
  std::ranges::sort(entries);
  return entries;
}

bool is_hidden(const fs::path& path) {
  return path.filename().string().starts_with('.');
}

struct GenreFolder {
  const fs::path& root;
  std::string genre;
  DatasetBuilder& builder;
  std::set<fs::path> ancestors = {};  // canonical paths, to stop at circular links

  void walk(const fs::path& folder, const std::string& album) {
    std::error_code ignored;
    const auto [self, is_new] = ancestors.insert(fs::weakly_canonical(folder, ignored));
    if (!is_new) return;
    for (const fs::path& entry : entries_of(folder, builder)) {
      if (is_hidden(entry)) {
        builder.ignore();
      } else if (fs::is_directory(entry, ignored)) {
        walk(entry, entry.lexically_relative(root).generic_string());
      } else {
        add(entry, album);
      }
    }
    ancestors.erase(self);
  }

  void add(const fs::path& file, const std::string& album) {
    if (!looks_like_audio(file)) return builder.ignore();
    Track track;
    track.path = file;
    track.id = file.lexically_relative(root).generic_string();
    track.album = album;
    track.title = file.stem().string();
    builder.add(std::move(track), genre, file.string());
  }
};

/// GTZAN's archives contain the genre folders one level down, beside images of spectrograms.
fs::path root_of(const fs::path& location) {
  for (const char* name : {"genres_original", "genres"}) {
    if (fs::is_directory(location / name)) return location / name;
  }
  return location;
}

bool is_folder(const fs::path& location) {
  return fs::is_directory(location);
}

Dataset open_genre_folders(const fs::path& location, const DatasetOptions& options) {
  DatasetBuilder builder("folder", location, options.keep_unlabelled);
  const fs::path root = root_of(location);
  for (const fs::path& entry : entries_of(root, builder)) {
    std::error_code ignored;
    if (is_hidden(entry)) {
      builder.ignore();
    } else if (fs::is_directory(entry, ignored)) {
      GenreFolder{root, entry.filename().string(), builder}.walk(entry, "");
    } else if (looks_like_audio(entry) && options.keep_unlabelled) {
      GenreFolder{root, "", builder}.add(entry, "");
    } else if (looks_like_audio(entry)) {
      builder.reject("no genre", entry.string(), "beside the genre folders, not in one");
    } else {
      builder.ignore();
    }
  }
  return std::move(builder).build(
      "looked for sub-folders named by genre with audio files in them, for fma_metadata/tracks.csv and for tracks.csv");
}

}  // namespace

DatasetKindDescriptor folder_dataset() {
  return {.kind = "folder",
          .title = "Genre folders",
          .location = "a folder with one sub-folder per genre",
          .recognised_by = "any folder that is not one of the other kinds",
          .recognises = is_folder,
          .open = open_genre_folders};
}

}  // namespace genrewise
