#include <algorithm>

#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/ffmpeg_stream.hpp"
#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/tags.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace audio {
namespace {

class AudioHasher {
 public:
  explicit AudioHasher(std::uint64_t max_bytes) : left_(max_bytes) {}

  void describe(std::string_view codec, int sample_rate_hz, int channels) {
    hasher_.update(std::string(codec) + " " + std::to_string(sample_rate_hz) + " " + std::to_string(channels) + "\n");
  }
  /// False when the limit has been reached.
  bool add(std::span<const std::byte> bytes) {
    const std::size_t count = std::min<std::uint64_t>(left_, bytes.size());
    hasher_.update({reinterpret_cast<const char*>(bytes.data()), count});
    left_ -= count;
    has_audio_ = has_audio_ || count > 0;
    return left_ > 0;
  }
  Expected<std::string> result(const std::string& name) {
    if (!has_audio_) return tl::unexpected(Fault{"no audio in it", name, "no packets"});
    return hasher_.hex();
  }

 private:
  Hasher hasher_{HashKind::sha256};
  std::uint64_t left_;
  bool has_audio_ = false;
};

/// From the first frame with audio to trailing tags: tags and the information frame, which states sizes, are left out.
void add_frames(ByteSource& source, const MpegLayout& layout, AudioHasher& hasher) {
  hasher.describe("mpeg" + std::to_string(layout.first.layer), layout.first.sample_rate_hz, layout.first.channels);
  std::vector<std::byte> block(1 << 16);
  for (std::int64_t at = layout.audio_begin; at < layout.end;) {
    throw_if_interrupted();
    const auto due = std::min<std::int64_t>(std::ssize(block), layout.end - at);
    const std::size_t got = source.read_at(at, std::span(block).first(static_cast<std::size_t>(due)));
    if (got == 0 || !hasher.add(std::span(block).first(got))) break;
    at += static_cast<std::int64_t>(got);
  }
}

/// Codec headers (FFmpeg's extradata) are left out because those of Ogg contain the tags.
Expected<bool> add_packets(const ByteView& view, const std::string& name, AudioHasher& hasher) {
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

/// All links of a chained Ogg file, or the whole view.
Expected<bool> add_links(const ByteView& view, const std::string& name, AudioHasher& hasher) {
  std::vector<ByteView> links = ogg_links(view);
  if (links.empty()) links.push_back(view);
  Expected<bool> more = true;
  for (std::size_t i = 0; i < links.size() && more && *more; ++i) more = add_packets(links[i], name, hasher);
  return more;
}

}  // namespace

Expected<std::string> hash_here(ByteSource& source, const std::string& name, std::uint64_t max_bytes) {
  AudioHasher hasher(max_bytes);
  auto layout = find_mpeg_audio(source, MpegSearch::at_start);
  Expected<bool> added = true;
  if (!layout) {
    const std::int64_t begin = end_of_leading_tags(source), end = begin_of_trailing_tags(source);
    added = add_links(ByteView(source, begin, std::max<std::int64_t>(0, end - begin)), name, hasher);
    if (!added) layout = find_mpeg_audio(source, MpegSearch::behind_junk);
  }
  if (layout) add_frames(source, *layout, hasher);
  if (auto read = source.check_read(); !read) return tl::unexpected(std::move(read.error()));
  if (!added && !layout) return tl::unexpected(std::move(added.error()));
  return hasher.result(name);
}

}  // namespace audio

Expected<std::string> audio_hash(const std::filesystem::path& location, std::uint64_t max_bytes) {
  auto source = audio::ByteSource::open(location);
  if (!source) return tl::unexpected(std::move(source.error()));
  auto& workers = Runtime::current().service<audio::DecodeWorkers>();
  const std::string name = location.string();
  return workers.are_used() ? workers.hash(*source, name, max_bytes) : audio::hash_here(*source, name, max_bytes);
}

}  // namespace genrewise
