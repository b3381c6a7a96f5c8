// The bytes of a track, from a file or from memory, for decoders that read here and there. Internal to audio.
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

/// Read-only and seekable; for one thread. A file is read through four windows, so that memory does not grow with it:
/// 64 KiB where a decoder jumps to, twice as much (up to 256 KiB) each time it reads on from there. So headers and tags
/// at both ends cost little also where reading is slow (an object store), and reading through costs few requests.
class ByteSource {
 public:
  /// Faults: "cannot be opened" (missing, no rights, a folder, a pipe), "empty file". Throws Error where a store fails.
  static Expected<ByteSource> open(const std::filesystem::path& location);
  /// `bytes` must outlive the source.
  explicit ByteSource(std::span<const std::byte> bytes);

  std::int64_t size() const { return size_; }
  /// Copies bytes from `offset` on; returns how many there were (fewer than out.size() only at the end of the source
  /// and where reading fails, which check_read() reports). Decoders call it from C code, so it throws nothing.
  std::size_t read_at(std::int64_t offset, std::span<std::byte> out) noexcept;
  /// After decoding: the Fault "cannot be read" when this file could not be read; throws Error where its store failed,
  /// and Interrupted.
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

  ByteSource() = default;
  const Window* window_at(std::int64_t offset);
  const Window* use(Window& window);
  void fill(Window& window, std::int64_t offset);

  std::unique_ptr<FileReader> file_;  // none: all bytes are in the first window
  std::int64_t size_ = 0;
  std::array<Window, 4> windows_;
  std::size_t latest_ = 0;  // the window that the last read used
  std::uint64_t switches_ = 0;
  std::exception_ptr error_;  // the first
};

}  // namespace genrewise::audio
