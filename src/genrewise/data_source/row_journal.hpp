// Journal of the finished rows of a feature table while the others are being computed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "genrewise/base/child_process.hpp"
#include "genrewise/storage/local_files.hpp"

namespace genrewise {

/// Append-only file of rows of one width, each with a key. It survives a kill at any moment: an incomplete row at the
/// end is cut off when the file is opened again. Exclusive to one process at a time.
///
/// The rows are TFRecords: 32 characters of key and the floats (little-endian). The first record identifies the
/// content.
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
  /// Thread-safe. Throws Error (a full disk).
  void append(const std::string& key, std::span<const float> values);
  /// Reads a row; has(key) must be true.
  void read(const std::string& key, std::span<float> values) const;
  /// Deletes the file while this process still holds it.
  void remove();

 private:
  RowJournal(std::filesystem::path path, std::size_t width);
  std::uint64_t load(std::string_view header);

  std::filesystem::path path_;
  std::size_t width_;
  Descriptor descriptor_;  // for reading; holds the lock
  std::optional<AppendFile> file_;
  std::mutex mutex_;
  std::string frame_;                                      // reused by append()
  std::unordered_map<std::string, std::uint64_t> row_of_;  // offset of the floats, by key
};

}  // namespace genrewise
