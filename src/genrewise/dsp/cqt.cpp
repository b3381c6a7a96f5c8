#include "genrewise/dsp/cqt.hpp"

#include <algorithm>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/cqt_kernel.hpp"

namespace genrewise {
namespace {

// The upper edge of the highest filter: half the Hann window's noise bandwidth (1.5 bins) above its centre.
double highest_edge_hz(std::size_t octaves, double lowest_hz, double tuning) {
  constexpr double kHannBandwidth = 1.50018310546875;
  const double bins = static_cast<double>(octaves * kBinsPerOctave);
  return lowest_hz * std::exp2((bins - 1 + tuning) / kBinsPerOctave) * (1 + 0.5 * kHannBandwidth / cqt_quality());
}

// How often librosa.cqt halves the rate before the first octave.
std::size_t early_halvings(const CqtConfig& config, double tuning) {
  const double nyquist_hz = config.sample_rate_hz / 2.0;
  const double headroom =
      std::ceil(std::log2(nyquist_hz / highest_edge_hz(config.octaves, config.lowest_hz, tuning))) - 2;
  std::size_t spare = 0;
  for (std::size_t hop = config.hop_samples; hop % 2 == 0; hop /= 2) ++spare;
  return std::min(static_cast<std::size_t>(std::max(0.0, headroom)), spare - (config.octaves - 1));
}

// Rate and frequencies halve together from octave to octave, so all octaves share one pair of kernels: one for the
// octave's own signal, and one for the signal of the octave above, which gives frames inside the clip in one step.
struct Kernels {
  CqtKernel own, at_double_rate;
  std::size_t exact_samples;  // at each end of a signal: samples read by frames that are not inside
};

Kernels make_kernels(const CqtConfig& config, double tuning, std::size_t early) {
  const double top_octave_hz =
      config.lowest_hz * std::exp2(static_cast<double>(config.octaves - 1) + tuning / kBinsPerOctave);
  const double top_rate_hz = std::ldexp(config.sample_rate_hz, -static_cast<int>(early));
  const std::size_t frame_samples = frame_samples_for(top_octave_hz, top_rate_hz);
  Kernels kernels{make_cqt_kernel(top_octave_hz, top_rate_hz, frame_samples), {}, 0};
  kernels.at_double_rate = at_double_rate(kernels.own);
  kernels.exact_samples = kernels.at_double_rate.pairs() / 2 + frame_samples / 2 + 1;
  return kernels;
}

// First and last + 1 of `count` frames whose samples, up to `reach` on each side of the centre, are all in the signal.
std::pair<std::size_t, std::size_t> inner_frames(std::size_t samples, std::size_t hop, std::size_t reach,
                                                 std::size_t count) {
  const std::size_t first = std::min(count, (reach + hop - 1) / hop);
  const std::size_t last = samples > reach ? (samples - reach - 1) / hop + 1 : 0;
  return {first, std::clamp(last, first, count)};
}

}  // namespace

double cqt_quality() {
  static const double quality = (std::exp2(1.0 / 6) + 1) / (std::exp2(1.0 / 6) - 1);
  return quality;
}

Cqt::Cqt(const CqtConfig& config) : config_(config) {
  if (config.octaves < 1 || config.hop_samples == 0 ||
      config.hop_samples % (std::size_t{1} << (config.octaves - 1)) != 0)
    throw Error("a hop of " + std::to_string(config.hop_samples) + " samples cannot be halved for each of " +
                    std::to_string(config.octaves) + " octaves",
                "constant-Q transform", "use a multiple of 2^(octaves - 1)");
  const int minimum_hz = minimum_sample_rate_hz(config.octaves, config.lowest_hz);
  if (config.sample_rate_hz < minimum_hz)
    throw Error("the highest notes are above half of " + std::to_string(config.sample_rate_hz) + " Hz",
                "constant-Q transform", "resample to " + std::to_string(minimum_hz) + " Hz or more");
}

int Cqt::minimum_sample_rate_hz(std::size_t octaves, double lowest_hz) {
  return static_cast<int>(std::ceil(2 * highest_edge_hz(octaves, lowest_hz, 0.5)));
}

std::size_t Cqt::frames(std::size_t samples, double tuning) const {
  std::size_t hop = config_.hop_samples;
  for (std::size_t i = early_halvings(config_, tuning); i > 0; --i, hop /= 2) samples = (samples + 1) / 2;
  std::size_t count = 1 + samples / hop;
  for (std::size_t octave = 1; octave < config_.octaves; ++octave) {
    samples = (samples + 1) / 2;
    hop /= 2;
    count = std::min(count, 1 + samples / hop);
  }
  return count;
}

void Cqt::process(std::span<const float> samples, double tuning, Matrix& magnitude, Scratch& scratch) const {
  const std::size_t count = frames(samples.size(), tuning), early = early_halvings(config_, tuning);
  if (magnitude.rows() != count || magnitude.cols() != bins()) magnitude = Matrix(count, bins());
  const Kernels kernels = make_kernels(config_, tuning, early);

  std::span<const float> signal = samples;
  std::size_t hop = config_.hop_samples;
  const auto halve = [&] {
    const std::size_t half = (signal.size() + 1) / 2;
    if (scratch.lower.size() < half) scratch.lower.resize(half);
    halve_rate(signal, kernels.exact_samples, std::span(scratch.lower).first(half));
    std::swap(scratch.upper, scratch.lower);
    signal = std::span(scratch.upper).first(half);
    hop /= 2;
  };
  for (std::size_t i = 1; i < early; ++i) halve();
  for (std::size_t octave = 0; octave < config_.octaves; ++octave) {
    const std::size_t column = bins() - (octave + 1) * kBinsPerOctave;
    std::size_t first = 0, last = 0;
    if (octave > 0 || early > 0) {
      std::tie(first, last) = inner_frames(signal.size(), hop, kernels.at_double_rate.pairs(), count);
      project(signal, hop, kernels.at_double_rate, first, last, column, magnitude, scratch.project);
      halve();
      // When soxr lowers the rate in one step it omits a last sample that covers less than half of its period; librosa
      // pads with zero.
      const std::size_t rounded = (samples.size() + ((std::size_t{1} << early) >> 1)) >> early;
      if (octave == 0 && rounded < signal.size()) scratch.upper[rounded] = 0;
    }
    project(signal, hop, kernels.own, 0, first, column, magnitude, scratch.project);
    project(signal, hop, kernels.own, last, count, column, magnitude, scratch.project);
  }
}

}  // namespace genrewise
