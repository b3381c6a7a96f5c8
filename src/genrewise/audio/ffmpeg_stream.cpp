#include "genrewise/audio/ffmpeg_stream.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <new>
#include <span>
#include <utility>

#include "genrewise/audio/downmix.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

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

}  // namespace

std::int64_t round_to_range(double value) {
  constexpr double kLimit = 1e15;
  return std::llround(std::clamp(std::isnan(value) ? 0.0 : value, -kLimit, kLimit));
}

bool append_frame(const AVFrame& frame, int skip, std::vector<float>& mono) {
  const std::size_t before = mono.size();
  mono.resize(before + static_cast<std::size_t>(frame.nb_samples - skip));
  const auto kind = static_cast<AVSampleFormat>(frame.format);
  const auto append = [&]<class T>(T, float offset, float scale) {
    append_mean<T>(frame, av_sample_fmt_is_planar(kind) != 0, offset, scale, std::span(mono).subspan(before), skip);
    return true;
  };
  switch (av_get_packed_sample_fmt(kind)) {
    case AV_SAMPLE_FMT_U8:
      return append(std::uint8_t{}, 128.0f, 0x1p-7f);
    case AV_SAMPLE_FMT_S16:
      return append(std::int16_t{}, 0.0f, 0x1p-15f);
    case AV_SAMPLE_FMT_S32:
      return append(std::int32_t{}, 0.0f, 0x1p-31f);
    case AV_SAMPLE_FMT_S64:
      return append(std::int64_t{}, 0.0f, 0x1p-63f);
    case AV_SAMPLE_FMT_FLT:
      return append(float{}, 0.0f, 1.0f);
    case AV_SAMPLE_FMT_DBL:
      return append(double{}, 0.0f, 1.0f);
    default:
      return false;
  }
}

FfmpegStream::FfmpegStream(const ByteView& view, std::string name) : name_(std::move(name)), input_(view) {
  packet_.reset(av_packet_alloc());
  if (!packet_) throw std::bad_alloc();
}

Expected<const AVCodec*> FfmpegStream::open() {
  auto format = input_.open_format(name_);
  if (!format) return tl::unexpected(std::move(format.error()));
  format_ = std::move(*format);
  const AVCodec* decoder = nullptr;
  const int index = av_find_best_stream(format_.get(), AVMEDIA_TYPE_AUDIO, -1, -1, &decoder, 0);
  if (index < 0) {
    const bool is_unknown = index == AVERROR_DECODER_NOT_FOUND;
    return tl::unexpected(Fault{"no audio in it", name_,
                                is_unknown ? std::string("no decoder for its codec is installed")
                                           : std::string("it is ") + format_->iformat->long_name});
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    format_->streams[i]->discard = static_cast<int>(i) == index ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  stream_ = format_->streams[index];
  read_by_open_ = avio_seek(format_->pb, 0, SEEK_CUR);
  return decoder;
}

int FfmpegStream::read_packet() {
  constexpr std::int64_t kMaxTime = std::int64_t{1} << 60, kMaxDuration = std::int64_t{1} << 40;
  do {
    throw_if_interrupted();
    av_packet_unref(packet_.get());
    if (const int code = av_read_frame(format_.get(), packet_.get()); code < 0) return code;
  } while (packet_->stream_index != stream_->index);
  ++counts_.packets;
  counts_.last_duration = std::clamp<std::int64_t>(packet_->duration, 0, kMaxDuration);
  counts_.duration = std::min(counts_.duration + counts_.last_duration, kMaxTime);
  if (packet_->pts != AV_NOPTS_VALUE && packet_->pts < kMaxTime) {
    counts_.end = std::max(counts_.end, packet_->pts + counts_.last_duration);
  }
  counts_.last_byte = packet_->pos;
  counts_.last_bytes = packet_->size;
  counts_.bytes += packet_->size;
  count_skipped_bytes();
  return 0;
}

// While packets come from those that open() read ahead, the position in the file says nothing.
void FfmpegStream::count_skipped_bytes() {
  constexpr std::int64_t kReadAheadBytes = 1500;
  if (!is_format({"aac", "ac3", "eac3", "mp3", "dts"})) return;
  const std::int64_t at = avio_seek(format_->pb, 0, SEEK_CUR);
  const std::int64_t skipped = at - counts_.bytes - kReadAheadBytes;
  if (at > read_by_open_) counts_.skipped_bytes = std::max(counts_.skipped_bytes, skipped);
}

bool FfmpegStream::go_to(std::int64_t timestamp) {
  return av_seek_frame(format_.get(), stream_->index, timestamp, AVSEEK_FLAG_BACKWARD) >= 0;
}

void FfmpegStream::set_first_frame(const AVFrame& frame) {
  rate_hz_ = frame.sample_rate;
  channels_ = frame.ch_layout.nb_channels;
  first_pts_ = frame.pts;
  header_is_wrong_ = is_format({"flac"}) && stream_->time_base.den != rate_hz_;
}

std::string_view FfmpegStream::format_name() const {
  const std::string_view all = format_->iformat->name;  // "mov,mp4,m4a,3gp,3g2,mj2", "matroska,webm"
  return all.substr(0, all.find(','));
}

bool FfmpegStream::is_format(std::initializer_list<std::string_view> names) const {
  return std::ranges::find(names, format_name()) != names.end();
}

bool FfmpegStream::stores_time_stamps() const {
  const bool has_first = first_pts_ != AV_NOPTS_VALUE && !header_is_wrong_;
  return has_first && is_format({"mov", "matroska", "ogg", "flac", "asf", "wv", "tta", "ape"});
}

int FfmpegStream::pcm_frame_bytes() const {
  const bool is_pcm = codec() >= AV_CODEC_ID_FIRST_AUDIO && codec() < AV_CODEC_ID_ADPCM_IMA_QT;
  if (!is_pcm || !is_format({"wav", "w64", "aiff", "au", "caf"})) return 0;
  return av_get_exact_bits_per_sample(codec()) * channels_ / 8;
}

bool FfmpegStream::can_seek() const {
  // ADPCM and DPCM codecs may add to a state that never converges.
  const bool adds_up = (codec() >= AV_CODEC_ID_ADPCM_IMA_QT && codec() < AV_CODEC_ID_AMR_NB) ||
                       (codec() >= AV_CODEC_ID_ROQ_DPCM && codec() < AV_CODEC_ID_MP2);
  return !adds_up && (stores_time_stamps() || (pcm_frame_bytes() > 0 && first_pts_ != AV_NOPTS_VALUE));
}

bool FfmpegStream::has_exact_time_stamps() const {
  return stream_->time_base.num == 1 && stream_->time_base.den % rate_hz_ == 0;
}

std::int64_t FfmpegStream::position_of(std::int64_t timestamp) const {
  return round_to_range(to_samples(timestamp) - to_samples(first_pts_));
}

std::int64_t FfmpegStream::timestamp_at(double seconds) const {
  return round_to_range(static_cast<double>(first_pts_) + seconds / av_q2d(stream_->time_base));
}

std::optional<std::int64_t> FfmpegStream::stated_length() const {
  // Opus counts the samples that its decoder drops at the start (RFC 7845, 4.2).
  const std::int64_t dropped = codec() == AV_CODEC_ID_OPUS ? stream_->codecpar->initial_padding : 0;
  std::optional<double> length;
  if (stream_->duration != AV_NOPTS_VALUE) {
    length = to_samples(stream_->duration) - static_cast<double>(dropped);
  } else if (format_->duration != AV_NOPTS_VALUE) {
    length = static_cast<double>(format_->duration) / AV_TIME_BASE * rate_hz_;
  }
  if (!length || *length > kMaxDurationSeconds * rate_hz_) return std::nullopt;  // the header is wrong
  return round_to_range(*length);
}

bool FfmpegStream::length_is_doubtful() const {
  constexpr int kMinBits = 16;
  constexpr double kOther = 1 << 16;                 // bytes of headers and tags beside PCM
  constexpr double kSilenceBytesPerS = 1'000 / 8.0;  // FLAC of digital silence has a little more
  const auto size = static_cast<double>(input_.view().size());
  const double samples = to_samples(stream_->duration);
  if (const int bytes = pcm_frame_bytes(); bytes > 0) return size > 2 * samples * bytes + kOther;
  if (!is_format({"flac", "wv", "tta", "ape"})) return false;
  const double bits = std::max(kMinBits, stream_->codecpar->bits_per_raw_sample) * channels_;
  return size > samples * bits / 8 || size < samples / rate_hz_ * kSilenceBytesPerS;
}

bool FfmpegStream::states_own_length() const {
  const bool is_guessed = format_->duration_estimation_method == AVFMT_DURATION_FROM_BITRATE;
  if (header_is_wrong_ || is_guessed || stream_->duration == AV_NOPTS_VALUE || !stated_length()) return false;
  return pcm_frame_bytes() > 0 ||
         is_format({"mov", "ogg", "flac", "wv", "tta", "ape", "mpc", "mpc8", "tak", "dsf", "iff"});
}

std::optional<std::int64_t> FfmpegStream::counted_length() const {
  const bool has_end = stores_time_stamps() && counts_.end != AV_NOPTS_VALUE;
  const std::int64_t samples = has_end ? position_of(counts_.end) : round_to_range(to_samples(counts_.duration));
  return samples > 0 ? std::optional(samples) : std::nullopt;
}

}  // namespace genrewise::audio
