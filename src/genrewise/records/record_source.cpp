#include "genrewise/records/record_source.hpp"

#include <algorithm>
#include <regex>

#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

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
  if (is_record_name(location.filename().string())) {
    if (auto file = find_file(location)) return {std::move(*file)};
  }
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

}  // namespace genrewise
