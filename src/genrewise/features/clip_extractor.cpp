#include "genrewise/features/clip_extractor.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/floats.hpp"

namespace genrewise {
namespace {

// 240 dB above full scale: the powers of larger samples overflow, and the vectorised logarithm of infinity is finite.
constexpr float kLargestSample = 1e12F;

bool is_usable(const Waveform& wave) {  // false for NaN too
  return std::ranges::all_of(wave.samples, [](float sample) { return std::abs(sample) <= kLargestSample; });
}

DecodeOptions decode_options(const ClipRequest& clip, int sample_rate_hz) {
  DecodeOptions options{.clip = clip};
  if (sample_rate_hz > 0) options.sample_rate_hz = sample_rate_hz;
  return options;
}

}  // namespace

// The rate of the wanted sets if all have the same; else 0, the file's own.
int ClipExtractor::decoded_rate_hz(const std::vector<std::span<float>>& rows) const {
  std::optional<int> common;
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    if (rows[i].empty()) continue;
    if (common && *common != sets_[i]->sample_rate_hz()) return 0;
    common = sets_[i]->sample_rate_hz();
  }
  return common.value_or(0);
}

std::vector<Expected<void>> ClipExtractor::extract(const std::filesystem::path& location, const ClipRequest& clip,
                                                   const std::vector<std::span<float>>& rows) const {
  return extract(decode_file(location, decode_options(clip, decoded_rate_hz(rows))), location.string(), rows);
}

Expected<void> ClipExtractor::extract(const std::filesystem::path& location, const ClipRequest& clip,
                                      std::span<float> out) const {
  return std::move(extract(location, clip, first_only(out)).front());
}

Expected<void> ClipExtractor::extract(std::span<const std::byte> bytes, const std::string& name,
                                      const ClipRequest& clip, std::span<float> out) const {
  const auto rows = first_only(out);
  return std::move(extract(decode_bytes(bytes, name, decode_options(clip, decoded_rate_hz(rows))), name, rows).front());
}

std::vector<std::span<float>> ClipExtractor::first_only(std::span<float> out) const {
  std::vector<std::span<float>> rows(sets_.size());
  rows.front() = out;
  return rows;
}

std::vector<Expected<void>> ClipExtractor::extract(const Expected<Waveform>& clip, const std::string& where,
                                                   const std::vector<std::span<float>>& rows) const {
  std::vector<Expected<void>> results(sets_.size());
  if (!clip) {
    std::ranges::fill(results, Expected<void>(tl::unexpected(clip.error())));
    return results;
  }
  std::unique_ptr<ClipAnalysis> analysis;
  {
    const std::lock_guard lock(mutex_);
    if (!free_.empty()) {
      analysis = std::move(free_.back());
      free_.pop_back();
    }
  }
  if (!analysis) analysis = std::make_unique<ClipAnalysis>();
  analysis->begin(*clip);
  for (std::size_t i = 0; i < sets_.size(); ++i) {
    if (rows[i].empty()) continue;
    const Waveform& wave = analysis->at_rate(sets_[i]->sample_rate_hz());
    results[i] = is_usable(wave) ? check_clip(wave)
                                 : tl::unexpected(Fault{"not finite", {}, "the powers of such large samples"});
    if (results[i]) results[i] = sets_[i]->extract(*analysis, rows[i]);
    if (results[i] && !all_finite(rows[i])) results[i] = tl::unexpected(Fault{"not finite", {}, "a feature"});
    if (!results[i] && results[i].error().where.empty()) results[i].error().where = where;
  }
  const std::lock_guard lock(mutex_);
  free_.push_back(std::move(analysis));
  return results;
}

}  // namespace genrewise
