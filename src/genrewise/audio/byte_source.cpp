#include "genrewise/audio/byte_source.hpp"

#include <algorithm>
#include <cstring>

#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

constexpr std::int64_t kFirstBytes = 64 << 10;
constexpr std::int64_t kMostBytes = 256 << 10;
constexpr std::int64_t kMostRemoteBytes = 2 << 20;  // a request costs time and money

}  // namespace

Expected<ByteSource> ByteSource::open(const std::filesystem::path& location) {
  auto file = try_open_file(location);
  if (!file) return tl::unexpected(std::move(file.error()));
  if ((*file)->size() == 0) return tl::unexpected(Fault{"empty file", location.string(), "0 bytes"});
  return ByteSource(std::move(*file));
}

ByteSource::ByteSource(std::unique_ptr<FileReader> file)
    : file_(std::move(file)),
      size_(static_cast<std::int64_t>(file_->size())),
      most_bytes_(file_->prefetches() ? kMostRemoteBytes : kMostBytes) {}

ByteSource::ByteSource(std::span<const std::byte> bytes) : size_(static_cast<std::int64_t>(bytes.size())) {
  windows_.front().bytes = bytes;
}

std::size_t ByteSource::read_at(std::int64_t offset, std::span<std::byte> out) noexcept {
  std::size_t done = 0;
  while (done < out.size()) {
    const std::int64_t at = offset + static_cast<std::int64_t>(done);
    if (at < 0 || at >= size_) break;
    const Window* window = window_at(at);
    if (window == nullptr) break;
    const auto from = static_cast<std::size_t>(at - window->offset);
    const std::size_t count = std::min(out.size() - done, window->bytes.size() - from);
    std::memcpy(out.data() + done, window->bytes.data() + from, count);
    done += count;
  }
  return done;
}

const ByteSource::Window* ByteSource::window_at(std::int64_t offset) {
  if (windows_[latest_].holds(offset)) return &windows_[latest_];
  ++switches_;
  for (Window& known : windows_) {
    if (known.holds(offset)) return use(known);
  }
  if (!file_ || error_) return nullptr;
  // Sequential reads reuse one window, whose memory is warm, and keep the others (the headers).
  Window* const before = window_before(offset);
  const bool going_on = before != nullptr && before->bytes.size() > static_cast<std::size_t>(kFirstBytes);
  Window& window = going_on ? *before : *std::ranges::min_element(windows_, {}, &Window::used);
  try {
    throw_if_interrupted();
    fill(window, before, offset);
  } catch (...) {
    error_ = std::current_exception();
    window.bytes = {};
  }
  return window.holds(offset) ? use(window) : nullptr;
}

// The largest that ends at `offset` or shortly before: of MPEG frames before a clip only the headers are read.
ByteSource::Window* ByteSource::window_before(std::int64_t offset) {
  Window* found = nullptr;
  for (Window& window : windows_) {
    const bool ends = !window.bytes.empty() && offset >= window.end() && offset - window.end() < kFirstBytes;
    if (ends && (found == nullptr || window.bytes.size() > found->bytes.size())) found = &window;
  }
  return found;
}

const ByteSource::Window* ByteSource::use(Window& window) {
  window.used = switches_;
  latest_ = static_cast<std::size_t>(&window - windows_.data());
  return &window;
}

// Continues from the window `before`. Without one it reads whole blocks, because bytes shortly before are often read
// next (tags at the end of a file).
void ByteSource::fill(Window& window, const Window* before, std::int64_t offset) {
  std::int64_t bytes = kFirstBytes;
  if (before == nullptr) {
    offset -= offset % kFirstBytes;
  } else {
    offset = before->end();
    bytes = std::clamp(2 * static_cast<std::int64_t>(before->bytes.size()), kFirstBytes, most_bytes_);
  }
  if (size_ - offset - bytes < kFirstBytes / 2) bytes = size_ - offset;  // a small remainder is not worth a request
  window.bytes = {};
  if (bytes > kFirstBytes) window.memory.reserve(static_cast<std::size_t>(most_bytes_ + kFirstBytes));
  window.memory.resize(static_cast<std::size_t>(std::min(bytes, size_ - offset)));
  const std::size_t got = file_->read_at(static_cast<std::uint64_t>(offset), window.memory);
  window.bytes = std::span(window.memory).first(got);
  window.offset = offset;
}

Expected<void> ByteSource::check_read() const try {
  if (error_) std::rethrow_exception(error_);
  return {};
} catch (const FileError& error) {
  return tl::unexpected(Fault{"cannot be read", error.where(), error.problem()});
}

std::size_t ByteView::read_at(std::int64_t offset, std::span<std::byte> out) const noexcept {
  if (offset < 0 || offset >= size_) return 0;
  return source_->read_at(begin_ + offset, out.first(std::min(out.size(), static_cast<std::size_t>(size_ - offset))));
}

}  // namespace genrewise::audio
