// Speed and size of a catalogue of N simulated tracks: bench_library TRACKS FOLDER [--files]. With --files the tracks
// are empty files in FOLDER, and a scan without changes is measured too.
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/database.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/scan.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/library/stored.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"

using namespace genrewise;

namespace {

constexpr std::size_t kColumns = 627, kGenres = 37, kModelGenres = 3;

Model small_model() {
  const auto set = make_feature_set("mfcc");
  Rng rng(1);
  Matrix rows(30, set->size());
  std::vector<int> truth;
  for (float& value : rows.values()) value = static_cast<float>(rng.normal());
  for (std::size_t i = 0; i < rows.rows(); ++i) truth.push_back(static_cast<int>(i % kModelGenres));
  Model model;
  model.labels = {"Jazz", "Pop", "Rock"};
  model.recipe = set->recipe();
  model.columns = set->columns();
  model.classifier = make_classifier("gnb", {}, kDefaultSeed);
  model.classifier->fit({rows, truth, kModelGenres});
  return model;
}

template <class Work>
void measure(const char* name, Work work) {
  std::vector<double> seconds;
  for (int i = 0; i < 5; ++i) {
    const Stopwatch watch;
    work();
    seconds.push_back(watch.seconds());
  }
  std::ranges::sort(seconds);
  fmt::print("{:<28} {:>9.1f} ms (median of 5; {:.1f} to {:.1f})\n", name, 1000 * seconds[2], 1000 * seconds.front(),
             1000 * seconds.back());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return fmt::print("usage: bench_library TRACKS FOLDER [--files]\n"), 2;
  const auto count = static_cast<std::size_t>(std::atoll(argv[1]));
  const std::filesystem::path folder = std::filesystem::absolute(argv[2]), music = folder / "music";
  const bool files = argc > 3;
  make_folders(music);
  save_model(small_model(), folder / "m.gwm");
  write_file(music / "none.wav", "no audio");
  Runtime runtime;
  Catalogue catalogue(folder / "library.db", Catalogue::Access::write);
  ScanConfig config;
  config.roots = {music};
  config.model = folder / "m.gwm";
  config.isolation.reset();
  scan_library(catalogue, config, runtime);
  const std::int64_t model = catalogue.current_model()->id;
  const std::int64_t recipe = recipe_id(catalogue.database(), {"simulated", 1, "hash"}, kColumns);

  Rng rng(7);
  const Stopwatch filling;
  std::vector<float> row(kColumns), probabilities(kGenres);
  catalogue.database().transaction([&] {
    for (std::size_t i = 0; i < count; ++i) {
      CatalogueTrack track;
      track.path =
          music / fmt::format("Artist Number {:05}/Album With A Name {:06}/{:02} Title Of This Track {:07}.mp3",
                              i / 100, i / 10, i % 10 + 1, i);
      if (files) {
        if (i % 10 == 0) make_folders(track.path.parent_path());
        std::ofstream(track.path).put(0);
        track.modified_ns =
            std::chrono::duration_cast<std::chrono::nanoseconds>(
                std::chrono::file_clock::to_sys(std::filesystem::last_write_time(track.path)).time_since_epoch())
                .count();
      }
      track.bytes = 1;
      track.added_s = 1'700'000'000 + static_cast<std::int64_t>(i);
      track.fingerprint = fmt::format("{:016x}{:016x}", rng.next(), rng.next());
      track.duration_s = 120 + 300 * rng.uniform();
      track.tags = {{"Rock"},
                    fmt::format("Artist Number {:05}", i / 100),
                    "",
                    fmt::format("Album With A Name {:06}", i / 10),
                    fmt::format("Title Of This Track {:07}", i),
                    static_cast<int>(i % 10 + 1),
                    1960 + static_cast<int>(i % 60)};
      for (float& value : probabilities) value = static_cast<float>(rng.uniform() / kGenres);
      track.predicted = fmt::format("Genre{}", rng.below(kGenres));
      track.confidence = rng.uniform();
      track.model = model;
      track.probabilities = probabilities;
      track.id = write_track(catalogue.database(), track);
      const std::vector<Segment> segments(3, {30, 30, probabilities});
      write_segments(catalogue.database(), track.id, segments);
      for (float& value : row) value = static_cast<float>(rng.normal());
      write_features(catalogue.database(), track.id, recipe, row);
    }
  });
  catalogue.database().script("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA optimize");
  fmt::print("{} tracks written in {:.1f} s\n", count, filling.seconds());
  fmt::print("size {:.1f} MB, {} bytes per track\n", static_cast<double>(bytes_of_file(catalogue.file())) / 1e6,
             bytes_of_file(catalogue.file()) / count);

  const UseRuntime use(runtime);
  const auto search = [&](const char* query, std::size_t limit = 0) {
    return find_tracks(catalogue, parse_query(query), {.limit = limit}).size();
  };
  fmt::print("tracks found: {}, {}\n", search("genre:genre7 confidence:>0.9"), search("number 00042"));
  measure("search genre, confidence", [&] { search("genre:genre7 confidence:>0.9"); });
  measure("search text", [&] { search("\"number 00042\""); });
  measure("search artist", [&] { search("artist:\"number 00042\""); });
  measure("search age, first 100", [&] { search("added:<3000d -genre:genre7", 100); });
  measure("similar, 20", [&] { similar_tracks(catalogue, catalogue.track(2)->id, 20); });
  if (std::getenv("DUPLICATES") != nullptr) measure("duplicates", [&] { find_duplicates(catalogue); });
  measure("open for reading", [&] { Catalogue(catalogue.file()); });
  if (files) measure("scan without changes", [&] { scan_library(catalogue, config, runtime); });
  const auto file = catalogue.file();
  { const Catalogue closed = std::move(catalogue); }
  measure("open for writing", [&] { Catalogue(file, Catalogue::Access::write); });
}
