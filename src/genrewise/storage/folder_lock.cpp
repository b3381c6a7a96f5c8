#include "genrewise/storage/folder_lock.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <ctime>
#include <random>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

std::string host_name() {
  char name[256] = {};
  return ::gethostname(name, sizeof name - 1) == 0 && name[0] != '\0' ? name : "a machine without a host name";
}

// Machines of one image share their id, and home machines often share their host name. Work folders of different users
// have separate locks.
std::string machine_of(const std::filesystem::path& work) {
  const auto id = find_file("/etc/machine-id") ? read_file("/etc/machine-id") : std::string();
  return sha256_hex(host_name() + '\0' + id + '\0' + work.string());
}

std::string first_line(std::string_view text) {
  return std::string(text.substr(0, text.find('\n')));
}

std::string lock_object_of(const std::filesystem::path& folder) {
  return join_location(folder.native(), ".lock");
}

bool lock_folder(Descriptor& descriptor, const std::filesystem::path& folder) {
  return open_locked(descriptor, folder, O_RDONLY | O_DIRECTORY, "cannot open the folder");
}

}  // namespace

struct FolderLock::Held {
  Descriptor descriptor;
  std::shared_ptr<FileStore> store;  // none: a local folder
  std::string location, content, version;

  // No other process changes the object while we hold the lock, but a user may delete it.
  ~Held() {
    if (!content.empty()) {
      try {
        bool ours = true;
        if (!interrupt_requested()) {
          const auto there = store->find(location);
          ours = there && there->version == version;
        }
        if (ours) store->remove(location, /*cleaning=*/true);
      } catch (...) {  // the next run on this machine takes it over
      }
    }
  }

  void lock_local(const std::filesystem::path& folder, const std::string& name) {
    if (!lock_folder(descriptor, folder))
      throw Error("another run works in this folder", name, "wait for it, or choose another folder");
  }

  void lock_object(const std::filesystem::path& folder, const std::filesystem::path& work) {
    location = lock_object_of(folder);
    store = store_of(location);
    const std::string machine = machine_of(work), host = host_name();
    const std::string mine =
        fmt::format("{}\n{}, since {}\n{}\n", machine, host, utc_text(std::time(nullptr)), std::random_device{}());
    if (write(WriteCondition::absent(), mine)) return;
    if (!store->find(location) && write(WriteCondition::absent(), mine)) return;  // its holder has just released it
    const auto there = read_file_and_version(location);
    if (first_line(there.bytes) == machine && write(WriteCondition::unchanged(there.version), mine)) return;
    const std::size_t at = there.bytes.find('\n') + 1;
    throw Error("another run works in this folder (" + first_line(std::string_view(there.bytes).substr(at)) + ")",
                folder.string(), "wait for it, or choose another folder; if that run was killed, delete " + location);
  }

 private:
  bool write(const WriteCondition& condition, const std::string& bytes) try {
    const auto writer = store->create(location, {.expected_bytes = bytes.size(), .condition = condition});
    writer->write(bytes);
    version = writer->commit();
    content = bytes;
    return true;
  } catch (const WriteConflict&) {
    return false;
  }
};

FolderLock::FolderLock(const std::filesystem::path& folder) : held_(std::make_shared<Held>()) {
  const std::filesystem::path work = local_work_path(folder);
  if (work != folder) make_folders(work);
  held_->lock_local(work, folder.string());
  if (work != folder) held_->lock_object(folder, work);
}

bool is_locked(const std::filesystem::path& folder) {
  const std::filesystem::path work = local_work_path(folder);
  if (Descriptor descriptor; path_exists(work) && !lock_folder(descriptor, work)) return true;
  if (work == folder) return false;
  try {
    return first_line(read_file(lock_object_of(folder))) != machine_of(work);
  } catch (const FileError&) {  // there is none
    return false;
  }
}

}  // namespace genrewise
