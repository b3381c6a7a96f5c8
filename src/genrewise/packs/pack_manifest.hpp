// What a packed folder says of itself: manifest.json (docs/record_format.md).
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/records/compression.hpp"

namespace genrewise {

/// How the numbers of an example lie in its record.
enum class StoredAs { float32, float16, uint8 };
std::string_view to_string(StoredAs stored);
std::optional<StoredAs> parse_stored_as(std::string_view text);

struct PackedRecord {
  std::string track_id;
  int label = -1;
  std::optional<Part> part;
  std::uint64_t offset = 0;  ///< of its frame in the (decompressed) shard
  std::uint64_t payload_bytes = 0;
  std::string artist = {}, album = {};  ///< empty: not known
};

struct PackedShard {
  std::string file;         ///< name in the folder
  std::uint64_t bytes = 0;  ///< of the file as it is stored
  std::string sha256;       ///< of the file as it is stored; empty where nobody has said it
  std::vector<PackedRecord> records;
  /// Where reading of a compressed shard may begin: the first record behind such a point, and where in the file it is.
  struct RestartPoint {
    std::size_t record = 0;
    std::uint64_t stored_offset = 0;
    friend bool operator==(const RestartPoint&, const RestartPoint&) = default;
  };
  std::vector<RestartPoint> restart_points;
};

/// What storing in fewer bits cost, measured on all numbers that were packed.
struct PackLoss {
  double largest_error = 0, rms_error = 0;
};

struct PackManifest {
  std::filesystem::path folder;  ///< where it was read from
  FeatureRecipe recipe;          ///< empty name: not known (shards of another program)
  std::size_t values = 0;        ///< numbers per example
  StoredAs stored_as = StoredAs::float32;
  Compression compression = Compression::none;
  std::vector<std::string> labels;
  std::uint64_t seed = 0;
  std::string split_scheme;  ///< "none" where the records have no parts
  std::string fingerprint;   ///< of all that decides what is in the shards
  std::optional<PackLoss> loss;
  std::vector<PackedShard> shards;
  std::vector<Fault> skipped;  ///< clips, or records of foreign shards, that could not be used

  std::size_t size() const;  ///< records in all shards
};

inline constexpr std::string_view kManifestName = "manifest.json";

std::string to_json(const PackManifest& manifest);
/// Throws Error for text that is no manifest, or one of a newer version, or one that contradicts itself.
PackManifest parse_manifest(std::string_view text, const std::filesystem::path& path);

/// Replaces the part of every record: `parts` has one entry per record, counted through the shards in order. So batches
/// follow another split than the stored one (`--scheme`, `--split-file`). Where a part changes, the split scheme
/// becomes "given" and the fingerprint another one, the same for the same parts. Throws Error for another number of
/// parts.
void assign_parts(PackManifest& manifest, std::span<const std::optional<Part>> parts);

/// The pack that lies in `place`: a folder with manifest.json; or shards of another program (a folder with files
/// *.tfrec / *.tfrecord / *.tfrecords, or one such file), which are read once to know what they hold: `song` (floats,
/// the same number in each), `class`, optionally `one_hot_class` (its length is the number of classes, which are named
/// "0", "1", ...) and `track_id`. Throws Error when there is neither, or when the packing was never finished.
PackManifest open_pack(const std::filesystem::path& location);

/// Whether open_pack() would find a manifest there.
bool is_pack(const std::filesystem::path& location);

/// Whether open_pack() takes the place for records at all: a manifest, an unfinished pack, or files of records.
bool holds_records(const std::filesystem::path& location);

/// Throws Error unless the pack was made by this recipe and with these labels in this order.
void require_same_data(const PackManifest& manifest, const FeatureRecipe& recipe, std::span<const std::string> labels);

/// Reads all shards and compares them with the manifest: size, SHA-256, every checksum, every track id and class.
/// One Fault for each thing that is wrong.
std::vector<Fault> verify_pack(const PackManifest& manifest);

}  // namespace genrewise
