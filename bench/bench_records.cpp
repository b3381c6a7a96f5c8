// Speed of checksums, reading, parsing and batching of records. The packs (mel224: 200 KB per record, raw10k: 40 KB,
// fma518: 2 KB; seeded noise, about 300 MB each) are made once in $GENREWISE_BENCH_FOLDER, or each time in a temporary
// folder, and are read from the page cache. bench/compare_tfdata.py reads the same ones with TensorFlow.
#include <benchmark/benchmark.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>

#include "genrewise/base/parallel.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/records/crc32c.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {
namespace {

struct Shape {
  const char* name;
  std::size_t values, examples;
};
constexpr Shape kShapes[] = {{"mel224", 50'176, 1'500}, {"raw10k", 10'000, 7'500}, {"fma518", 518, 100'000}};

std::filesystem::path bench_folder() {
  if (const char* given = std::getenv("GENREWISE_BENCH_FOLDER")) return given;
  static const struct Temporary {
    std::filesystem::path path =
        std::filesystem::temp_directory_path() / ("genrewise_bench_" + std::to_string(::getpid()));
    ~Temporary() {
      std::error_code ignored;
      std::filesystem::remove_all(path, ignored);
    }
  } temporary;
  return temporary.path;
}

const PackManifest& pack_of(const Shape& shape) {
  static std::map<std::string, PackManifest> packs;
  auto& manifest = packs[shape.name];
  if (!manifest.shards.empty()) return manifest;
  PackJob job;
  job.recipe = {shape.name, 0, std::string(64, '0')};
  job.values = shape.values;
  for (int label = 0; label < 8; ++label) job.labels.push_back("genre " + std::to_string(label));
  for (std::size_t i = 0; i < shape.examples; ++i) {
    job.track_ids.push_back(std::to_string(i));
    job.classes.push_back(static_cast<int>(i % 8));
    job.parts.emplace_back(Part::training);
  }
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    Rng rng(i);
    for (float& value : out) value = static_cast<float>(-80 * rng.uniform());
    return {};
  };
  Progress quiet;
  pack_examples(job, bench_folder() / shape.name, {.shards = 8}, quiet);
  manifest = open_pack(bench_folder() / shape.name);
  return manifest;
}

std::int64_t bytes_of(const PackManifest& manifest) {
  std::int64_t bytes = 0;
  for (const auto& shard : manifest.shards) bytes += static_cast<std::int64_t>(shard.bytes);
  return bytes;
}

void sum_by(benchmark::State& state, std::uint32_t (*sum)(std::span<const std::byte>, std::uint32_t)) {
  const std::vector<std::byte> bytes(static_cast<std::size_t>(state.range(0)));
  for (auto _ : state) benchmark::DoNotOptimize(sum(bytes, 0));
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * state.range(0));
}
BENCHMARK_CAPTURE(sum_by, instruction, crc32c)->Arg(2'000)->Arg(200'000);
BENCHMARK_CAPTURE(sum_by, table, crc32c_by_table)->Arg(2'000)->Arg(200'000);

// One shard after the other: read, verify checksums, parse the Example, write values to a row.
void read_and_parse(benchmark::State& state) {
  const auto& manifest = pack_of(kShapes[state.range(0)]);
  std::vector<float> row(manifest.values);
  ExampleView example;
  for (auto _ : state) {
    for (const auto& shard : manifest.shards) {
      RecordReader reader((manifest.folder / shard.file).string(), PayloadSum::left_to_caller);
      for (Record record; reader.next(record).value();) {
        if (!example.parse(record.payload) || !decode_song(example, record, StoredAs::float32, row))
          state.SkipWithError("damaged");
        benchmark::DoNotOptimize(row.data());
      }
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes_of(manifest));
  state.SetLabel(kShapes[state.range(0)].name);
}
BENCHMARK(read_and_parse)->DenseRange(0, 2)->Unit(benchmark::kMillisecond)->UseRealTime();

void read_batches(benchmark::State& state, std::size_t shuffle_records, int workers) {
  const auto& manifest = pack_of(kShapes[state.range(0)]);
  for (auto _ : state) {
    BatchReader reader(manifest, {.batch_size = 32, .shuffle_records = shuffle_records, .workers = workers});
    Batch batch;
    while (reader.next(batch)) benchmark::DoNotOptimize(batch.features.data());
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations()) * bytes_of(manifest));
  state.SetLabel(kShapes[state.range(0)].name);
}
BENCHMARK_CAPTURE(read_batches, in_order_no_worker, 0, 0)
    ->DenseRange(0, 2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(read_batches, shuffled_no_worker, 512, 0)
    ->DenseRange(0, 2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();
BENCHMARK_CAPTURE(read_batches, shuffled_one_worker, 512, 1)
    ->DenseRange(0, 2)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

// A consumer that keeps every CPU busy for a number of microseconds per example, as a training step does, and reads
// shuffled batches of 32 from one worker: the share of its time that it waits in next().
void wait_while_training(benchmark::State& state) {
  using Clock = std::chrono::steady_clock;
  const auto& manifest = pack_of(kShapes[state.range(0)]);
  const auto step = std::chrono::microseconds(32 * state.range(1));
  const auto seconds = [](Clock::duration time) { return std::chrono::duration<double>(time).count(); };
  double waited_s = 0, all_s = 0;
  for (auto _ : state) {
    BatchReader reader(manifest, {.batch_size = 32, .shuffle_records = 512, .workers = 1});
    Batch batch;
    const auto started = Clock::now();
    for (int batches = 0; batches < 40; ++batches) {
      const auto before = Clock::now();
      if (!reader.next(batch)) break;
      const auto behind = Clock::now();
      if (batches > 0) waited_s += seconds(behind - before);  // the first batch cannot be read ahead
      parallel_for(static_cast<std::size_t>(thread_budget()), [&](std::size_t, int) {
        for (float sum = 0; Clock::now() - behind < step; benchmark::DoNotOptimize(sum))
          for (const float value : batch.row(0)) sum += value;
      });
    }
    all_s += seconds(Clock::now() - started);
  }
  state.counters["wait_percent"] = 100 * waited_s / all_s;
  state.SetLabel(kShapes[state.range(0)].name);
}
BENCHMARK(wait_while_training)
    ->ArgsProduct({{0, 1}, {500, 2'000, 10'000}})
    ->ArgNames({"pack", "us_per_example"})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace genrewise

BENCHMARK_MAIN();
