#include "genrewise/storage/local_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <random>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/object_store.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBufferBytes = 1 << 20;

void write_all(int descriptor, std::string_view bytes, const std::filesystem::path& path) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("cannot write", path.string());
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
}

}  // namespace

std::string read_file(const std::filesystem::path& path) {
  if (is_remote(path.native())) return read_object(path.native());
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) throw_system_error("cannot open", path.string());
  struct Closer {
    int descriptor;
    ~Closer() { ::close(descriptor); }
  } closer{descriptor};
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) throw_system_error("cannot read", path.string());
  if (S_ISDIR(status.st_mode)) throw Error("is a folder, not a file", path.string());
  std::string bytes(static_cast<std::size_t>(status.st_size) + 1, '\0');  // one more, so that the end is seen
  std::size_t length = 0;
  for (;;) {
    if (length == bytes.size()) bytes.resize(2 * bytes.size());
    const ssize_t got = ::read(descriptor, bytes.data() + length, bytes.size() - length);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("cannot read", path.string());
    if (got == 0) break;
    length += static_cast<std::size_t>(got);
  }
  bytes.resize(length);
  return bytes;
}

AtomicFile::AtomicFile(std::filesystem::path path) : path_(std::move(path)) {
  if (path_.filename().empty()) throw Error("is not the name of a file", path_.string());
  if (is_remote(path_.native())) {
    remote_ = open_store(path_.native())->create(path_.native());
    return;
  }
  std::random_device random;
  temporary_ = path_.parent_path() / ("." + path_.filename().string() + "." + std::to_string(random()) + ".tmp");
  descriptor_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_system_error("cannot create", path_.string());
  buffer_.reserve(kBufferBytes);
}

AtomicFile::~AtomicFile() {
  if (descriptor_ < 0) return;
  ::close(descriptor_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::flush() {
  write_all(descriptor_, buffer_, path_);
  buffer_.clear();
}

void AtomicFile::write(std::string_view bytes) {
  if (remote_) return remote_->write(bytes);
  if (buffer_.size() + bytes.size() > kBufferBytes) flush();
  if (bytes.size() >= kBufferBytes) {
    write_all(descriptor_, bytes, path_);
  } else {
    buffer_ += bytes;
  }
}

void AtomicFile::commit() {
  if (remote_) return remote_->commit();
  flush();
  if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_system_error("cannot write", path_.string());
  const int descriptor = std::exchange(descriptor_, -1);
  const bool done = ::close(descriptor) == 0 && ::rename(temporary_.c_str(), path_.c_str()) == 0;
  if (!done) {
    const int code = errno;
    ::unlink(temporary_.c_str());
    errno = code;
    throw_system_error("cannot write", path_.string());
  }
}

void write_file(const std::filesystem::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void make_folders(const std::filesystem::path& folder) {
  if (is_remote(folder.native())) return;
  std::error_code code;
  std::filesystem::create_directories(folder, code);
  if (code) {
    errno = code.value();
    throw_system_error("cannot create the folder", folder.string());
  }
}

}  // namespace genrewise
