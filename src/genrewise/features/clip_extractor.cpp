#include "genrewise/features/clip_extractor.hpp"

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/waveform.hpp"

namespace genrewise {
namespace {

DecodeOptions decode_options(const FeatureSet& set, const ClipRequest& clip) {
  DecodeOptions options{.clip = clip};
  if (set.sample_rate_hz() > 0) options.sample_rate_hz = set.sample_rate_hz();
  return options;
}

}  // namespace

Expected<void> ClipExtractor::extract(const std::filesystem::path& location, const ClipRequest& clip,
                                      std::span<float> out) const {
  return extract(decode_file(location, decode_options(set_, clip)), location.string(), out);
}

Expected<void> ClipExtractor::extract(std::span<const std::byte> bytes, const std::string& name,
                                      const ClipRequest& clip, std::span<float> out) const {
  return extract(decode_bytes(bytes, name, decode_options(set_, clip)), name, out);
}

Expected<void> ClipExtractor::extract(const Expected<Waveform>& clip, const std::string& where,
                                      std::span<float> out) const {
  if (!clip) return tl::unexpected(clip.error());
  if (Expected<void> usable = check_clip(*clip); !usable) {
    usable.error().where = where;
    return usable;
  }
  std::unique_ptr<FeatureSet::Scratch> scratch;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      scratch = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!scratch) scratch = set_.make_scratch();
  Expected<void> extracted = set_.extract(*clip, out, *scratch);
  if (!extracted && extracted.error().where.empty()) extracted.error().where = where;
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(scratch));
  return extracted;
}

}  // namespace genrewise
