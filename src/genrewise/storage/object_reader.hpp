// Reads ranges of objects, and prefetches them.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/object_client.hpp"
#include "genrewise/storage/transfer.hpp"

namespace genrewise {

/// Receives bytes in order, each once.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Reads a range inside the object; the whole object is requested without a range, which is cheapest for servers.
/// Broken transfers are resumed. When `stop` returns true, the transfer ends with an Error. Throws Error, Interrupted,
/// and exceptions of `sink`.
void fetch_range(ObjectClient& client, const StoredObject& object, ByteRange range, const ByteSink& sink,
                 const std::function<bool()>& stop = {});

/// Fetches ranges before they are read. Neighbouring ranges are fetched together, in parts, and can be read while they
/// arrive. Started parts that are not read yet take at most `budget_bytes` of memory; a reader that needs a part which
/// is still queued fetches it itself, in addition. Freed buffers are reused. Thread-safe.
class RangePrefetcher {
 public:
  RangePrefetcher(ObjectClient& client, std::uint64_t budget_bytes);
  ~RangePrefetcher();

  void request(const std::shared_ptr<const StoredObject>& object, std::span<const ByteRange> ranges);
  /// Copies fetched bytes from `offset` on (at most ChunkPool::kChunkBytes), waiting for those on their way, and
  /// returns their number; 0 if none were requested.
  std::size_t take(const std::shared_ptr<const StoredObject>& object, std::uint64_t offset, std::span<std::byte> into);
  /// Cancels and drops all ranges of an object.
  void forget(const StoredObject& object);

 private:
  struct Part;
  using PartMap = std::map<std::pair<const StoredObject*, std::uint64_t>, std::shared_ptr<Part>>;

  PartMap::iterator find(const StoredObject& object, std::uint64_t offset);
  void add(const std::shared_ptr<const StoredObject>& object, std::span<const ByteRange> ranges);
  void start_what_fits();
  void start(Part& part);
  void load(const std::shared_ptr<Part>& part);
  void wait_for(const std::shared_ptr<Part>& part, std::uint64_t bytes, std::unique_lock<std::mutex>& lock);
  void release(Part& part, std::size_t chunk);
  void drop(PartMap::iterator at);
  std::uint64_t part_bytes() const;
  void note_rate(std::uint64_t bytes, double seconds);

  ObjectClient& client_;
  const std::uint64_t budget_;
  ChunkPool pool_;
  std::mutex mutex_;
  PartMap parts_;
  std::deque<std::weak_ptr<Part>> queue_;  // in order of request; some may be gone or started by a reader
  std::uint64_t in_memory_ = 0;            // bytes of started parts that are unread or still to come
  double rate_ = 0;                        // recent bytes per second of one request
  TransferThreads threads_;                // last: destroyed before the rest
};

}  // namespace genrewise
