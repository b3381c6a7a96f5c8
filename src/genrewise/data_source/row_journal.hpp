// The rows of a feature table that are ready, kept in a file while the others are being computed.
#pragma once

#include <cstdint>
#include <filesystem>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

namespace genrewise {

/// An append-only file of rows of one width, each with a key and a checksum, which survives the death of the process at
/// any moment: what follows the last whole row is cut off when it is opened again. Only one process at a time has it.
///
/// Layout: "GWROWS1\n", 64 characters of the content key, the width in decimal filled up with blanks to 16 characters;
/// then per row 32 characters of key, the floats (little-endian), 16 characters of checksum (the start of the SHA-256
/// of what stands before it in the row).
class RowJournal {
 public:
  static constexpr std::size_t kKeyLength = 32;

  /// Opens or creates it. `content` (64 characters) says what the rows mean; rows of another content or width are
  /// thrown away. Throws Error when another process has it, or when it cannot be written.
  RowJournal(std::filesystem::path path, std::string_view content, std::size_t width);
  ~RowJournal();
  RowJournal(const RowJournal&) = delete;
  RowJournal& operator=(const RowJournal&) = delete;

  bool has(const std::string& key) const { return row_of_.contains(key); }
  std::size_t rows() const { return row_of_.size(); }
  /// Safe from any thread. Throws Error (a full disk) and leaves no half row behind.
  void append(const std::string& key, std::span<const float> values);
  /// Reads a row that it has.
  void read(const std::string& key, std::span<float> values) const;
  /// Deletes the file, while it is still ours.
  void remove();

 private:
  void open_locked();
  void load(std::string_view content);
  std::uint64_t row_offset(std::size_t row) const;
  void read_at(std::uint64_t offset, std::span<char> bytes) const;

  std::filesystem::path path_;
  std::size_t width_, row_bytes_;
  int descriptor_ = -1;
  std::mutex mutex_;
  std::string buffer_;                                   // of append(), reused
  std::unordered_map<std::string, std::size_t> row_of_;  // by key
  std::size_t next_row_ = 0;
};

}  // namespace genrewise
