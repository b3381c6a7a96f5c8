#include "genrewise/packs/pack_remote.hpp"

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/packs/pack_shard.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

std::string plan_text(const std::string& fingerprint, const PackConfig& config) {
  return fingerprint + " " + std::to_string(config.shards);
}

RemotePack::~RemotePack() {
  if (upload_.valid()) upload_.wait();
}

// If several runs begin at once, one writes the plan and the others find it.
void RemotePack::begin(const std::string& fingerprint, const PackConfig& config) {
  fingerprint_ = fingerprint;
  sizes_.clear();
  for (const FileInfo& found : list_files(folder_))
    if (found.location.ends_with(".tfrec")) sizes_.emplace(last_name(found.location), found.bytes);
  if (!file_exists(plan())) {
    if (!sizes_.empty()) throw Error("contains record files already", folder_, "choose an empty location");
    if (write_file_if(WriteCondition::absent(), plan(), plan_text(fingerprint, config))) return;
  }
  if (!read_file(plan()).starts_with(fingerprint))
    throw Error("contains an unfinished pack of other data or with other options", folder_,
                "choose another location, or delete the files in this one");
  if (!config.part) remove_unfinished(file(""));  // else they may be of parts that are running
}

void RemotePack::share_state(const std::filesystem::path& work, int number) const {
  const auto local = shard_state_path(work, number, "json");
  const std::string stored = join_location(folder_, shard_state_path("", number, "json").native());
  if (!path_exists(local)) {
    if (file_exists(stored)) write_file(local, read_file(stored));
  } else if (!file_exists(stored)) {
    upload_file(local, stored);
  }
}

bool RemotePack::has(const PackedShard& shard) const {
  const auto found = sizes_.find(shard.file);
  return found != sizes_.end() && found->second == shard.bytes;
}

void RemotePack::wait() {
  if (upload_.valid()) upload_.get();
}

void RemotePack::store(const std::filesystem::path& shard, const std::filesystem::path& state) {
  wait();
  upload_ = std::async(std::launch::async | std::launch::deferred,
                       [&runtime = Runtime::current(), shard, state, to = file(shard.filename().string()),
                        state_to = file(".pack/" + state.filename().string())] {
                         const UseRuntime use(runtime);
                         upload_file(shard, to);
                         if (!state.empty()) upload_file(state, state_to);
                         remove_path(shard);
                       });
}

void RemotePack::finish(const std::string& manifest) {
  wait();
  if (!file_exists(plan()) || !read_file(plan()).starts_with(fingerprint_))
    throw Error("another run has packed into this location meanwhile", folder_,
                "choose another location, or delete the files in this one and pack again");
  write_file(file(kManifestName), manifest);
  remove_file(plan());
  for (const FileInfo& state : list_files(file(".pack"))) remove_file(state.location);  // of parts
}

void RemotePack::abandon() {
  wait();
  for (const FileInfo& found : list_files(folder_))
    if (found.location.ends_with(".tfrec")) remove_file(found.location);
  remove_file(plan());
}

}  // namespace genrewise
