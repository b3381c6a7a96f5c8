// Local files, written beside their final path and renamed.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <random>
#include <string_view>
#include <utility>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/local_store.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

// A writer holds a lock on its temporary file, so one that can be locked was left by a process that was killed.
void remove_temporary_files_of_killed_writers(const std::filesystem::path& final_path) {
  const std::string name = final_path.filename().string();
  std::error_code ignored;
  for (const auto& entry : entries_of(final_path.parent_path(), ignored)) {
    if (!is_temporary_name(entry.filename().string(), name)) continue;
    const Descriptor descriptor(::open(entry.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
    if (descriptor.get() >= 0 && ::flock(descriptor.get(), LOCK_EX | LOCK_NB) == 0) ::unlink(entry.c_str());
  }
}

class LocalWriter final : public FileWriter {
 public:
  LocalWriter(std::string path, WriteCondition condition) : path_(std::move(path)), condition_(std::move(condition)) {
    remove_temporary_files_of_killed_writers(path_);
    while (!create_temporary()) {
    }
    buffer_.reserve(kBufferBytes);
  }

  ~LocalWriter() override {
    descriptor_.reset();
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() > kBufferBytes) flush();
    if (bytes.size() >= kBufferBytes) {
      write_all(descriptor_.get(), bytes, path_);
    } else {
      buffer_ += bytes;
    }
  }

  void finish() override {
    flush();
    if (::fsync(descriptor_.get()) != 0 && errno != EINVAL) fail();
  }

  std::string commit() override {
    finish();
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) fail();
    switch (condition_.kind) {
      case WriteCondition::Kind::none:
        rename_over();
        break;
      case WriteCondition::Kind::absent:
        link_where_nothing_is();
        break;
      case WriteCondition::Kind::unchanged:
        replace_unchanged();
        break;
    }
    descriptor_.reset();  // with its lock: only now nobody takes the file for a killed process's
    return version_of(status);
  }

 private:
  // False if another writer took the new file, not locked yet, for one of a killed process, and removed it.
  bool create_temporary() {
    const std::filesystem::path final_path(path_);
    std::random_device random;
    temporary_ = final_path.parent_path() / fmt::format(".{}.{}.tmp", final_path.filename().string(), random());
    descriptor_.reset(::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666));
    if (descriptor_.get() < 0) throw_system_error("cannot create", path_);
    struct stat status {};
    if (::flock(descriptor_.get(), LOCK_EX) != 0 || ::fstat(descriptor_.get(), &status) != 0)
      return true;  // without locks (NFS)
    return status.st_nlink > 0;
  }

  [[noreturn]] void fail() const { throw_system_error("cannot write", path_); }
  [[noreturn]] void conflict(const char* problem) const {
    throw WriteConflict(problem, path_, "another process wrote this file: read it again before you replace it");
  }

  void flush() {
    write_all(descriptor_.get(), buffer_, path_);
    buffer_.clear();
  }

  void rename_over() {
    if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail();
    temporary_.clear();
  }

  // link() does not replace an existing file; renameat2() is the fallback for file systems without hard links.
  void link_where_nothing_is() {
    if (::link(temporary_.c_str(), path_.c_str()) == 0) return;
    if (errno != EEXIST) {
      if (::renameat2(AT_FDCWD, temporary_.c_str(), AT_FDCWD, path_.c_str(), RENAME_NOREPLACE) == 0) {
        temporary_.clear();
        return;
      }
      if (errno != EEXIST) fail();
    }
    conflict("already exists");
  }

  // Writers with this condition lock the file before they replace it; after waiting they find another file under the
  // name.
  void replace_unchanged() {
    const Descriptor old(::open(path_.c_str(), O_RDONLY | O_CLOEXEC));
    if (old.get() < 0 && errno != ENOENT) fail();
    if (old.get() < 0) conflict("no longer exists");
    while (::flock(old.get(), LOCK_EX) != 0) {
      if (errno != EINTR) fail();
    }
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0 || version_of(status) != condition_.version) {
      conflict("has changed since it was read");
    }
    rename_over();
  }

  const std::string path_;
  const WriteCondition condition_;
  std::filesystem::path temporary_;  // empty after the rename
  std::string buffer_;
  Descriptor descriptor_;
};

}  // namespace

bool is_temporary_name(const std::string& file_name, const std::string& name) {
  constexpr std::string_view kEnding = ".tmp";
  if (!file_name.starts_with('.') || !file_name.ends_with(kEnding)) return false;
  const std::string_view numbered = std::string_view(file_name).substr(1, file_name.size() - 1 - kEnding.size());
  const std::size_t dot = numbered.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == numbered.size()) return false;
  if (numbered.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) return false;
  return name.empty() || numbered.substr(0, dot) == name;
}

std::unique_ptr<FileWriter> make_local_writer(const std::string& path, WriteCondition condition) {
  return std::make_unique<LocalWriter>(path, std::move(condition));
}

}  // namespace genrewise
