extern "C" {
#include <libavutil/frame.h>
#include <libavutil/samplefmt.h>
}

#include <cstddef>
#include <cstdint>
#include <span>

#include "genrewise/audio/downmix.hpp"
#include "genrewise/audio/ffmpeg_stream.hpp"

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

}  // namespace genrewise::audio
