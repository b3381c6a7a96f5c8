// Journal of the finished rows of a feature table while the others are being computed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "genrewise/base/child_process.hpp"

namespace genrewise {

/// Append-only file of rows of one width, each with a key and a checksum. It survives a kill at any moment: an
/// incomplete row at the end is cut off when the file is opened again. Exclusive to one process at a time.
///
/// Layout: `GWROWS1\n`, 64 characters of content key, the width in decimal padded with blanks to 16 characters; then
/// per row 32 characters of key, the floats (little-endian), 16 characters of checksum (the start of the SHA-256 of the
/// preceding bytes of the row).
class RowJournal {
 public:
  static constexpr std::size_t kKeyLength = 32;

  /// Opens or creates the file. `content` (64 characters) identifies the meaning of the rows; rows of other content or
  /// width are discarded. Throws Error if another process uses the file or if it cannot be written.
  RowJournal(std::filesystem::path path, std::string_view content, std::size_t width);
  ~RowJournal();
  RowJournal(const RowJournal&) = delete;
  RowJournal& operator=(const RowJournal&) = delete;

  bool has(const std::string& key) const { return row_of_.contains(key); }
  std::size_t rows() const { return row_of_.size(); }
  /// Thread-safe. Throws Error (a full disk) and leaves no incomplete row behind.
  void append(const std::string& key, std::span<const float> values);
  /// Reads a row; has(key) must be true.
  void read(const std::string& key, std::span<float> values) const;
  /// Deletes the file while this process still holds it.
  void remove();

 private:
  void open_locked();
  void load(std::string_view content);
  std::uint64_t row_offset(std::size_t row) const;
  void read_at(std::uint64_t offset, std::span<char> bytes) const;

  std::filesystem::path path_;
  std::size_t width_, row_bytes_;
  Descriptor descriptor_;
  std::mutex mutex_;
  std::string buffer_;                                   // reused by append()
  std::unordered_map<std::string, std::size_t> row_of_;  // by key
  std::size_t next_row_ = 0;
};

}  // namespace genrewise
