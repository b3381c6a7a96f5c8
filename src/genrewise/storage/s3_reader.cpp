#include "genrewise/storage/s3_reader.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/s3_store.hpp"

namespace genrewise {
namespace {

constexpr std::uint64_t kGapBytes = 64 << 10;  // cheaper to read over than to ask again behind

/// One attempt at a range, checked as it comes.
class RangeAttempt {
 public:
  RangeAttempt(S3Client& client, const S3Object& object, std::uint64_t offset, std::span<std::byte> into)
      : client_(client), object_(object), offset_(offset), into_(into) {}

  HttpAnswer run(const std::function<bool()>& stop) {
    S3Call call{.name = object_.name,
                .headers = {{"range", fmt::format("bytes={}-{}", offset_, offset_ + into_.size() - 1)}},
                .sink = [this](const HttpAnswer& answer, std::string_view bytes) { return take(answer, bytes); },
                .stop = stop};
    if (!object_.version.empty()) call.headers.emplace_back("if-match", '"' + object_.version + '"');
    HttpAnswer answer = client_.attempt(call);
    if (too_long_) {
      answer.problem = "the server sent more than was asked for";
      got_ = 0;
    } else if (answer.good() && got_ < into_.size()) {
      answer.problem = "the server sent less than it said";
    }
    return answer;
  }
  std::size_t got() const { return got_; }

 private:
  [[noreturn]] void throw_changed() const {
    throw Error("was changed while it was read", to_place(object_.name), "start again when nobody writes there");
  }

  void check(const HttpAnswer& answer) const {
    const std::string version = plain_version(answer.header("etag"));
    if (!object_.version.empty() && !version.empty() && version != object_.version) throw_changed();
    if (answer.status == 206) {
      const std::string& range = answer.header("content-range");  // "bytes 0-9/100"
      if (!range.starts_with(fmt::format("bytes {}-", offset_))) {
        throw Error("the server sent another range than was asked for (" + range + ")", to_place(object_.name),
                    "the server at " + client_.settings().endpoint + " does not work as it should");
      }
      if (!range.ends_with("/*") && !range.ends_with(fmt::format("/{}", object_.bytes))) throw_changed();
    } else if (offset_ > 0 || into_.size() < object_.bytes) {
      throw Error("the server does not know ranges", to_place(object_.name),
                  "the server at " + client_.settings().endpoint + " does not work as it should");
    }
  }

  bool take(const HttpAnswer& answer, std::string_view bytes) {
    if (got_ == 0) check(answer);
    too_long_ = bytes.size() > into_.size() - got_;
    if (too_long_) return false;
    std::memcpy(into_.data() + got_, bytes.data(), bytes.size());
    got_ += bytes.size();
    return true;
  }

  S3Client& client_;
  const S3Object& object_;
  std::uint64_t offset_;
  std::span<std::byte> into_;
  std::size_t got_ = 0;
  bool too_long_ = false;
};

}  // namespace

void fetch_range(S3Client& client, const S3Object& object, std::uint64_t offset, std::span<std::byte> into,
                 const std::function<bool()>& stop) {
  S3Attempts attempts(client.settings(), object.name);
  while (!into.empty()) {
    RangeAttempt attempt(client, object, offset, into);
    const HttpAnswer answer = attempt.run(stop);
    if (answer.good()) return;
    if (answer.status == 416) {
      throw Error("was changed while it was read", to_place(object.name), "start again when nobody writes there");
    }
    if (stop && stop()) throw Error("is not needed any more", to_place(object.name));
    offset += attempt.got();
    into = into.subspan(attempt.got());
    if (!into.empty()) attempts.failed(answer, attempt.got() > 0);
  }
}

struct RangePrefetcher::Part {
  enum class State { queued, loading, ready, failed };
  std::shared_ptr<const S3Object> object;
  ByteRange range;
  std::uint64_t left = 0;  // that somebody wants and has not taken
  State state = State::queued;
  std::unique_ptr<std::byte[]> bytes;
  std::exception_ptr error;
  std::atomic<bool> forgotten{false};
};

RangePrefetcher::RangePrefetcher(S3Client& client, std::uint64_t budget_bytes)
    : client_(client), budget_(budget_bytes), threads_(client.settings().connections) {}

RangePrefetcher::~RangePrefetcher() {
  const std::lock_guard lock(mutex_);
  for (auto& [place, part] : parts_) part->forgotten = true;
}

RangePrefetcher::PartMap::iterator RangePrefetcher::find(const S3Object& object, std::uint64_t offset) {
  auto behind = parts_.upper_bound({&object, offset});
  if (behind == parts_.begin()) return parts_.end();
  const auto at = std::prev(behind);
  const Part& part = *at->second;
  const bool holds = at->first.first == &object && offset < part.range.offset + part.range.bytes;
  return holds ? at : parts_.end();
}

void RangePrefetcher::add(const std::shared_ptr<const S3Object>& object, ByteRange range, std::uint64_t wanted) {
  auto part = std::make_shared<Part>();
  part->object = object;
  part->range = range;
  part->left = wanted;
  if (parts_.emplace(std::pair(object.get(), range.offset), part).second) queue_.push_back(part);
}

void RangePrefetcher::want(const std::shared_ptr<const S3Object>& object, std::span<const ByteRange> ranges) {
  std::vector<ByteRange> sorted(ranges.begin(), ranges.end());
  std::ranges::sort(sorted, {}, &ByteRange::offset);
  const std::uint64_t part_bytes = client_.settings().part_bytes;
  const std::lock_guard lock(mutex_);
  ByteRange part;
  std::uint64_t wanted = 0;
  const auto end_part = [&] {
    if (wanted > 0) add(object, part, wanted);
    wanted = 0;
  };
  for (ByteRange range : sorted) {
    range.bytes = std::min(range.bytes, object->bytes - std::min(object->bytes, range.offset));
    if (range.bytes == 0 || find(*object, range.offset) != parts_.end()) continue;
    while (range.bytes > 0) {
      const std::uint64_t end = part.offset + part.bytes;
      const bool joins = wanted > 0 && range.offset >= end && range.offset - end <= kGapBytes &&
                         range.offset - part.offset < part_bytes;
      if (!joins) {
        end_part();
        part = {range.offset, 0};
      }
      const std::uint64_t count = std::min(range.bytes, part.offset + part_bytes - range.offset);
      part.bytes = range.offset + count - part.offset;
      wanted += count;
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
      part->state = Part::State::loading;
      in_memory_ += part->range.bytes;
      threads_.run([this, part] { load(part); });
    }
    queue_.pop_front();
  }
}

// Called without the lock, for a part that is `loading` and counted.
void RangePrefetcher::load(const std::shared_ptr<Part>& part) {
  std::exception_ptr error;
  std::unique_ptr<std::byte[]> bytes;
  try {
    bytes = std::make_unique_for_overwrite<std::byte[]>(part->range.bytes);
    fetch_range(client_, *part->object, part->range.offset, {bytes.get(), part->range.bytes},
                [&part] { return part->forgotten.load(); });
  } catch (...) {
    error = std::current_exception();
  }
  const std::lock_guard lock(mutex_);
  part->bytes = std::move(bytes);
  part->error = error;
  part->state = error ? Part::State::failed : Part::State::ready;
  if (part->forgotten) {
    in_memory_ -= part->range.bytes;
    start_what_fits();
  }
  changed_.notify_all();
}

void RangePrefetcher::drop(PartMap::iterator at) {
  const auto part = at->second;
  parts_.erase(at);
  part->forgotten = true;
  if (part->state == Part::State::ready || part->state == Part::State::failed) in_memory_ -= part->range.bytes;
  start_what_fits();
}

std::size_t RangePrefetcher::take(const std::shared_ptr<const S3Object>& object, std::uint64_t offset,
                                  std::span<std::byte> into) {
  std::unique_lock lock(mutex_);
  auto at = find(*object, offset);
  if (at == parts_.end()) return 0;
  const auto part = at->second;
  if (part->state == Part::State::queued) {
    part->state = Part::State::loading;
    in_memory_ += part->range.bytes;
    lock.unlock();
    load(part);
    lock.lock();
  }
  while (part->state == Part::State::loading) {
    throw_if_interrupted();
    changed_.wait_for(lock, std::chrono::milliseconds(100));
  }
  const std::uint64_t from = offset - part->range.offset;
  const auto count = static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), part->range.bytes - from));
  if (part->state == Part::State::ready) {
    // The bytes stay while `part` is held, whoever forgets it meanwhile.
    lock.unlock();
    std::memcpy(into.data(), part->bytes.get() + from, count);
    lock.lock();
  }
  part->left -= std::min<std::uint64_t>(part->left, count);
  at = find(*object, offset);
  const bool done = part->left == 0 || part->state == Part::State::failed;
  if (done && at != parts_.end() && at->second == part) drop(at);
  if (part->error) std::rethrow_exception(part->error);
  return count;
}

void RangePrefetcher::forget(const S3Object& object) {
  const std::lock_guard lock(mutex_);
  for (auto at = parts_.lower_bound({&object, 0}); at != parts_.end() && at->first.first == &object;) {
    drop(at++);
  }
}

}  // namespace genrewise
