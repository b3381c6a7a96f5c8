#include "genrewise/records/record_reader.hpp"

#include <algorithm>
#include <cstring>
#include <utility>

#include "genrewise/records/framing.hpp"

namespace genrewise {
namespace {
// Half of a common L2 cache: what is read is still there when it is summed and parsed.
constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::size_t kBufferBytes = 2 * kReadBytes;
}  // namespace

RecordReader::RecordReader(const std::filesystem::path& location, PayloadSum payload_sum)
    : RecordReader(RecordSource(location), payload_sum) {}

RecordReader::RecordReader(RecordSource source, PayloadSum payload_sum)
    : source_(std::move(source)), payload_sum_(payload_sum), buffer_(kBufferBytes) {}

// How many bytes to have in the buffer. Frames of one file are of about one length, so what is read ends a little
// behind one, and little must be moved to the front of the buffer afterwards.
std::size_t RecordReader::read_ahead(std::size_t wanted) const {
  constexpr std::size_t kSlack = 256;  // for ids of different lengths, and the next header
  if (usual_ == 0) return std::max(wanted, kReadBytes);
  const std::size_t frames = std::max<std::size_t>(1, kReadBytes / usual_);
  return std::max(wanted, frames * usual_ + kSlack);
}

// Brings at least `wanted` unconsumed bytes into the buffer and says how many there are; fewer at the end. The buffer
// grows only as bytes really come, so a length that lies costs nothing.
std::size_t RecordReader::fill(std::size_t wanted) {
  if (end_ - begin_ >= wanted) return end_ - begin_;
  const std::size_t front = PageBuffer::place_for(offset_);
  std::memmove(buffer_.data() + front, buffer_.data() + begin_, end_ - begin_);
  end_ = front + (end_ - begin_);
  begin_ = front;
  const std::size_t ahead = read_ahead(wanted);
  while (end_ - begin_ < wanted) {
    if (end_ == buffer_.size()) buffer_.grow();
    const std::size_t got = source_.read(buffer_.all().first(std::min(buffer_.size(), begin_ + ahead)).subspan(end_));
    if (got == 0) break;
    end_ += got;
  }
  return end_ - begin_;
}

std::span<const std::byte> RecordReader::unread(std::size_t from, std::size_t bytes) const {
  return buffer_.all().subspan(begin_ + from, bytes);
}

void RecordReader::consume(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

tl::unexpected<Fault> RecordReader::fault(std::string reason, std::string detail) const {
  return tl::unexpected(Fault{std::move(reason), source_.name() + " @ " + std::to_string(offset_), std::move(detail)});
}

tl::unexpected<Fault> RecordReader::find_next_header(std::string reason, std::string detail) {
  auto found = fault(std::move(reason), std::move(detail));
  const std::uint64_t from = offset_;
  bool sound = false;
  do {
    consume(1);
    if (fill(kRecordHeaderBytes) < kRecordHeaderBytes) break;
    const auto length = payload_length(unread(0, kRecordHeaderBytes));
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
    if (!source_.ended_badly() || std::exchange(end_reported_, true)) return false;
    return fault("damaged compression", "the compressed stream is cut or damaged; nothing behind this can be read");
  }
  if (there < kRecordHeaderBytes) {
    auto cut = fault("truncated", "the file ends inside a record's header");
    consume(there);
    return cut;
  }
  const auto length = payload_length(unread(0, kRecordHeaderBytes));
  if (!length) return find_next_header("damaged length", "its checksum is wrong");
  if (*length > kLongestPayload) return find_next_header("record too long", std::to_string(*length) + " bytes");
  const auto frame = static_cast<std::size_t>(*length) + kRecordFrameBytes;
  const auto left = source_.bytes_left();
  if ((left && *left + (end_ - begin_) < frame) || fill(frame) < frame) {
    return find_next_header("truncated", "the file ends inside a record of " + std::to_string(*length) + " bytes");
  }
  const auto payload = unread(kRecordHeaderBytes, *length);
  const auto trailer = unread(frame - kRecordTrailerBytes, kRecordTrailerBytes);
  if (payload_sum_ == PayloadSum::checked && !payload_is_sound(payload, trailer)) {
    auto bad = fault("damaged data", "the checksum of " + std::to_string(*length) + " bytes is wrong");
    consume(frame);
    return bad;
  }
  record = {offset_, payload, trailer};
  used_ = usual_ = frame;
  return true;
}

}  // namespace genrewise
