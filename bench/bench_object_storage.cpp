// Reads shards from an object store, for comparison with curl (bench/compare_s3.py).
//   bench_object_storage make LOCATION SHARDS RECORDS      packs that many records of mel224's size per shard
//   bench_object_storage bytes|records|batches|shuffled LOCATION
// bytes: only the shards' bytes; records: every record separately, with its checksum; batches: training batches of 32
// in the order of the shards; shuffled: the same, shuffled within 1,000 records. Prints seconds and bytes.
#include <atomic>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "genrewise/base/parallel.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/records/page_buffer.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/files.hpp"

namespace {

using namespace genrewise;

void make(const std::string& location, int shards, std::size_t records) {
  PackJob job;
  job.recipe = {"bench", 1, std::string(64, '0')};
  job.values = 224 * 224;
  job.labels = {"a", "b"};
  for (std::size_t i = 0; i < static_cast<std::size_t>(shards) * records; ++i) {
    job.track_ids.push_back("track " + std::to_string(i));
    job.classes.push_back(static_cast<int>(i % 2));
    job.parts.emplace_back();
  }
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<float>((i * 31 + k * 17) % 1009);
    return {};
  };
  Progress quiet;
  pack_examples(job, location, {.shards = shards}, quiet);
}

// All shards at once, each in parts as the reader uses them: as many connections as the store may have.
std::uint64_t read_bytes(const PackManifest& manifest) {
  std::atomic<std::uint64_t> bytes{0};
  parallel_for(manifest.shards.size(), [&](std::size_t i, int) {
    const auto file = open_file(manifest.folder / manifest.shards[i].file);
    SequentialReader reader(*file);
    PageBuffer buffer(256 << 10);  // as RecordReader reads
    while (const std::size_t got = reader.read(buffer.all())) bytes += got;
  });
  return bytes;
}

std::uint64_t read_records(const PackManifest& manifest) {
  std::atomic<std::uint64_t> bytes{0};
  parallel_for(manifest.shards.size(), [&](std::size_t i, int) {
    RecordReader reader((manifest.folder / manifest.shards[i].file).string());
    for (Record record; reader.next(record).value();) bytes += record.payload.size();
  });
  return bytes;
}

std::uint64_t read_batches(const PackManifest& manifest, std::size_t shuffle_records) {
  BatchReader reader(manifest, {.batch_size = 32, .shuffle_records = shuffle_records, .workers = 2});
  std::uint64_t bytes = 0;
  for (Batch batch; reader.next(batch);) bytes += batch.size * batch.values * sizeof(float);
  return bytes;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc > 2 ? argv[1] : "";
  try {
    if (what == "make" && argc == 5) {
      make(argv[2], std::stoi(argv[3]), std::stoul(argv[4]));
      return 0;
    }
    const auto started = std::chrono::steady_clock::now();
    std::uint64_t bytes = 0;
    if (what == "bytes") bytes = read_bytes(open_pack(argv[2]));
    if (what == "records") bytes = read_records(open_pack(argv[2]));
    if (what == "batches") bytes = read_batches(open_pack(argv[2]), 0);
    if (what == "shuffled") bytes = read_batches(open_pack(argv[2]), 1000);
    const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - started).count();
    if (bytes == 0) throw Error("usage: bench_object_storage bytes|records|batches|shuffled LOCATION");
    std::printf("%.4f %llu\n", seconds, static_cast<unsigned long long>(bytes));
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
