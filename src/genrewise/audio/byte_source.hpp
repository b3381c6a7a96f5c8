// The bytes of a track, from a file or from memory, for decoders that read here and there. Internal to the audio room.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"

namespace genrewise::audio {

/// Read-only and seekable. A file is read through one buffer, so that memory does not grow with the file.
class ByteSource {
 public:
  /// Faults: "cannot be opened" (missing, no rights, a folder, a pipe), "empty file".
  static Expected<ByteSource> open(const std::filesystem::path& path);
  /// `bytes` must outlive the source.
  explicit ByteSource(std::span<const std::byte> bytes);
  ~ByteSource();
  ByteSource(ByteSource&& other) noexcept;
  ByteSource& operator=(ByteSource&&) = delete;

  std::int64_t size() const { return size_; }
  /// Copies bytes from `offset` on; returns how many there were (fewer than out.size() only at the end of the source
  /// or where the disk cannot be read).
  std::size_t read_at(std::int64_t offset, std::span<std::byte> out);
  /// The system's error number of the first failed read; 0 when all went well.
  int read_error() const { return read_error_; }

 private:
  ByteSource() = default;
  void fill_buffer(std::int64_t offset);

  std::span<const std::byte> window_;  // what lies in memory: all bytes, or the buffer's
  std::int64_t window_offset_ = 0;
  std::int64_t size_ = 0;
  int descriptor_ = -1;
  int read_error_ = 0;
  std::vector<std::byte> buffer_;
};

}  // namespace genrewise::audio
