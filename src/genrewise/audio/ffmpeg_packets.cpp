#include "genrewise/audio/audio_hasher.hpp"
#include "genrewise/audio/decoders.hpp"
#include "genrewise/audio/ffmpeg_stream.hpp"

namespace genrewise::audio {

// Codec headers (FFmpeg's extradata) are left out because those of Ogg contain the tags.
Expected<bool> add_other(const ByteView& view, const std::string& name, AudioHasher& hasher) {
  FfmpegStream stream(view, name);
  auto decoder = stream.open();
  if (!decoder) return tl::unexpected(std::move(decoder.error()));
  const AVCodecParameters& parameters = *stream.stream().codecpar;
  hasher.describe(avcodec_get_name(stream.codec()), parameters.sample_rate, parameters.ch_layout.nb_channels);
  while (stream.read_packet() >= 0) {
    const AVPacket& packet = stream.packet();
    if (!hasher.add(std::as_bytes(std::span(packet.data, static_cast<std::size_t>(packet.size))))) return false;
  }
  return true;
}

}  // namespace genrewise::audio

namespace genrewise {

AudioDecoders audio_decoders() {
  return {.library = "FFmpeg", .formats = "MP3 and all formats of FFmpeg", .missing = {}};
}

}  // namespace genrewise
