// TagLib's input from a part of a source, and packets of Ogg. Internal to audio.
#pragma once

#include <oggfile.h>
#include <tiostream.h>

#include <algorithm>
#include <string_view>

#include "genrewise/audio/byte_source.hpp"

namespace genrewise::audio {

/// Cannot be written. The view's source must outlive it.
class SourceStream final : public TagLib::IOStream {
 public:
  explicit SourceStream(const ByteView& view) : view_(view) {}
  TagLib::FileName name() const override { return ""; }
  TagLib::ByteVector readBlock(unsigned long count) override {
    const auto left = static_cast<unsigned long>(std::max<std::int64_t>(0, view_.size() - at_));
    TagLib::ByteVector bytes(static_cast<unsigned>(std::min(count, left)), 0);
    const std::span out(reinterpret_cast<std::byte*>(bytes.data()), bytes.size());
    bytes.resize(static_cast<unsigned>(view_.read_at(at_, out)));
    at_ += bytes.size();
    return bytes;
  }
  void seek(long offset, Position from) override {
    at_ = std::max(0L, offset + (from == Beginning ? 0 : from == Current ? at_ : view_.size()));
  }
  long tell() const override { return at_; }
  long length() override { return view_.size(); }
  bool readOnly() const override { return true; }
  bool isOpen() const override { return true; }
  void writeBlock(const TagLib::ByteVector&) override {}
  void insert(const TagLib::ByteVector&, unsigned long, unsigned long) override {}
  void removeBlock(unsigned long, unsigned long) override {}
  void truncate(long) override {}

 private:
  ByteView view_;
  std::int64_t at_ = 0;
};

/// Any Ogg file: packet(), setPacket() and save().
class OggPackets final : public TagLib::Ogg::File {
 public:
  explicit OggPackets(TagLib::IOStream* stream) : File(stream) {}
  TagLib::Tag* tag() const override { return nullptr; }
  TagLib::AudioProperties* audioProperties() const override { return nullptr; }
};

/// Where the comments begin in the second packet of a Vorbis, Opus, Speex or FLAC stream; npos in others.
inline std::size_t comments_in_packet(std::string_view first, std::string_view second) {
  if (first.starts_with("\x01vorbis")) return second.starts_with("\x03vorbis") ? 7 : second.npos;
  if (first.starts_with("OpusHead")) return second.starts_with("OpusTags") ? 8 : second.npos;
  if (first.starts_with("\x7f"
                        "FLAC"))
    return second.starts_with("\x04") || second.starts_with("\x84") ? 4 : second.npos;
  return first.starts_with("Speex   ") ? 0 : second.npos;
}

}  // namespace genrewise::audio
