// Sequential, decompressed bytes of record files.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "genrewise/records/compression.hpp"
#include "genrewise/records/framing.hpp"
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

}  // namespace genrewise
