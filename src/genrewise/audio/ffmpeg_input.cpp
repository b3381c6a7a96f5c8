#include "genrewise/audio/ffmpeg_input.hpp"

#include <new>
#include <string_view>

#include "genrewise/audio/container_end.hpp"
#include "genrewise/audio/limits.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise::audio {
namespace {

constexpr int kIoBufferBytes = 1 << 16;
// FFmpeg scores each format from 0 to 100; noise gets the lowest scores.
constexpr int kMinProbeScore = 5;
// FFmpeg searches a WAV's samples for DTS and similar streams; its default of 2,500 packets costs more than decoding.
constexpr int kMaxProbePackets = 2;
// In MPEG program and transport streams the audio is found by its first packet.
constexpr std::int64_t kMaxAudioDelaySeconds = 60;
// Of one block of FFmpeg's memory, which damaged headers may state; the index of 100 hours of AAC needs 360 MiB.
constexpr std::size_t kMaxBlockBytes = std::size_t{512} << 20;

// Playlists and similar formats refer to other files, which must not be opened.
int deny_open(AVFormatContext*, AVIOContext**, const char*, int, AVDictionary**) {
  return AVERROR(EPERM);
}

// FFmpeg calls it in its loops and gives up if it returns 1.
int is_interrupted(void*) noexcept try {
  throw_if_interrupted();
  return 0;
} catch (const Interrupted&) {
  return 1;
}

}  // namespace

FfmpegInput::FfmpegInput(const ByteView& view) : view_(view) {
  static const bool configured = (av_log_set_level(AV_LOG_QUIET), av_max_alloc(kMaxBlockBytes), true);
  static_cast<void>(configured);
  auto* buffer = static_cast<unsigned char*>(av_malloc(kIoBufferBytes));
  if (buffer != nullptr) {
    io_.reset(avio_alloc_context(buffer, kIoBufferBytes, 0, this, read_packet, nullptr, seek));
  }
  if (!io_) throw std::bad_alloc();
}

int FfmpegInput::read_packet(void* opaque, std::uint8_t* out, int count) {
  auto& input = *static_cast<FfmpegInput*>(opaque);
  const std::span bytes(reinterpret_cast<std::byte*>(out), static_cast<std::size_t>(count));
  const std::size_t got = input.view_.read_at(input.at_, bytes);
  input.at_ += static_cast<std::int64_t>(got);
  return got == 0 ? AVERROR_EOF : static_cast<int>(got);
}

std::int64_t FfmpegInput::seek(void* opaque, std::int64_t offset, int whence) {
  auto& input = *static_cast<FfmpegInput*>(opaque);
  const int kind = whence & ~AVSEEK_FORCE;
  if (kind == AVSEEK_SIZE) return input.view_.size();
  const std::int64_t base = kind == SEEK_SET ? 0 : (kind == SEEK_CUR ? input.at_ : input.view_.size());
  if (base + offset < 0) return AVERROR(EINVAL);
  return input.at_ = base + offset;
}

bool FfmpegInput::is_cut(int code) const {
  return code == AVERROR_EOF || code == AVERROR(EIO) || stated_size(view_).value_or(0) > view_.size() ||
         granule_of_cut_page(view_).has_value();
}

Expected<std::unique_ptr<AVFormatContext, FormatDeleter>> FfmpegInput::open_format(const std::string& name) {
  avio_seek(io_.get(), 0, SEEK_SET);
  const AVInputFormat* kind = nullptr;
  if (av_probe_input_buffer2(io_.get(), &kind, "", nullptr, 0, 0) < kMinProbeScore) {
    throw_if_interrupted();
    return tl::unexpected(Fault{"not audio", name, "the content matches no known audio format"});
  }
  AVFormatContext* format = avformat_alloc_context();
  if (format == nullptr) throw std::bad_alloc();
  format->pb = io_.get();
  format->io_open = deny_open;
  format->interrupt_callback = {is_interrupted, nullptr};
  format->protocol_whitelist = av_strdup("none");
  const std::string_view kind_name = kind->name;
  if (kind_name == "wav") format->max_probe_packets = kMaxProbePackets;
  if (kind_name.starts_with("mpeg")) format->max_analyze_duration = kMaxAudioDelaySeconds * AV_TIME_BASE;
  int code = avformat_open_input(&format, "", kind, nullptr);  // frees format when it fails
  std::unique_ptr<AVFormatContext, FormatDeleter> opened;
  if (code >= 0) {
    opened.reset(format);
    for (unsigned i = 0; i < format->nb_streams; ++i) {  // before FFmpeg decodes the first packets
      const AVCodecParameters& stream = *format->streams[i]->codecpar;
      const int rate_hz = stream.sample_rate, channels = stream.ch_layout.nb_channels;
      if (stream.codec_type != AVMEDIA_TYPE_AUDIO || rate_hz == 0 || channels == 0) continue;
      if (auto fault = implausible_stream(stream.codec_id, rate_hz, channels, name)) return tl::unexpected(*fault);
    }
    code = avformat_find_stream_info(format, nullptr);
  }
  throw_if_interrupted();
  if (code < 0) {
    return tl::unexpected(Fault{is_cut(code) ? "truncated" : "damaged", name,
                                std::string("its header is incomplete or wrong (format: ") + kind->long_name + ")"});
  }
  return opened;
}

std::optional<Fault> implausible_stream(AVCodecID codec, int sample_rate_hz, int channels, const std::string& name) {
  const bool is_dsd = codec == AV_CODEC_ID_DSD_LSBF || codec == AV_CODEC_ID_DSD_MSBF ||
                      codec == AV_CODEC_ID_DSD_LSBF_PLANAR || codec == AV_CODEC_ID_DSD_MSBF_PLANAR;
  return implausible(sample_rate_hz, channels, is_dsd, name);
}

}  // namespace genrewise::audio
