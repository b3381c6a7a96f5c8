// The time of a training step, batch 32, as the trainer runs it, including input, loss and optimiser.
//   bench_neural_training --benchmark_format=json          (compare_pytorch.py reads it)
// GENREWISE_BENCH_DEVICE=cuda measures on a GPU. Networks with a pretrained body need their weights (docs/networks.md).
#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <ctime>
#include <string>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/classical/blas.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/neural/training/network_classifier.hpp"

namespace {

using namespace genrewise;
using Clock = std::chrono::steady_clock;

constexpr std::size_t kBatch = 32;
constexpr int kClasses = 8;

struct Data {
  Matrix examples;
  std::vector<int> labels;
  Data(std::size_t rows, std::size_t cols) : examples(rows, cols) {
    Rng rng(1);
    for (float& value : examples.values()) value = static_cast<float>(rng.normal());
    for (std::size_t i = 0; i < rows; ++i) labels.push_back(static_cast<int>(i % kClasses));
  }
};

/// Times the steps of a fit, which reports its progress after each; the first ones are not counted.
class StepWatch final : public Progress {
 public:
  void advance(std::uint64_t) override {
    const auto now = Clock::now();
    const double used_s = static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
    if (++steps_ > kIgnored) {
      best_s = std::min(best_s, std::chrono::duration<double>(now - last_).count());
      cpu_s = (used_s - start_s_) / (steps_ - kIgnored);
    } else if (steps_ == kIgnored) {
      start_s_ = used_s;
    }
    last_ = now;
  }
  double best_s = 1e9;  ///< of the fastest step
  double cpu_s = 0;     ///< processor time of a step

 private:
  static constexpr int kIgnored = 2;
  int steps_ = 0;
  Clock::time_point last_;
  double start_s_ = 0;
};

double fit_seconds(const std::string& kind, Parameters parameters, const Data& data, int epochs,
                   Progress* progress = nullptr) {
  parameters["epochs"] = std::to_string(epochs);
  const auto classifier = neural::make_network_classifier(kind, parameters, kDefaultSeed);
  FitContext context;
  context.progress = progress;
  const auto start = Clock::now();
  classifier->fit({data.examples, data.labels, kClasses}, context);
  return std::chrono::duration<double>(Clock::now() - start).count();
}

/// The time of additional epochs, so that building the network is not counted.
void training_step(benchmark::State& state, const std::string& kind, std::size_t cols, Parameters parameters) {
  Runtime::current().set_threads(static_cast<int>(state.range(0)));
  const int epochs = Runtime::current().device() == "cpu" ? 5 : 50;
  parameters["batch_size"] = std::to_string(kBatch);
  const Data data(2 * kBatch, cols);
  if (Runtime::current().device() != "cpu")
    fit_seconds(kind, parameters, data, 3);  // starts the driver and its libraries
  StepWatch watch;
  for ([[maybe_unused]] auto _ : state) {
    const double one = fit_seconds(kind, parameters, data, 1);
    const double whole = fit_seconds(kind, parameters, data, 1 + epochs, &watch) - one;
    state.SetIterationTime(std::max(whole / (2 * epochs), 1e-6));  // may be negative in a disturbed run
  }
  state.counters["best_s"] = watch.best_s;
  state.counters["cpu_s"] = watch.cpu_s;
  state.counters["clips"] =
      benchmark::Counter(kBatch, benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

/// From the start to a trained head: the dense network with its defaults, on 6,400 cached embeddings of 1,280 values.
void head_on_embeddings(benchmark::State& state) {
  Runtime::current().set_threads(static_cast<int>(state.range(0)));
  const Data data(6400, 1280);
  const int epochs = std::stoi(make_classifier("dense", {}, kDefaultSeed)->parameters().at("epochs"));
  for ([[maybe_unused]] auto _ : state) state.SetIterationTime(fit_seconds("dense", {}, data, epochs));
}

/// `dense` on a table of 6,400 x 518, fitted and applied in this process or by genrewise-neural: the cost of the second
/// process.
void fit_and_predict(benchmark::State& state, bool by_child) {
  Runtime::current().set_threads(static_cast<int>(state.range(0)));
  const Data data(6400, 518);
  for ([[maybe_unused]] auto _ : state) {
    const auto start = Clock::now();
    const auto classifier = by_child ? make_classifier("dense", {{"epochs", "5"}}, kDefaultSeed)
                                     : neural::make_network_classifier("dense", {{"epochs", "5"}}, kDefaultSeed);
    classifier->fit({data.examples, data.labels, kClasses});
    benchmark::DoNotOptimize(classifier->predict_with_probabilities(data.examples));
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
}

/// Peak of the CPU: products of 1,024 x 1,024 matrices by OpenBLAS, one per thread.
void sgemm_peak(benchmark::State& state) {
  constexpr std::size_t kSide = 1024, kRepeats = 8;
  const auto threads = static_cast<std::size_t>(state.range(0));
  Runtime::current().set_threads(static_cast<int>(threads));
  const Matrix a(kSide, kSide), b(kSide, kSide);
  std::vector<Matrix> c(threads, Matrix(kSide, kSide));
  for ([[maybe_unused]] auto _ : state) {
    const auto start = Clock::now();
    parallel_for(threads, [&](std::size_t i, int) {
      for (std::size_t k = 0; k < kRepeats; ++k)
        blas::multiply(blas::Form::nn, 1.0F, blas::View<const float>(a), blas::View<const float>(b), 0.0F,
                       blas::View<float>(c[i]));
    });
    state.SetIterationTime(std::chrono::duration<double>(Clock::now() - start).count());
  }
  state.counters["GFLOPS"] =
      benchmark::Counter(2.0 * kSide * kSide * kSide * kRepeats * static_cast<double>(threads),
                         benchmark::Counter::kIsIterationInvariantRate, benchmark::Counter::kIs1000);
}

}  // namespace

int main(int argc, char** argv) {
  const char* device = std::getenv("GENREWISE_BENCH_DEVICE");
  Runtime::current().set_device(device == nullptr ? "cpu" : device);
  const auto add = [](const std::string& name, auto body) {
    for (const int threads : {1, 2})
      benchmark::RegisterBenchmark(name.c_str(), body)->Arg(threads)->UseManualTime()->Unit(benchmark::kMillisecond);
  };
  add("sgemm", sgemm_peak);
  struct Step {
    const char *name, *kind;
    std::size_t cols;
    Parameters parameters;
  };
  constexpr std::size_t kMel224 = std::size_t{224} * 224, kMel128 = std::size_t{128} * 1000;
  for (const Step& step :
       {Step{"cnn1d", "cnn1d", 10'000, {}}, Step{"cnn1d_strided", "cnn1d_strided", 10'000, {}},
        // An augmentation makes every step run the body: in the inference engine, or, for images of another width, as
        // a part of the network.
        Step{"mobilenetv2_frozen", "mobilenetv2", kMel224, {{"frozen_epochs", "-1"}, {"shift", "1"}}},
        Step{"mobilenetv2_frozen_cropped", "mobilenetv2", kMel224, {{"frozen_epochs", "-1"}, {"crop", "223"}}},
        Step{"mobilenetv2", "mobilenetv2", kMel224, {{"frozen_epochs", "0"}}},
        Step{"efficientat", "efficientat", kMel128, {{"frozen_epochs", "0"}}}}) {
    add(step.name, [step](auto& state) { training_step(state, step.kind, step.cols, step.parameters); });
    if (Runtime::current().device() == "cpu") continue;
    Parameters mixed = step.parameters;
    mixed["mixed_precision"] = "true";
    add(step.name + std::string("_bf16"),
        [step, mixed](auto& state) { training_step(state, step.kind, step.cols, mixed); });
  }
  add("head_6400", head_on_embeddings);
  add("dense_in_process", [](auto& state) { fit_and_predict(state, false); });
  add("dense_by_child", [](auto& state) { fit_and_predict(state, true); });
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
