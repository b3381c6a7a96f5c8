#include "genrewise/storage/object_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstring>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/base/stopwatch.hpp"

namespace genrewise {
namespace {

constexpr std::uint64_t kGapBytes = 64 << 10;  // reading over such a gap is cheaper than another request
// A waiting reader is woken when this much more than it needs has arrived, or after a short time: waking it for every
// piece costs as much as receiving the piece.
constexpr std::uint64_t kWakeBytes = 768 << 10;

[[noreturn]] void throw_changed(const StoredObject& object) {
  throw FileError("was changed while it was read", to_uri(object.name), "run again when no other process writes to it");
}

/// One attempt to read a range, checked while it arrives.
class RangeAttempt {
 public:
  RangeAttempt(ObjectClient& client, const StoredObject& object, ByteRange range, const ByteSink& sink)
      : client_(client), object_(object), range_(range), sink_(sink) {}

  HttpResponse run(const std::function<bool()>& stop) {
    ObjectCall call = client_.read_call(object_);
    call.sink = [this](const HttpResponse& response, std::string_view bytes) { return take(response, bytes); };
    call.stop = stop;
    if (!is_whole()) {
      call.headers.emplace_back("range", fmt::format("bytes={}-{}", range_.offset, range_.offset + range_.bytes - 1));
    }
    HttpResponse response = client_.attempt(call);
    if (too_long_) {
      response.problem = "the server sent more than was requested";
    } else if (response.good() && got_ < range_.bytes) {
      response.problem = "the server sent less than it announced";
    }
    return response;
  }
  std::uint64_t got() const { return got_; }

 private:
  bool is_whole() const { return range_.offset == 0 && range_.bytes == object_.bytes; }
  [[noreturn]] void throw_broken(const std::string& what) const {
    throw Error(what, to_uri(object_.name),
                "the server at " + client_.settings().endpoint +
                    " does not follow the HTTP standard: use another endpoint or report it to its operator");
  }

  void check(const HttpResponse& response) const {
    const std::string version = client_.version_in(response);
    if (!object_.version.empty() && !version.empty() && version != object_.version) throw_changed(object_);
    if (response.status == 206) {
      const std::string& range = response.header("content-range");  // "bytes 0-9/100"
      if (!range.starts_with(fmt::format("bytes {}-", range_.offset))) {
        throw_broken("the server sent another range than was requested (" + range + ")");
      }
      if (!range.ends_with("/*") && !range.ends_with(fmt::format("/{}", object_.bytes))) throw_changed(object_);
    } else if (!is_whole()) {
      throw_broken("the server does not support ranges");
    }
  }

  // Bytes cannot be withdrawn from the sink, so a response of a wrong length is rejected before its first byte. Without
  // a length, an excess is only detected later.
  bool take(const HttpResponse& response, std::string_view bytes) {
    if (got_ == 0) {
      check(response);
      const std::string& length = response.header("content-length");
      std::uint64_t announced = 0;
      std::from_chars(length.data(), length.data() + length.size(), announced);
      too_long_ = announced > range_.bytes;
      if (too_long_) return false;
    }
    if (bytes.size() > range_.bytes - got_) throw_broken("the server sent more than was requested");
    sink_(std::as_bytes(std::span(bytes)));
    got_ += bytes.size();
    return true;
  }

  ObjectClient& client_;
  const StoredObject& object_;
  ByteRange range_;
  const ByteSink& sink_;
  std::uint64_t got_ = 0;
  bool too_long_ = false;
};

}  // namespace

void fetch_range(ObjectClient& client, const StoredObject& object, ByteRange range, const ByteSink& sink,
                 const std::function<bool()>& stop) {
  Attempts attempts(client, object.name);
  while (range.bytes > 0) {
    RangeAttempt attempt(client, object, range, sink);
    const HttpResponse response = attempt.run(stop);
    if (response.good()) return;
    if (response.status == 416) throw_changed(object);
    if (stop && stop()) throw Error("the transfer was cancelled", to_uri(object.name));
    range = {range.offset + attempt.got(), range.bytes - attempt.got()};
    if (range.bytes > 0) attempts.failed(response, attempt.got() > 0);
  }
}

struct RangePrefetcher::Part {
  enum class State { queued, loading, ended };
  /// Memory is allocated with the first byte and released when all requested bytes have been taken.
  struct Chunk {
    std::shared_ptr<std::byte[]> memory;
    std::uint64_t left = 0;  // requested bytes not yet taken
    std::uint64_t held = 0;  // bytes of the budget
  };

  std::shared_ptr<const StoredObject> object;
  ByteRange range;
  std::vector<Chunk> chunks;
  std::uint64_t left = 0;      // requested bytes not yet taken, all chunks
  std::uint64_t arrived = 0;   // from the start; written only by the loading thread
  std::uint64_t awaited = ~0;  // wake readers when this many bytes have arrived
  std::condition_variable changed;
  State state = State::queued;
  std::exception_ptr error;
  std::atomic<bool> forgotten{false};

  std::size_t bytes_of(std::size_t chunk) const {
    return std::min<std::uint64_t>(ChunkPool::kChunkBytes, range.bytes - chunk * ChunkPool::kChunkBytes);
  }
};

RangePrefetcher::RangePrefetcher(ObjectClient& client, std::uint64_t budget_bytes)
    : client_(client), budget_(budget_bytes), threads_(client.settings().connections) {}

RangePrefetcher::~RangePrefetcher() {
  const std::lock_guard lock(mutex_);
  for (auto& [key, part] : parts_) part->forgotten = true;
}

RangePrefetcher::PartMap::iterator RangePrefetcher::find(const StoredObject& object, std::uint64_t offset) {
  auto behind = parts_.upper_bound({&object, offset});
  if (behind == parts_.begin()) return parts_.end();
  const auto at = std::prev(behind);
  const Part& part = *at->second;
  const bool holds = at->first.first == &object && offset < part.range.offset + part.range.bytes;
  return holds ? at : parts_.end();
}

// Makes one part of these ranges, which are sorted.
void RangePrefetcher::add(const std::shared_ptr<const StoredObject>& object, std::span<const ByteRange> ranges) {
  auto part = std::make_shared<Part>();
  part->object = object;
  part->range = {ranges.front().offset, ranges.back().offset + ranges.back().bytes - ranges.front().offset};
  part->chunks.resize((part->range.bytes + ChunkPool::kChunkBytes - 1) / ChunkPool::kChunkBytes);
  for (const ByteRange& range : ranges) {
    part->left += range.bytes;
    const std::uint64_t end = range.offset + range.bytes - part->range.offset;
    for (std::uint64_t at = range.offset - part->range.offset; at < end;) {
      const std::size_t chunk = at / ChunkPool::kChunkBytes;
      const std::uint64_t next = std::min<std::uint64_t>(end, (chunk + 1) * ChunkPool::kChunkBytes);
      part->chunks[chunk].left += next - at;
      at = next;
    }
  }
  if (parts_.emplace(std::pair(object.get(), part->range.offset), part).second) queue_.push_back(part);
}

// Servers do some work per request, and some far more for a range than for a whole object, so a request should last for
// a while. On slow connections several requests are faster than long ones, and at least four parts should fit into the
// budget.
std::uint64_t RangePrefetcher::part_bytes() const {
  const auto least = static_cast<double>(client_.settings().part_bytes);
  const double target = rate_ * std::chrono::duration<double>(client_.settings().request_time).count();
  const double most = std::max(least, std::min(4 * least, static_cast<double>(budget_) / 4));
  return static_cast<std::uint64_t>(std::clamp(target, least, most));
}

void RangePrefetcher::note_rate(std::uint64_t bytes, double seconds) {
  if (bytes < client_.settings().part_bytes / 2 || seconds <= 0) return;  // too short for a measurement
  const double rate = static_cast<double>(bytes) / seconds;
  rate_ = rate_ == 0 ? rate : 0.75 * rate_ + 0.25 * rate;
}

void RangePrefetcher::request(const std::shared_ptr<const StoredObject>& object, std::span<const ByteRange> ranges) {
  std::vector<ByteRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, &ByteRange::offset);
  const std::lock_guard lock(mutex_);
  const std::uint64_t longest = part_bytes();
  std::vector<ByteRange> part;
  const auto end_part = [&] {
    if (!part.empty()) add(object, part);
    part.clear();
  };
  for (ByteRange range : sorted) {
    range.bytes = std::min(range.bytes, object->bytes - std::min(object->bytes, range.offset));
    if (range.bytes == 0 || find(*object, range.offset) != parts_.end()) continue;
    while (range.bytes > 0) {
      if (!part.empty()) {
        const std::uint64_t end = part.back().offset + part.back().bytes;
        const bool joins =
            range.offset >= end && range.offset - end <= kGapBytes && range.offset - part.front().offset < longest;
        if (!joins) end_part();
      }
      const std::uint64_t start = part.empty() ? range.offset : part.front().offset;
      const std::uint64_t count = std::min(range.bytes, start + longest - range.offset);
      part.push_back({range.offset, count});
      range = {range.offset + count, range.bytes - count};
    }
  }
  end_part();
  start_what_fits();
}

void RangePrefetcher::start_what_fits() {
  while (!queue_.empty()) {
    const auto part = queue_.front().lock();
    if (part && part->state == Part::State::queued && !part->forgotten) {
      if (in_memory_ > 0 && in_memory_ + part->range.bytes > budget_) return;
      try {
        threads_.run([this, part] { load(part); });
      } catch (const ThreadError&) {  // it stays queued, so its reader fetches it
        return;
      }
      start(*part);  // in time: we hold the lock
    }
    queue_.pop_front();
  }
}

void RangePrefetcher::start(Part& part) {
  part.state = Part::State::loading;
  for (std::size_t i = 0; i < part.chunks.size(); ++i) in_memory_ += part.chunks[i].held = part.bytes_of(i);
}

// Called without the lock, for a started part.
void RangePrefetcher::load(const std::shared_ptr<Part>& part) {
  const Stopwatch watch;
  std::exception_ptr error;
  std::shared_ptr<std::byte[]> memory;
  const auto store = [&](std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t chunk = part->arrived / ChunkPool::kChunkBytes, at = part->arrived % ChunkPool::kChunkBytes;
      const auto piece = bytes.first(std::min(bytes.size(), part->bytes_of(chunk) - at));
      if (at == 0) memory = pool_.get(part->bytes_of(chunk));
      std::memcpy(memory.get() + at, piece.data(), piece.size());
      bytes = bytes.subspan(piece.size());
      const std::lock_guard lock(mutex_);
      if (at == 0 && part->chunks[chunk].held > 0) part->chunks[chunk].memory = memory;
      part->arrived += piece.size();
      if (part->arrived == part->range.bytes) note_rate(part->range.bytes, watch.seconds());  // before a reader goes on
      if (part->arrived < part->awaited) continue;
      part->awaited = ~std::uint64_t{0};
      part->changed.notify_all();
    }
  };
  try {
    fetch_range(client_, *part->object, part->range, store, [&part] { return part->forgotten.load(); });
  } catch (...) {
    error = std::current_exception();
  }
  memory.reset();
  const std::lock_guard lock(mutex_);
  part->error = error;
  part->state = Part::State::ended;
  part->changed.notify_all();
}

void RangePrefetcher::release(Part& part, std::size_t chunk) {
  in_memory_ -= std::exchange(part.chunks[chunk].held, 0);
  part.chunks[chunk].memory.reset();
}

void RangePrefetcher::drop(PartMap::iterator at) {
  const auto part = at->second;
  parts_.erase(at);
  part->forgotten = true;
  for (std::size_t i = 0; i < part->chunks.size(); ++i) release(*part, i);
  start_what_fits();
}

void RangePrefetcher::wait_for(const std::shared_ptr<Part>& part, std::uint64_t bytes,
                               std::unique_lock<std::mutex>& lock) {
  while (part->state != Part::State::ended && part->arrived < bytes) {
    part->awaited = std::min(part->awaited, std::min(bytes + kWakeBytes, part->range.bytes));
    throw_if_interrupted();
    part->changed.wait_for(lock, std::chrono::milliseconds(50));
  }
}

std::size_t RangePrefetcher::take(const std::shared_ptr<const StoredObject>& object, std::uint64_t offset,
                                  std::span<std::byte> into) {
  std::unique_lock lock(mutex_);
  const auto at = find(*object, offset);
  if (at == parts_.end()) return 0;
  const auto part = at->second;
  if (part->state == Part::State::queued) {
    start(*part);
    lock.unlock();
    load(part);
    lock.lock();
  }
  const std::uint64_t from = offset - part->range.offset;
  const std::size_t chunk = from / ChunkPool::kChunkBytes, start = chunk * ChunkPool::kChunkBytes;
  std::uint64_t to = std::min<std::uint64_t>(from + into.size(), start + part->bytes_of(chunk));
  wait_for(part, to, lock);
  to = std::min(to, part->arrived);
  const auto drop_it = [&] {
    const auto there = find(*object, offset);
    if (there != parts_.end() && there->second == part) drop(there);
  };
  if (to <= from) {
    drop_it();
    std::rethrow_exception(part->error);
  }
  const auto memory = part->chunks[chunk].memory;  // stays valid even if another thread drops the part
  if (!memory) return 0;                           // read before, or dropped
  lock.unlock();
  std::memcpy(into.data(), memory.get() + (from - start), to - from);
  lock.lock();
  const auto taken = [&](std::uint64_t& left) { return (left -= std::min(left, to - from)) == 0; };
  if (taken(part->chunks[chunk].left)) release(*part, chunk);
  taken(part->left) ? drop_it() : start_what_fits();
  return to - from;
}

void RangePrefetcher::forget(const StoredObject& object) {
  const std::lock_guard lock(mutex_);
  for (auto at = parts_.lower_bound({&object, 0}); at != parts_.end() && at->first.first == &object;) {
    drop(at++);
  }
}

}  // namespace genrewise
