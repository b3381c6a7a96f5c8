// One interface to places that hold files: object stores (S3, GCS and what speaks their language) and local folders.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "genrewise/storage/place.hpp"

namespace genrewise {

struct ObjectInfo {
  std::string place;  ///< path, or "s3://bucket/key"
  std::uint64_t bytes = 0;
  std::string version;   ///< what changes when the content does (an ETag); may be empty
  std::string modified;  ///< UTC, "2026-11-25T22:15:00Z"; may be empty
};

struct ByteRange {
  std::uint64_t offset = 0, bytes = 0;
};

/// Bytes of one object as it was when it was found. Calls may come from several threads at once. An object that
/// changes while it is read is an Error, never a mix of old and new.
class ObjectReader {
 public:
  virtual ~ObjectReader() = default;
  virtual std::uint64_t size() const = 0;
  /// Fills the front of `into` from that offset on and returns how much; fewer than asked only at the end. A transfer
  /// that breaks goes on from where it broke. Throws Error.
  virtual std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const = 0;
  /// Says that these ranges will be read, each once, about in this order: they are fetched meanwhile, neighbours in one
  /// request, as far as the store's memory goes. Returns at once; what goes wrong is told by read_at().
  virtual void prefetch(std::span<const ByteRange> /*ranges*/) const {}
};

/// A new object, which appears under its name only when commit() has returned. Destroyed without commit() it takes back
/// all that it began.
class ObjectWriter {
 public:
  virtual ~ObjectWriter() = default;
  virtual void write(std::string_view bytes) = 0;
  virtual void commit() = 0;
};

class ObjectStore {
 public:
  virtual ~ObjectStore() = default;
  /// Calls `each` for all objects whose place begins with `prefix` (a place, cut anywhere), sorted by name as bytes.
  /// `deep` false: only up to the next slash; folders there are not told.
  virtual void list(const std::string& prefix, bool deep, const std::function<void(ObjectInfo)>& each) = 0;
  /// The object of that name; nothing when there is none. Throws Error for all else (no such bucket, no rights).
  virtual std::optional<ObjectInfo> find(const std::string& place) = 0;
  virtual std::unique_ptr<ObjectReader> open(const ObjectInfo& object) = 0;
  /// An object of that name is replaced. `expected_bytes` (0: not known) decides the size of parts.
  virtual std::unique_ptr<ObjectWriter> create(const std::string& place, std::uint64_t expected_bytes = 0) = 0;
  /// Nothing happens when it is not there.
  virtual void remove(const std::string& place) = 0;
  /// Takes back uploads of places that begin with `prefix` which were never completed, as a killed process leaves them.
  virtual void remove_unfinished(const std::string& /*prefix*/) {}
};

/// What the person says on the command line; empty: as environment and files say (docs/object_storage.md).
struct ObjectStoreOptions {
  std::string endpoint;  ///< "http://127.0.0.1:9000"
  std::string region;
  std::string profile;
};

/// For the whole process, before the first open_store().
void set_object_store_options(ObjectStoreOptions options);

/// The store that holds `place`. Throws Error when there are no credentials for it. Stores that are in use are shared,
/// and their connections with them.
std::shared_ptr<ObjectStore> open_store(std::string_view place);

/// open_store(place)->find(place), and whether there is one.
std::optional<ObjectInfo> find_object(const std::string& place);
bool object_exists(const std::string& place);

/// The whole object, fetched in parallel pieces. Throws Error, also when there is none.
std::string read_object(const std::string& place);
void write_object(const std::string& place, std::string_view bytes);
/// Copies a local file there; memory holds a few parts of it.
void upload_file(const std::filesystem::path& file, const std::string& place,
                 const std::function<void(std::uint64_t bytes)>& on_progress = {});

/// A folder of this machine (not made yet) for what is on its way to `place`: the same one for the same place, so that
/// work goes on there after an interruption. Under $XDG_CACHE_HOME, ~/.cache or the system's temporary folder.
std::filesystem::path work_folder_for(std::string_view place);

}  // namespace genrewise
