// TFRecord files, read front to back.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "genrewise/base/error.hpp"
#include "genrewise/records/page_buffer.hpp"
#include "genrewise/records/record_source.hpp"

namespace genrewise {

struct Record {
  std::uint64_t offset = 0;            ///< of the frame, in the (decompressed) file
  std::span<const std::byte> payload;  ///< valid until the next call of the reader
  std::span<const std::byte> trailer;  ///< the payload's sum, as it is stored
};

/// Who checks the sum of a record's payload. Whoever copies numbers out of it can sum them on the way (copy_crc32c())
/// and so goes through them once, not twice.
enum class PayloadSum { checked, left_to_caller };

/// Gives the records of one file in order, every sum checked. Holds about half a MiB, or two records when they are
/// longer.
class RecordReader {
 public:
  /// A payload that claims to be longer than this is taken for damage.
  static constexpr std::uint64_t kLongestPayload = std::uint64_t{1} << 31;

  /// Throws Error when the file cannot be opened.
  explicit RecordReader(const std::filesystem::path& location, PayloadSum payload_sum = PayloadSum::checked);
  explicit RecordReader(RecordSource source, PayloadSum payload_sum = PayloadSum::checked);

  /// The next record; false at the end of the file. A Fault (reasons "damaged length", "damaged data", "record too
  /// long", "truncated", "damaged compression"; its `where` is "path @ offset") stands for one place that cannot be
  /// used: call again to go on behind it. After a damaged length the next sound header is searched for.
  Expected<bool> next(Record& record);

 private:
  std::size_t fill(std::size_t wanted);
  void consume(std::size_t bytes);
  tl::unexpected<Fault> fault(std::string reason, std::string detail) const;
  tl::unexpected<Fault> find_next_header(std::string reason, std::string detail);

  std::span<const std::byte> unread(std::size_t from, std::size_t bytes) const;
  std::size_t read_ahead(std::size_t wanted) const;

  RecordSource source_;
  PayloadSum payload_sum_;
  PageBuffer buffer_;
  std::size_t begin_ = 0, end_ = 0;  // what is read and not yet consumed
  std::uint64_t offset_ = 0;         // of begin_
  std::size_t used_ = 0;             // length of the frame handed out last
  std::size_t usual_ = 0;            // length of a frame not long ago
  bool end_reported_ = false;        // that a compressed stream ended badly
};

}  // namespace genrewise
