// Objects read by ranges, and ranges fetched ahead.
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

#include "genrewise/storage/chunk_pool.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/s3_client.hpp"
#include "genrewise/storage/transfer_threads.hpp"

namespace genrewise {

struct S3Object {
  ObjectName name;
  std::uint64_t bytes = 0;
  std::string version;  ///< without quotes; empty: not known
};

/// Takes bytes in order, each once.
using ByteSink = std::function<void(std::span<const std::byte>)>;

/// Reads a range, all of which the object has; the whole object by a request without one, which costs servers least.
/// What breaks goes on from where it broke. `stop`: true ends the transfer (with an Error). Throws Error, Interrupted,
/// and what `sink` throws.
void fetch_range(S3Client& client, const S3Object& object, ByteRange range, const ByteSink& sink,
                 const std::function<bool()>& stop = {});

/// Ranges on their way ahead of their readers. Neighbouring ranges travel together, in parts, and can be read as they
/// arrive. What was begun and is not read yet takes no more memory than `budget_bytes` (a reader that needs a part
/// which had no room yet fetches it itself, on top of that); it is kept for what comes next. Safe from any thread.
class RangePrefetcher {
 public:
  RangePrefetcher(S3Client& client, std::uint64_t budget_bytes);
  ~RangePrefetcher();

  void want(const std::shared_ptr<const S3Object>& object, std::span<const ByteRange> ranges);
  /// Copies a piece (at most ChunkPool::kChunkBytes) of what is fetched, or on its way, from `offset` on; 0 when
  /// nothing of it was wanted.
  std::size_t take(const std::shared_ptr<const S3Object>& object, std::uint64_t offset, std::span<std::byte> into);
  void forget(const S3Object& object);

 private:
  struct Part;
  using PartMap = std::map<std::pair<const S3Object*, std::uint64_t>, std::shared_ptr<Part>>;

  PartMap::iterator find(const S3Object& object, std::uint64_t offset);
  void add(const std::shared_ptr<const S3Object>& object, std::span<const ByteRange> ranges);
  void start_what_fits();
  void start(Part& part);
  void load(const std::shared_ptr<Part>& part);
  void wait_for(const std::shared_ptr<Part>& part, std::uint64_t bytes, std::unique_lock<std::mutex>& lock);
  void release(Part& part, std::size_t chunk);
  void drop(PartMap::iterator at);
  std::uint64_t part_bytes() const;
  void note_rate(std::uint64_t bytes, double seconds);

  S3Client& client_;
  const std::uint64_t budget_;
  ChunkPool pool_;
  std::mutex mutex_;
  PartMap parts_;
  std::deque<std::weak_ptr<Part>> queue_;  // in the order wanted; some may be gone or begun by a reader
  std::uint64_t in_memory_ = 0;            // of parts that were begun: what came and is not read, and what will come
  double rate_ = 0;                        // bytes per second of one request, not long ago
  TransferThreads threads_;                // last: they end before anything else goes
};

}  // namespace genrewise
