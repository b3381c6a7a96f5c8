#include "genrewise/dataset/find_audio.hpp"

#include <algorithm>
#include <set>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/dataset/builder.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

class Walk {
 public:
  Walk(std::vector<fs::path>& found, std::vector<Fault>& faults) : found_(found), faults_(faults) {}

  void folder(const fs::path& folder) {
    throw_if_interrupted();
    std::error_code code;
    const fs::path real = fs::canonical(folder, code);
    if (!code && !seen_.insert(real).second) return;
    std::vector<fs::path> entries = entries_of(folder, code);
    std::erase_if(entries, [](const fs::path& entry) { return entry.filename().string().starts_with('.'); });
    if (code) faults_.push_back({"folder cannot be read", folder.string(), code.message()});
    std::ranges::sort(entries);
    for (const fs::path& entry : entries) {
      std::error_code ignored;
      if (fs::is_directory(entry, ignored)) {
        this->folder(entry);
      } else if (looks_like_audio(entry)) {
        found_.push_back(entry);
      }
    }
  }

 private:
  std::vector<fs::path>& found_;
  std::vector<Fault>& faults_;
  std::set<fs::path> seen_;
};

}  // namespace

std::vector<fs::path> find_audio(std::span<const fs::path> locations, std::vector<Fault>& faults) {
  std::vector<fs::path> found;
  for (const fs::path& location : locations) {
    if (is_list_dataset(location)) {
      for (Track& track : open_dataset(location, {.keep_unlabelled = true}).tracks)
        found.push_back(std::move(track.path));
      continue;
    }
    if (local_work_path(location) != location) {
      found.push_back(location);
      continue;
    }
    std::error_code code;
    const fs::file_status status = fs::status(location, code);
    if (status.type() == fs::file_type::not_found) {
      faults.push_back({"not found", location.string(), "check the path"});
    } else if (!fs::is_directory(status)) {
      found.push_back(location);
    } else {
      const std::size_t before = found.size(), faults_before = faults.size();
      Walk(found, faults).folder(location);
      if (found.size() == before && faults.size() == faults_before)
        faults.push_back({"no audio in it", location.string(), "audio files are recognised by their extensions"});
    }
  }
  return found;
}

}  // namespace genrewise
