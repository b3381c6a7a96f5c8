// What tensorflow_interop.py drives:
//   interop_records write FOLDER       packs in every form, and an event file
//   interop_records read LOCATION      the examples of a pack as lines "track_id class numbers..."
//   interop_records keys LOCATION FEATURES LABEL ID POOL    those of other records, by named keys
#include <cstdio>
#include <string>
#include <vector>

#include "genrewise/data_source/record_examples.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/records/event_file.hpp"

namespace {

using namespace genrewise;

// Example i of 40: song[k] = i + k / 4 for k < 5, of class i % 3.
PackJob job() {
  PackJob job;
  job.recipe = {"interop", 1, std::string(64, '0')};
  job.values = 5;
  job.labels = {"a", "b", "c"};
  for (std::size_t i = 0; i < 40; ++i) {
    job.track_ids.push_back("track " + std::to_string(i));
    job.classes.push_back(static_cast<int>(i % 3));
    job.parts.emplace_back();
  }
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    for (std::size_t k = 0; k < out.size(); ++k) out[k] = static_cast<float>(i) + static_cast<float>(k) / 4;
    return {};
  };
  return job;
}

void write(const std::filesystem::path& folder) {
  Progress quiet;
  for (const auto stored : {StoredAs::float32, StoredAs::float16, StoredAs::uint8}) {
    for (const auto compression : {Compression::none, Compression::gzip, Compression::zlib}) {
      const auto name = std::string(to_string(stored)) + "_" + std::string(to_string(compression));
      PackConfig config{.shards = 3, .stored_as = stored, .compression = compression};
      pack_examples(job(), folder / name, config, quiet);
      config.form = {.features = "frames", .label = "genre", .id = "clip", .steps = 5};
      pack_examples(job(), folder / (name + "_steps"), config, quiet);
    }
  }
  EventWriter events(folder / "events");
  for (int step = 0; step < 5; ++step) events.add_scalar("loss/train", step, 1.0F / static_cast<float>(1 + step));
}

void print(const std::string& id, int label, std::span<const float> values) {
  std::printf("%s\t%d", id.c_str(), label);
  for (const float value : values) std::printf("\t%.9g", static_cast<double>(value));
  std::printf("\n");
}

void read_by_keys(const std::filesystem::path& location, RecordKeys keys, std::string_view pool) {
  for (const auto one : {RecordPool::mean, RecordPool::mean_std, RecordPool::none})
    if (to_string(one) == pool) keys.pool = one;
  std::vector<Fault> skipped;
  Progress quiet;
  const Examples examples = read_record_examples(location, keys, "", skipped, quiet);
  for (const Fault& fault : skipped) std::fprintf(stderr, "%s\n", to_string(fault).c_str());
  for (std::size_t i = 0; i < examples.subjects.ids.size(); ++i)
    print(examples.subjects.ids[i], examples.subjects.labels[i], examples.table.values.row(i));
}

void read(const std::filesystem::path& location) {
  const PackManifest manifest = open_pack(location);
  std::vector<std::string> ids;
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records) ids.push_back(record.track_id);
  BatchReader reader(manifest, {.batch_size = 7});
  Batch batch;
  while (reader.next(batch)) {
    for (std::size_t i = 0; i < batch.size; ++i) print(ids[batch.records[i]], batch.labels[i], batch.row(i));
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 3 || argc == 7 ? argv[1] : "";
  try {
    if (what == "write") return write(argv[2]), 0;
    if (what == "read") return read(argv[2]), 0;
    if (what == "keys" && argc == 7)
      return read_by_keys(argv[2], {.features = argv[3], .label = argv[4], .id = argv[5]}, argv[6]), 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: interop_records write FOLDER | read LOCATION | keys LOCATION FEATURES LABEL ID POOL\n");
  return 2;
}
