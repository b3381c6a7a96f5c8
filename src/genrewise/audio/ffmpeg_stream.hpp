// The audio stream of a file in FFmpeg: its packets, its times and what is known of them. Internal to audio.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/audio/ffmpeg_input.hpp"

namespace genrewise::audio {

/// Broken files may have any times; in the range of the result sums of positions cannot overflow.
std::int64_t round_to_range(double value);

/// Of the packets read since open().
struct PacketCounts {
  std::int64_t packets = 0, bytes = 0;
  std::int64_t skipped_bytes = 0;                   ///< that are in no packet, in formats that are nothing but frames
  std::int64_t duration = 0, end = AV_NOPTS_VALUE;  ///< sum of durations, end of the last in time; in the time base
  std::int64_t last_byte = -1, last_bytes = 0, last_duration = 0;  ///< of the last packet: offset, size, duration
};

/// Appends the frame from sample `skip` on as one channel in [-1, 1]; false for an unknown sample format.
bool append_frame(const AVFrame& frame, int skip, std::vector<float>& mono);

class FfmpegStream {
 public:
  /// The view's source must outlive it.
  FfmpegStream(const ByteView& view, std::string name);

  /// Opens the best audio stream; returns its decoder. Faults: those of FfmpegInput::open_format(), "no audio in it".
  Expected<const AVCodec*> open();
  /// Reads the next packet; returns 0 or FFmpeg's error code. Throws Interrupted.
  int read_packet();
  /// Continues at the last place to enter before this time; false if FFmpeg cannot.
  bool go_to(std::int64_t timestamp);
  /// What FFmpeg decoded first. The sample rate in the header of a FLAC may be another, then its times are wrong.
  void set_first_frame(const AVFrame& frame);

  const AVPacket& packet() const { return *packet_; }
  const PacketCounts& counts() const { return counts_; }
  std::int64_t offset() const { return avio_seek(format_->pb, 0, SEEK_CUR); }  ///< in the view, of what is read next
  const AVStream& stream() const { return *stream_; }
  const FfmpegInput& input() const { return input_; }
  AVCodecID codec() const { return stream_->codecpar->codec_id; }
  std::string_view format_name() const;  ///< the first of FFmpeg's names
  bool is_format(std::initializer_list<std::string_view> names) const;

  /// Whether the packets have time stamps, or fixed numbers of samples and an index, so the position after a seek is
  /// known. In other formats FFmpeg calculates it from the bit rate, which is wrong by seconds.
  bool stores_time_stamps() const;
  /// The bytes of one sample of all channels, in formats whose audio is one block of PCM; else 0.
  int pcm_frame_bytes() const;
  /// Whether the samples after a seek, one second later, are those of a decoder that began at the start, and their
  /// position is known.
  bool can_seek() const;
  /// Whether time stamps are exact to the sample.
  bool has_exact_time_stamps() const;

  /// Times in samples, from the first frame on.
  std::int64_t position_of(std::int64_t timestamp) const;
  std::int64_t timestamp_at(double seconds) const;
  /// The length of the stream, or of the longest in the file; nothing if it is not stated or implausible.
  std::optional<std::int64_t> stated_length() const;
  /// Whether it is that of this stream. Some formats state the length of the longest stream, or none.
  bool states_own_length() const;
  /// Whether the size of the file does not fit to that length: larger than its PCM, which a lossless codec needs only
  /// for pictures (of PCM: twice as large), or smaller than silence.
  bool length_is_doubtful() const;
  /// The length up to the last time stamp, or the sum of the durations if FFmpeg calculates time stamps (raw AAC), when
  /// all packets have been read; nothing if they have no durations.
  std::optional<std::int64_t> counted_length() const;
  bool header_is_wrong() const { return header_is_wrong_; }

 private:
  void count_skipped_bytes();
  double to_samples(std::int64_t timestamp) const {
    return static_cast<double>(timestamp) * av_q2d(stream_->time_base) * rate_hz_;
  }

  std::string name_;
  FfmpegInput input_;  // outlives format_, which reads through it
  std::unique_ptr<AVFormatContext, FormatDeleter> format_;
  std::unique_ptr<AVPacket, PacketDeleter> packet_;
  AVStream* stream_ = nullptr;
  PacketCounts counts_;
  std::int64_t read_by_open_ = 0;
  int rate_hz_ = 0, channels_ = 0;
  std::int64_t first_pts_ = AV_NOPTS_VALUE;
  bool header_is_wrong_ = false;
};

}  // namespace genrewise::audio
