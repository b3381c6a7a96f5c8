#include "genrewise/audio/resample.hpp"

#include <soxr.h>

#include <cstdint>
#include <string>

#include "genrewise/base/error.hpp"

namespace genrewise {

std::vector<float> resample(std::span<const float> samples, int from_hz, int to_hz) {
  constexpr int kMaxHz = 10'000'000;
  for (const int rate : {from_hz, to_hz}) {
    if (rate < 1 || rate > kMaxHz) {
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
  std::size_t written = 0;
  const soxr_error_t error = soxr_oneshot(from_hz, to_hz, 1, samples.data(), samples.size(), nullptr, out.data(),
                                          out.size(), &written, &floats, &quality, &one_thread);
  if (error != nullptr) {
    throw Error(std::string("soxr failed (") + error + ")", "resampling", "free some memory or use a shorter clip");
  }
  return out;
}

}  // namespace genrewise
