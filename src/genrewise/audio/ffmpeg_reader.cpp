#include <fmt/format.h>

#include <algorithm>
#include <new>
#include <string_view>
#include <utility>

#include "genrewise/audio/container_end.hpp"
#include "genrewise/audio/ffmpeg_stream.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/track_reader.hpp"
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
constexpr std::int64_t kFrameBytes = 400;
// Of one frame; the largest of real files (Monkey's Audio) has 1.2 million.
constexpr std::int64_t kMaxFrameSamples = std::int64_t{1} << 22;

// Some decoders return codes of their own, or -1; some containers EAGAIN where junk follows.
std::string error_text(int code) {
  if (code == AVERROR(EAGAIN)) return "no further packet is found";
  char text[AV_ERROR_MAX_STRING_SIZE] = {};
  return code != -1 && av_strerror(code, text, sizeof text) == 0 ? text : "invalid data";
}

class FfmpegReader : public TrackReader {
 public:
  FfmpegReader(const ByteView& view, std::string name) : name_(std::move(name)), view_(view) {
    frame_.reset(av_frame_alloc());
    if (!frame_) throw std::bad_alloc();
  }

  /// Also opens it anew, at its start.

  Expected<void> open() {
    stream_ = std::make_unique<FfmpegStream>(view_, name_);
    const auto decoder = stream_->open();
    if (!decoder) return tl::unexpected(decoder.error());
    position_ = 0;
    clear_losses();
    skipped_before_ = 0;
    has_sought_ = input_ended_ = input_is_broken_ = false;
    error_.clear();
    return open_decoder(**decoder);
  }

  int sample_rate_hz() const override { return rate_hz_; }

  std::string format() const override {
    const std::string_view name = stream_->format_name();
    return std::string(name == "mov" ? "mp4" : name);
  }

  AudioInfo info() override {
    AudioInfo info;
    info.format = format();
    info.codec = avcodec_get_name(codec_->codec_id);
    info.sample_rate_hz = rate_hz_;
    info.channels = channels_;
    info.duration_s = static_cast<double>(length().value_or(0)) / rate_hz_;
    const bool nominal = info.format == "ogg";  // its headers state the nominal bit rate
    if (stream_->stream().codecpar->bit_rate > 0 && !nominal) {
      info.bit_rate_kbps = static_cast<double>(stream_->stream().codecpar->bit_rate) * 1e-3;
    } else if (info.duration_s > 0) {
      info.bit_rate_kbps = static_cast<double>(view_.size()) * 8e-3 / info.duration_s;
    }
    return info;
  }

  std::optional<std::int64_t> stated_length() const override { return stream_->stated_length(); }

  std::optional<std::int64_t> length() override {
    if (stream_->header_is_wrong()) return std::nullopt;
    if (states_length()) return stated_length();
    if (!counted_length_) {
      restart();
      while (!input_ended_ && stream_->read_packet() == 0) continue;
      counted_length_ = stream_->counted_length();
      restart();
    }
    return counted_length_;
  }

  std::optional<std::int64_t> expected_length() override {
    const auto length_now = stated_length();
    if (!length_now || stream_->header_is_wrong()) return std::nullopt;
    if (is_ogg()) {
      const std::int64_t granule = granule_of_cut_page(view_).value_or(0);
      const std::int64_t end = granule - stream_->stream().codecpar->initial_padding;
      return states_length() ? std::max(*length_now, end) : end;  // else FFmpeg guesses the length
    }
    const auto size = static_cast<double>(view_.size());
    const auto stated = static_cast<double>(stated_size(view_).value_or(0));
    if (stated > size) return round_to_range(static_cast<double>(*length_now) * stated / size);
    return states_length() ? length_now : std::nullopt;
  }

  bool seek(std::int64_t sample) override {
    target_ = sample;
    clear_losses();
    const double start_s = static_cast<double>(sample) / rate_hz_;
    if (start_s < kNearSeconds || !stream_->can_seek()) {
      if (position_ > 0 || has_sought_ || input_ended_) restart();
      return true;
    }
    is_further_back_ = false;
    go_before_target(is_ogg() ? kOggPrerollSeconds : kPrerollSeconds);
    return true;
  }

  ReadResult read(std::vector<float>& mono) override {
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
      if (stream_->is_format({"mov"})) trim_frame_to(stated_length().value_or(position_ + frame_->nb_samples));
      position_ += frame_->nb_samples;
      if (skip >= frame_->nb_samples) continue;
      if (used_ == 0) {  // what was lost before the target does not count
        used_bytes_ = failed_bytes_ = 0;
        skipped_before_ = stream_->counts().skipped_bytes;
      }
      used_ += frame_->nb_samples - skip;
      if (append_frame(*frame_, static_cast<int>(skip), mono)) return ReadResult::samples;
      error_ = "unknown sample format";
      return ReadResult::damaged;
    }
  }

  std::string damage() const override {
    const std::string reason = error_.empty() ? "" : error_ + "; ";
    if (stream_->stores_time_stamps()) {
      const auto lost = static_cast<double>(lost_);
      if (lost_pieces_ <= 1 && lost <= kMaxPieceSeconds * rate_hz_) return {};
      if (!is_damaged(lost_, used_, kFrameSamples)) return {};
      return fmt::format("{}{:.2f} s could not be decoded", reason, lost / rate_hz_);
    }
    const std::int64_t bytes = failed_bytes_ + stream_->counts().skipped_bytes - skipped_before_;
    if (!is_damaged(bytes, used_bytes_, std::max(stream_->counts().last_bytes, kFrameBytes))) return {};
    return fmt::format("{}{} of {} bytes could not be decoded", reason, bytes, bytes + used_bytes_);
  }

  std::string error() const override { return error_; }
  std::int64_t lost_samples() const override { return lost_; }

 private:
  void clear_losses() {
    used_ = lost_ = lost_pieces_ = 0;
    used_bytes_ = failed_bytes_ = last_failed_bytes_ = 0;
  }
  tl::unexpected<Fault> fault(const char* reason, std::string detail) const {
    return tl::unexpected(Fault{reason, name_, std::move(detail)});
  }

  Expected<void> open_decoder(const AVCodec& decoder) {
    const std::string prefix = std::string(decoder.name) + ": ";
    codec_.reset(avcodec_alloc_context3(&decoder));
    if (!codec_) throw std::bad_alloc();
    codec_->thread_count = 1;
    int code = avcodec_parameters_to_context(codec_.get(), stream_->stream().codecpar);
    codec_->pkt_timebase = stream_->stream().time_base;
    codec_->max_samples = kMaxFrameSamples;
    if (code >= 0) code = avcodec_open2(codec_.get(), &decoder, nullptr);
    if (code < 0) return fault("damaged", prefix + error_text(code));
    if (const ReadResult first = next_frame(); first != ReadResult::samples) {
      if (first == ReadResult::damaged || failed_bytes_ > 0) return fault("damaged", prefix + error_);
      if (stream_->counts().packets > 0 || stream_->stream().duration > 0 || stream_->input().is_cut(0)) {
        return fault("truncated", prefix + "the file ends before the first samples");
      }
      return fault("no audio in it", prefix + "the stream has no samples");
    }
    has_frame_ = true;
    rate_hz_ = frame_->sample_rate;
    channels_ = frame_->ch_layout.nb_channels;
    stream_->set_first_frame(*frame_);
    first_byte_ = stream_->counts().last_byte;
    clear_losses();
    if (auto bad = implausible_stream(codec_->codec_id, rate_hz_, channels_, name_)) return tl::unexpected(*bad);
    return {};
  }

  // Decodes the next frame into frame_. Packets that cannot be decoded are left out and counted.
  ReadResult next_frame() {
    for (;;) {
      int code = avcodec_receive_frame(codec_.get(), frame_.get());
      if (code == 0 && frame_->nb_samples > 0) {
        failed_bytes_ += std::exchange(last_failed_bytes_, 0);
        return ReadResult::samples;
      }
      if (code < 0 && input_ended_) return end_of_input();
      if (code < 0 && code != AVERROR(EAGAIN)) record_error(code);
      if (code < 0) code = feed_decoder();
      if (code < 0 && !input_ended_) record_error(code);
    }
  }

  // Sends one packet (or the end) to the decoder; returns 0 or FFmpeg's error code.
  int feed_decoder() {
    if (const int code = stream_->read_packet(); code < 0) {
      throw_if_interrupted();
      input_ended_ = true;
      input_is_broken_ = code != AVERROR_EOF && !stream_->input().is_cut(code);
      if (input_is_broken_) error_ = error_text(code);
      return avcodec_send_packet(codec_.get(), nullptr);
    }
    used_bytes_ += stream_->packet().size;
    return avcodec_send_packet(codec_.get(), &stream_->packet());
  }

  void record_error(int code) {
    error_ = error_text(code);
    const std::int64_t bytes = stream_->counts().last_bytes;
    failed_bytes_ += std::exchange(last_failed_bytes_, bytes);
    used_bytes_ -= bytes;
  }

  // What is missing between the last frame and the last time stamp, except for the last packet, which may be cut.
  ReadResult end_of_input() {
    const PacketCounts& counts = stream_->counts();
    const bool has_stamps = rate_hz_ > 0 && stream_->stores_time_stamps() && counts.end != AV_NOPTS_VALUE;
    if (has_stamps && !error_.empty()) count_step(stream_->position_of(counts.end - counts.last_duration));
    const bool is_complete = is_ogg() ? !has_ogg_page(view_, stream_->offset())
                                      : stream_->states_own_length() && position_ >= stated_length().value_or(0);
    return input_is_broken_ && !is_complete ? ReadResult::damaged : ReadResult::end;
  }

  // Sets position_ for the frame in frame_. Only in the second page of an Ogg behind a seek are time stamps known,
  // before it FFmpeg guesses them. Returns false if a seek ended behind its target or in an unknown position: then
  // decoding must start from the beginning.
  bool locate_frame() {
    const std::int64_t pts = frame_->best_effort_timestamp, byte = stream_->counts().last_byte;
    const bool has_position = pts != AV_NOPTS_VALUE && stream_->stores_time_stamps();
    if (!has_sought_) {
      if (has_position) count_step(position_of_frame());
      return true;
    }
    if (is_ogg() && (page_after_seek_ < 0 || byte == page_after_seek_)) {
      page_after_seek_ = byte;
      return has_position && position_of_frame() <= target_;
    }
    has_sought_ = false;
    clear_losses();
    if (const int bytes = stream_->pcm_frame_bytes(); bytes > 0) {
      const std::int64_t offset = byte - first_byte_;
      if (byte < 0 || first_byte_ < 0 || offset < 0 || offset % bytes != 0) return false;
      position_ = offset / bytes;
    } else {
      if (!has_position) return false;
      position_ = position_of_frame();
    }
    return position_ <= target_;
  }

  // In Ogg, FFmpeg's time stamp of a short block of Vorbis behind a long one is too late, but its end is right.
  std::int64_t position_of_frame() const {
    const std::int64_t pts = frame_->best_effort_timestamp, duration = stream_->counts().last_duration;
    if (!is_ogg() || stream_->codec() != AV_CODEC_ID_VORBIS || duration == 0) return stream_->position_of(pts);
    return stream_->position_of(pts + duration) - frame_->nb_samples;
  }

  // Counts what is missing between position_ and the next frame, and moves there.
  void count_step(std::int64_t position) {
    const double limit = (stream_->has_exact_time_stamps() ? kMaxStepSeconds : kMaxRoundedStepSeconds) * rate_hz_;
    if (static_cast<double>(position - position_) <= limit) return;
    if (position > target_) {
      lost_ += position - std::max(position_, target_);
      ++lost_pieces_;
    }
    position_ = position;
  }

  // Continues so long before the target, or at the start if that is not possible.
  void go_before_target(double seconds) {
    const double start_s = static_cast<double>(target_) / rate_hz_ - seconds;
    if (start_s <= 0 || !stream_->go_to(stream_->timestamp_at(start_s))) return restart();
    avcodec_flush_buffers(codec_.get());
    has_sought_ = true;
    input_ended_ = input_is_broken_ = has_frame_ = false;
    page_after_seek_ = -1;
  }

  // Where the last seek ended is not known, or behind the target.
  void go_further_back() {
    if (std::exchange(is_further_back_, true)) return restart();
    go_before_target(kFurtherBackSeconds);
  }

  // It was opened before, so a Fault is a failure of the source, which check_read() reports: the track ends here.
  void restart() {
    auto stream = std::move(stream_);
    auto codec = std::move(codec_);
    if (auto opened = open(); !opened) {
      stream_ = std::move(stream), codec_ = std::move(codec);
      avcodec_flush_buffers(codec_.get());
      error_ = opened.error().detail;
      has_frame_ = false;
      input_ended_ = true;
    }
  }

  // The edit list of an MP4 file states where the encoder's padding begins; FFmpeg applies only its start.
  void trim_frame_to(std::int64_t end) {
    frame_->nb_samples = static_cast<int>(std::clamp<std::int64_t>(end - position_, 0, frame_->nb_samples));
  }

  bool states_length() const { return stream_->states_own_length() && !stream_->length_is_doubtful(); }
  bool is_ogg() const { return stream_->is_format({"ogg"}); }

  std::string name_;
  ByteView view_;
  std::unique_ptr<FfmpegStream> stream_;
  std::unique_ptr<AVCodecContext, CodecDeleter> codec_;
  std::unique_ptr<AVFrame, FrameDeleter> frame_;
  int rate_hz_ = 0, channels_ = 0;
  std::optional<std::int64_t> counted_length_;
  std::int64_t first_byte_ = -1;  // of the first packet
  std::int64_t position_ = 0;     // of the next frame's first sample
  std::int64_t target_ = 0;       // samples before it are dropped
  bool has_sought_ = false;       // until the position of the first frame is known
  bool is_further_back_ = false;
  std::int64_t page_after_seek_ = -1;
  bool has_frame_ = false;  // the first frame, decoded when the track was opened
  bool input_ended_ = false, input_is_broken_ = false;
  int frames_of_other_rate_ = 0;
  // Since the last seek: samples returned; samples missing between time stamps, in how many pieces; bytes of packets
  // that were decoded, and of those that could not be, without the last (which is a cut if the file ends there).
  std::int64_t used_ = 0, lost_ = 0, lost_pieces_ = 0;
  std::int64_t used_bytes_ = 0, failed_bytes_ = 0, last_failed_bytes_ = 0, skipped_before_ = 0;
  std::string error_;
};

}  // namespace

Expected<std::unique_ptr<TrackReader>> open_other(const ByteView& view, const std::string& name) {
  auto reader = std::make_unique<FfmpegReader>(view, name);
  if (auto opened = reader->open(); !opened) return tl::unexpected(std::move(opened.error()));
  return reader;
}

}  // namespace genrewise::audio
