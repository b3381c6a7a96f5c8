#include "genrewise/dsp/onset.hpp"

#include <algorithm>

namespace genrewise {

void onset_strength(const float* mel_db, std::size_t bands, std::size_t stride, float floor_db,
                    std::span<float> envelope) {
  constexpr std::size_t kDelay = 2, kFirst = kDelay + 1;
  std::fill(envelope.begin(), envelope.end(), 0.0F);
  if (envelope.size() <= kFirst) return;
  for (std::size_t band = 0; band < bands; ++band) {
    const float* level = mel_db + band * stride;
    for (std::size_t t = kFirst; t < envelope.size(); ++t) {
      const float now = std::max(level[t - kDelay], floor_db), before = std::max(level[t - kDelay - 1], floor_db);
      envelope[t] += std::max(now - before, 0.0F);
    }
  }
  for (float& value : envelope) value /= static_cast<float>(bands);
}

}  // namespace genrewise
