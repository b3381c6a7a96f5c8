#include "genrewise/records/record_reader.hpp"

#include <algorithm>
#include <cstring>
#include <regex>
#include <utility>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

// Half of a common L2 cache, so data is still cached when it is checked and parsed.
constexpr std::size_t kReadBytes = 256 << 10;
constexpr std::size_t kBufferBytes = 2 * kReadBytes;
constexpr std::size_t kStoredBytes = 1 << 18;  // read size of compressed files

// A valid record header takes precedence over the magic numbers of gzip and zlib, because lengths may start with the
// same bytes.
bool looks_compressed(std::span<const std::byte> start) {
  if (start.size() < 2) return false;
  if (start.size() >= kRecordHeaderBytes && payload_length(start)) return false;
  const auto first = std::to_integer<unsigned>(start[0]), second = std::to_integer<unsigned>(start[1]);
  const bool gzip = first == 0x1f && second == 0x8b;
  const bool zlib = (first & 0x0f) == 8 && (first >> 4) <= 7 && (first * 256 + second) % 31 == 0;
  return gzip || zlib;
}

}  // namespace

bool is_record_name(const std::string& name) {
  if (name.find(".tfrec") == std::string::npos && name.find("-of-") == std::string::npos) return false;  // most files
  static const std::regex pattern(R"(.*\.tfrecords?(-\d+-of-\d+)?(\.gz)?|.*\.tfrec|.*-\d{5}-of-\d{5}(\.gz)?)");
  return std::regex_match(name, pattern);
}

std::vector<FileInfo> list_record_files(const std::filesystem::path& location) {
  if (is_record_name(location.filename().string()))
    if (auto file = find_file(location)) return {std::move(*file)};
  std::vector<FileInfo> files = list_files(location);
  std::erase_if(files, [](const FileInfo& file) { return !is_record_name(std::string(last_name(file.location))); });
  return files;
}

RecordSource::RecordSource(std::unique_ptr<FileReader> file) : file_(std::move(file)), stored_(*file_) {
  start_bytes_ = stored_.read(start_);
  if (!looks_compressed(start())) return;
  inflater_.emplace(Inflater::whole());
  buffer_.resize(kStoredBytes);
}

std::size_t RecordSource::read(std::span<std::byte> into) {
  return inflater_ ? read_inflated(into) : read_stored(into);
}

std::size_t RecordSource::read_stored(std::span<std::byte> into) {
  const auto buffered = start().subspan(start_taken_);
  const std::size_t count = std::min(into.size(), buffered.size());
  std::ranges::copy(buffered.first(count), into.data());
  start_taken_ += count;
  return count + stored_.read(into.subspan(count));
}

std::size_t RecordSource::read_inflated(std::span<std::byte> into) {
  const std::size_t requested = into.size();
  while (!into.empty() && !ended_) {
    if (waiting_.empty()) {
      waiting_ = std::span<const std::byte>(buffer_).first(read_stored(buffer_));
      last_ = waiting_.size() < buffer_.size();
    }
    const std::size_t before = into.size();
    const auto status = inflater_->read(waiting_, into);
    const bool cut = waiting_.empty() && last_ && into.size() == before && status == Inflater::Status::more;
    ended_badly_ = status == Inflater::Status::damaged || cut;
    ended_ = ended_badly_ || (status == Inflater::Status::end && last_);
  }
  return requested - into.size();
}

std::optional<std::uint64_t> RecordSource::bytes_left() const {
  if (compressed()) return std::nullopt;
  const std::uint64_t read = stored_.position() - (start_bytes_ - start_taken_);
  return file_->size() - std::min(read, file_->size());
}

RecordReader::RecordReader(const std::filesystem::path& location, PayloadSum payload_sum)
    : RecordReader(RecordSource(location), payload_sum) {}

RecordReader::RecordReader(RecordSource source, PayloadSum payload_sum)
    : source_(std::move(source)), payload_sum_(payload_sum), buffer_(kBufferBytes) {}

// Number of bytes to read into the buffer. Frames of one file have about the same length, so a read ends shortly behind
// a frame, and few bytes must be moved to the front of the buffer afterwards.
std::size_t RecordReader::read_ahead(std::size_t needed) const {
  constexpr std::size_t kSlack = 256;  // for IDs of different lengths, and the next header
  if (usual_ == 0) return std::max(needed, kReadBytes);
  const std::size_t frames = std::max<std::size_t>(1, kReadBytes / usual_);
  return std::max(needed, frames * usual_ + kSlack);
}

// Reads until the buffer has at least `needed` unconsumed bytes and returns their number, smaller only at the end. The
// buffer grows only while bytes arrive, so a wrong stated length costs nothing.
std::size_t RecordReader::fill(std::size_t needed) {
  if (end_ - begin_ >= needed || source_ended_) return end_ - begin_;
  const std::size_t front = PageBuffer::offset_in_page(offset_);
  std::memmove(buffer_.data() + front, buffer_.data() + begin_, end_ - begin_);
  end_ = front + (end_ - begin_);
  begin_ = front;
  const std::size_t ahead = read_ahead(needed);
  while (end_ - begin_ < needed) {
    if (end_ == buffer_.size()) buffer_.grow();
    const std::size_t got = source_.read(buffer_.all().first(std::min(buffer_.size(), begin_ + ahead)).subspan(end_));
    source_ended_ = got == 0;
    if (source_ended_) break;
    end_ += got;
  }
  return end_ - begin_;
}

// Whether the rest of the file may have that many bytes; of a compressed one that is known only at its end.
bool RecordReader::may_hold(std::uint64_t frame) const {
  const auto left = source_ended_ ? std::optional<std::uint64_t>(0) : source_.bytes_left();
  return !left || *left + (end_ - begin_) >= frame;
}

std::span<const std::byte> RecordReader::unread(std::size_t from, std::size_t bytes) const {
  return buffer_.all().subspan(begin_ + from, bytes);
}

void RecordReader::consume(std::size_t bytes) {
  begin_ += bytes;
  offset_ += bytes;
}

tl::unexpected<Fault> RecordReader::fault(std::string reason, std::string detail) const {
  throw_if_interrupted();
  return tl::unexpected(Fault{std::move(reason), source_.name() + " @ " + std::to_string(offset_), std::move(detail)});
}

tl::unexpected<Fault> RecordReader::find_next_header(std::string reason, std::string detail) {
  auto found = fault(std::move(reason), std::move(detail));
  const std::uint64_t from = offset_;
  bool sound = false;
  do {
    throw_if_interrupted();
    consume(1);
    if (fill(kRecordHeaderBytes) < kRecordHeaderBytes) break;
    const auto length = payload_length(unread(0, kRecordHeaderBytes));
    sound = length && *length <= kLongestPayload && may_hold(*length + kRecordFrameBytes);
  } while (!sound);
  if (!sound) consume(end_ - begin_);
  found.value().detail += sound ? "; continues at " + std::to_string(offset_)
                                : "; no valid record behind it, " + std::to_string(offset_ - from) + " bytes lost";
  return found;
}

Expected<bool> RecordReader::next(Record& record) {
  consume(std::exchange(used_, 0));
  const std::size_t there = fill(kRecordHeaderBytes);
  if (there == 0) {
    if (!source_.ended_badly() || std::exchange(end_reported_, true)) return false;
    return fault("damaged compression",
                 "the compressed stream is truncated or damaged; nothing behind this position can be read");
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
  if (!may_hold(frame) || fill(frame) < frame)
    return find_next_header("truncated", "the file ends inside a record of " + std::to_string(*length) + " bytes");
  const auto payload = unread(kRecordHeaderBytes, *length);
  const auto trailer = unread(frame - kRecordTrailerBytes, kRecordTrailerBytes);
  if (payload_sum_ == PayloadSum::checked && !is_sum_of(crc32c(payload), trailer)) {
    auto bad = fault("damaged data", "the checksum of " + std::to_string(*length) + " bytes is wrong");
    consume(frame);
    return bad;
  }
  record = {offset_, payload, trailer};
  used_ = usual_ = frame;
  return true;
}

}  // namespace genrewise
