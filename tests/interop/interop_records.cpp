// What tensorflow_interop.py drives:
//   interop_records write FOLDER    packs in every form, and an event file
//   interop_records read LOCATION      the examples of a pack as lines "track_id class numbers..."
#include <cstdio>
#include <string>

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
      pack_examples(job(), folder / name, {.shards = 3, .stored_as = stored, .compression = compression}, quiet);
    }
  }
  EventWriter events(folder / "events");
  for (int step = 0; step < 5; ++step) events.add_scalar("loss/train", step, 1.0F / static_cast<float>(1 + step));
}

void read(const std::filesystem::path& location) {
  BatchReader reader(open_pack(location), {.batch_size = 7});
  Batch batch;
  while (reader.next(batch)) {
    for (std::size_t i = 0; i < batch.size; ++i) {
      std::printf("%s\t%d", reader.track_id(batch.records[i]).c_str(), batch.labels[i]);
      for (const float value : batch.row(i)) std::printf("\t%.9g", static_cast<double>(value));
      std::printf("\n");
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::string what = argc == 3 ? argv[1] : "";
  try {
    if (what == "write") return write(argv[2]), 0;
    if (what == "read") return read(argv[2]), 0;
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
  std::fprintf(stderr, "usage: interop_records write FOLDER | read LOCATION\n");
  return 2;
}
