#include "genrewise/records/record_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "genrewise/records/framing.hpp"

namespace genrewise {
namespace {
// Half of a common L2 cache: what is read is still there when it is summed and parsed.
constexpr std::size_t kBufferBytes = 512 << 10;
}  // namespace

RecordReader::RecordReader(const std::string& path) : RecordReader(open_record_bytes(path)) {}

RecordReader::RecordReader(std::unique_ptr<ByteSource> source) : source_(std::move(source)), buffer_(kBufferBytes) {}

// Brings at least `wanted` unconsumed bytes into the buffer and says how many there are; fewer at the end. The buffer
// grows only as bytes really come, so a length that lies costs nothing.
std::size_t RecordReader::fill(std::size_t wanted) {
  while (end_ - begin_ < wanted) {
    if (begin_ > 0) {
      std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (end_ == buffer_.size()) buffer_.resize(2 * buffer_.size());
    const std::size_t got = source_->read(std::span(buffer_).subspan(end_));
    if (got == 0) break;
    end_ += got;
  }
  return end_ - begin_;
}

void RecordReader::consume(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

tl::unexpected<Fault> RecordReader::fault(std::string reason, std::string detail) const {
  return tl::unexpected(Fault{std::move(reason), source_->name() + " @ " + std::to_string(offset_), std::move(detail)});
}

tl::unexpected<Fault> RecordReader::find_next_header(std::string reason, std::string detail) {
  auto found = fault(std::move(reason), std::move(detail));
  const std::uint64_t from = offset_;
  bool sound = false;
  do {
    consume(1);
    if (fill(kRecordHeaderBytes) < kRecordHeaderBytes) break;
    const auto length = payload_length(std::span(buffer_).subspan(begin_, kRecordHeaderBytes));
    sound = length && *length <= kLongestPayload;
  } while (!sound);
  if (!sound) consume(end_ - begin_);
  found.value().detail += sound ? "; goes on at " + std::to_string(offset_)
                                : "; nothing sound behind it, " + std::to_string(offset_ - from) + " bytes lost";
  return found;
}

Expected<bool> RecordReader::next(Record& record) {
  consume(std::exchange(used_, 0));
  const std::size_t there = fill(kRecordHeaderBytes);
  if (there == 0) {
    if (!source_->ended_badly() || std::exchange(end_told_, true)) return false;
    return fault("damaged compression", "the compressed stream is cut or damaged; nothing behind this can be read");
  }
  if (there < kRecordHeaderBytes) {
    auto cut = fault("truncated", "the file ends inside a record's header");
    consume(there);
    return cut;
  }
  const auto length = payload_length(std::span(buffer_).subspan(begin_, kRecordHeaderBytes));
  if (!length) return find_next_header("damaged length", "its checksum is wrong");
  if (*length > kLongestPayload) return find_next_header("record too long", std::to_string(*length) + " bytes");
  const auto frame = static_cast<std::size_t>(*length) + kRecordFrameBytes;
  const auto left = source_->bytes_left();
  if ((left && *left + (end_ - begin_) < frame) || fill(frame) < frame) {
    return find_next_header("truncated", "the file ends inside a record of " + std::to_string(*length) + " bytes");
  }
  const auto payload = std::span<const std::byte>(buffer_).subspan(begin_ + kRecordHeaderBytes, *length);
  const auto trailer =
      std::span<const std::byte>(buffer_).subspan(begin_ + frame - kRecordTrailerBytes, kRecordTrailerBytes);
  if (!payload_is_sound(payload, trailer)) {
    auto bad = fault("damaged data", "the checksum of " + std::to_string(*length) + " bytes is wrong");
    consume(frame);
    return bad;
  }
  record = {offset_, payload};
  used_ = frame;
  return true;
}

}  // namespace genrewise
