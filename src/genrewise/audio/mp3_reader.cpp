#include <mpg123.h>

#include <algorithm>
#include <new>
#include <span>
#include <utility>

#include "genrewise/audio/downmix.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/mpeg_frames.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise::audio {
namespace {

// Frames decoded and discarded before a seek's target. The bit reservoir reaches back 511 bytes, which at 8 kb/s are 20
// frames; synthesis needs one more.
constexpr std::int64_t kPrerollFrames = 24;
// The delay of every layer III decoder, which LAME's extension does not include.
constexpr int kDecoderDelay = 529;

struct HandleDeleter {
  void operator()(mpg123_handle* handle) const { mpg123_delete(handle); }
};

// MpegFrames finds the frames, and mpg123 decodes one after the other; it sees neither tags nor junk nor the
// information frame, so positions and lengths depend on the frames only.
class Mp3Reader : public TrackReader {
 public:
  Mp3Reader(ByteSource& source, const MpegLayout& layout);

  int sample_rate_hz() const override { return layout_.first.sample_rate_hz; }
  std::string format() const override { return "mp3"; }

  AudioInfo info() override {
    AudioInfo info;
    info.format = info.codec = "mp3";
    info.sample_rate_hz = sample_rate_hz();
    info.channels = layout_.first.channels;
    info.duration_s = static_cast<double>(length().value_or(0)) / sample_rate_hz();
    if (info.duration_s > 0) {
      info.bit_rate_kbps = static_cast<double>(layout_.end - layout_.begin) * 8e-3 / info.duration_s;
    }
    return info;
  }

  std::optional<std::int64_t> stated_length() const override {
    if (!layout_.stated_frames) return std::nullopt;
    return samples_of(*layout_.stated_frames, true);
  }

  // The padding is behind the frames that the encoder counted.
  std::optional<std::int64_t> length() override {
    const std::int64_t frames = index_.count();
    return samples_of(frames, frames == layout_.stated_frames);
  }

  std::optional<std::int64_t> expected_length() override {
    return !layout_.stated_bytes || missing_bytes() > 0 ? stated_length() : std::nullopt;
  }

  bool seek(std::int64_t sample) override {
    target_ = sample + delay();
    const std::int64_t frame = target_ / layout_.first.samples_per_frame;
    frames_ = index_.before(std::max<std::int64_t>(0, frame - kPrerollFrames));
    start_decoder();
    has_begun_ = false;
    undecoded_bytes_ = used_bytes_ = 0;
    return true;
  }

  ReadResult read(std::vector<float>& mono) override {
    for (const std::size_t before = mono.size(); mono.size() == before;) {
      off_t frame = 0;
      unsigned char* audio = nullptr;
      std::size_t bytes = 0;
      const int result = mpg123_decode_frame(handle_.get(), &frame, &audio, &bytes);
      if (result == MPG123_NEED_MORE || result == MPG123_DONE) {
        if (feed_frame()) continue;
        return frames_.rate_changes() ? ReadResult::rate_change : ReadResult::end;
      }
      if (result == MPG123_NEW_FORMAT) {
        long rate = 0;
        int encoding = 0;
        mpg123_getformat(handle_.get(), &rate, &channels_, &encoding);
      } else if (result != MPG123_OK) {
        undecoded_bytes_ += has_begun_ ? frames_.bytes() : 0;
        start_decoder();
        continue;
      }
      if (bytes != 0) append(audio, bytes, mono);
    }
    return ReadResult::samples;
  }

  std::string damage() const override {
    const std::int64_t lost = (has_begun_ ? frames_.skipped_bytes() - skipped_before_ : 0) + undecoded_bytes_;
    if (!is_damaged(lost, used_bytes_, std::max(layout_.bytes_of(layout_.first), 256))) return {};
    return std::to_string(lost) + " of " + std::to_string(lost + used_bytes_) + " bytes belong to no MPEG frame";
  }

 private:
  void start_decoder() {
    if (mpg123_open_feed(handle_.get()) != MPG123_OK) throw std::bad_alloc();
  }

  // Gives mpg123 the next frame; false if there is none.
  bool feed_frame() {
    if (!frames_.next()) return false;
    frame_.resize(static_cast<std::size_t>(frames_.bytes()));
    if (source_.read_at(frames_.offset(), frame_) < frame_.size()) return false;
    // The first frames behind a gap need bytes of the frames in it (the bit reservoir), not of those before it.
    if (frames_.skipped_bytes() != std::exchange(skipped_fed_, frames_.skipped_bytes())) start_decoder();
    const auto* bytes = reinterpret_cast<const unsigned char*>(frame_.data());
    if (mpg123_feed(handle_.get(), bytes, frame_.size()) != MPG123_OK) throw std::bad_alloc();
    return true;
  }

  std::int64_t delay() const { return layout_.encoder_delay ? *layout_.encoder_delay + kDecoderDelay : 0; }

  std::int64_t samples_of(std::int64_t frames, bool has_padding) const {
    const std::int64_t samples = frames * layout_.first.samples_per_frame;
    const std::int64_t padding = has_padding ? std::max(0, layout_.encoder_padding.value_or(0) - kDecoderDelay) : 0;
    return std::max<std::int64_t>(0, samples - delay() - padding);
  }

  // Stated minus actual bytes; 0 if unknown or within three frames.
  std::int64_t missing_bytes() const {
    if (!layout_.stated_bytes || !layout_.stated_frames) return 0;
    const std::int64_t tolerance = 3 * *layout_.stated_bytes / std::max<std::int64_t>(1, *layout_.stated_frames);
    const std::int64_t missing = *layout_.stated_bytes - (layout_.end - layout_.begin);
    return std::abs(missing) <= tolerance ? 0 : missing;
  }

  // Where the encoder's padding begins, if it is before `position`, with encoder delay. Counts the frames only there.
  std::int64_t end_of_audio(std::int64_t position) {
    const std::int64_t stated = stated_length().value_or(position) + delay();
    return position <= stated ? position : length().value_or(0) + delay();
  }

  void append(const unsigned char* audio, std::size_t bytes, std::vector<float>& mono) {
    const auto count = static_cast<std::int64_t>(bytes / sizeof(float)) / channels_;
    const std::int64_t position = (frames_.count() - 1) * layout_.first.samples_per_frame;
    const std::int64_t skip = std::max<std::int64_t>(0, target_ - position);
    const std::int64_t end = std::min(count, end_of_audio(position + count) - position);
    if (skip >= end) return;
    if (!std::exchange(has_begun_, true)) skipped_before_ = frames_.skipped_bytes();
    used_bytes_ += frames_.bytes();
    const std::size_t before = mono.size();
    mono.resize(before + static_cast<std::size_t>(end - skip));
    const auto* samples = reinterpret_cast<const float*>(audio) + skip * channels_;
    mean_of_interleaved(samples, channels_, 0.0f, 1.0f, std::span(mono).subspan(before));
  }

  ByteSource& source_;
  const MpegLayout layout_;
  MpegFrameIndex index_;
  MpegFrames frames_;  // behind the last frame that was given to mpg123
  std::unique_ptr<mpg123_handle, HandleDeleter> handle_;
  std::vector<std::byte> frame_;
  int channels_;            // of the last frame
  std::int64_t target_;     // position of the first sample to return, with encoder delay
  bool has_begun_ = false;  // a sample has been returned since the last seek
  std::int64_t skipped_before_ = 0, undecoded_bytes_ = 0, used_bytes_ = 0;
  std::int64_t skipped_fed_ = 0;  // skipped_bytes() before the frame that was given to mpg123
};

Mp3Reader::Mp3Reader(ByteSource& source, const MpegLayout& layout)
    : source_(source),
      layout_(layout),
      index_(source, layout_),
      frames_(source, layout_),
      handle_(mpg123_new(nullptr, nullptr)),
      channels_(layout.first.channels),
      target_(delay()) {
  if (!handle_) throw std::bad_alloc();
  mpg123_handle* handle = handle_.get();
  mpg123_param(handle, MPG123_FLAGS,
               MPG123_QUIET | MPG123_FORCE_FLOAT | MPG123_SKIP_ID3V2 | MPG123_IGNORE_INFOFRAME | MPG123_NO_READAHEAD,
               0);
  if (layout_.free_format_bytes != 0) mpg123_param(handle, MPG123_FREEFORMAT_SIZE, layout_.free_format_bytes - 4, 0);
  mpg123_param(handle, MPG123_RVA, MPG123_RVA_OFF, 0);
  mpg123_param(handle, MPG123_RESYNC_LIMIT, -1, 0);
  mpg123_format_none(handle);
  mpg123_format2(handle, 0, MPG123_MONO | MPG123_STEREO, MPG123_ENC_FLOAT_32);
  start_decoder();
}

}  // namespace

std::unique_ptr<TrackReader> open_mp3(ByteSource& source, const MpegLayout& layout) {
  return std::make_unique<Mp3Reader>(source, layout);
}

}  // namespace genrewise::audio
