#include "genrewise/audio/mp3_reader.hpp"

#include <mpg123.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <span>
#include <string_view>
#include <utility>

#include "genrewise/audio/downmix.hpp"

namespace genrewise::audio {
namespace {

// Frames decoded and discarded before a seek's target. The bit reservoir reaches back 511 bytes, which at 8 kb/s are 20
// frames; synthesis needs one more.
constexpr long kPrerollFrames = 24;
// A larger share of bytes outside frames is damage; smaller ones are remains of editing or streaming.
constexpr double kMaxSkippedShare = 0.05;
constexpr int kMaxSkippedFrames = 4;  // minimum tolerance, for short streams

struct HandleDeleter {
  void operator()(mpg123_handle* handle) const { mpg123_delete(handle); }
};

// The part of the source that mpg123 reads: frames without surrounding tags and junk.
struct FrameStream {
  ByteSource* source = nullptr;
  std::int64_t begin = 0, end = 0, at = 0;
};

ssize_t read_stream(void* opaque, void* out, std::size_t count) {
  auto& stream = *static_cast<FrameStream*>(opaque);
  const auto left = static_cast<std::size_t>(std::max<std::int64_t>(0, stream.end - stream.at));
  const std::span bytes(static_cast<std::byte*>(out), std::min(count, left));
  const std::size_t got = stream.source->read_at(stream.at, bytes);
  stream.at += static_cast<std::int64_t>(got);
  return static_cast<ssize_t>(got);
}

off_t seek_stream(void* opaque, off_t offset, int whence) {
  auto& stream = *static_cast<FrameStream*>(opaque);
  const std::int64_t base = whence == SEEK_SET ? stream.begin : (whence == SEEK_CUR ? stream.at : stream.end);
  if (base + offset < stream.begin) return -1;
  stream.at = base + offset;
  return stream.at - stream.begin;
}

class Mp3Reader : public TrackReader {
 public:
  Mp3Reader(ByteSource& source, const MpegLayout& layout)
      : layout_(layout),
        stream_{&source, layout.begin, layout.end, layout.begin},
        handle_(mpg123_new(nullptr, nullptr)) {
    if (!handle_) throw std::bad_alloc();
    mpg123_param(handle_.get(), MPG123_FLAGS, MPG123_QUIET | MPG123_GAPLESS | MPG123_FORCE_FLOAT | MPG123_SKIP_ID3V2,
                 0);
    if (layout_.first.frame_bytes == layout_.end - layout_.begin) {  // otherwise mpg123 requires a second frame
      mpg123_param(handle_.get(), MPG123_ADD_FLAGS, MPG123_NO_READAHEAD, 0);
    }
    mpg123_param(handle_.get(), MPG123_RVA, MPG123_RVA_OFF, 0);
    mpg123_param(handle_.get(), MPG123_RESYNC_LIMIT, -1, 0);
    mpg123_param(handle_.get(), MPG123_PREFRAMES, kPrerollFrames, 0);
    mpg123_format_none(handle_.get());
    mpg123_format2(handle_.get(), 0, MPG123_MONO | MPG123_STEREO, MPG123_ENC_FLOAT_32);
    mpg123_replace_reader_handle(handle_.get(), read_stream, seek_stream, nullptr);
  }

  bool open();
  int sample_rate_hz() const override { return rate_hz_; }
  std::string format() const override { return "mp3"; }
  AudioInfo info() override;
  std::optional<std::int64_t> stated_length() const override { return stated_length_; }
  std::optional<std::int64_t> length() override;
  std::optional<std::int64_t> expected_length() override;
  bool seek(std::int64_t sample) override;
  ReadResult read(std::vector<float>& mono) override;
  std::string damage() const override;

 private:
  std::int64_t missing_bytes() const;
  void scan();
  void account_for_frame();
  void account_for_gap(std::int64_t next);

  MpegLayout layout_;
  FrameStream stream_;
  std::unique_ptr<mpg123_handle, HandleDeleter> handle_;
  int rate_hz_ = 0, channels_ = 0;
  std::optional<std::int64_t> stated_length_;  // from the Xing frame, without encoder delay and padding
  bool scanned_ = false;
  std::int64_t frames_end_ = -1;  // offset in the stream after the last frame read; -1: none since the last seek
  std::int64_t frame_bytes_ = 0, skipped_bytes_ = 0;
  std::string error_;
};

bool Mp3Reader::open() {
  long rate = 0;
  int encoding = 0;
  if (mpg123_open_handle(handle_.get(), &stream_) != MPG123_OK) return false;
  if (mpg123_getformat(handle_.get(), &rate, &channels_, &encoding) != MPG123_OK) return false;
  rate_hz_ = static_cast<int>(rate);
  if (layout_.has_xing) stated_length_ = mpg123_length(handle_.get());
  if (!stated_length_ && layout_.stated_frames) {
    stated_length_ = *layout_.stated_frames * layout_.first.samples_per_frame;
  }
  return true;
}

// Stated minus actual bytes; 0 if unknown or within three frames.
std::int64_t Mp3Reader::missing_bytes() const {
  if (!layout_.stated_bytes || !layout_.stated_frames) return 0;
  const std::int64_t tolerance = 3 * *layout_.stated_bytes / std::max<std::int64_t>(1, *layout_.stated_frames);
  const std::int64_t missing = *layout_.stated_bytes - (layout_.end - layout_.begin);
  return std::abs(missing) <= tolerance ? 0 : missing;
}

// The stated number of frames is valid if the stated bytes exist. If bytes are missing, it is the length of the
// complete track; if there are more bytes than stated, it is meaningless.
std::optional<std::int64_t> Mp3Reader::length() {
  if (stated_length_ && missing_bytes() >= 0) return stated_length_;
  scan();
  return mpg123_length(handle_.get());
}

std::optional<std::int64_t> Mp3Reader::expected_length() {
  return !layout_.stated_bytes || missing_bytes() > 0 ? stated_length_ : std::nullopt;
}

AudioInfo Mp3Reader::info() {
  if (!stated_length_ || missing_bytes() != 0) scan();
  AudioInfo info;
  info.format = info.codec = "mp3";
  info.sample_rate_hz = rate_hz_;
  info.channels = channels_;
  info.duration_s = std::max(0.0, static_cast<double>(mpg123_length(handle_.get())) / rate_hz_);
  if (info.duration_s > 0) {
    info.bit_rate_kbps = static_cast<double>(layout_.end - layout_.begin) * 8e-3 / info.duration_s;
  }
  return info;
}

void Mp3Reader::scan() {
  if (!std::exchange(scanned_, true)) mpg123_scan(handle_.get());
}

bool Mp3Reader::seek(std::int64_t sample) {
  frames_end_ = -1;
  return mpg123_seek(handle_.get(), sample, SEEK_SET) == sample;
}

ReadResult Mp3Reader::read(std::vector<float>& mono) {
  for (;;) {
    off_t frame = 0;
    unsigned char* audio = nullptr;
    std::size_t bytes = 0;
    const int result = mpg123_decode_frame(handle_.get(), &frame, &audio, &bytes);
    if (result == MPG123_NEW_FORMAT) {
      long rate = 0;
      int encoding = 0;
      mpg123_getformat(handle_.get(), &rate, &channels_, &encoding);
      if (rate != rate_hz_) return ReadResult::rate_change;
    } else if (result == MPG123_DONE) {
      account_for_gap(layout_.end - layout_.begin);
      return ReadResult::end;
    } else if (result != MPG123_OK) {
      error_ = mpg123_strerror(handle_.get());
      return ReadResult::damaged;
    }
    if (bytes == 0) continue;
    account_for_frame();
    const std::size_t count = bytes / sizeof(float) / static_cast<std::size_t>(channels_), before = mono.size();
    mono.resize(before + count);
    mean_of_interleaved(reinterpret_cast<const float*>(audio), channels_, 0.0f, 1.0f, std::span(mono).subspan(before));
    return ReadResult::samples;
  }
}

void Mp3Reader::account_for_frame() {
  mpg123_frameinfo2 info;
  if (mpg123_info2(handle_.get(), &info) != MPG123_OK) return;
  const std::int64_t at = mpg123_framepos(handle_.get());
  account_for_gap(at);
  frames_end_ = at + info.framesize;
  frame_bytes_ += info.framesize;
}

// Tags between frames (concatenated files) are not damage.
void Mp3Reader::account_for_gap(std::int64_t next) {
  if (frames_end_ < 0 || next <= frames_end_) return;
  std::array<char, 3> start{};
  stream_.source->read_at(layout_.begin + frames_end_, std::as_writable_bytes(std::span(start)));
  const std::string_view word(start.data(), start.size());
  if (word != "ID3" && word != "TAG" && word != "APE" && word != "LYR") skipped_bytes_ += next - frames_end_;
}

std::string Mp3Reader::damage() const {
  if (!error_.empty()) return error_;
  const auto limit = std::max(static_cast<double>(kMaxSkippedFrames * std::max(layout_.first.frame_bytes, 256)),
                              kMaxSkippedShare * static_cast<double>(frame_bytes_ + skipped_bytes_));
  if (static_cast<double>(skipped_bytes_) <= limit) return {};
  return std::to_string(skipped_bytes_) + " of " + std::to_string(frame_bytes_ + skipped_bytes_) +
         " bytes belong to no MPEG frame";
}

}  // namespace

std::unique_ptr<TrackReader> open_mp3(ByteSource& source, const MpegLayout& layout) {
  auto reader = std::make_unique<Mp3Reader>(source, layout);
  if (!reader->open()) return nullptr;
  return reader;
}

}  // namespace genrewise::audio
