// Pretrained networks: images, ten seconds and three seconds of audio, in batches of 1 and 8 on 1 and 2 threads.
// Weights are found by find_weights() ($GENREWISE_WEIGHTS); without them nothing is measured.
// bench/compare_onnxruntime.py runs it.
#include <benchmark/benchmark.h>
#include <hwy/targets.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <span>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

std::vector<float> waves(std::size_t count) {
  std::vector<float> values(count);
  for (std::size_t i = 0; i < count; ++i) values[i] = static_cast<float>(std::sin(0.001 * static_cast<double>(i)));
  return values;
}

/// Inputs per second; `one(i, scratch, threads)` processes input i. A batch is divided among the threads, a single
/// input is processed by all of them. best_per_second is the rate of the fastest iteration: other work on the machine
/// counts less.
template <class Scratch, class One>
void batches(benchmark::State& state, const One& one) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  std::vector<Scratch> scratches(static_cast<std::size_t>(threads));
  double best_s = 1e9;
  for (auto _ : state) {
    const Stopwatch watch;
    if (batch == 1) {
      one(0, scratches[0], threads);
    } else {
      parallel_for(
          batch, [&](std::size_t i, int worker) { one(i, scratches[static_cast<std::size_t>(worker)], 1); }, threads);
    }
    best_s = std::min(best_s, watch.seconds());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
  state.counters["best_per_second"] = static_cast<double>(batch) / best_s;
}

constexpr std::size_t kMostInputs = 8;
std::span<const float> input(const std::vector<float>& all, std::size_t i) {
  return std::span(all).subspan(i * (all.size() / kMostInputs), all.size() / kMostInputs);
}

void mobilenet(benchmark::State& state, const MobileNetV2& network) {
  const auto images = waves(kMostInputs * MobileNetV2::kChannels * MobileNetV2::kSide * MobileNetV2::kSide);
  std::vector<std::vector<float>> out(kMostInputs, std::vector<float>(MobileNetV2::kEmbedding));
  batches<MobileNetV2::Scratch>(state, [&](std::size_t i, MobileNetV2::Scratch& scratch, int threads) {
    network.embed(input(images, i), out[i], scratch, threads);
  });
}

void efficientat(benchmark::State& state, const EfficientAt& network) {
  constexpr std::size_t kFrames = 1000;
  const auto mel = waves(kMostInputs * EfficientAt::kBands * kFrames);
  std::vector<std::vector<float>> out(kMostInputs, std::vector<float>(EfficientAt::kEmbedding));
  batches<EfficientAt::Scratch>(state, [&](std::size_t i, EfficientAt::Scratch& scratch, int threads) {
    network.run(input(mel, i), kFrames, {out[i], {}, {}, {}}, scratch, threads);
  });
}

void musicnn(benchmark::State& state, const Musicnn& network) {
  const auto patches = waves(kMostInputs * Musicnn::kFrames * Musicnn::kBands);
  std::vector<std::vector<float>> most(kMostInputs, std::vector<float>(Musicnn::kChannels)), mean(most),
      penultimate(kMostInputs, std::vector<float>(Musicnn::kPenultimate));
  batches<Musicnn::Scratch>(state, [&](std::size_t i, Musicnn::Scratch& scratch, int threads) {
    network.run(input(patches, i), {most[i], mean[i], penultimate[i], {}}, scratch, threads);
  });
}

/// $BENCH_TARGET: the best instruction set that may be used, AVX2 or SSE4.
void limit_target() {
  const char* const name = std::getenv("BENCH_TARGET");
  if (name == nullptr || *name == '\0') return;
  const std::int64_t most = std::string_view(name) == "SSE4" ? HWY_SSE4 : HWY_AVX2;
  hwy::DisableTargets(most - 1);  // better targets have lower bits
}

}  // namespace
}  // namespace genrewise

int main(int argc, char** argv) {
  using namespace genrewise;
  benchmark::Initialize(&argc, argv);
  limit_target();
  try {
    const auto add = [](const char* name, auto function, const auto& network) {
      benchmark::RegisterBenchmark(name, function, std::cref(network))
          ->ArgNames({"batch", "threads"})
          ->ArgsProduct({{1, kMostInputs}, {1, 2}})
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    static const MobileNetV2 kMobileNet(find_weights("mobilenetv2"));
    add("MobileNetV2", mobilenet, kMobileNet);
    static const EfficientAt kEfficientAt(find_weights("efficientat"));
    add("EfficientAT", efficientat, kEfficientAt);
    static const Musicnn kMusicnn(find_weights("musicnn_msd"));
    add("musicnn", musicnn, kMusicnn);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  benchmark::RunSpecifiedBenchmarks();
}
