// Decoding and resampling. GENREWISE_BENCH_MP3 and GENREWISE_BENCH_FLAC name files to decode; without them those
// benchmarks are skipped. Compare with `mpg123 -t FILE` of the same MP3 on the same machine.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdlib>
#include <string>
#include <vector>

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/waveform.hpp"

namespace {

void decode(benchmark::State& state, const std::string& path, const genrewise::DecodeOptions& options) {
  double audio_s = 0;
  for ([[maybe_unused]] auto _ : state) {
    const auto wave = genrewise::decode_file(path, options);
    if (!wave) {
      state.SkipWithError(to_string(wave.error()).c_str());
      return;
    }
    audio_s += static_cast<double>(wave->samples.size()) / wave->sample_rate_hz;
  }
  state.counters["audio_s_per_s"] = benchmark::Counter(audio_s, benchmark::Counter::kIsRate);
}

void probe(benchmark::State& state, const std::string& path) {
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(genrewise::probe_file(path));
}

void resample_30_s(benchmark::State& state) {
  const auto to_hz = static_cast<int>(state.range(0));
  std::vector<float> samples(30 * 44100);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = std::sin(0.05f * static_cast<float>(i % 44100));
  for ([[maybe_unused]] auto _ : state) benchmark::DoNotOptimize(genrewise::resample(samples, 44100, to_hz));
}
BENCHMARK(resample_30_s)->Arg(22050)->Arg(16000)->Arg(48000)->Unit(benchmark::kMillisecond);

void register_file(const std::string& kind, const char* variable) {
  const char* path = std::getenv(variable);
  if (path == nullptr) return;
  const genrewise::DecodeOptions whole, three_seconds{.clip = {.duration_s = 3}};
  const auto add = [&](const std::string& name, auto function, auto... arguments) {
    benchmark::RegisterBenchmark((name + "_" + kind).c_str(), function, std::string(path), arguments...)
        ->Unit(benchmark::kMillisecond);
  };
  add("decode_whole", decode, whole);
  add("decode_middle_3_s", decode, three_seconds);
  add("probe", probe);
}

}  // namespace

int main(int argc, char** argv) {
  register_file("mp3", "GENREWISE_BENCH_MP3");
  register_file("flac", "GENREWISE_BENCH_FLAC");
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 2;
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  return 0;
}
