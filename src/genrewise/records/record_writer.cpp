#include "genrewise/records/record_writer.hpp"

#include "genrewise/records/framing.hpp"

namespace genrewise {

RecordWriter::RecordWriter(const std::filesystem::path& location, Compression compression)
    : file_(create_file(location)) {
  if (compression != Compression::none) deflater_ = std::make_unique<Deflater>(compression);
}

// Without compression the bytes are `frame_`.
void RecordWriter::put() {
  std::string& bytes = deflater_ ? compressed_ : frame_;
  file_->write(bytes);
  stored_bytes_ += bytes.size();
  bytes.clear();
}

void RecordWriter::write(std::string_view payload) {
  make_frame(payload, frame_);
  if (deflater_) deflater_->write(frame_, compressed_);
  put();
}

std::uint64_t RecordWriter::restart_point() {
  if (deflater_) deflater_->restart_point(compressed_);
  put();
  return stored_bytes_;
}

void RecordWriter::commit() {
  if (deflater_) deflater_->finish(compressed_);
  put();
  file_->commit();
}

}  // namespace genrewise
