// Features, stage by stage and complete: one clip of 30 s, 44.1 kHz (noise with a beat; the cost does not depend on
// it).
#include <benchmark/benchmark.h>

#include <cmath>
#include <map>
#include <numbers>

#include "genrewise/base/random.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/spectral_shape.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

constexpr int kRateHz = 44100;
constexpr std::size_t kBins = 1025, kFrames = 2584, kStride = aligned_stride(kBins);

const Waveform& clip(int rate_hz = kRateHz) {
  static std::map<int, Waveform> clips;
  Waveform& wave = clips[rate_hz];
  if (wave.samples.empty()) {
    Rng rng(1);
    wave = {std::vector<float>(static_cast<std::size_t>(30 * rate_hz)), rate_hz};
    for (std::size_t i = 0; i < wave.samples.size(); ++i) {
      const double t = static_cast<double>(i) / rate_hz, beat = std::exp(-8 * std::fmod(t, 0.5));
      wave.samples[i] = static_cast<float>(0.3 * std::sin(2 * std::numbers::pi * 220 * t) + 0.2 * beat * rng.normal());
    }
  }
  return wave;
}

// The clip's power spectrogram, and one tile of it for each of its frames.
const AlignedVector<float>& spectrogram() {
  static const AlignedVector<float> power = [] {
    AlignedVector<float> values((kFrames + kTileFrames) * kStride);
    Stft::Scratch scratch;
    Stft().power(clip().samples, 0, kFrames, values.data(), kStride, scratch);
    return values;
  }();
  return power;
}

const AlignedVector<float>& tile() {
  static const AlignedVector<float> values = [] {
    AlignedVector<float> result(kBins * kTileFrames);
    transpose_to_tile(spectrogram().data() + 1000 * kStride, kStride, kBins, result.data());
    return result;
  }();
  return values;
}

constexpr std::size_t kTiles = (kFrames + kTileFrames - 1) / kTileFrames;

void stft(benchmark::State& state) {
  const Stft transform;
  Stft::Scratch scratch;
  AlignedVector<float> power(kTileFrames * kStride);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kFrames; ++i) {
      transform.power(clip().samples, i, 1, power.data() + i % kTileFrames * kStride, kStride, scratch);
    }
    benchmark::DoNotOptimize(power.data());
  }
}

void transposing(benchmark::State& state) {
  AlignedVector<float> out(kBins * kTileFrames);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTiles; ++i) {
      transpose_to_tile(spectrogram().data() + i * kTileFrames * kStride, kStride, kBins, out.data());
    }
    benchmark::DoNotOptimize(out.data());
  }
}

void mel(benchmark::State& state) {
  const MelFilterbank filters({.sample_rate_hz = kRateHz});
  AlignedVector<float> out(128 * kTileFrames);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTiles; ++i) filters.apply(tile().data(), out.data(), kTileFrames);
    benchmark::DoNotOptimize(out.data());
  }
}

void cepstrum(benchmark::State& state) {
  const Dct dct(128, 20);
  const std::size_t stride = aligned_stride(kFrames);
  AlignedVector<float> powers(128 * stride, 0.01f), out(20 * stride);
  for (auto _ : state) {
    AlignedVector<float> values = powers;
    power_to_db(values);
    for (std::size_t i = 0; i < stride; i += kTileFrames)
      dct.apply(values.data() + i, stride, -100, out.data() + i, stride);
    benchmark::DoNotOptimize(out.data());
  }
}

void shape(benchmark::State& state) {
  AlignedVector<float> out(4 * kTileFrames);
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTiles; ++i) {
      spectral_shape(
          tile().data(), kBins, 22050,
          {out.data(), out.data() + kTileFrames, out.data() + 2 * kTileFrames, out.data() + 3 * kTileFrames});
    }
    benchmark::DoNotOptimize(out.data());
  }
}

void contrast(benchmark::State& state) {
  const SpectralContrast bands(22050, 2048);
  AlignedVector<float> peaks(kContrastBands * kTileFrames), valleys = peaks;
  for (auto _ : state) {
    for (std::size_t i = 0; i < kTiles; ++i) bands.extremes(tile().data(), peaks.data(), valleys.data(), kTileFrames);
    benchmark::DoNotOptimize(peaks.data());
  }
}

void chroma(benchmark::State& state) {
  const ChromaFilterbank filters({});
  std::vector<float> out(kPitchClasses * kFrames);
  for (auto _ : state) {
    filters.apply(spectrogram().data(), kFrames, kStride, out.data(), kFrames);
    benchmark::DoNotOptimize(out.data());
  }
}

void tuning_twice(benchmark::State& state) {
  TuningEstimator of_power(22050, kBins), of_magnitude(kRateHz, kBins);
  for (auto _ : state) {
    benchmark::DoNotOptimize(estimate_tuning(spectrogram().data(), kFrames, kStride, of_power));
    benchmark::DoNotOptimize(estimate_tuning(spectrogram().data(), kFrames, kStride, of_magnitude));
  }
}

void zero_crossings(benchmark::State& state) {
  std::vector<float> rates(kFrames);
  for (auto _ : state) {
    zero_crossing_rate(clip().samples, 2048, 512, rates);
    benchmark::DoNotOptimize(rates.data());
  }
}

void moments_of_74_series(benchmark::State& state) {
  std::vector<std::int32_t> scratch;
  for (auto _ : state) {
    for (std::size_t row = 0; row < 74; ++row) {
      benchmark::DoNotOptimize(moments(std::span(clip().samples).subspan(row * kFrames, kFrames), scratch));
    }
  }
}

void whole(benchmark::State& state, const char* name) {
  const auto set = make_feature_set(name);
  ClipAnalysis analysis;
  std::vector<float> out(set->size());
  const Waveform& wave = clip(set->sample_rate_hz() == 0 ? kRateHz : set->sample_rate_hz());
  for (auto _ : state) {
    analysis.begin(wave);
    const auto done = set->extract(analysis, out);
    if (!done) state.SkipWithError(to_string(done.error()).c_str());
  }
}

BENCHMARK(stft)->Unit(benchmark::kMillisecond);
BENCHMARK(transposing)->Unit(benchmark::kMillisecond);
BENCHMARK(mel)->Unit(benchmark::kMillisecond);
BENCHMARK(cepstrum)->Unit(benchmark::kMillisecond);
BENCHMARK(shape)->Unit(benchmark::kMillisecond);
BENCHMARK(contrast)->Unit(benchmark::kMillisecond);
BENCHMARK(chroma)->Unit(benchmark::kMillisecond);
BENCHMARK(tuning_twice)->Unit(benchmark::kMillisecond);
BENCHMARK(zero_crossings)->Unit(benchmark::kMillisecond);
BENCHMARK(moments_of_74_series)->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole, fma518, "fma518")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole, frames, "frames")->Unit(benchmark::kMillisecond);
BENCHMARK_CAPTURE(whole, mel224, "mel224")->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace genrewise

BENCHMARK_MAIN();
