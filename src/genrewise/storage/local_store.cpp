#include "genrewise/storage/file_store.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <random>
#include <system_error>
#include <utility>
#include <vector>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

// See FileInfo::version.
std::string version_of(const struct stat& status) {
  return fmt::format("{}.{:09}-{}-{}", status.st_mtim.tv_sec, status.st_mtim.tv_nsec, status.st_size, status.st_ino);
}

FileInfo info_of(const std::string& path, const struct stat& status) {
  return {path, static_cast<std::uint64_t>(status.st_size), version_of(status), utc_text(status.st_mtim.tv_sec)};
}

int open_for_reading(const std::string& path) {
  return ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
}

/// The process or the machine is at a limit: nothing is wrong with the file.
bool is_process_limit(int code) {
  return code == EMFILE || code == ENFILE || code == ENOMEM;
}

[[noreturn]] void throw_read_error(const std::string& path) {
  try {
    throw_system_error("cannot read", path);
  } catch (const Error& error) {
    throw FileError(error.problem(), error.where(), error.remedy());
  }
}

class LocalReader final : public FileReader {
 public:
  explicit LocalReader(FileInfo file) : file_(std::move(file)), descriptor_(open_for_reading(file_.location)) {
    if (is_open() && ::fstat(descriptor_.get(), &opened_) == 0) changed_ = version_of(opened_) != file_.version;
  }
  bool is_open() const { return descriptor_.get() >= 0; }

  const FileInfo& info() const override { return file_; }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    struct stat status {};
    if (::fstat(descriptor_.get(), &status) != 0) throw_read_error(file_.location);
    if (changed_ || status.st_mtim.tv_nsec != opened_.st_mtim.tv_nsec ||
        status.st_mtim.tv_sec != opened_.st_mtim.tv_sec || status.st_size != opened_.st_size) {
      throw FileError("was changed while it was read", file_.location, "run again when no other process writes to it");
    }
    std::size_t done = 0;
    while (done < into.size()) {
      const ssize_t got = TEMP_FAILURE_RETRY(
          ::pread(descriptor_.get(), into.data() + done, into.size() - done, static_cast<off_t>(offset + done)));
      if (got < 0) throw_read_error(file_.location);
      if (got == 0) break;
      done += static_cast<std::size_t>(got);
    }
    return done;
  }

 private:
  FileInfo file_;
  Descriptor descriptor_;
  struct stat opened_ {};
  bool changed_ = false;  // between making the FileInfo and opening
};

// NAME in the names of temporary files, ".NAME.NUMBER.tmp": as much as fits into a name of 255 bytes.
std::string_view name_in_temporary(std::string_view name) {
  return first_bytes(name, 255 - std::string_view("..4294967295.tmp").size());
}

// Whether a file name is that of a temporary file of local writers; an empty `name` stands for any.
bool is_temporary_name(const std::string& file_name, const std::string& name) {
  constexpr std::string_view kEnding = ".tmp";
  if (!file_name.starts_with('.') || !file_name.ends_with(kEnding)) return false;
  const std::string_view numbered = std::string_view(file_name).substr(1, file_name.size() - 1 - kEnding.size());
  const std::size_t dot = numbered.rfind('.');
  if (dot == std::string_view::npos || dot + 1 == numbered.size()) return false;
  if (numbered.find_first_not_of("0123456789", dot + 1) != std::string_view::npos) return false;
  return name.empty() || numbered.substr(0, dot) == name_in_temporary(name);
}

constexpr std::size_t kBufferBytes = 1 << 20;

// A writer holds a lock on its temporary file, so one that can be locked was left by a process that was killed.
void remove_temporary_files_of_killed_writers(const fs::path& final_path) {
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
    if (buffer_.size() + bytes.size() > kBufferBytes) {
      flush();
      // The disk begins with it now, so that finish() waits for the rest only.
      ::sync_file_range(descriptor_.get(), 0, 0, SYNC_FILE_RANGE_WRITE);
    }
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
    if (condition_.kind == WriteCondition::Kind::none) {
      rename_over();
    } else if (condition_.kind == WriteCondition::Kind::absent) {
      link_where_nothing_is();
    } else {
      replace_unchanged();
    }
    descriptor_.reset();  // with its lock: only now nobody takes the file for a killed process's
    return version_of(status);
  }

 private:
  // False if another writer took the new file, not locked yet, for one of a killed process, and removed it.
  bool create_temporary() {
    const fs::path final_path(path_);
    std::random_device random;
    temporary_ = final_path.parent_path() /
                 fmt::format(".{}.{}.tmp", name_in_temporary(final_path.filename().native()), random());
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
    if (TEMP_FAILURE_RETRY(::flock(old.get(), LOCK_EX)) != 0) fail();
    struct stat status {};
    if (::stat(path_.c_str(), &status) != 0 || version_of(status) != condition_.version) {
      conflict("has changed since it was read");
    }
    rename_over();
  }

  const std::string path_;
  const WriteCondition condition_;
  fs::path temporary_;  // empty after the rename
  std::string buffer_;
  Descriptor descriptor_;
};

class LocalStore final : public FileStore {
 public:
  void list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) override {
    const fs::path folder = prefix.substr(0, prefix.find_last_of('/') + 1);
    std::vector<FileInfo> found;
    std::error_code code;
    walk(folder, prefix, deep, found, code);
    if (code) throw to_error(fs::filesystem_error("", folder, code));
    std::ranges::sort(found, {}, &FileInfo::location);
    for (auto& file : found) each(std::move(file));
  }

  std::optional<FileInfo> find(const std::string& path) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) {
      if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
      throw_system_error("cannot read the file's status", path);
    }
    if (!S_ISREG(status.st_mode)) return std::nullopt;
    return info_of(path, status);
  }

  bool has_folder(const std::string& path) override {
    std::error_code ignored;
    return fs::is_directory(path, ignored);
  }

  // Opening a pipe would block, so pipes are excluded first.
  Expected<std::unique_ptr<FileReader>> try_open(const std::string& path) override {
    const auto fault = [&](std::string detail) {
      return tl::unexpected(Fault{"cannot be opened", path, std::move(detail)});
    };
    const auto system_message = [] { return std::generic_category().message(errno); };
    struct stat status {};
    if (::stat(path.c_str(), &status) != 0) return fault(system_message());
    if (S_ISDIR(status.st_mode)) return fault("it is a folder");
    if (!S_ISREG(status.st_mode)) return fault("it is not a regular file");
    auto reader = std::make_unique<LocalReader>(info_of(path, status));
    if (reader->is_open()) return reader;
    if (is_process_limit(errno)) throw_system_error("cannot open", path);
    return fault(system_message());
  }

  std::unique_ptr<FileReader> open(const FileInfo& file) override {
    if (file.version.empty()) return open_file(file.location);
    auto reader = std::make_unique<LocalReader>(file);
    if (reader->is_open()) return reader;
    if (is_process_limit(errno)) throw_system_error("cannot open", file.location);
    throw FileError("cannot be opened (" + std::generic_category().message(errno) + ")", file.location);
  }

  std::unique_ptr<FileWriter> create(const std::string& path, WriteOptions options) override {
    struct stat status {};
    if (::stat(path.c_str(), &status) == 0 && !S_ISREG(status.st_mode))  // a device or pipe would be replaced
      throw Error("cannot write (not a regular file)", path, "give the name of a file");
    return std::make_unique<LocalWriter>(path, std::move(options.condition));
  }

  void remove(const std::string& path, bool) override {
    if (::unlink(path.c_str()) != 0 && errno != ENOENT && errno != ENOTDIR)
      throw_system_error("cannot be removed", path);
  }

  void remove_unfinished(const std::string& path) override {
    const std::size_t name_at = path.find_last_of('/') + 1;
    const std::string name = path.substr(name_at);
    std::error_code ignored;
    for (const auto& entry : entries_of(path.substr(0, name_at), ignored)) {
      if (is_temporary_name(entry.filename().string(), name)) fs::remove(entry, ignored);
    }
  }

  void make_folders(const std::string& folder) override {
    std::error_code code;
    fs::create_directories(folder, code);
    if (!code) return;
    errno = code.value();
    throw_system_error("cannot create the folder", folder);
  }

 private:
  // Skips folders that cannot contain the prefix. `code`: why the folder cannot be read.
  void walk(const fs::path& folder, const std::string& prefix, bool deep, std::vector<FileInfo>& found,
            std::error_code& code) {
    for (const auto& entry : entries_of(folder, code)) {
      const std::string path = entry.string();
      if (!path.starts_with(prefix)) continue;
      std::error_code ignored, failed;
      struct stat status {};
      if (::stat(path.c_str(), &status) != 0) {
        if (errno != ENOENT && errno != ENOTDIR) failed.assign(errno, std::generic_category());
      } else if (S_ISREG(status.st_mode)) {
        found.push_back(info_of(path, status));
      } else if (S_ISDIR(status.st_mode) && deep && !fs::is_symlink(entry, ignored)) {
        walk(entry, prefix, deep, found, failed);
      }
      if (failed) skip(entry, failed);
    }
  }

  // The rest of a folder can be listed without what this user may not read, and without a link to itself.
  static void skip(const fs::path& entry, const std::error_code& code) {
    if (code == std::errc::no_such_file_or_directory) return;  // it was removed meanwhile
    if (code != std::errc::permission_denied && code != std::errc::too_many_symbolic_link_levels)
      throw to_error(fs::filesystem_error("", entry, code));
    Runtime::current().progress().note(fmt::format("{}: is skipped ({})", entry.string(), code.message()));
  }
};

}  // namespace

void write_all(int descriptor, std::string_view bytes, std::string_view path, std::uint64_t* written) {
  while (!bytes.empty()) {
    const ssize_t count = TEMP_FAILURE_RETRY(::write(descriptor, bytes.data(), bytes.size()));
    if (count < 0) throw_system_error("cannot write", path);
    bytes.remove_prefix(static_cast<std::size_t>(count));
    if (written != nullptr) *written += static_cast<std::uint64_t>(count);
  }
}

std::string read_local_file(const std::string& path) {
  const Descriptor file(open_for_reading(path));
  if (file.get() < 0) throw_system_error("cannot open", path);
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) throw_system_error("cannot read", path);
  if (S_ISDIR(status.st_mode)) throw Error("is a folder, not a file", path, "give the path of a file");
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');  // one more, to detect the end
  std::size_t length = 0;
  for (;;) {
    if (length == bytes.size()) bytes.resize(2 * bytes.size());
    const ssize_t got = TEMP_FAILURE_RETRY(::read(file.get(), bytes.data() + length, bytes.size() - length));
    if (got < 0) throw_system_error("cannot read", path);
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

std::shared_ptr<FileStore> make_local_store() {
  return std::make_shared<LocalStore>();
}

}  // namespace genrewise
