// FFmpeg's objects, and its input from a part of a source. Internal to audio.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "genrewise/audio/byte_source.hpp"
#include "genrewise/audio/ffmpeg_library.hpp"

namespace genrewise::audio {

struct IoDeleter {
  void operator()(AVIOContext* io) const {
    av_freep(&io->buffer);
    avio_context_free(&io);
  }
};
struct FormatDeleter {
  void operator()(AVFormatContext* format) const { avformat_close_input(&format); }
};
struct CodecDeleter {
  void operator()(AVCodecContext* codec) const { avcodec_free_context(&codec); }
};
struct FrameDeleter {
  void operator()(AVFrame* frame) const { av_frame_free(&frame); }
};
struct PacketDeleter {
  void operator()(AVPacket* packet) const { av_packet_free(&packet); }
};

/// A part of a source as FFmpeg's input.
class FfmpegInput {
 public:
  explicit FfmpegInput(const ByteView& view);
  FfmpegInput(const FfmpegInput&) = delete;
  FfmpegInput& operator=(const FfmpegInput&) = delete;

  const ByteView& view() const { return view_; }
  /// Opens the format of the content and reads its headers. Faults: "not audio", "truncated", "damaged", "implausible
  /// sample rate", "implausible number of channels". The input must outlive the result.
  Expected<std::unique_ptr<AVFormatContext, FormatDeleter>> open_format(const std::string& name);
  /// Whether FFmpeg failed with `code` because bytes are missing.
  bool is_cut(int code) const;

 private:
  static int read_packet(void* opaque, std::uint8_t* out, int count);
  static std::int64_t seek(void* opaque, std::int64_t offset, int whence);

  ByteView view_;
  std::int64_t at_ = 0;
  std::unique_ptr<AVIOContext, IoDeleter> io_;
};

/// As implausible().
std::optional<Fault> implausible_stream(AVCodecID codec, int sample_rate_hz, int channels, const std::string& name);

}  // namespace genrewise::audio
