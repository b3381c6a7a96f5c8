#include "genrewise/audio/byte_source.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace genrewise::audio {
namespace {

constexpr std::size_t kBufferBytes = std::size_t{1} << 18;

}  // namespace

Expected<ByteSource> ByteSource::open(const std::filesystem::path& path) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, path.string(), std::move(detail)});
  };
  const auto system_words = [] { return std::generic_category().message(errno); };
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fault("cannot be opened", system_words());
  if (S_ISDIR(status.st_mode)) return fault("cannot be opened", "it is a folder");
  if (!S_ISREG(status.st_mode)) return fault("cannot be opened", "it is not a regular file");  // a pipe would block
  if (status.st_size == 0) return fault("empty file", "0 bytes");
  ByteSource source;
  source.descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (source.descriptor_ < 0) return fault("cannot be opened", system_words());
  source.size_ = status.st_size;
  return source;
}

ByteSource::ByteSource(std::span<const std::byte> bytes)
    : window_(bytes), size_(static_cast<std::int64_t>(bytes.size())) {}

ByteSource::~ByteSource() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

ByteSource::ByteSource(ByteSource&& other) noexcept
    : window_(other.window_),
      window_offset_(other.window_offset_),
      size_(other.size_),
      descriptor_(std::exchange(other.descriptor_, -1)),
      read_error_(other.read_error_),
      buffer_(std::move(other.buffer_)) {}

std::size_t ByteSource::read_at(std::int64_t offset, std::span<std::byte> out) {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::int64_t at = offset + static_cast<std::int64_t>(done);
    if (at < 0 || at >= size_) break;
    const std::int64_t window_end = window_offset_ + static_cast<std::int64_t>(window_.size());
    if (at < window_offset_ || at >= window_end) {
      fill_buffer(at);
      if (window_.empty()) break;
      continue;
    }
    const auto from = static_cast<std::size_t>(at - window_offset_);
    const std::size_t count = std::min(out.size() - done, window_.size() - from);
    std::memcpy(out.data() + done, window_.data() + from, count);
    done += count;
  }
  return done;
}

void ByteSource::fill_buffer(std::int64_t offset) {
  window_ = {};
  if (descriptor_ < 0) return;
  buffer_.resize(static_cast<std::size_t>(std::min<std::int64_t>(kBufferBytes, size_)));
  ssize_t got;
  do {
    got = ::pread(descriptor_, buffer_.data(), buffer_.size(), offset);
  } while (got < 0 && errno == EINTR);
  if (got < 0 && read_error_ == 0) read_error_ = errno;
  if (got <= 0) return;
  window_ = std::span(buffer_).first(static_cast<std::size_t>(got));
  window_offset_ = offset;
}

}  // namespace genrewise::audio
