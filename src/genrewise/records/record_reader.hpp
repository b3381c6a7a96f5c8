// Finds TFRecord files and reads them from start to end.
#pragma once

#include <array>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/records/compression.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/page_buffer.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Whether the file name is that of a record file: *.tfrec, *.tfrecord, *.tfrecords, also with the shards that
/// TensorFlow numbers (NAME.tfrecord-00000-of-00016, NAME-00000-of-00016) and .gz.
bool is_record_name(const std::string& name);
/// The record file at `location`, or those directly in that folder, sorted.
std::vector<FileInfo> list_record_files(const std::filesystem::path& location);

/// Reads a file once from start to end and decompresses it if its first bytes are those of gzip or zlib.
class RecordSource {
 public:
  /// Throws Error if the file cannot be opened.
  explicit RecordSource(const std::filesystem::path& location) : RecordSource(open_file(location)) {}
  explicit RecordSource(std::unique_ptr<FileReader> file);

  /// Reads up to into.size() bytes and returns their number, smaller only at the end. Throws Error if the file cannot
  /// be read.
  std::size_t read(std::span<std::byte> into);
  bool compressed() const { return inflater_.has_value(); }
  /// True if a compressed stream is damaged or truncated.
  bool ended_badly() const { return ended_badly_; }
  /// The number of remaining bytes, if it is known without reading them.
  std::optional<std::uint64_t> bytes_left() const;
  /// The location of the file, for faults.
  const std::string& name() const { return file_->info().location; }

 private:
  std::size_t read_stored(std::span<std::byte> into);
  std::size_t read_inflated(std::span<std::byte> into);
  std::span<const std::byte> start() const { return std::span(start_).first(start_bytes_); }

  std::unique_ptr<FileReader> file_;
  SequentialReader stored_;
  std::array<std::byte, kRecordHeaderBytes> start_{};  // read first, to detect compression
  std::size_t start_bytes_ = 0, start_taken_ = 0;

  std::optional<Inflater> inflater_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> waiting_;
  bool last_ = false, ended_ = false, ended_badly_ = false;
};

struct Record {
  std::uint64_t offset = 0;            ///< of the frame in the (decompressed) file
  std::span<const std::byte> payload;  ///< valid until the next call of the reader
  std::span<const std::byte> trailer;  ///< the payload's stored checksum
};

/// Whether the reader checks payload checksums. A caller that copies numbers from the payload can compute the checksum
/// at the same time (copy_crc32c()), in one pass instead of two.
enum class PayloadSum { checked, left_to_caller };

/// Returns the records of one file in order and checks every checksum. Uses about 0.5 MiB of memory, or two records if
/// they are longer.
class RecordReader {
 public:
  /// Limit of a payload in bytes; a longer stated length is treated as damage.
  static constexpr std::uint64_t kLongestPayload = std::uint64_t{1} << 31;

  /// Throws Error if the file cannot be opened.
  explicit RecordReader(const std::filesystem::path& location, PayloadSum payload_sum = PayloadSum::checked);
  explicit RecordReader(RecordSource source, PayloadSum payload_sum = PayloadSum::checked);

  /// The next record; false at the end of the file. A Fault (reasons "damaged length", "damaged data", "record too
  /// long", "truncated", "damaged compression"; its `where` is "path @ offset") reports one damaged region; the next
  /// call continues behind it. After a damaged or wrong length the reader searches for the next valid header whose
  /// record fits into the rest of the file. Damage may be long: Interrupted on Ctrl-C while it is searched.
  Expected<bool> next(Record& record);

 private:
  std::size_t fill(std::size_t needed);
  void consume(std::size_t bytes);
  tl::unexpected<Fault> fault(std::string reason, std::string detail) const;
  tl::unexpected<Fault> find_next_header(std::string reason, std::string detail);

  bool may_hold(std::uint64_t frame) const;
  std::span<const std::byte> unread(std::size_t from, std::size_t bytes) const;
  std::size_t read_ahead(std::size_t needed) const;

  RecordSource source_;
  PayloadSum payload_sum_;
  PageBuffer buffer_;
  std::size_t begin_ = 0, end_ = 0;  // bytes read and not yet consumed
  std::uint64_t offset_ = 0;         // of begin_
  std::size_t used_ = 0;             // length of the frame returned last
  std::size_t usual_ = 0;            // length of a recent frame
  bool source_ended_ = false;
  bool end_reported_ = false;  // whether damage at the end of a compressed stream was reported
};

}  // namespace genrewise
