#include "genrewise/dsp/zero_crossings.hpp"

#include <algorithm>

namespace genrewise {
namespace {

bool negative(float sample) {
  return sample < -1e-10f;
}

// The sign changes between neighbours among samples [first, end).
std::size_t crossings(std::span<const float> samples, std::size_t first, std::size_t end) {
  unsigned count = 0;
  for (std::size_t i = first + 1; i < end; ++i) count += negative(samples[i - 1]) != negative(samples[i]);
  return count;
}

}  // namespace

void zero_crossing_rate(std::span<const float> samples, std::size_t frame_samples, std::size_t hop_samples,
                        std::span<float> rates) {
  const std::size_t half = frame_samples / 2;
  std::size_t count = 0, first = 0, end = 0;  // the frame [first, end) within the signal
  for (std::size_t i = 0; i < rates.size(); ++i) {
    const std::size_t centre = i * hop_samples;
    const std::size_t next_first = centre > half ? centre - half : 0;
    const std::size_t next_end = std::min(centre + half, samples.size());
    // Advances the frame: adds the crossings that enter and subtracts those that leave, including the boundaries to the
    // remaining samples.
    count += crossings(samples, end == 0 ? 0 : end - 1, next_end);
    count -= crossings(samples, first, next_first + 1);
    first = next_first;
    end = next_end;
    rates[i] = static_cast<float>(static_cast<double>(count) / static_cast<double>(frame_samples));
  }
}

}  // namespace genrewise
