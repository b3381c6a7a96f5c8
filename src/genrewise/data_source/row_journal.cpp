#include "genrewise/data_source/row_journal.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <bit>

#include "genrewise/base/error.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {

static_assert(std::endian::native == std::endian::little, "floats are written without conversion");

// Opens and locks the file.
RowJournal::RowJournal(std::filesystem::path path, std::size_t width) : path_(std::move(path)), width_(width) {
  if (!open_locked(descriptor_, path_, O_RDWR | O_CREAT, "cannot create"))
    throw Error("another run is writing the same output", path_.string(), "wait for it or choose another output");
}

RowJournal::RowJournal(std::filesystem::path path, std::string_view content, std::size_t width)
    : RowJournal(std::move(path), width) {
  const std::string header = fmt::format("{} {}", content, width);
  file_.emplace(path_, load(header));
  if (file_->size() > 0) return;
  make_frame(header, frame_);
  file_->write(frame_);
}

RowJournal::~RowJournal() {
  const bool is_read = file_.has_value();  // else it may have rows, of which an error keeps this run
  if (is_read && descriptor_.get() >= 0 && row_of_.empty()) ::unlink(path_.c_str());
}

// Finds the rows before the first damaged one. Returns the number of bytes before that.
std::uint64_t RowJournal::load(std::string_view header) {
  RecordReader reader(path_);
  Record record;
  std::uint64_t sound = 0;
  for (;;) {
    const auto more = reader.next(record);
    const std::string_view payload = as_text(record.payload);
    if (!more || !*more) return sound;
    if (sound == 0 ? payload != header : payload.size() != kKeyLength + width_ * sizeof(float)) return sound;
    if (sound > 0)
      row_of_[std::string(payload.substr(0, kKeyLength))] = record.offset + kRecordHeaderBytes + kKeyLength;
    sound = record.offset + payload.size() + kRecordFrameBytes;
  }
}

void RowJournal::append(const std::string& key, std::span<const float> values) {
  const std::lock_guard lock(mutex_);
  const auto header = record_header(key.size() + values.size_bytes());
  frame_.assign(header.begin(), header.end());
  frame_.append(key).append(reinterpret_cast<const char*>(values.data()), values.size_bytes());
  const auto trailer = record_trailer(std::string_view(frame_).substr(kRecordHeaderBytes));
  frame_.append(trailer.begin(), trailer.end());
  const std::uint64_t offset = file_->size();
  file_->write(frame_);
  row_of_[key] = offset + kRecordHeaderBytes + kKeyLength;
}

void RowJournal::read(const std::string& key, std::span<float> values) const {
  const ssize_t got =
      ::pread(descriptor_.get(), values.data(), values.size_bytes(), static_cast<off_t>(row_of_.at(key)));
  if (got < 0) throw_system_error("cannot read", path_.string());
  if (static_cast<std::size_t>(got) < values.size_bytes())
    throw Error("was truncated while in use", path_.string(), "start the same command again");
}

void RowJournal::remove() {
  ::unlink(path_.c_str());
  descriptor_.reset();
}

}  // namespace genrewise
