#include "genrewise/audio/ffmpeg_reader.hpp"

extern "C" {
#include <libavutil/channel_layout.h>
}

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <new>
#include <string_view>
#include <utility>

#include "genrewise/audio/container_end.hpp"
#include "genrewise/audio/ffmpeg_input.hpp"
#include "genrewise/audio/ffmpeg_samples.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

// Decoding starts this long before a seek's target, so codecs with state (Opus needs 80 ms, AAC two frames, WMA its bit
// reservoir) have converged.
constexpr double kPrerollSeconds = 1.0, kOggPrerollSeconds = 3.0, kFurtherBackSeconds = 12.0;
// Up to this target, decoding from the start costs no more and is exact for every format.
constexpr double kNearSeconds = 5.0;
// A larger step between time stamps is a part that is missing. Matroska and ASF round them, and WMA's packets begin
// within frames.
constexpr double kMaxStepSeconds = 0.02, kMaxRoundedStepSeconds = 0.25;
// One missing packet or Ogg page of this length is tolerated even in a short clip.
constexpr double kMaxPieceSeconds = 1.1;
// Fewer frames of another sample rate are a false header within damage.
constexpr int kFramesOfOtherRate = 4;
// Of a frame of most codecs, of which some may be lost even in short clips.
constexpr std::int64_t kFrameSamples = 2048;
constexpr int kFrameBytes = 400;
// Of one frame; the largest of real files (Monkey's Audio) has 1.2 million.
constexpr std::int64_t kMaxFrameSamples = std::int64_t{1} << 22;

// Broken files may have any time stamps; in this range sums of positions cannot overflow.
std::int64_t round_to_range(double value) {
  constexpr double kLimit = 1e15;
  return std::llround(std::clamp(std::isnan(value) ? 0.0 : value, -kLimit, kLimit));
}

// Some decoders return codes of their own, or -1.
std::string error_text(int code) {
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  return code != -1 && av_strerror(code, text, sizeof text) == 0 ? text : "invalid data";
}

class FfmpegReader : public TrackReader {
 public:
  FfmpegReader(const ByteView& view, std::string name) : name_(std::move(name)), input_(view) {
    frame_.reset(av_frame_alloc());
    packet_.reset(av_packet_alloc());
    if (!frame_ || !packet_) throw std::bad_alloc();
  }

  /// Also opens it anew, at its start.
  Expected<void> open();
  int sample_rate_hz() const override { return rate_hz_; }
  std::string format() const override;
  AudioInfo info() override;
  std::optional<std::int64_t> stated_length() const override;
  std::optional<std::int64_t> length() override;
  std::optional<std::int64_t> expected_length() override;
  bool seek(std::int64_t sample) override;
  ReadResult read(std::vector<float>& mono) override;
  std::string damage() const override;
  std::string error() const override { return error_; }
  std::int64_t lost_samples() const override { return lost_; }

 private:
  void clear_losses() {
    used_ = lost_ = lost_pieces_ = 0;
    used_bytes_ = lost_bytes_ = last_failed_bytes_ = 0;
  }
  tl::unexpected<Fault> fault(const char* reason, std::string detail) const {
    return tl::unexpected(Fault{reason, name_, std::move(detail)});
  }
  Expected<void> open_decoder(const AVCodec& decoder);
  ReadResult next_frame();
  int read_packet();
  int feed_decoder();
  void record_error(int code);
  void count_skipped_bytes();
  ReadResult end_of_input();
  bool locate_frame();
  void count_step(std::int64_t position);
  bool go_to(std::int64_t timestamp);
  void go_before_target(double seconds);
  void go_further_back();
  void restart();
  void count_packets();
  void trim_frame_to(std::int64_t end);
  template <std::size_t N>
  bool is_format(const std::array<std::string_view, N>& names) const;
  bool stores_time_stamps() const;
  bool is_ogg() const { return is_format(std::to_array<std::string_view>({"ogg"})); }
  int pcm_frame_bytes() const;
  bool can_seek() const;
  bool consists_of_frames() const;
  bool states_own_length() const;
  double to_samples(std::int64_t timestamp) const {
    return static_cast<double>(timestamp) * av_q2d(stream_->time_base) * rate_hz_;
  }
  std::int64_t position_of(std::int64_t timestamp) const {
    return round_to_range(to_samples(timestamp) - to_samples(first_pts_));
  }

  std::string name_;
  FfmpegInput input_;  // outlives format_, which reads through it
  std::unique_ptr<AVFormatContext, FormatDeleter> format_;
  std::unique_ptr<AVCodecContext, CodecDeleter> codec_;
  std::unique_ptr<AVFrame, FrameDeleter> frame_;
  std::unique_ptr<AVPacket, PacketDeleter> packet_;
  AVStream* stream_ = nullptr;
  int rate_hz_ = 0, channels_ = 0;
  std::optional<std::int64_t> counted_length_;
  std::int64_t first_pts_ = AV_NOPTS_VALUE, first_byte_ = -1;  // of the first frame, of the first packet
  // Of the packets read since open().
  std::int64_t packets_ = 0, packets_bytes_ = 0, packets_duration_ = 0, packets_end_ = AV_NOPTS_VALUE,
               packet_byte_ = -1;
  int packet_bytes_ = 0;
  std::int64_t packet_duration_ = 0;
  std::int64_t read_by_open_ = 0, skipped_bytes_ = 0;
  std::int64_t position_ = 0;  // of the next frame's first sample
  std::int64_t target_ = 0;    // samples before it are dropped
  bool is_further_back_ = false;
  std::int64_t page_after_seek_ = -1;
  bool has_sought_ = false;  // until the position of the first frame is known
  bool has_frame_ = false;   // the first frame, decoded when the track was opened
  bool input_ended_ = false, input_is_broken_ = false;
  int frames_of_other_rate_ = 0;
  // Since the last seek: samples returned; samples missing between time stamps, in how many pieces; bytes of packets
  // that could not be decoded or were no packets, and of the last of them (which is a cut if the file ends there).
  std::int64_t used_ = 0, lost_ = 0, lost_pieces_ = 0;
  std::int64_t used_bytes_ = 0, lost_bytes_ = 0, last_failed_bytes_ = 0;
  bool header_is_wrong_ = false;  // the sample rate in a FLAC header, so its times too
  std::string error_;
};

Expected<void> FfmpegReader::open() {
  codec_.reset();
  format_.reset();
  auto format = input_.open_format(name_);
  if (!format) return tl::unexpected(std::move(format.error()));
  format_ = std::move(*format);
  const AVCodec* decoder = nullptr;
  const int index = av_find_best_stream(format_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (index == AVERROR_DECODER_NOT_FOUND) return fault("no audio in it", "no decoder for its codec is installed");
  if (index < 0) return fault("no audio in it", std::string("it is ") + format_->iformat->long_name);
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    format_->streams[i]->discard = static_cast<int>(i) == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  stream_ = format_->streams[index];
  packets_ = packets_bytes_ = skipped_bytes_ = packets_duration_ = 0, packets_end_ = AV_NOPTS_VALUE, packet_byte_ = -1;
  position_ = 0;
  clear_losses();
  has_sought_ = input_ended_ = input_is_broken_ = false;
  error_.clear();
  return open_decoder(*decoder);
}

Expected<void> FfmpegReader::open_decoder(const AVCodec& decoder) {
  const std::string prefix = std::string(decoder.name) + ": ";
  codec_.reset(avcodec_alloc_context3(&decoder));
  if (!codec_) throw std::bad_alloc();
  codec_->thread_count = 1;
  int code = avcodec_parameters_to_context(codec_.get(), stream_->codecpar);
  codec_->pkt_timebase = stream_->time_base;
  codec_->max_samples = kMaxFrameSamples;
  if (code >= 0) code = avcodec_open2(codec_.get(), &decoder, nullptr);
  if (code < 0) return fault("damaged", prefix + error_text(code));
  read_by_open_ = avio_tell(format_->pb);
  if (const ReadResult first = next_frame(); first != ReadResult::samples) {
    if (first == ReadResult::damaged || lost_bytes_ > 0) return fault("damaged", prefix + error_);
    if (packets_ > 0 || stream_->duration > 0 || input_.is_cut(0)) {
      return fault("truncated", prefix + "the file ends before the first samples");
    }
    return fault("no audio in it", prefix + "the stream has no samples");
  }
  has_frame_ = true;
  rate_hz_ = frame_->sample_rate;
  channels_ = frame_->ch_layout.nb_channels;
  first_pts_ = frame_->pts;
  first_byte_ = packet_byte_;
  header_is_wrong_ = is_format(std::to_array<std::string_view>({"flac"})) && stream_->time_base.den != rate_hz_;
  clear_losses();
  if (auto bad = implausible_stream(codec_->codec_id, rate_hz_, channels_, name_)) return tl::unexpected(*bad);
  return {};
}

// Reads the next packet of our stream into packet_; returns 0 or FFmpeg's error code.
int FfmpegReader::read_packet() {
  for (;;) {
    throw_if_interrupted();
    av_packet_unref(packet_.get());
    if (const int code = av_read_frame(format_.get(), packet_.get()); code < 0) return code;
    if (packet_->stream_index != stream_->index) continue;
    const std::int64_t duration = std::clamp<std::int64_t>(packet_->duration, 0, std::int64_t{1} << 40);
    ++packets_;
    packets_duration_ += duration;
    if (packet_->pts != AV_NOPTS_VALUE && packet_->pts < (std::int64_t{1} << 60))
      packets_end_ = std::max(packets_end_, packet_->pts + duration);
    packet_duration_ = duration;
    packet_byte_ = packet_->pos;
    packet_bytes_ = packet_->size;
    packets_bytes_ += packet_->size;
    used_bytes_ += packet_->size;
    count_skipped_bytes();
    return 0;
  }
}

// Bytes that FFmpeg read since open() and that are in no packet, in formats that are frames one after the other. While
// packets come from those that open() read ahead, the position says nothing.
void FfmpegReader::count_skipped_bytes() {
  constexpr std::int64_t kReadAheadBytes = 1500;
  const std::int64_t at = avio_tell(format_->pb);
  const std::int64_t skipped = at - packets_bytes_ - kReadAheadBytes;
  if (at <= read_by_open_ || skipped <= skipped_bytes_ || !consists_of_frames()) return;
  lost_bytes_ += skipped - skipped_bytes_;
  skipped_bytes_ = skipped;
}

// Sends one packet (or the end) to the decoder; returns 0 or FFmpeg's error code.
int FfmpegReader::feed_decoder() {
  if (const int code = read_packet(); code < 0) {
    throw_if_interrupted();
    input_ended_ = true;
    input_is_broken_ = code != AVERROR_EOF && !input_.is_cut(code);
    if (input_is_broken_) error_ = error_text(code);
    return avcodec_send_packet(codec_.get(), nullptr);
  }
  return avcodec_send_packet(codec_.get(), packet_.get());
}

void FfmpegReader::record_error(int code) {
  error_ = error_text(code);
  lost_bytes_ += std::exchange(last_failed_bytes_, packet_bytes_);
  used_bytes_ -= packet_bytes_;
}

// Decodes the next frame into frame_. Packets that cannot be decoded are left out and counted.
ReadResult FfmpegReader::next_frame() {
  for (;;) {
    int code = avcodec_receive_frame(codec_.get(), frame_.get());
    if (code == 0 && frame_->nb_samples > 0) {
      lost_bytes_ += std::exchange(last_failed_bytes_, 0);
      return ReadResult::samples;
    }
    if (code < 0 && input_ended_) return end_of_input();
    if (code < 0 && code != AVERROR(EAGAIN)) record_error(code);
    if (code < 0) code = feed_decoder();
    if (code < 0 && !input_ended_) record_error(code);
  }
}

// What is missing between the last frame and the last time stamp, except for the last packet, which may be cut.
ReadResult FfmpegReader::end_of_input() {
  const bool has_stamps = stores_time_stamps() && packets_end_ != AV_NOPTS_VALUE && first_pts_ != AV_NOPTS_VALUE;
  if (has_stamps && rate_hz_ > 0 && !error_.empty()) count_step(position_of(packets_end_ - packet_duration_));
  return input_is_broken_ ? ReadResult::damaged : ReadResult::end;
}

ReadResult FfmpegReader::read(std::vector<float>& mono) {
  for (;;) {
    if (!std::exchange(has_frame_, false)) {
      const ReadResult result = next_frame();
      if (result != ReadResult::samples && std::exchange(has_sought_, false)) {
        go_further_back();
        continue;
      }
      if (result != ReadResult::samples) return result;
    }
    if (frame_->sample_rate != rate_hz_) {
      if (++frames_of_other_rate_ == kFramesOfOtherRate) return ReadResult::rate_change;
      lost_ += frame_->nb_samples;
      continue;
    }
    frames_of_other_rate_ = 0;
    if (!locate_frame()) {
      go_further_back();
      continue;
    }
    if (has_sought_) continue;
    const std::int64_t skip = std::max<std::int64_t>(0, target_ - position_);
    if (is_format(std::to_array<std::string_view>({"mov"}))) {
      trim_frame_to(stated_length().value_or(position_ + frame_->nb_samples));
    }
    position_ += frame_->nb_samples;
    if (skip >= frame_->nb_samples) continue;
    if (used_ == 0) used_bytes_ = lost_bytes_ = 0;  // of packets before the target
    used_ += frame_->nb_samples - skip;
    if (append_frame(*frame_, static_cast<int>(skip), mono)) return ReadResult::samples;
    error_ = "unknown sample format";
    return ReadResult::damaged;
  }
}

// Sets position_ for the frame in frame_. Only in the second page of an Ogg behind a seek are time stamps known, before
// it FFmpeg guesses them. Returns false if a seek ended behind its target or in an unknown position: then decoding must
// start from the beginning.
bool FfmpegReader::locate_frame() {
  const std::int64_t pts = frame_->best_effort_timestamp;
  const bool has_position = pts != AV_NOPTS_VALUE && first_pts_ != AV_NOPTS_VALUE;
  if (!has_sought_) {
    if (has_position && stores_time_stamps()) count_step(position_of(pts));
    return true;
  }
  if (is_ogg() && (page_after_seek_ < 0 || packet_byte_ == page_after_seek_)) {
    page_after_seek_ = packet_byte_;
    return has_position && position_of(pts) <= target_;
  }
  has_sought_ = false;
  clear_losses();
  if (const int bytes = pcm_frame_bytes(); bytes > 0) {
    const std::int64_t offset = packet_byte_ - first_byte_;
    if (packet_byte_ < 0 || first_byte_ < 0 || offset < 0 || offset % bytes != 0) return false;
    position_ = offset / bytes;
  } else {
    if (!has_position) return false;
    position_ = position_of(pts);
  }
  return position_ <= target_;
}

// Counts what is missing between position_ and the next frame, and moves there.
void FfmpegReader::count_step(std::int64_t position) {
  const bool is_exact = stream_->time_base.num == 1 && stream_->time_base.den % rate_hz_ == 0;
  const double limit = (is_exact ? kMaxStepSeconds : kMaxRoundedStepSeconds) * rate_hz_;
  if (static_cast<double>(position - position_) <= limit) return;
  if (position > target_) {
    lost_ += position - std::max(position_, target_);
    ++lost_pieces_;
  }
  position_ = position;
}

// The edit list of an MP4 file states where the encoder's padding begins; FFmpeg applies only its start.
void FfmpegReader::trim_frame_to(std::int64_t end) {
  frame_->nb_samples = static_cast<int>(std::clamp<std::int64_t>(end - position_, 0, frame_->nb_samples));
}

bool FfmpegReader::go_to(std::int64_t timestamp) {
  if (av_seek_frame(format_.get(), stream_->index, timestamp, AVSEEK_FLAG_BACKWARD) < 0) return false;
  avcodec_flush_buffers(codec_.get());
  input_ended_ = input_is_broken_ = has_frame_ = false;
  packet_byte_ = page_after_seek_ = -1;
  return true;
}

// It was opened before, so a Fault is a failure of the source, which check_read() reports: the track ends here.
void FfmpegReader::restart() {
  auto format = std::move(format_);
  auto codec = std::move(codec_);
  AVStream* const stream = stream_;
  if (auto opened = open(); !opened) {
    format_ = std::move(format), codec_ = std::move(codec), stream_ = stream;
    avcodec_flush_buffers(codec_.get());
    error_ = opened.error().detail;
    has_frame_ = false;
    input_ended_ = true;
  }
}

bool FfmpegReader::seek(std::int64_t sample) {
  target_ = sample;
  clear_losses();
  const double start_s = static_cast<double>(sample) / rate_hz_;
  if (start_s < kNearSeconds || !can_seek()) {
    if (position_ > 0 || has_sought_ || input_ended_) restart();
    return true;
  }
  is_further_back_ = false;
  go_before_target(is_ogg() ? kOggPrerollSeconds : kPrerollSeconds);
  return true;
}

// Continues so long before the target, or at the start if that is not possible.
void FfmpegReader::go_before_target(double seconds) {
  const double start_s = static_cast<double>(target_) / rate_hz_ - seconds;
  has_sought_ =
      start_s > 0 && go_to(round_to_range(static_cast<double>(first_pts_) + start_s / av_q2d(stream_->time_base)));
  if (!has_sought_) restart();
}

// Where the last seek ended is not known, or behind the target.
void FfmpegReader::go_further_back() {
  if (std::exchange(is_further_back_, true)) return restart();
  go_before_target(kFurtherBackSeconds);
}

template <std::size_t N>
bool FfmpegReader::is_format(const std::array<std::string_view, N>& names) const {
  const std::string_view all = format_->iformat->name;  // "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
  return std::ranges::find(names, all.substr(0, all.find(','))) != names.end();
}

// Formats whose packets have time stamps, or fixed numbers of samples and an index, so the position after a seek is
// known. In others FFmpeg calculates it from the bit rate, which is wrong by seconds: they are decoded from the start.
bool FfmpegReader::stores_time_stamps() const {
  return !header_is_wrong_ &&
         is_format(std::to_array<std::string_view>({"mov", "matroska", "ogg", "flac", "asf", "wv", "tta", "ape"}));
}

// The bytes of one sample of all channels, in formats whose audio is one block of PCM; else 0.
int FfmpegReader::pcm_frame_bytes() const {
  const AVCodecID codec = stream_->codecpar->codec_id;
  const bool is_pcm = codec >= AV_CODEC_ID_FIRST_AUDIO && codec < AV_CODEC_ID_ADPCM_IMA_QT;
  if (!is_pcm || !is_format(std::to_array<std::string_view>({"wav", "w64", "aiff", "au", "caf"}))) return 0;
  return av_get_exact_bits_per_sample(codec) * channels_ / 8;
}

// Whether the samples after a seek, one second later, are those of a decoder that began at the start, and their
// position is known. ADPCM and DPCM codecs may add to a state that never converges.
bool FfmpegReader::can_seek() const {
  const AVCodecID codec = stream_->codecpar->codec_id;
  const bool adds_up = (codec >= AV_CODEC_ID_ADPCM_IMA_QT && codec < AV_CODEC_ID_AMR_NB) ||
                       (codec >= AV_CODEC_ID_ROQ_DPCM && codec < AV_CODEC_ID_MP2);
  return !adds_up && first_pts_ != AV_NOPTS_VALUE && (stores_time_stamps() || pcm_frame_bytes() > 0);
}

// Formats that are nothing but frames, so bytes between two packets are damage.
bool FfmpegReader::consists_of_frames() const {
  return is_format(std::to_array<std::string_view>({"aac", "ac3", "eac3", "mp3", "dts"}));
}

// Whether stated_length() is that of our stream. Others state the length of the longest stream, or none.
bool FfmpegReader::states_own_length() const {
  if (header_is_wrong_ || stream_->duration == AV_NOPTS_VALUE ||
      format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE) {
    return false;
  }
  return pcm_frame_bytes() > 0 || is_format(std::to_array<std::string_view>(
                                      {"mov", "ogg", "flac", "wv", "tta", "ape", "mpc", "mpc8", "tak", "dsf", "iff"}));
}

std::optional<std::int64_t> FfmpegReader::stated_length() const {
  // Opus counts the samples that its decoder drops at the start (RFC 7845, 4.2).
  const std::int64_t dropped = codec_->codec_id == AV_CODEC_ID_OPUS ? stream_->codecpar->initial_padding : 0;
  if (stream_->duration != AV_NOPTS_VALUE) return round_to_range(to_samples(stream_->duration)) - dropped;
  if (format_->duration == AV_NOPTS_VALUE) return std::nullopt;
  return round_to_range(static_cast<double>(format_->duration) / AV_TIME_BASE * rate_hz_);
}

std::optional<std::int64_t> FfmpegReader::length() {
  if (header_is_wrong_) return std::nullopt;
  if (states_own_length()) return stated_length();
  if (!counted_length_) count_packets();
  return counted_length_;
}

// Reads all packets without decoding them: their last time stamp, or the sum of their durations if FFmpeg calculates
// the time stamps (raw AAC).
void FfmpegReader::count_packets() {
  restart();
  while (read_packet() == 0) continue;
  const bool has_stamps = stores_time_stamps() && packets_end_ != AV_NOPTS_VALUE && first_pts_ != AV_NOPTS_VALUE;
  const std::int64_t samples = has_stamps ? position_of(packets_end_) : round_to_range(to_samples(packets_duration_));
  if (samples > 0) counted_length_ = samples;
  restart();
}

std::optional<std::int64_t> FfmpegReader::expected_length() {
  const auto length_now = stated_length();
  if (!length_now || header_is_wrong_) return std::nullopt;
  const ByteView& view = input_.view();
  if (is_ogg()) {
    const std::int64_t granule = granule_of_cut_page(view).value_or(0);
    return std::max(*length_now, granule - stream_->codecpar->initial_padding);
  }
  const auto size = static_cast<double>(view.size());
  const auto stated = static_cast<double>(stated_size(view).value_or(0));
  if (stated > size) return round_to_range(static_cast<double>(*length_now) * stated / size);
  return states_own_length() ? length_now : std::nullopt;
}

std::string FfmpegReader::damage() const {
  const std::string reason = error_.empty() ? "" : error_ + "; ";
  if (stores_time_stamps()) {
    const auto lost = static_cast<double>(lost_);
    if (lost_pieces_ <= 1 && lost <= kMaxPieceSeconds * rate_hz_) return {};
    if (!is_damaged(lost_, used_, kFrameSamples)) return {};
    char text[64];
    std::snprintf(text, sizeof text, "%.2f s could not be decoded", lost / rate_hz_);
    return reason + text;
  }
  if (!is_damaged(lost_bytes_, used_bytes_, std::max(packet_bytes_, kFrameBytes))) return {};
  return reason + std::to_string(lost_bytes_) + " of " + std::to_string(lost_bytes_ + used_bytes_) +
         " bytes could not be decoded";
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
  const bool nominal = info.format == "ogg";  // its headers state the nominal bit rate
  if (stream_->codecpar->bit_rate > 0 && !nominal) {
    info.bit_rate_kbps = static_cast<double>(stream_->codecpar->bit_rate) * 1e-3;
  } else if (info.duration_s > 0) {
    info.bit_rate_kbps = static_cast<double>(input_.view().size()) * 8e-3 / info.duration_s;
  }
  return info;
}

}  // namespace

Expected<std::unique_ptr<TrackReader>> open_ffmpeg(const ByteView& view, const std::string& name) {
  auto reader = std::make_unique<FfmpegReader>(view, name);
  if (auto opened = reader->open(); !opened) return tl::unexpected(std::move(opened.error()));
  return reader;
}

}  // namespace genrewise::audio
