#include "genrewise/dsp/cqt.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <string>
#include <tuple>
#include <utility>

#include "genrewise/base/error.hpp"
#include "genrewise/dsp/cqt_kernel.hpp"

namespace genrewise {
namespace {

// The upper edge of the highest filter: half the Hann window's noise bandwidth (1.5 bins) above its centre.
double highest_edge_hz(const CqtConfig& config, double tuning) {
  constexpr double kHannBandwidth = 1.50018310546875;
  const auto per_octave = static_cast<double>(config.bins_per_octave), octaves = static_cast<double>(config.octaves);
  return config.lowest_hz * std::exp2(octaves + (tuning - 1) / per_octave) *
         (1 + 0.5 * kHannBandwidth / cqt_quality(config.bins_per_octave));
}

// How often librosa.cqt halves the rate before the first octave.
std::size_t early_halvings(const CqtConfig& config, double tuning) {
  const double nyquist_hz = config.sample_rate_hz / 2.0;
  const double headroom = std::ceil(std::log2(nyquist_hz / highest_edge_hz(config, tuning))) - 2;
  const auto halvings_of_hop = static_cast<std::size_t>(std::countr_zero(config.hop_samples));
  return std::min(static_cast<std::size_t>(std::max(0.0, headroom)), halvings_of_hop - (config.octaves - 1));
}

// First and last + 1 of `count` frames whose samples, up to `reach` on each side of the centre, are all in the signal.
std::pair<std::size_t, std::size_t> inner_frames(std::size_t samples, std::size_t hop, std::size_t reach,
                                                 std::size_t count) {
  const std::size_t first = std::min(count, (reach + hop - 1) / hop);
  const std::size_t last = samples > reach ? (samples - reach - 1) / hop + 1 : 0;
  return {first, std::clamp(last, first, count)};
}

// From the order of make_kernels(), where the first bins of all semitones of an octave come first, then the second, ...
void order_by_frequency(Matrix& magnitude, std::size_t bins_per_semitone) {
  std::vector<float> before(kBinsPerOctave * bins_per_semitone);
  for (std::size_t at = 0; at < magnitude.values().size(); at += before.size()) {
    float* const octave = magnitude.data() + at;
    std::copy_n(octave, before.size(), before.begin());
    for (std::size_t bin = 0; bin < before.size(); ++bin)
      octave[bin] = before[bin % bins_per_semitone * kBinsPerOctave + bin / bins_per_semitone];
  }
}

}  // namespace

// Rate and frequencies halve together from octave to octave, so all octaves share one pair of kernels: one for the
// octave's own signal, and one for the signal of the octave above, which gives frames inside the clip in one step. With
// more than twelve bins per octave there is such a pair for the first of each semitone's bins, one for the second, ...
struct Cqt::Kernels {
  double tuning = 0;
  std::size_t early = 0;  // halvings before the first octave
  std::vector<CqtKernel> own = {}, at_double_rate = {};
  std::size_t exact_samples = 0;  // at each end of a signal: samples read by frames that are not inside
};

Cqt::Kernels Cqt::make_kernels(double tuning) const {
  const auto per_octave = static_cast<double>(config_.bins_per_octave);
  const double quality = cqt_quality(config_.bins_per_octave);
  const double top_octave_hz =
      config_.lowest_hz * std::exp2(static_cast<double>(config_.octaves - 1) + tuning / per_octave);
  Kernels kernels{.tuning = tuning, .early = early_halvings(config_, tuning)};
  const double top_rate_hz = std::ldexp(config_.sample_rate_hz, -static_cast<int>(kernels.early));
  const std::size_t frame_samples = frame_samples_for(top_octave_hz, top_rate_hz, quality);
  for (std::size_t i = 0; i < config_.bins_per_octave / kBinsPerOctave; ++i) {
    const double first_hz = top_octave_hz * std::exp2(static_cast<double>(i) / per_octave);
    kernels.own.push_back(make_cqt_kernel(first_hz, top_rate_hz, frame_samples, quality));
    kernels.at_double_rate.push_back(at_double_rate(kernels.own.back()));
  }
  kernels.exact_samples = kernels.at_double_rate[0].pairs() / 2 + frame_samples / 2 + 1;
  return kernels;
}

double cqt_quality(std::size_t bins_per_octave) {
  const double ratio = std::exp2(2.0 / static_cast<double>(bins_per_octave));
  return (ratio + 1) / (ratio - 1);
}

Cqt::Cqt(const CqtConfig& config) : config_(config) {
  if (config.octaves < 1 || config.hop_samples == 0 ||
      config.hop_samples % (std::size_t{1} << (config.octaves - 1)) != 0)
    throw Error("a hop of " + std::to_string(config.hop_samples) + " samples cannot be halved for each of " +
                    std::to_string(config.octaves) + " octaves",
                "constant-Q transform", "use a multiple of 2^(octaves - 1)");
  if (config.bins_per_octave == 0 || config.bins_per_octave % kBinsPerOctave != 0)
    throw Error(std::to_string(config.bins_per_octave) + " bins per octave are not supported", "constant-Q transform",
                "use a multiple of 12");
  const int minimum_hz = static_cast<int>(std::ceil(2 * highest_edge_hz(config, 0.5)));
  if (config.sample_rate_hz < minimum_hz)
    throw Error("the highest notes are above half of " + std::to_string(config.sample_rate_hz) + " Hz",
                "constant-Q transform", "resample to " + std::to_string(minimum_hz) + " Hz or more");
}

int Cqt::minimum_sample_rate_hz(std::size_t octaves, double lowest_hz) {
  return static_cast<int>(std::ceil(2 * highest_edge_hz({.octaves = octaves, .lowest_hz = lowest_hz}, 0.5)));
}

std::size_t Cqt::frames(std::size_t samples, double tuning) const {
  std::size_t hop = config_.hop_samples;
  for (std::size_t i = early_halvings(config_, tuning); i > 0; --i, hop /= 2) samples = (samples + 1) / 2;
  return 1 + samples / hop;  // halves, rounded up, give no octave fewer
}

void Cqt::process(std::span<const float> samples, double tuning, Matrix& magnitude, Scratch& scratch) const {
  const Kernels kernels = make_kernels(tuning);
  const std::size_t count = frames(samples.size(), tuning), hop = config_.hop_samples;
  if (count <= 2 * config_.part_frames) return process_part(samples, kernels, magnitude, scratch);
  if (magnitude.rows() != count || magnitude.cols() != bins()) magnitude = Matrix(count, bins());
  // An end of a part affects the samples near it at every rate (exact_samples and the transition behind them, half as
  // many), and frames that reach these (fewer than 2 * exact_samples on each side).
  const std::size_t margin = 4 * kernels.exact_samples << (kernels.early + config_.octaves - 1);
  for (std::size_t first = 0; first < count; first += config_.part_frames) {
    const std::size_t frames_before = std::min(first, (margin + hop - 1) / hop), begin = (first - frames_before) * hop;
    const std::size_t here = std::min(config_.part_frames, count - first);
    const std::size_t end = std::min(samples.size(), (first + here) * hop + margin);
    process_part(samples.subspan(begin, end - begin), kernels, scratch.part, scratch);
    const std::span<const float> rows = scratch.part.values().subspan(frames_before * bins(), here * bins());
    std::ranges::copy(rows, magnitude.data() + first * bins());
  }
}

void Cqt::process_part(std::span<const float> samples, const Kernels& kernels, Matrix& magnitude,
                       Scratch& scratch) const {
  const std::size_t count = frames(samples.size(), kernels.tuning), early = kernels.early;
  if (magnitude.rows() != count || magnitude.cols() != bins()) magnitude = Matrix(count, bins());

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
  const auto project_octave = [&](const std::vector<CqtKernel>& parts, std::size_t first, std::size_t last,
                                  std::size_t column) {
    for (std::size_t i = 0; i < parts.size(); ++i)
      project(signal, hop, parts[i], first, last, column + i * kBinsPerOctave, magnitude, scratch.project);
  };
  for (std::size_t octave = 0; octave < config_.octaves; ++octave) {
    const std::size_t column = bins() - (octave + 1) * config_.bins_per_octave;
    std::size_t first = 0, last = 0;
    if (octave > 0 || early > 0) {
      std::tie(first, last) = inner_frames(signal.size(), hop, kernels.at_double_rate[0].pairs(), count);
      project_octave(kernels.at_double_rate, first, last, column);
      halve();
      // When soxr lowers the rate in one step it omits a last sample that covers less than half of its period; librosa
      // pads with zero.
      const std::size_t rounded = (samples.size() + ((std::size_t{1} << early) >> 1)) >> early;
      if (octave == 0 && rounded < signal.size()) scratch.upper[rounded] = 0;
    }
    project_octave(kernels.own, 0, first, column);
    project_octave(kernels.own, last, count, column);
  }
  if (kernels.own.size() > 1) order_by_frequency(magnitude, kernels.own.size());
}

}  // namespace genrewise
