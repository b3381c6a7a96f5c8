// Reads TFRecord files from start to end.
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/records/page_buffer.hpp"
#include "genrewise/records/record_source.hpp"

namespace genrewise {

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
  /// call continues behind it. After a damaged length the reader searches for the next valid header.
  Expected<bool> next(Record& record);

 private:
  std::size_t fill(std::size_t needed);
  void consume(std::size_t bytes);
  tl::unexpected<Fault> fault(std::string reason, std::string detail) const;
  tl::unexpected<Fault> find_next_header(std::string reason, std::string detail);

  std::span<const std::byte> unread(std::size_t from, std::size_t bytes) const;
  std::size_t read_ahead(std::size_t needed) const;

  RecordSource source_;
  PayloadSum payload_sum_;
  PageBuffer buffer_;
  std::size_t begin_ = 0, end_ = 0;  // bytes read and not yet consumed
  std::uint64_t offset_ = 0;         // of begin_
  std::size_t used_ = 0;             // length of the frame returned last
  std::size_t usual_ = 0;            // length of a recent frame
  bool end_reported_ = false;        // whether damage at the end of a compressed stream was reported
};

}  // namespace genrewise
