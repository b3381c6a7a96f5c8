#include "genrewise/data_source/row_journal.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstring>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

static_assert(std::endian::native == std::endian::little, "floats are written without conversion");

constexpr std::string_view kMagic = "GWROWS1\n";
constexpr std::size_t kContentLength = 64, kWidthLength = 16, kChecksumLength = 16;
constexpr std::size_t kHeaderBytes = kMagic.size() + kContentLength + kWidthLength;

std::string header_of(std::string_view content, std::size_t width) {
  std::string header = std::string(kMagic) + std::string(content) + std::to_string(width);
  header.resize(kHeaderBytes, ' ');
  return header;
}

std::string checksum(std::string_view row) {
  return sha256_hex(row).substr(0, kChecksumLength);
}

bool write_at(int descriptor, std::string_view bytes, std::uint64_t offset) {
  while (!bytes.empty()) {
    const ssize_t written = ::pwrite(descriptor, bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
    offset += static_cast<std::uint64_t>(written);
  }
  return true;
}

}  // namespace

RowJournal::RowJournal(std::filesystem::path path, std::string_view content, std::size_t width)
    : path_(std::move(path)), width_(width), row_bytes_(kKeyLength + width * sizeof(float) + kChecksumLength) {
  open_locked();
  load(content);
}

RowJournal::~RowJournal() {
  if (descriptor_.get() >= 0 && row_of_.empty()) ::unlink(path_.c_str());
}

void RowJournal::open_locked() {
  for (;;) {
    descriptor_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (descriptor_.get() < 0) throw_system_error("cannot create", path_.string());
    // A file system without locks reports an error other than EWOULDBLOCK; then the journal works without one.
    if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
      throw Error("another run is writing the same output", path_.string(), "wait for it or choose another output");
    // The previous holder of the lock may have removed the file after it was opened here.
    struct stat opened {
    }, named{};
    if (::fstat(descriptor_.get(), &opened) == 0 && ::stat(path_.c_str(), &named) == 0 &&
        opened.st_ino == named.st_ino && opened.st_dev == named.st_dev)
      return;
  }
}

void RowJournal::load(std::string_view content) {
  const std::string header = header_of(content, width_);
  struct stat status {};
  if (::fstat(descriptor_.get(), &status) != 0) throw_system_error("cannot read", path_.string());
  const auto size = static_cast<std::uint64_t>(status.st_size);
  std::string found(std::min<std::uint64_t>(size, header.size()), '\0');
  read_at(0, found);
  if (found == header) {
    std::string row(row_bytes_, '\0');
    for (; row_offset(next_row_ + 1) <= size; ++next_row_) {
      read_at(row_offset(next_row_), row);
      const std::string_view body = std::string_view(row).substr(0, row.size() - kChecksumLength);
      if (checksum(body) != std::string_view(row).substr(body.size())) break;
      row_of_[row.substr(0, kKeyLength)] = next_row_;
    }
    if (::ftruncate(descriptor_.get(), static_cast<off_t>(row_offset(next_row_))) == 0) return;
  } else if (::ftruncate(descriptor_.get(), 0) == 0 && write_at(descriptor_.get(), header, 0)) {
    return;
  }
  const int code = errno;
  if (row_of_.empty()) ::unlink(path_.c_str());
  errno = code;
  throw_system_error("cannot write", path_.string());
}

std::uint64_t RowJournal::row_offset(std::size_t row) const {
  return kHeaderBytes + static_cast<std::uint64_t>(row) * row_bytes_;
}

void RowJournal::read_at(std::uint64_t offset, std::span<char> bytes) const {
  while (!bytes.empty()) {
    const ssize_t got = ::pread(descriptor_.get(), bytes.data(), bytes.size(), static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("cannot read", path_.string());
    if (got == 0) throw Error("was truncated while in use", path_.string(), "start the same command again");
    bytes = bytes.subspan(static_cast<std::size_t>(got));
    offset += static_cast<std::uint64_t>(got);
  }
}

void RowJournal::append(const std::string& key, std::span<const float> values) {
  const std::lock_guard lock(mutex_);
  buffer_ = key;
  buffer_.append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  buffer_ += checksum(buffer_);
  if (!write_at(descriptor_.get(), buffer_, row_offset(next_row_))) {
    const int code = errno;
    [[maybe_unused]] const int cut = ::ftruncate(descriptor_.get(), static_cast<off_t>(row_offset(next_row_)));
    errno = code;
    throw_system_error("cannot write", path_.string());
  }
  row_of_[key] = next_row_++;
}

void RowJournal::read(const std::string& key, std::span<float> values) const {
  read_at(row_offset(row_of_.at(key)) + kKeyLength, {reinterpret_cast<char*>(values.data()), values.size_bytes()});
}

void RowJournal::remove() {
  ::unlink(path_.c_str());
  descriptor_.reset();
}

}  // namespace genrewise
