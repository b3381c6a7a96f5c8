#include "genrewise/models/batch_source.hpp"

#include <algorithm>
#include <utility>

namespace genrewise {
namespace {

constexpr std::size_t kShuffledRecords = 4096;  // records are shuffled within a buffer of this size; a smaller pack is shuffled as a whole

/// Examples of each label in a part; in all records where `part` is nothing.
std::vector<std::size_t> label_sizes(const PackManifest& manifest, std::optional<Part> part) {
  std::vector<std::size_t> sizes(manifest.labels.size());
  for (const PackedShard& shard : manifest.shards)
    for (const PackedRecord& record : shard.records)
      if (!part || record.part == part) ++sizes[static_cast<std::size_t>(record.label)];
  return sizes;
}

bool has_records(const PackManifest& manifest, Part part) {
  return std::ranges::any_of(label_sizes(manifest, part), [](std::size_t size) { return size > 0; });
}

}  // namespace

std::unique_ptr<BatchStream> open_batches(const PackManifest& manifest, std::optional<Part> part,
                                          const BatchRequest& request, bool shuffle, std::uint64_t cache_bytes) {
  BatchConfig config;
  config.batch_size = std::max<std::size_t>(1, request.batch_size / static_cast<std::size_t>(request.ranks));
  config.part = part;
  config.shuffle_records = shuffle ? kShuffledRecords : 0;
  config.seed = request.seed;
  config.epochs = request.epochs;
  config.drop_remainder = request.ranks > 1 && shuffle;  // every rank takes the same number of steps
  config.cache_bytes = cache_bytes;
  config.rank = request.rank;
  config.ranks = request.ranks;
  config.start = request.start;
  return std::make_unique<BatchReader>(manifest, config);
}

BatchSource pack_batches(PackManifest manifest, std::uint64_t cache_bytes) {
  BatchSource source;
  const auto pack = std::make_shared<const PackManifest>(std::move(manifest));
  const auto part = has_records(*pack, Part::training) ? std::optional(Part::training) : std::nullopt;
  source.pack = pack;
  source.cache_bytes = cache_bytes;
  source.values = pack->values;
  source.label_count = static_cast<int>(pack->labels.size());
  source.label_sizes = label_sizes(*pack, part);
  source.fingerprint = pack->fingerprint;
  source.training = [pack, part, cache_bytes](const BatchRequest& request) {
    return open_batches(*pack, part, request, true, cache_bytes);
  };
  if (part && has_records(*pack, Part::validation)) {
    source.validation = [pack](const BatchRequest& request) {
      return open_batches(*pack, Part::validation, request, false, 0);
    };
  }
  return source;
}

}  // namespace genrewise
