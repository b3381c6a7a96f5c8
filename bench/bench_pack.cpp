// The overhead of packing over decoding and features: DATASET's clips are decoded and turned into features that are
// discarded, and then packed, in turn. Prints seconds and the ratio of each pair (1: writing costs nothing).
//   bench_pack DATASET FEATURES FOLDER [ROUNDS [THREADS]]        FOLDER must not exist; it is removed after each round
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace {

using namespace genrewise;

double seconds_of(const timeval& time) {
  return static_cast<double>(time.tv_sec) + 1e-6 * static_cast<double>(time.tv_usec);
}

struct Spent {
  double wall_s = 0, cpu_s = 0;
};

Spent time_of(const std::function<void()>& work) {
  rusage before{}, after{};
  ::getrusage(RUSAGE_SELF, &before);
  const auto started = std::chrono::steady_clock::now();
  work();
  const double wall_s = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
  ::getrusage(RUSAGE_SELF, &after);
  return {wall_s, seconds_of(after.ru_utime) + seconds_of(after.ru_stime) - seconds_of(before.ru_utime) -
                      seconds_of(before.ru_stime)};
}

void compute(const Dataset& dataset, const FeatureSet& set) {
  const auto threads = static_cast<std::size_t>(thread_budget());
  const ClipExtractor extractor(set);
  std::vector<std::vector<float>> rows(threads, std::vector<float>(set.size()));
  parallel_for(dataset.tracks.size(), [&](std::size_t i, int worker) {
    const Track& track = dataset.tracks[i];
    (void)extractor.extract(track.path, track.clip, rows[static_cast<std::size_t>(worker)]);
  });
}

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "usage: bench_pack DATASET FEATURES FOLDER [ROUNDS [THREADS]]\n");
    return 2;
  }
  try {
    const Dataset dataset = open_dataset(argv[1]);
    const auto set = make_feature_set(argv[2]);
    const std::filesystem::path folder = argv[3];
    const int rounds = argc > 4 ? std::atoi(argv[4]) : 3;
    if (argc > 5) Runtime::current().set_threads(std::atoi(argv[5]));
    if (std::filesystem::exists(folder)) throw Error("already exists", folder.string());
    compute(dataset, *set);  // fills the page cache
    std::vector<double> wall, cpu;
    for (int round = 0; round < rounds; ++round) {
      const Spent alone = time_of([&] { compute(dataset, *set); });
      const Spent packed = time_of([&] {
        Progress quiet;
        pack_dataset(dataset, {{set.get(), folder}}, nullptr, {.shards = 16}, quiet);
      });
      std::filesystem::remove_all(folder);
      wall.push_back(alone.wall_s / packed.wall_s);
      cpu.push_back(alone.cpu_s / packed.cpu_s);
      std::printf("decode + features %6.2f s (cpu %6.2f), pack %6.2f s (cpu %6.2f): ratio wall %.3f, cpu %.3f\n",
                  alone.wall_s, alone.cpu_s, packed.wall_s, packed.cpu_s, wall.back(), cpu.back());
    }
    rusage peak{};
    ::getrusage(RUSAGE_SELF, &peak);
    std::printf("%zu clips, %s, %d threads: median ratio wall %.3f, cpu %.3f; peak memory %ld MB\n",
                dataset.tracks.size(), argv[2], thread_budget(), median(wall), median(cpu), peak.ru_maxrss / 1024);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
