#include "genrewise/records/record_writer.hpp"

#include "genrewise/records/framing.hpp"

namespace genrewise {

RecordWriter::RecordWriter(const std::filesystem::path& location, Compression compression)
    : file_(create_file(location)) {
  if (compression != Compression::none) deflater_ = std::make_unique<Deflater>(compression);
}

void RecordWriter::put(std::string_view bytes) {
  file_->write(bytes);
  stored_bytes_ += bytes.size();
}

void RecordWriter::write(std::string_view payload) {
  const auto header = record_header(payload.size());
  const auto trailer = record_trailer(payload);
  for (const std::string_view bytes :
       {std::string_view(header.data(), header.size()), payload, std::string_view(trailer.data(), trailer.size())}) {
    if (!deflater_) {
      put(bytes);
      continue;
    }
    deflater_->write(bytes, compressed_);
    put(compressed_);
    compressed_.clear();
  }
}

std::uint64_t RecordWriter::restart_point() {
  if (deflater_) {
    deflater_->restart_point(compressed_);
    put(compressed_);
    compressed_.clear();
  }
  return stored_bytes_;
}

void RecordWriter::commit() {
  if (deflater_) {
    deflater_->finish(compressed_);
    put(compressed_);
    compressed_.clear();
  }
  file_->commit();
}

}  // namespace genrewise
