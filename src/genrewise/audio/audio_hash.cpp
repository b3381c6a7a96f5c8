#include <algorithm>

#include "genrewise/audio/audio_hasher.hpp"
#include "genrewise/audio/decode_workers.hpp"
#include "genrewise/audio/mpeg_layout.hpp"
#include "genrewise/audio/tags.hpp"
#include "genrewise/audio/track_reader.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace audio {
namespace {

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

/// All links of a chained Ogg file, or the whole view.
Expected<bool> add_links(const ByteView& view, const std::string& name, AudioHasher& hasher) {
  std::vector<ByteView> links = ogg_links(view);
  if (links.empty()) links.push_back(view);
  Expected<bool> more = true;
  for (std::size_t i = 0; i < links.size() && more && *more; ++i) more = add_other(links[i], name, hasher);
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
