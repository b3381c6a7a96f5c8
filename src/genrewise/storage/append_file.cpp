#include "genrewise/storage/append_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "genrewise/base/error.hpp"

namespace genrewise {

AppendFile::AppendFile(std::filesystem::path path, std::uint64_t keep_bytes)
    : path_(std::move(path)), size_(keep_bytes) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (descriptor_ < 0) throw_system_error("cannot create", path_.string());
  if (::ftruncate(descriptor_, static_cast<off_t>(keep_bytes)) != 0) {
    const int code = errno;
    ::close(descriptor_);
    errno = code;
    throw_system_error("cannot write", path_.string());
  }
}

AppendFile::~AppendFile() {
  ::close(descriptor_);
}

void AppendFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor_, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) throw_system_error("cannot write", path_.string());
    bytes.remove_prefix(static_cast<std::size_t>(written));
    size_ += static_cast<std::uint64_t>(written);
  }
}

void AppendFile::sync() {
  if (::fsync(descriptor_) != 0 && errno != EINVAL) throw_system_error("cannot write", path_.string());
}

}  // namespace genrewise
