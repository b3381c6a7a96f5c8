#include "genrewise/audio/clip_check.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <span>

namespace genrewise {
namespace {

constexpr double kShortest_s = 0.25, kEdge_s = 0.025;
constexpr float kSilentRange = 2e-4f;  // of full scale

}  // namespace

Expected<void> check_clip(const Waveform& clip) {
  const double rate = clip.sample_rate_hz, duration_s = static_cast<double>(clip.samples.size()) / rate;
  if (duration_s < kShortest_s) {
    return tl::unexpected(Fault{"too short",
                                {},
                                fmt::format("{} samples ({:.3f} s), but at least {} s are needed", clip.samples.size(),
                                            duration_s, kShortest_s)});
  }
  const auto edge = static_cast<std::size_t>(kEdge_s * rate);
  const auto inner = std::span(clip.samples).subspan(edge, clip.samples.size() - 2 * edge);
  float lowest = inner.front(), highest = lowest;
  for (const float sample : inner) {
    lowest = std::min(lowest, sample);
    highest = std::max(highest, sample);
    if (highest - lowest > kSilentRange) return {};
  }
  return tl::unexpected(
      Fault{"silent", {}, fmt::format("all samples lie between {:.5f} and {:.5f} of full scale", lowest, highest)});
}

}  // namespace genrewise
