#include "genrewise/storage/mirrored_folder.hpp"

#include <condition_variable>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/listing.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/work_folder.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

constexpr char kLock[] = ".lock";  // FolderLock's object

/// "s3://bucket/runs/fma" of "s3://bucket/runs/fma/".
fs::path without_slash(fs::path folder) {
  std::string text = std::move(folder).string();
  while (text.size() > 1 && text.ends_with('/')) text.pop_back();
  return text;
}

}  // namespace

MirroredFolder::MirroredFolder(fs::path folder) : folder_(std::move(folder)), path_(folder_) {
  const fs::path work = local_work_path(without_slash(folder_));
  if (work == without_slash(folder_)) return;
  lock_ = FolderLock(without_slash(folder_));
  path_ = work / last_name(without_slash(folder_).native());
  remove_tree(path_);  // of a killed run, which the store is not older than by more than a minute
  fetch();
  thread_ = start_thread([this](const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any changed;
    for (;;) {
      std::unique_lock lock(mutex);
      if (changed.wait_for(lock, stop, std::chrono::minutes(1), [&] { return stop.stop_requested(); })) return;
      try {
        synchronise();
      } catch (const Error&) {  // a file that grows meanwhile, a store that is away: next time
      }
    }
  });
}

MirroredFolder::~MirroredFolder() {
  if (!thread_.joinable()) return;
  thread_.request_stop();
  thread_.join();
  const HoldInterrupts hold;
  try {
    synchronise();
  } catch (const std::exception& error) {
    Runtime::current().progress().note("the last files of " + folder_.string() + " are in " + path_.string() +
                                       " only: " + error.what());
  }
}

void MirroredFolder::fetch() {
  const std::string root = join_location(folder_.native(), "");
  for_each_with_prefix(root, /*deep=*/true, [&](const FileInfo& file) {
    const std::string name = file.location.substr(root.size());
    const fs::path local = path_ / name;
    if (name == kLock || name.ends_with('/')) return;
    if (local.lexically_normal() != local || local.lexically_relative(path_).native().starts_with(".."))
      throw Error("is no name of a file in a folder", file.location, "choose another folder");
    make_folders(local.parent_path());
    upload_file(file.location, local);
  });
  if (path_exists(path_)) find_files(path_, stored_);
}

void MirroredFolder::find_files(const fs::path& folder, std::map<std::string, std::string>& versions) const {
  for (const fs::path& entry : entries_of(folder)) {
    if (is_folder(entry)) {
      find_files(entry, versions);
    } else if (const auto file = find_file(entry); file && !entry.native().ends_with(".tmp")) {
      versions[entry.lexically_relative(path_).string()] = file->version;
    }
  }
}

void MirroredFolder::synchronise() {
  if (path_ == folder_) return;
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::string> now;
  if (path_exists(path_)) find_files(path_, now);
  for (const auto& [name, version] : now) {
    const auto before = stored_.find(name);
    if (before != stored_.end() && before->second == version) continue;
    upload_file(path_ / name, join_location(folder_.native(), name));
    stored_[name] = version;
  }
  std::erase_if(stored_, [&](const auto& file) {
    if (now.contains(file.first)) return false;
    remove_file(join_location(folder_.native(), file.first));
    return true;
  });
}

}  // namespace genrewise
