/// @file
/// Module records: TFRecord files that TensorFlow reads, tf.train.Example, TensorBoard event files and tensor archives.
/// @code{.cpp}
/// genrewise::RecordWriter writer("numbers.tfrec", genrewise::Compression::gzip);
/// writer.write("payload");
/// writer.commit();
/// @endcode
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>

#include "genrewise/records/compression.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {

/// Writes one file of records, which appears under its name when commit() succeeds. Throws Error like FileWriter.
class RecordWriter {
 public:
  explicit RecordWriter(const std::filesystem::path& location, Compression compression = Compression::none);

  void write(std::string_view payload);
  /// Returns the size of the stored file so far, in bytes. In a compressed file it first flushes all records, so
  /// reading can start here with Inflater::raw().
  std::uint64_t restart_point();
  void commit();

 private:
  void put();

  std::unique_ptr<FileWriter> file_;
  std::unique_ptr<Deflater> deflater_;
  std::string frame_, compressed_;
  std::uint64_t stored_bytes_ = 0;
};

}  // namespace genrewise
