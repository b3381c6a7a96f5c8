// Where records are read from: the seam between record files and the places that hold them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "genrewise/storage/object_store.hpp"

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
  /// What will be read soon, each range once: objects in a store are fetched meanwhile (ObjectReader::prefetch()).
  virtual void prefetch(std::span<const ByteRange> /*ranges*/) const {}
};

/// Says ahead, to a place that is read from front to back, what comes next.
class SequentialHints {
 public:
  explicit SequentialHints(const RandomAccess& place) : place_(place) {}
  /// Before bytes from `offset` on are read.
  void reading(std::uint64_t offset);

 private:
  const RandomAccess& place_;
  std::uint64_t told_ = 0;
};

/// A local file or an object in a store. Throws Error when it cannot be opened.
std::unique_ptr<RandomAccess> open_random_access(const std::string& path);
/// The same without asking the store again for what it said of the object.
std::unique_ptr<RandomAccess> open_random_access(const ObjectInfo& object);

/// The same from front to back; compressed files (gzip, zlib) come decompressed, told by their first bytes.
std::unique_ptr<ByteSource> open_record_bytes(const std::string& path);
std::unique_ptr<ByteSource> open_record_bytes(std::unique_ptr<RandomAccess> place, std::string name);

}  // namespace genrewise
