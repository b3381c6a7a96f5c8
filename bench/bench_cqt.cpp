// The constant-Q part of fma518 on a 30 s clip of noise at 44.1 kHz (the cost does not depend on the signal).
#include <benchmark/benchmark.h>

#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/cqt_kernel.hpp"
#include "genrewise/dsp/tonality.hpp"

namespace genrewise {
namespace {

constexpr int kRateHz = 44100;
constexpr std::size_t kSamples = 30 * kRateHz, kFrames = 1 + kSamples / 512, kSpectrumBins = 1025;

std::vector<float> noise(std::size_t count) {
  Rng rng(1);
  std::vector<float> samples(count);
  for (float& sample : samples) sample = static_cast<float>(rng.normal());
  return samples;
}

const Matrix& clip_cqt() {
  static const Matrix magnitude = [] {
    Matrix result;
    Cqt::Scratch scratch;
    Cqt(CqtConfig{.sample_rate_hz = kRateHz}).process(noise(kSamples), 0, result, scratch);
    return result;
  }();
  return magnitude;
}

void tuning(benchmark::State& state) {
  // Peaks as frequent as in music: one bin in ten is a peak.
  auto spectrogram = noise(kFrames * kSpectrumBins);
  for (std::size_t i = 0; i < spectrogram.size(); ++i) spectrogram[i] = i % 10 == 0 ? 1 + 0.1F * spectrogram[i] : 0.01F;
  TuningEstimator estimator(kRateHz, kSpectrumBins);
  for (auto _ : state) benchmark::DoNotOptimize(estimate_tuning(spectrogram.data(), kFrames, kSpectrumBins, estimator));
}
BENCHMARK(tuning)->Unit(benchmark::kMillisecond);

void cqt(benchmark::State& state) {
  const auto samples = noise(kSamples);
  const Cqt transform(CqtConfig{.sample_rate_hz = kRateHz});
  Cqt::Scratch scratch;
  Matrix magnitude;
  for (auto _ : state) transform.process(samples, 0.1, magnitude, scratch);
}
BENCHMARK(cqt)->Unit(benchmark::kMillisecond);

void cqt_kernels(benchmark::State& state) {
  for (auto _ : state) benchmark::DoNotOptimize(at_double_rate(make_cqt_kernel(64 * kC1Hz, kRateHz / 2.0, 256, cqt_quality())));
}
BENCHMARK(cqt_kernels)->Unit(benchmark::kMillisecond);

void cqt_one_octave(benchmark::State& state) {
  const auto samples = noise(kSamples);
  const CqtKernel kernel = at_double_rate(make_cqt_kernel(64 * kC1Hz, kRateHz / 2.0, 256, cqt_quality()));
  CqtProjectScratch scratch;
  Matrix magnitude(kFrames, kBinsPerOctave);
  for (auto _ : state) project(samples, 512, kernel, 0, kFrames, 0, magnitude, scratch);
}
BENCHMARK(cqt_one_octave)->Unit(benchmark::kMillisecond);

void cqt_halve_rate(benchmark::State& state) {
  const auto samples = noise(kSamples);
  std::vector<float> half(kSamples / 2);
  for (auto _ : state) halve_rate(samples, 256, half);
}
BENCHMARK(cqt_halve_rate)->Unit(benchmark::kMillisecond);

void chroma_of_cqt(benchmark::State& state) {
  Matrix chroma;
  for (auto _ : state) chroma_cqt(clip_cqt(), 36, chroma);
}
BENCHMARK(chroma_of_cqt)->Unit(benchmark::kMillisecond);

void cens_and_tonnetz(benchmark::State& state) {
  Matrix cens, centroid;
  for (auto _ : state) {
    chroma_cens(clip_cqt(), 36, cens);
    tonnetz(cens, centroid);
  }
}
BENCHMARK(cens_and_tonnetz)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace genrewise

BENCHMARK_MAIN();
