#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <map>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

/// Entries of a folder, sorted by name. A folder that cannot be read is rejected and has none.
std::vector<fs::path> sorted_entries_of(const fs::path& folder, DatasetBuilder& builder) {
  std::error_code code;
  std::vector<fs::path> entries = entries_of(folder, code);
  if (code) builder.reject("cannot be opened", folder.string(), code.message());
  std::ranges::sort(entries);
  return entries;
}

/// Walks the genre folders of a dataset. Each folder is taken once: a link to one that is taken anyway (below the root,
/// not hidden), that is taken already, or that contains the root, is not followed.
class GenreFolders {
 public:
  GenreFolders(const fs::path& root, DatasetBuilder& builder)
      : root_(root), real_root_(real_path(root)), builder_(builder) {}

  void add_genre(const fs::path& folder) {
    genre_ = folder.filename().string();
    if (!leads_elsewhere(folder)) return;
    walk(folder, "");
  }

  void add(const fs::path& file, const std::string& genre, const std::string& album) {
    if (!looks_like_audio(file)) return builder_.ignore();
    Track track;
    track.path = file;
    track.id = file.lexically_relative(root_).generic_string();
    track.album = album;
    track.title = file.stem().string();
    builder_.add(std::move(track), genre, file.string());
  }

 private:
  static fs::path real_path(const fs::path& path) {
    std::error_code ignored;
    return fs::weakly_canonical(path, ignored);
  }

  static bool contains(const fs::path& folder, const fs::path& path) {
    const fs::path within = path.lexically_relative(folder);
    return !within.empty() && *within.begin() != "..";
  }

  void walk(const fs::path& folder, const std::string& album) {
    const auto [taken, is_new] = genre_of_.try_emplace(real_path(folder), genre_);
    if (!is_new) return ignore_link(folder, taken->first, taken->second);
    std::error_code ignored;
    for (const fs::path& entry : sorted_entries_of(folder, builder_)) {
      if (is_hidden(entry)) {
        builder_.ignore();
      } else if (fs::is_symlink(entry, ignored) && !leads_elsewhere(entry)) {
        continue;
      } else if (fs::is_directory(entry, ignored)) {
        walk(entry, entry.lexically_relative(root_).generic_string());
      } else {
        add(entry, genre_, album);
      }
    }
  }

  /// Whether a link leads to something that is not taken anyway; else counts it as ignored or rejects it.
  bool leads_elsewhere(const fs::path& link) {
    std::error_code ignored;
    if (!fs::is_symlink(link, ignored)) return true;
    const fs::path target = real_path(link), within = target.lexically_relative(real_root_);
    if (contains(target, real_root_)) {
      ignore_link(link, target, "");
      return false;
    }
    if (!contains(real_root_, target)) return true;
    const auto hidden = [](const fs::path& part) { return is_hidden(part); };
    if (std::ranges::any_of(within, hidden)) return true;  // a store of files, as git-annex has
    const bool beside_genres = std::distance(within.begin(), within.end()) == 1;
    if (!fs::is_directory(target, ignored) && (beside_genres || !looks_like_audio(target))) return true;
    ignore_link(link, target, within.begin()->string());
    return false;
  }

  void ignore_link(const fs::path& link, const fs::path& target, const std::string& genre) {
    if (genre == genre_) return builder_.ignore();
    builder_.reject("link not followed", link.string(),
                    fmt::format("it leads to {}, which {}", target.string(),
                                genre.empty() ? "contains the dataset" : fmt::format("is taken as {}", genre)));
  }

  const fs::path& root_;
  const fs::path real_root_;
  DatasetBuilder& builder_;
  std::string genre_;                         // of the folder that is being walked
  std::map<fs::path, std::string> genre_of_;  // of the folders that were walked, by real path
};

/// Whether the folder contains clips as FMA's archives do: 000/000002.mp3.
bool holds_fma_clips(const fs::path& folder) {
  std::error_code ignored;
  for (const fs::path& entry : entries_of(folder, ignored)) {
    const std::string thousands = entry.filename().string();
    if (thousands.size() != 3 || !all_digits(thousands)) continue;
    for (const fs::path& clip : entries_of(entry, ignored)) {
      const std::string id = clip.stem().string();
      if (clip.extension() == ".mp3" && id.size() == 6 && all_digits(id) && id.starts_with(thousands)) return true;
    }
  }
  return false;
}

/// Throws Error for the folder of an FMA archive, or one with such a folder in it: their numbers are not genres.
void require_genres(const fs::path& root) {
  const fs::path fma = find_fma_clips(root);
  if (fma.empty()) return;
  const fs::path folder = absolute_location(fma / "").parent_path();
  const bool has_name = folder.filename().string().starts_with("fma_");  // is found beside fma_metadata/
  throw Error("contains FMA's clips, whose genres are in fma_metadata/tracks.csv, but that file is missing",
              fma.string(),
              fmt::format("fetch it with `genrewise fetch fma-metadata --to {}` and give that folder as DATASET",
                          (has_name ? folder.parent_path() : folder).string()));
}

Dataset open_genre_folders(const fs::path& location, const DatasetOptions& options) {
  DatasetBuilder builder("folder", location, options.keep_unlabelled);
  const fs::path root = genre_folders_of(location);
  const std::vector<fs::path> entries = sorted_entries_of(root, builder);
  require_genres(root);
  GenreFolders folders(root, builder);
  for (const fs::path& entry : entries) {
    std::error_code ignored;
    if (is_hidden(entry)) {
      builder.ignore();
    } else if (fs::is_directory(entry, ignored)) {
      folders.add_genre(entry);
    } else if (looks_like_audio(entry) && options.keep_unlabelled) {
      folders.add(entry, "", "");
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

fs::path find_fma_clips(const fs::path& folder) {
  std::error_code ignored;
  std::vector<fs::path> folders = entries_of(folder, ignored);
  folders.push_back(folder);
  const auto found = std::ranges::find_if(folders, holds_fma_clips);
  return found == folders.end() ? fs::path() : *found;
}

fs::path genre_folders_of(const fs::path& location) {
  for (const char* name : {"genres_original", "genres"}) {
    if (is_folder(location / name)) return location / name;
  }
  return location;
}

DatasetKindDescriptor folder_dataset() {
  return {.kind = "folder",
          .title = "Genre folders",
          .location = "a folder with one sub-folder per genre",
          .recognised_by = "any other folder",
          .recognises = [](const fs::path& location, const DatasetOptions&) { return is_folder(location); },
          .open = open_genre_folders};
}

}  // namespace genrewise
