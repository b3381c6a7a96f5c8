#include "genrewise/dsp/stft.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "genrewise/base/error.hpp"

namespace genrewise {

AlignedVector<double> hann_window(std::size_t size) {
  AlignedVector<double> window(size);
  for (std::size_t n = 0; n < size; ++n) {
    const double turn = static_cast<double>(n) / static_cast<double>(size);
    window[n] = 0.5 - 0.5 * std::cos(2 * std::numbers::pi * turn);
  }
  return window;
}

Stft::Stft(const StftConfig& config)
    : hop_samples_(config.hop_samples), fft_(config.n_fft), window_(hann_window(config.n_fft)) {
  if (hop_samples_ == 0) throw Error("the hop must be at least one sample", "Stft");
}

void Stft::power(std::span<const float> samples, std::size_t first, std::size_t count, float* power, std::size_t stride,
                 Scratch& scratch) const {
  const std::size_t size = n_fft(), half = size / 2;
  scratch.frame.resize(size);
  scratch.spectrum.resize(bins());
  double* const frame = scratch.frame.data();
  for (std::size_t i = 0; i < count; ++i, power += stride) {
    // The frame covers samples [centre - half, centre - half + size) of the signal, zeros beyond its ends.
    const std::size_t centre = (first + i) * hop_samples_;
    const std::size_t before = centre < half ? half - centre : 0;
    const std::size_t start = centre + before - half;
    const std::size_t inside = std::min(size - before, samples.size() - std::min(start, samples.size()));
    std::fill_n(frame, before, 0.0);
    const float* const from = samples.data() + start;
    for (std::size_t n = 0; n < inside; ++n) frame[before + n] = window_[before + n] * from[n];
    std::fill(frame + before + inside, frame + size, 0.0);

    fft_.forward(frame, scratch.spectrum.data());
    const double* const parts = reinterpret_cast<const double*>(scratch.spectrum.data());
    for (std::size_t k = 0; k < bins(); ++k) {
      power[k] = static_cast<float>(parts[2 * k] * parts[2 * k] + parts[2 * k + 1] * parts[2 * k + 1]);
    }
  }
}

}  // namespace genrewise
