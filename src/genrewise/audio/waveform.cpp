#include "genrewise/audio/waveform.hpp"

#include <fmt/format.h>

#include <soxr.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>

#include "genrewise/audio/limits.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBlockSamples = 1 << 18;  // between checks for an interrupt

struct SoxrDeleter {
  void operator()(soxr* resampler) const { soxr_delete(resampler); }
};

constexpr double kShortest_s = 0.25, kEdge_s = 0.025;
constexpr float kSilentRange = 2e-4f;  // of full scale

}  // namespace

std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz) {
  for (const int rate : {from_hz, to_hz}) {
    if (rate < 1 || rate > audio::kMaxResampledHz) {
      throw Error("a sample rate of " + std::to_string(rate) + " Hz is not possible", "resampling",
                  "use 1 to 10,000,000 Hz");
    }
  }
  if (from_hz == to_hz || samples.empty()) return {samples.begin(), samples.end()};
  const auto to = static_cast<std::uint64_t>(to_hz), from = static_cast<std::uint64_t>(from_hz);
  std::vector<float> out((samples.size() * to + from - 1) / from);  // soxr may not write the last one, which stays zero
  const soxr_io_spec_t floats = soxr_io_spec(SOXR_FLOAT32_I, SOXR_FLOAT32_I);
  const soxr_quality_spec_t quality = soxr_quality_spec(SOXR_HQ, 0);
  const soxr_runtime_spec_t one_thread = soxr_runtime_spec(1);
  soxr_error_t error = nullptr;
  const std::unique_ptr<soxr, SoxrDeleter> resampler(
      soxr_create(from_hz, to_hz, 1, &error, &floats, &quality, &one_thread));
  std::size_t read = 0, written = 0;
  for (bool ended = false; error == nullptr && !ended;) {
    throw_if_interrupted();
    const std::span input = samples.subspan(read, std::min(kBlockSamples, samples.size() - read));
    const std::span output = std::span(out).subspan(written, std::min(kBlockSamples, out.size() - written));
    std::size_t used = 0, made = 0;
    error = soxr_process(resampler.get(), input.empty() ? nullptr : input.data(), input.size(), &used, output.data(),
                         output.size(), &made);
    read += used, written += made;
    ended = written == out.size() || (input.empty() && made == 0);
  }
  if (error != nullptr) {
    throw Error(std::string("soxr failed (") + error + ")", "resampling", "free some memory or use a shorter clip");
  }
  return out;
}

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
