#include "genrewise/dataset/clip_identity.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/listing.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kKeyLength = 32;
constexpr std::size_t kFewInFolder =
    8;  // up to this many files are looked up one by one; beyond that the folder is listed

/// Locations that are not local files, with what their object store reports of each.
using StoredFiles = std::map<std::string, std::optional<FileInfo>>;

std::optional<ClipIdentity> local_identity(const Track& track) {
  struct stat status {};
  if (::stat(track.path.c_str(), &status) != 0) return std::nullopt;
  ClipIdentity identity;
  identity.bytes = status.st_size;
  identity.readable = ::access(track.path.c_str(), R_OK) == 0;
  identity.changed_s = status.st_mtim.tv_sec;
  identity.changed_ns = status.st_mtim.tv_nsec;
  return identity;
}

std::string folder_of(const std::string& location) {
  return location.substr(0, location.rfind('/') + 1);
}

/// Looks these files up in their object stores.
void find_stored(StoredFiles& files) {
  std::map<std::string, std::vector<StoredFiles::iterator>> by_folder;
  for (auto file = files.begin(); file != files.end(); ++file) by_folder[folder_of(file->first)].push_back(file);
  std::vector<std::function<void()>> requests;
  for (const auto& [folder, missing] : by_folder) {
    const auto look_up_each = [&missing = missing] {
      for (const auto& file : missing) file->second = find_file(file->first);
    };
    if (missing.size() <= kFewInFolder) {
      requests.emplace_back(look_up_each);
      continue;
    }
    requests.emplace_back([&files, &missing = missing, look_up_each] {
      try {
        // Of a part of a large folder, only the names that begin as all of its names do.
        const std::string &first = missing.front()->first, &last = missing.back()->first;
        const auto differs = std::ranges::mismatch(first, last).in1;
        for_each_with_prefix(std::string(first.begin(), differs), /*deep=*/false, [&](FileInfo found) {
          const auto file = files.find(found.location);
          if (file != files.end()) file->second = std::move(found);
        });
      } catch (const Interrupted&) {
        throw;
      } catch (const Error&) {  // listing may be forbidden where reading is allowed
        look_up_each();
      }
    });
  }
  parallel_for(requests.size(), [&](std::size_t i, int) { requests[i](); });
}

}  // namespace

std::string ClipIdentity::key() const {
  const auto text = [](double number) { return nlohmann::json(number).dump(); };
  std::vector<std::string> facts = {id,
                                    file_name,
                                    std::to_string(bytes),
                                    readable ? "0" : "-1",
                                    std::to_string(changed_s),
                                    std::to_string(changed_ns),
                                    clip.start_s ? text(*clip.start_s) : "centre",
                                    text(clip.duration_s),
                                    text(clip.slack_s)};
  if (!version.empty()) facts.push_back(version);
  std::string all;
  for (const std::string& fact : facts) all += fact + '\0';
  return sha256_hex(all).substr(0, kKeyLength);
}

std::string ClipIdentity::portable_text() const {
  std::string text = file_name + '/' + (bytes < 0 ? "-" : std::to_string(bytes)) + '/' +
                     (clip.start_s ? std::to_string(*clip.start_s) : "centre") + '/' + std::to_string(clip.duration_s) +
                     '/' + std::to_string(clip.slack_s);
  if (!version.empty()) text += '/' + version;
  return text;
}

std::vector<ClipIdentity> clip_identities(const Dataset& dataset) {
  std::vector<std::optional<ClipIdentity>> local(dataset.tracks.size());
  parallel_for(local.size(), [&](std::size_t i, int) { local[i] = local_identity(dataset.tracks[i]); });
  StoredFiles stored;
  for (std::size_t i = 0; i < local.size(); ++i) {
    if (!local[i]) stored.emplace(dataset.tracks[i].path.string(), std::nullopt);
  }
  find_stored(stored);
  std::vector<ClipIdentity> identities;
  identities.reserve(local.size());
  for (std::size_t i = 0; i < local.size(); ++i) {
    const Track& track = dataset.tracks[i];
    ClipIdentity identity = local[i].value_or(ClipIdentity{});
    if (!local[i]) {
      const auto& found = stored.at(track.path.string());
      identity.readable = found.has_value();
      if (found) identity.bytes = static_cast<std::int64_t>(found->bytes), identity.version = found->version;
    }
    identity.id = track.id;
    identity.file_name = track.path.filename().string();
    identity.clip = track.clip;
    identities.push_back(std::move(identity));
  }
  return identities;
}

}  // namespace genrewise
