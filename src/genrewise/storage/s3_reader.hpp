// Objects read by ranges, and ranges fetched ahead.
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <map>
#include <memory>
#include <mutex>

#include "genrewise/storage/object_store.hpp"
#include "genrewise/storage/s3_client.hpp"
#include "genrewise/storage/transfer_threads.hpp"

namespace genrewise {

struct S3Object {
  ObjectName name;
  std::uint64_t bytes = 0;
  std::string version;  ///< without quotes; empty: not known
};

/// Reads `into.size()` bytes from `offset` on, all of which the object has. What breaks goes on from where it broke.
/// `stop`: true ends the transfer (with an Error). Throws Error, Interrupted.
void fetch_range(S3Client& client, const S3Object& object, std::uint64_t offset, std::span<std::byte> into,
                 const std::function<bool()>& stop = {});

/// Ranges on their way ahead of their readers. Neighbouring ranges travel together, in parts; parts that wait to be
/// read take no more memory than `budget_bytes` together (a reader that needs a part which had no room yet fetches it
/// itself, on top of that). Safe from any thread.
class RangePrefetcher {
 public:
  RangePrefetcher(S3Client& client, std::uint64_t budget_bytes);
  ~RangePrefetcher();

  void want(const std::shared_ptr<const S3Object>& object, std::span<const ByteRange> ranges);
  /// Copies what is fetched (or on its way) of the range that begins at `offset`; 0 when nothing of it was wanted.
  std::size_t take(const std::shared_ptr<const S3Object>& object, std::uint64_t offset, std::span<std::byte> into);
  void forget(const S3Object& object);

 private:
  struct Part;
  using PartMap = std::map<std::pair<const S3Object*, std::uint64_t>, std::shared_ptr<Part>>;

  PartMap::iterator find(const S3Object& object, std::uint64_t offset);
  void add(const std::shared_ptr<const S3Object>& object, ByteRange range, std::uint64_t wanted);
  void start_what_fits();
  void load(const std::shared_ptr<Part>& part);
  void drop(PartMap::iterator at);

  S3Client& client_;
  const std::uint64_t budget_;
  std::mutex mutex_;
  std::condition_variable changed_;
  PartMap parts_;
  std::deque<std::weak_ptr<Part>> queue_;  // in the order wanted; some may be gone or begun by a reader
  std::uint64_t in_memory_ = 0;
  TransferThreads threads_;  // last: they end before anything else goes
};

}  // namespace genrewise
