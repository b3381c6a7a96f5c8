// The bytes of record files, front to back, decompressed.
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

/// Reads a file once. Compressed files (gzip, zlib), recognised by their first bytes, come decompressed.
class RecordSource {
 public:
  /// Throws Error when the file cannot be opened.
  explicit RecordSource(const std::filesystem::path& location) : RecordSource(open_file(location)) {}
  explicit RecordSource(std::unique_ptr<FileReader> file);

  /// Fills the front of `into` and returns how many bytes there were; fewer than asked only at the end. Throws Error
  /// where the file cannot be read.
  std::size_t read(std::span<std::byte> into);
  bool compressed() const { return inflater_.has_value(); }
  /// True when the end came before the end of the content: a compressed stream that is damaged or cut.
  bool ended_badly() const { return ended_badly_; }
  /// How many bytes are left, where that is known without reading them.
  std::optional<std::uint64_t> bytes_left() const;
  /// Its location, for faults.
  const std::string& name() const { return file_->info().location; }

 private:
  std::size_t read_stored(std::span<std::byte> into);
  std::size_t read_inflated(std::span<std::byte> into);
  std::span<const std::byte> start() const { return std::span(start_).first(start_bytes_); }

  std::unique_ptr<FileReader> file_;
  SequentialReader stored_;
  std::array<std::byte, kRecordHeaderBytes> start_{};  // read first, to recognise compression
  std::size_t start_bytes_ = 0, start_taken_ = 0;

  std::optional<Inflater> inflater_;
  std::vector<std::byte> buffer_;
  std::span<const std::byte> waiting_;
  bool last_ = false, ended_ = false, ended_badly_ = false;
};

}  // namespace genrewise
