// Where records are read from: the seam between record files and the places that hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

namespace genrewise {

/// Bytes of one object, front to back.
class ByteSource {
 public:
  virtual ~ByteSource() = default;
  /// Fills the front of `into` and returns how much; fewer than asked only at the end. Throws Error where the place
  /// fails.
  virtual std::size_t read(std::span<std::byte> into) = 0;
  /// True when the end came before the end of the content: a compressed stream that is damaged or cut.
  virtual bool ended_badly() const { return false; }
  /// How many bytes are left, where that is known without reading them.
  virtual std::optional<std::uint64_t> bytes_left() const { return std::nullopt; }
  /// What to call it in faults: its path.
  virtual const std::string& name() const = 0;
};

/// Bytes of one object, anywhere; calls may come from several threads at once.
class RandomAccess {
 public:
  virtual ~RandomAccess() = default;
  virtual std::uint64_t size() const = 0;
  /// As ByteSource::read(), from that offset on.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
};

/// Throws Error when `path` cannot be opened. Local files now; other places join here.
std::unique_ptr<RandomAccess> open_random_access(const std::string& path);

/// The same from front to back; compressed files (gzip, zlib) come decompressed, told by their first bytes.
std::unique_ptr<ByteSource> open_record_bytes(const std::string& path);
std::unique_ptr<ByteSource> open_record_bytes(std::unique_ptr<RandomAccess> place, std::string name);

}  // namespace genrewise
