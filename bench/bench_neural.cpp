// Pretrained networks: the time for an image, ten seconds and three seconds of audio. Weights are found by
// find_weights() ($GENREWISE_WEIGHTS); without them nothing is measured. bench/compare_onnxruntime.py runs the first.
#include <benchmark/benchmark.h>

#include <cmath>
#include <cstdio>
#include <span>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
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

void mobilenet(benchmark::State& state, const MobileNetV2& network) {
  const auto batch = static_cast<std::size_t>(state.range(0));
  const auto threads = static_cast<int>(state.range(1));
  constexpr std::size_t kImage = MobileNetV2::kChannels * MobileNetV2::kSide * MobileNetV2::kSide;
  const auto images = waves(batch * kImage);
  std::vector<float> embeddings(batch * MobileNetV2::kEmbedding);
  std::vector<MobileNetV2::Scratch> scratches(static_cast<std::size_t>(threads));
  for (auto _ : state)
    parallel_for(
        batch,
        [&](std::size_t i, int worker) {
          network.embed(std::span(images).subspan(i * kImage, kImage),
                        std::span(embeddings).subspan(i * MobileNetV2::kEmbedding, MobileNetV2::kEmbedding),
                        scratches[static_cast<std::size_t>(worker)]);
        },
        threads);
  state.SetItemsProcessed(state.iterations() * state.range(0));
}

void efficientat(benchmark::State& state, const EfficientAt& network) {
  constexpr std::size_t kFrames = 1000;
  const auto mel = waves(EfficientAt::kBands * kFrames);
  std::vector<float> embedding(EfficientAt::kEmbedding), means(EfficientAt::kBlockChannels), deviations(means);
  EfficientAt::Scratch scratch;
  for (auto _ : state) network.run(mel, kFrames, {embedding, means, deviations, {}}, scratch);
}

void musicnn(benchmark::State& state, const Musicnn& network) {
  const auto patch = waves(Musicnn::kFrames * Musicnn::kBands);
  std::vector<float> most(Musicnn::kChannels), mean(most), penultimate(Musicnn::kPenultimate);
  Musicnn::Scratch scratch;
  for (auto _ : state) network.run(patch, {most, mean, penultimate, {}}, scratch);
}

}  // namespace
}  // namespace genrewise

int main(int argc, char** argv) {
  using namespace genrewise;
  benchmark::Initialize(&argc, argv);
  try {
    static const MobileNetV2 kMobileNet(find_weights("mobilenetv2"));
    benchmark::RegisterBenchmark("MobileNetV2", mobilenet, std::cref(kMobileNet))
        ->ArgNames({"batch", "threads"})
        ->Args({1, 1})
        ->ArgsProduct({{8}, {1, 2}})
        ->UseRealTime()
        ->Unit(benchmark::kMillisecond);
    static const EfficientAt kEfficientAt(find_weights("efficientat"));
    benchmark::RegisterBenchmark("EfficientAT/10s", efficientat, std::cref(kEfficientAt))
        ->Unit(benchmark::kMillisecond);
    static const Musicnn kMusicnn(find_weights("musicnn_msd"));
    benchmark::RegisterBenchmark("musicnn/3s", musicnn, std::cref(kMusicnn))->Unit(benchmark::kMillisecond);
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
  }
  benchmark::RunSpecifiedBenchmarks();
}
