// Local files, written beside their final path and renamed.
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <random>
#include <utility>

#include "genrewise/storage/file_status.hpp"
#include "genrewise/storage/local_store.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

class LocalWriter final : public FileWriter {
 public:
  LocalWriter(std::string path, WriteCondition condition) : path_(std::move(path)), condition_(std::move(condition)) {
    const std::filesystem::path final_path(path_);
    std::random_device random;
    temporary_ =
        final_path.parent_path() / ("." + final_path.filename().string() + "." + std::to_string(random()) + ".tmp");
    descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (descriptor_ < 0) throw_system_error("cannot create", path_);
    buffer_.reserve(kBufferBytes);
  }

  ~LocalWriter() override {
    if (descriptor_ >= 0) ::close(descriptor_);
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }

  void write(std::string_view bytes) override {
    if (buffer_.size() + bytes.size() > kBufferBytes) flush();
    if (bytes.size() >= kBufferBytes) {
      write_all(bytes);
    } else {
      buffer_ += bytes;
    }
  }

  std::string commit() override {
    flush();
    struct stat status {};
    if ((::fsync(descriptor_) != 0 && errno != EINVAL) || ::fstat(descriptor_, &status) != 0) fail();
    if (::close(std::exchange(descriptor_, -1)) != 0) fail();
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
    return version_of(status);
  }

 private:
  [[noreturn]] void fail() const { throw_system_error("cannot write", path_); }
  [[noreturn]] void conflict(const char* problem) const {
    throw WriteConflict(problem, path_, "another process wrote this file: read it again before you replace it");
  }

  void write_all(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail();
      bytes.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  void flush() {
    write_all(buffer_);
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
    const int old = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (old < 0 && errno != ENOENT) fail();
    struct Closer {
      int descriptor;
      ~Closer() {
        if (descriptor >= 0) ::close(descriptor);
      }
    } const closer{old};
    if (old < 0) conflict("no longer exists");
    while (::flock(old, LOCK_EX) != 0) {
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
  int descriptor_ = -1;
};

}  // namespace

std::unique_ptr<FileWriter> make_local_writer(const std::string& path, WriteCondition condition) {
  return std::make_unique<LocalWriter>(path, std::move(condition));
}

}  // namespace genrewise
