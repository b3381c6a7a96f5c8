#include "genrewise/storage/append_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/local_store.hpp"

namespace genrewise {

AppendFile::AppendFile(std::filesystem::path path, std::uint64_t keep_bytes)
    : path_(std::move(path)), size_(keep_bytes) {
  descriptor_.reset(::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666));
  if (descriptor_.get() < 0) throw_system_error("cannot create", path_.string());
  if (::ftruncate(descriptor_.get(), static_cast<off_t>(keep_bytes)) != 0)
    throw_system_error("cannot write", path_.string());
}

void AppendFile::write(std::string_view bytes) {
  write_all(descriptor_.get(), bytes, path_.native(), &size_);
}

void AppendFile::sync() {
  if (::fsync(descriptor_.get()) != 0 && errno != EINVAL) throw_system_error("cannot write", path_.string());
}

}  // namespace genrewise
