// Random access to the bytes of a track, from a file or from memory. Internal to audio.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise::audio {

/// Read-only, seekable, for one thread. A file is read through four windows, so memory does not depend on its size: 64
/// KiB after a seek, doubled up to 256 KiB (from a store 2 MiB) with each sequential read. So headers and tags at both
/// ends are cheap even in an object store, and sequential reading takes few requests. An interrupt ends reading: no
/// byte is returned from then on, so parsers that run in C code end too.
class ByteSource {
 public:
  /// Faults: "cannot be opened" (missing, no permission, a folder, a pipe), "empty file". Throws Error if a store
  /// fails.
  static Expected<ByteSource> open(const std::filesystem::path& location);
  explicit ByteSource(std::unique_ptr<FileReader> file);
  /// `bytes` must outlive the source.
  explicit ByteSource(std::span<const std::byte> bytes);

  std::int64_t size() const { return size_; }
  /// Copies bytes from `offset` on and returns their number (smaller than out.size() only at the end of the source or
  /// after a read error, which check_read() reports). Decoders call it from C code, so it does not throw.
  std::size_t read_at(std::int64_t offset, std::span<std::byte> out) noexcept;
  /// Call after decoding. Returns the Fault "cannot be read" after a read error of this file; throws Error if its store
  /// failed, and Interrupted.
  Expected<void> check_read() const;

 private:
  struct Window {
    std::int64_t offset = 0;
    std::span<const std::byte> bytes;
    std::vector<std::byte> memory;
    std::uint64_t used = 0;  // when it was last switched to, counted in switches

    std::int64_t end() const { return offset + static_cast<std::int64_t>(bytes.size()); }
    bool holds(std::int64_t at) const { return at >= offset && at < end(); }
  };

  const Window* window_at(std::int64_t offset);
  const Window* use(Window& window);
  Window* window_before(std::int64_t offset);
  void fill(Window& window, const Window* before, std::int64_t offset);

  std::unique_ptr<FileReader> file_;        // null: all bytes are in the first window
  std::int64_t size_ = 0, most_bytes_ = 0;  // the latter: of a window
  std::array<Window, 4> windows_;
  std::size_t latest_ = 0;  // the window that the last read used
  std::uint64_t switches_ = 0;
  std::exception_ptr error_;  // first error
};

/// A part of a source; offsets count from where it begins. The source must outlive it.
class ByteView {
 public:
  ByteView(ByteSource& source, std::int64_t begin, std::int64_t size) : source_(&source), begin_(begin), size_(size) {}

  std::int64_t size() const { return size_; }
  std::int64_t offset() const { return begin_; }  ///< in the source
  /// As ByteSource::read_at().
  std::size_t read_at(std::int64_t offset, std::span<std::byte> out) const noexcept;
  /// `begin` and `size` must be inside this view.
  ByteView part(std::int64_t begin, std::int64_t size) const { return {*source_, begin_ + begin, size}; }

 private:
  ByteSource* source_;
  std::int64_t begin_, size_;
};

}  // namespace genrewise::audio
