// TFRecord files, written.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "genrewise/records/compression.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Writes one file of records, which appears under its name only when commit() has succeeded. Throws Error as
/// FileWriter does.
class RecordWriter {
 public:
  explicit RecordWriter(const std::filesystem::path& location, Compression compression = Compression::none);
  ~RecordWriter();

  void write(std::string_view payload);
  /// Bytes of the stored file so far. Compressed: all that was written is brought into it, and reading may begin
  /// here with Inflater::raw().
  std::uint64_t restart_point();
  void commit();

 private:
  void put(std::string_view bytes);

  std::unique_ptr<FileWriter> file_;
  std::unique_ptr<Deflater> deflater_;
  std::string compressed_;
  std::uint64_t stored_bytes_ = 0;
};

}  // namespace genrewise
