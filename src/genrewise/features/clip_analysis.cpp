#include "genrewise/features/clip_analysis.hpp"

#include <string>

namespace genrewise {

void ClipAnalysis::begin(const Waveform& clip) {
  clip_ = &clip;
  ++number_;
}

const Waveform& ClipAnalysis::at_rate(int sample_rate_hz) {
  if (sample_rate_hz == 0 || sample_rate_hz == clip_->sample_rate_hz) return *clip_;
  return once<Waveform>(std::to_string(sample_rate_hz), [&](Waveform& resampled) {
    resampled = {resample(clip_->samples, clip_->sample_rate_hz, sample_rate_hz), sample_rate_hz};
  });
}

}  // namespace genrewise
