#include "genrewise/audio/ffmpeg_reader.hpp"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/channel_layout.h>
#include <libavutil/log.h>
}

#include <algorithm>
#include <cmath>
#include <new>
#include <string_view>
#include <utility>

#include "genrewise/audio/container_end.hpp"
#include "genrewise/audio/downmix.hpp"

namespace genrewise::audio {
namespace {

constexpr int kIoBufferBytes = 1 << 16;
// Decoding starts this long before a seek's target, so codecs with state (Opus needs 80 ms, AAC two frames, WMA its bit
// reservoir) have converged.
constexpr double kPrerollSeconds = 1.0;
// Up to this target, decoding from the start costs no more and is exact for every format.
constexpr double kNearSeconds = 5.0;
// FFmpeg scores each format from 0 to 100; noise gets the lowest scores.
constexpr int kMinProbeScore = 5;

// FFmpeg searches a WAV's samples for DTS and similar streams; its default of 2,500 packets costs more than decoding.
constexpr int kMaxProbePackets = 2;

// Broken files may have any time stamps; in this range sums of positions cannot overflow.
std::int64_t round_to_range(double value) {
  constexpr double kLimit = 1e15;
  return std::llround(std::clamp(std::isnan(value) ? 0.0 : value, -kLimit, kLimit));
}

std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  av_strerror(code, text, sizeof text);
  return text;
}

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

struct SourceCursor {
  ByteSource* source = nullptr;
  std::int64_t at = 0;
};

int read_packet(void* opaque, std::uint8_t* out, int count) {
  auto& cursor = *static_cast<SourceCursor*>(opaque);
  const std::size_t got =
      cursor.source->read_at(cursor.at, std::span(reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(count)));
  cursor.at += static_cast<std::int64_t>(got);
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t seek_source(void* opaque, std::int64_t offset, int whence) {
  auto& cursor = *static_cast<SourceCursor*>(opaque);
  const int kind = whence & ~AVSEEK_FORCE;
  if (kind == AVSEEK_SIZE) return cursor.source->size();
  const std::int64_t base = kind == SEEK_SET ? 0 : (kind == SEEK_CUR ? cursor.at : cursor.source->size());
  if (base + offset < 0) return AVERROR(EINVAL);
  return cursor.at = base + offset;
}

// Playlists and similar formats refer to other files, which must not be opened.
int deny_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

template <class T>
void append_mean(const AVFrame& frame, bool planar, float offset, float scale, std::span<float> out, int skip) {
  const int channels = frame.ch_layout.nb_channels;
  if (!planar) {
    mean_of_interleaved(reinterpret_cast<const T*>(frame.extended_data[0]) + std::ptrdiff_t{skip} * channels, channels,
                        offset, scale, out);
    return;
  }
  std::vector<const T*> planes(static_cast<std::size_t>(channels));
  for (std::size_t c = 0; c < planes.size(); ++c) planes[c] = reinterpret_cast<const T*>(frame.extended_data[c]) + skip;
  mean_of_planes(planes.data(), channels, offset, scale, out);
}

// Appends the frame from sample `skip` on as one channel in [-1, 1]; false for an unknown sample format.
bool append_frame(const AVFrame& frame, int skip, std::vector<float>& mono) {
  const std::size_t before = mono.size();
  mono.resize(before + static_cast<std::size_t>(frame.nb_samples - skip));
  const std::span out = std::span(mono).subspan(before);
  const auto kind = static_cast<AVSampleFormat>(frame.format);
  const bool planar = av_sample_fmt_is_planar(kind) != 0;
  switch (av_get_packed_sample_fmt(kind)) {
    case AV_SAMPLE_FMT_U8:
      append_mean<std::uint8_t>(frame, planar, 128.0f, 0x1p-7f, out, skip);
      return true;
    case AV_SAMPLE_FMT_S16:
      append_mean<std::int16_t>(frame, planar, 0.0f, 0x1p-15f, out, skip);
      return true;
    case AV_SAMPLE_FMT_S32:
      append_mean<std::int32_t>(frame, planar, 0.0f, 0x1p-31f, out, skip);
      return true;
    case AV_SAMPLE_FMT_S64:
      append_mean<std::int64_t>(frame, planar, 0.0f, 0x1p-63f, out, skip);
      return true;
    case AV_SAMPLE_FMT_FLT:
      append_mean<float>(frame, planar, 0.0f, 1.0f, out, skip);
      return true;
    case AV_SAMPLE_FMT_DBL:
      append_mean<double>(frame, planar, 0.0f, 1.0f, out, skip);
      return true;
    default:
      return false;
  }
}

class FfmpegReader : public TrackReader {
 public:
  explicit FfmpegReader(ByteSource& source) : cursor_{&source, 0} {
    static const bool quiet = (av_log_set_level(AV_LOG_QUIET), true);
    static_cast<void>(quiet);
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
    if (buffer != nullptr) {
      io_.reset(avio_alloc_context(buffer, kIoBufferBytes, 0, &cursor_, read_packet, nullptr, seek_source));
    }
    if (!frame_ || !packet_ || !io_) throw std::bad_alloc();
  }

  Expected<void> open(const std::string& name);
  int sample_rate_hz() const override { return rate_hz_; }
  std::string format() const override;
  AudioInfo info() override;
  std::optional<std::int64_t> stated_length() const override;
  std::optional<std::int64_t> length() override;
  std::optional<std::int64_t> expected_length() override;
  bool seek(std::int64_t sample) override;
  ReadResult read(std::vector<float>& mono) override;
  std::string damage() const override { return error_; }

 private:
  Expected<void> open_decoder(const AVCodec& decoder, const std::string& name);
  bool is_cut(int code);
  ReadResult next_frame();
  int feed_decoder();
  bool go_to(std::int64_t timestamp);
  void go_to_start();
  void count_packets();
  void trim_frame_to(std::int64_t end);
  bool length_is_guessed() const { return format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE; }
  bool is_format(std::string_view name) const { return std::string_view(format_->iformat->name).starts_with(name); }
  double to_samples(std::int64_t timestamp) const {
    return static_cast<double>(timestamp) * av_q2d(stream_->time_base) * rate_hz_;
  }

  SourceCursor cursor_;
  std::unique_ptr<AVIOContext, IoDeleter> io_;  // outlives format_, which reads through it
  std::unique_ptr<AVFormatContext, FormatDeleter> format_;
  std::unique_ptr<AVCodecContext, CodecDeleter> codec_;
  std::unique_ptr<AVFrame, FrameDeleter> frame_;
  std::unique_ptr<AVPacket, PacketDeleter> packet_;
  AVStream* stream_ = nullptr;
  int rate_hz_ = 0, channels_ = 0;
  std::optional<std::int64_t> counted_length_;
  std::int64_t first_pts_ = AV_NOPTS_VALUE;
  std::int64_t position_ = 0;             // of the next frame's first sample
  std::int64_t target_ = 0;               // samples before it are dropped
  bool position_from_timestamp_ = false;  // after a seek, until the first frame
  bool has_frame_ = false;                // the first frame, decoded when the track was opened
  bool input_ended_ = false, has_sent_packet_ = false;
  std::string error_;
};

// Whether FFmpeg failed because bytes are missing.
bool FfmpegReader::is_cut(int code) {
  ByteSource& source = *cursor_.source;
  return code == AVERROR_EOF || code == AVERROR(EIO) || stated_size(source).value_or(0) > source.size() ||
         granule_of_cut_page(source).has_value();
}

Expected<void> FfmpegReader::open(const std::string& name) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, name, std::move(detail)});
  };
  const AVInputFormat* kind = nullptr;
  const int score = av_probe_input_buffer2(io_.get(), &kind, "", nullptr, 0, 0);
  if (score < kMinProbeScore) return fault("not audio", "the content matches no known audio format");
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) throw std::bad_alloc();
  format->pb = io_.get();
  format->io_open = deny_open;
  format->protocol_whitelist = av_strdup("none");
  format->max_probe_packets = kMaxProbePackets;
  int code = avformat_open_input(&format, "", kind, nullptr);  // frees format when it fails
  if (code >= 0) {
    format_.reset(format);
    code = avformat_find_stream_info(format, nullptr);
  }
  if (code < 0) {
    return fault(is_cut(code) ? "truncated" : "damaged",
                 std::string("its header is incomplete (format: ") + kind->long_name + ")");
  }
  const AVCodec* decoder = nullptr;
  const int index = av_find_best_stream(format, AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (index == AVERROR_DECODER_NOT_FOUND) return fault("no audio in it", "no decoder for its codec is installed");
  if (index < 0) return fault("no audio in it", std::string("it is ") + kind->long_name);
  for (unsigned i = 0; i < format->nb_streams; ++i) {
    format->streams[i]->discard = static_cast<int>(i) == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  stream_ = format->streams[index];
  return open_decoder(*decoder, name);
}

Expected<void> FfmpegReader::open_decoder(const AVCodec& decoder, const std::string& name) {
  const auto fault = [&](const char* reason, std::string detail) {
    return tl::unexpected(Fault{reason, name, std::string(decoder.name) + ": " + std::move(detail)});
  };
  codec_.reset(avcodec_alloc_context3(&decoder));
  if (!codec_) throw std::bad_alloc();
  codec_->thread_count = 1;
  int code = avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
  codec_->pkt_timebase = stream_->time_base;
  if (code >= 0) code = avcodec_open2(codec_.get(), &decoder, nullptr);
  if (code < 0) return fault("damaged", error_text(code));
  const ReadResult first = next_frame();
  if (first == ReadResult::damaged) return fault("damaged", error_);
  if (first == ReadResult::end && (has_sent_packet_ || stream_->duration > 0 || is_cut(0))) {
    return fault("truncated", "the file ends before the first samples");
  }
  if (first == ReadResult::end) return fault("no audio in it", "the stream has no samples");
  has_frame_ = true;
  rate_hz_ = frame_->sample_rate;
  channels_ = frame_->ch_layout.nb_channels;
  first_pts_ = frame_->pts;
  if (rate_hz_ <= 0 || channels_ <= 0) return fault("damaged", "its sample rate or number of channels is 0");
  return {};
}

// Sends one packet of our stream (or the end) to the decoder; returns 0 or FFmpeg's error code.
int FfmpegReader::feed_decoder() {
  for (;;) {
    const int code = av_read_frame(format_.get(), packet_.get());
    if (code < 0) {
      if (std::exchange(input_ended_, true)) return AVERROR_EOF;
      avcodec_send_packet(codec_.get(), nullptr);
      return code == AVERROR_EOF ? 0 : code;
    }
    const bool ours = packet_->stream_index == stream_->index;
    has_sent_packet_ = has_sent_packet_ || ours;
    const int sent = ours ? avcodec_send_packet(codec_.get(), packet_.get()) : 0;
    av_packet_unref(packet_.get());
    if (ours) return sent;
  }
}

// Decodes the next frame into frame_. An error in the last packet counts as the end (a truncated file), an earlier one
// as damage.
ReadResult FfmpegReader::next_frame() {
  for (;;) {
    int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code == 0 && frame_->nb_samples > 0) return ReadResult::samples;
    if (code == AVERROR_EOF) return ReadResult::end;
    if (code == AVERROR(EAGAIN)) code = feed_decoder();
    if (code >= 0) continue;
    if (input_ended_) return ReadResult::end;
    const std::string text = error_text(code);
    if (feed_decoder(); input_ended_) return ReadResult::end;
    if (position_from_timestamp_) continue;  // before the target the decoder may lack earlier data
    error_ = text;
    return ReadResult::damaged;
  }
}

ReadResult FfmpegReader::read(std::vector<float>& mono) {
  for (;;) {
    if (!std::exchange(has_frame_, false)) {
      if (const ReadResult result = next_frame(); result != ReadResult::samples) return result;
    }
    if (frame_->sample_rate != rate_hz_) return ReadResult::rate_change;
    if (std::exchange(position_from_timestamp_, false)) {
      const std::int64_t pts = frame_->best_effort_timestamp;
      position_ = round_to_range(to_samples(pts) - to_samples(first_pts_));
      if (pts == AV_NOPTS_VALUE || position_ > target_) {  // the seek went too far: decode from the start
        go_to_start();
        if (!error_.empty()) return ReadResult::damaged;
        continue;
      }
    }
    const std::int64_t skip = std::max<std::int64_t>(0, target_ - position_);
    if (is_format("mov")) trim_frame_to(stated_length().value_or(position_ + frame_->nb_samples));
    position_ += frame_->nb_samples;
    if (skip >= frame_->nb_samples) continue;
    if (!append_frame(*frame_, static_cast<int>(skip), mono)) {
      error_ = "unknown sample format";
      return ReadResult::damaged;
    }
    return ReadResult::samples;
  }
}

// The edit list of an MP4 file states where the encoder's padding begins; FFmpeg applies only its start.
void FfmpegReader::trim_frame_to(std::int64_t end) {
  frame_->nb_samples = static_cast<int>(std::clamp<std::int64_t>(end - position_, 0, frame_->nb_samples));
}

bool FfmpegReader::go_to(std::int64_t timestamp) {
  const int code = av_seek_frame(format_.get(), stream_->index, timestamp, AVSEEK_FLAG_BACKWARD);
  avcodec_flush_buffers(codec_.get());
  input_ended_ = false;
  has_frame_ = false;
  return code >= 0;
}

void FfmpegReader::go_to_start() {
  const std::int64_t start = first_pts_ == AV_NOPTS_VALUE ? 0 : std::min<std::int64_t>(first_pts_, 0);
  if (!go_to(start)) error_ = "FFmpeg cannot seek back to its start";
  position_ = 0;
}

bool FfmpegReader::seek(std::int64_t sample) {
  target_ = sample;
  const double start_s = static_cast<double>(sample) / rate_hz_;
  // Raw streams have no time stamps; if FFmpeg's time base cannot express single samples (AC-3), its sums drift.
  const bool drifts = length_is_guessed() && stream_->time_base.den % rate_hz_ != 0;
  if (start_s < kNearSeconds || first_pts_ == AV_NOPTS_VALUE || drifts) return true;
  position_from_timestamp_ = true;
  go_to(round_to_range(static_cast<double>(first_pts_) + (start_s - kPrerollSeconds) / av_q2d(stream_->time_base)));
  return true;
}

std::optional<std::int64_t> FfmpegReader::stated_length() const {
  // Opus counts the samples that its decoder drops at the start (RFC 7845, 4.2).
  const std::int64_t dropped = codec_->codec_id == AV_CODEC_ID_OPUS ? stream_->codecpar->initial_padding : 0;
  if (stream_->duration != AV_NOPTS_VALUE) return round_to_range(to_samples(stream_->duration)) - dropped;
  if (format_->duration == AV_NOPTS_VALUE) return std::nullopt;
  return round_to_range(static_cast<double>(format_->duration) / AV_TIME_BASE * rate_hz_);
}

std::optional<std::int64_t> FfmpegReader::length() {
  if (length_is_guessed() && !counted_length_) count_packets();
  return counted_length_ ? counted_length_ : stated_length();
}

// If the duration is only estimated from the bit rate (raw AAC), sums the packets' durations instead.
void FfmpegReader::count_packets() {
  go_to_start();
  std::int64_t total = 0;
  while (av_read_frame(format_.get(), packet_.get()) >= 0) {
    if (packet_->stream_index == stream_->index) total += packet_->duration;
    av_packet_unref(packet_.get());
  }
  if (total > 0) counted_length_ = round_to_range(to_samples(total));
  go_to_start();
}

std::optional<std::int64_t> FfmpegReader::expected_length() {
  const auto length_now = stated_length();
  if (!length_now) return std::nullopt;
  ByteSource& source = *cursor_.source;
  if (is_format("ogg")) {
    const std::int64_t granule = granule_of_cut_page(source).value_or(0);
    return std::max(*length_now, granule - stream_->codecpar->initial_padding);
  }
  const auto size = static_cast<double>(source.size());
  const auto stated = static_cast<double>(stated_size(source).value_or(0));
  if (stated > size) return round_to_range(static_cast<double>(*length_now) * stated / size);
  return length_is_guessed() ? std::nullopt : length_now;
}

std::string FfmpegReader::format() const {
  const std::string_view names = format_->iformat->name;
  const std::string_view first = names.substr(0, names.find(','));
  return std::string(first == "mov" ? "mp4" : first);
}

AudioInfo FfmpegReader::info() {
  AudioInfo info;
  info.format = format();
  info.codec = avcodec_get_name(codec_->codec_id);
  info.sample_rate_hz = rate_hz_;
  info.channels = channels_;
  info.duration_s = static_cast<double>(length().value_or(0)) / rate_hz_;
  const bool nominal = is_format("ogg");  // its headers state the nominal bit rate
  if (stream_->codecpar->bit_rate > 0 && !nominal) {
    info.bit_rate_kbps = static_cast<double>(stream_->codecpar->bit_rate) * 1e-3;
  } else if (info.duration_s > 0) {
    info.bit_rate_kbps = static_cast<double>(cursor_.source->size()) * 8e-3 / info.duration_s;
  }
  return info;
}

}  // namespace

Expected<std::unique_ptr<TrackReader>> open_ffmpeg(ByteSource& source, const std::string& name) {
  auto reader = std::make_unique<FfmpegReader>(source);
  if (auto opened = reader->open(name); !opened) return tl::unexpected(std::move(opened.error()));
  return reader;
}

}  // namespace genrewise::audio
