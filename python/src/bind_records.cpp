// Packs of TFRecord shards.
#include <nanobind/stl/filesystem.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/tuple.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "bindings.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/packs/pack.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;
using std::filesystem::path;

/// The value of a text that parse() knows.
template <class Value>
Value parsed(std::optional<Value> (*parse)(std::string_view), const char* argument, const std::string& text,
             const char* choices) {
  if (const auto value = parse(text)) return *value;
  throw UsageError("'" + text + "' is not supported", argument, choices);
}

Part part_of(const std::string& text) {
  return parsed(parse_part, "part", text, "use training, validation or test");
}

PackManifest open(const path& location) {
  PackManifest manifest;
  run([&](Runtime&) { manifest = open_pack(location); });
  return manifest;
}

template <class Value>
std::vector<Value> of_records(const PackManifest& manifest, auto value) {
  std::vector<Value> values;
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records) values.push_back(value(record));
  return values;
}

/// Batches with the runtime of the threads that read them.
class Batches {
 public:
  Batches(const PackManifest& manifest, const BatchConfig& config) {
    const UseRuntime use(*runtime_);
    reader_ = std::make_unique<BatchReader>(manifest, config);
  }
  Batches(const Batches&) = delete;
  ~Batches() {
    const nb::gil_scoped_release release;
    reader_.reset();
  }

  nb::tuple next() {
    Batch batch;
    bool any = false;
    run_with(*runtime_, [&] { any = reader_->next(batch); });
    if (!any) throw nb::stop_iteration();
    batch.features.resize(batch.size * batch.values);
    const std::size_t size = batch.size, values = batch.values;
    return nb::make_tuple(as_array(std::move(batch.features), {size, values}),
                          as_array(std::vector<std::int64_t>(batch.labels.begin(), batch.labels.end()), {size}),
                          as_array(std::vector<std::int64_t>(batch.records.begin(), batch.records.end()), {size}));
  }

 private:
  std::unique_ptr<Runtime> runtime_ = std::make_unique<Runtime>();
  std::unique_ptr<BatchReader> reader_;
};

std::unique_ptr<Batches> batches(const PackManifest& manifest, std::size_t batch_size,
                                 const std::optional<std::string>& part, std::size_t shuffle, std::uint64_t seed,
                                 std::uint64_t epochs, bool drop_remainder, int workers, std::uint64_t cache_bytes,
                                 int rank, int ranks) {
  BatchConfig config{.batch_size = batch_size,
                     .shuffle_records = shuffle,
                     .seed = seed,
                     .epochs = epochs,
                     .drop_remainder = drop_remainder,
                     .workers = workers,
                     .cache_bytes = cache_bytes,
                     .rank = rank,
                     .ranks = ranks};
  if (part) config.part = part_of(*part);
  return std::make_unique<Batches>(manifest, config);
}

nb::tuple write(const path& folder, const Rows& rows, std::vector<int> classes, const std::vector<nb::str>& labels,
                const std::vector<nb::str>& ids, const std::vector<std::optional<std::string>>& parts,
                const std::vector<nb::str>& artists, const std::string& features, int shards, std::uint64_t seed,
                const std::string& stored_as, const std::string& compression, std::size_t steps, nb::handle progress) {
  const auto known = feature_set_names();
  PackJob job{.recipe = std::ranges::find(known, features) != known.end()
                            ? make_feature_set(features)->recipe()
                            : make_recipe(features, 1, std::to_string(rows.shape(1)) + " values"),
              .values = rows.shape(1),
              .labels = bytes_of(labels),
              .track_ids = bytes_of(ids),
              .classes = std::move(classes),
              .artists = bytes_of(artists),
              .parts = {},
              .split_scheme = parts.empty() ? "none" : "given",
              .extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
                std::copy_n(rows.data() + i * out.size(), out.size(), out.begin());
                return {};
              }};
  for (const auto& part : parts) job.parts.push_back(part ? std::optional(part_of(*part)) : std::nullopt);
  job.parts.resize(job.track_ids.size());
  const PackConfig config{
      .shards = shards,
      .seed = seed,
      .stored_as = parsed(parse_stored_as, "stored_as", stored_as, "use float32, float16 or uint8"),
      .compression = parsed(parse_compression, "compression", compression, "use none, gzip or zlib"),
      .form = {.steps = steps}};
  PackResult result;
  run([&](Runtime& runtime) { result = pack_examples(job, folder, config, runtime.progress()); }, progress);
  return nb::make_tuple(result.examples, result.reused, result.bytes);
}

}  // namespace

void bind_records(nb::module_& module) {
  using namespace nb::literals;
  nb::class_<PackManifest>(module, "Pack")
      .def_static("open", &open, "location"_a)
      .def("__len__", &PackManifest::size)
      .def_prop_ro("location", [](const PackManifest& pack) { return text_of(pack.folder.native()); })
      .def_ro("values", &PackManifest::values)
      .def_prop_ro("labels", [](const PackManifest& pack) { return texts_of(pack.labels); })
      .def_prop_ro("features", [](const PackManifest& pack) { return pack.recipe.name; })
      .def_prop_ro("steps", [](const PackManifest& pack) { return pack.form.steps; })
      .def_prop_ro("files",
                   [](const PackManifest& pack) {
                     std::vector<nb::str> files;
                     for (const PackedShard& shard : pack.shards) files.push_back(text_of(shard.file));
                     return files;
                   })
      .def_prop_ro("ids",
                   [](const PackManifest& pack) {
                     return of_records<nb::str>(pack,
                                                [](const PackedRecord& record) { return text_of(record.track_id); });
                   })
      .def_prop_ro("classes",
                   [](const PackManifest& pack) {
                     return of_records<int>(pack, [](const PackedRecord& record) { return record.label; });
                   })
      .def_prop_ro("parts",
                   [](const PackManifest& pack) {
                     return of_records<std::optional<std::string>>(pack, [](const PackedRecord& record) {
                       return record.part ? std::optional(std::string(to_string(*record.part))) : std::nullopt;
                     });
                   })
      .def("batches", &batches, "batch_size"_a, "part"_a.none(), "shuffle"_a, "seed"_a, "epochs"_a, "drop_remainder"_a,
           "workers"_a, "cache_bytes"_a, "rank"_a, "ranks"_a);
  module.attr("DEFAULT_SEED") = kDefaultSeed;
  nb::class_<Batches>(module, "Batches")
      .def(
          "__iter__", [](nb::handle self) { return self; }, nb::sig("def __iter__(self) -> Batches"))
      .def("__next__", &Batches::next);
  module.def("write_pack", &write, "folder"_a, "rows"_a, "classes"_a, "labels"_a, "ids"_a, "parts"_a, "artists"_a,
             "features"_a, "shards"_a, "seed"_a, "stored_as"_a, "compression"_a, "steps"_a, "progress"_a.none());
}

}  // namespace genrewise::python
