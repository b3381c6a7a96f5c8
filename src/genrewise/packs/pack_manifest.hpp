/// @file
/// The manifest of a pack: manifest.json (docs/record_format.md).
/// @code
/// const PackManifest manifest = open_pack("packs/fma");
/// const std::size_t examples = manifest.size();
/// @endcode
#pragma once

#include <array>
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
#include "genrewise/storage/files.hpp"

namespace genrewise {

inline constexpr std::size_t kMostShards = 1'000'000;  ///< of a pack

/// Number format of an example in its record.
enum class StoredAs { float32, float16, uint8 };
std::string_view to_string(StoredAs stored);
std::optional<StoredAs> parse_stored_as(std::string_view text);

/// Keys and kind of the records. Members are named after the options of `genrewise pack` (`--record-features` ...).
struct RecordForm {
  std::string features = "song", label = "class", id = "track_id";
  /// 0: tf.train.Example; else SequenceExample, with the features as a list of that many steps of equal length.
  std::size_t steps = 0;

  std::string range() const { return features + "_range"; }   ///< key of lowest and step of uint8
  std::string one_hot() const { return "one_hot_" + label; }  ///< key of the label as a list of 0 and 1
  friend bool operator==(const RecordForm&, const RecordForm&) = default;
};

struct PackedRecord {
  std::string track_id;
  int label = -1;
  std::optional<Part> part;
  std::uint64_t offset = 0;  ///< of its frame in the (decompressed) shard, in bytes
  std::uint64_t payload_bytes = 0;
  std::string artist = {}, album = {};  ///< empty: unknown
};

struct PackedShard {
  std::string file;         ///< file name in the folder
  std::uint64_t bytes = 0;  ///< size of the stored file
  std::string sha256;       ///< of the stored file; empty if unknown
  std::vector<PackedRecord> records;
  /// A point where decompression of a shard can start: the first record after it, and its offset in the file.
  struct RestartPoint {
    std::size_t record = 0;
    std::uint64_t stored_offset = 0;
    friend bool operator==(const RestartPoint&, const RestartPoint&) = default;
  };
  std::vector<RestartPoint> restart_points;
};

/// Error from storing in fewer bits, measured on all packed numbers.
struct PackLoss {
  double largest_error = 0, rms_error = 0;
};

/// What all shards of a pack have in common.
struct PackFormat {
  FeatureRecipe recipe;    ///< empty name: unknown (shards of another program)
  std::size_t values = 0;  ///< numbers per example
  StoredAs stored_as = StoredAs::float32;
  Compression compression = Compression::none;
  RecordForm form = {};
  std::vector<std::string> labels;
  std::uint64_t seed = 0;
  std::string split_scheme;  ///< "none" if the records have no parts

  friend bool operator==(const PackFormat&, const PackFormat&) = default;
};

struct PackManifest : PackFormat {
  std::filesystem::path folder;  ///< location of the pack
  std::string fingerprint;       ///< of everything that determines the content of the shards
  std::optional<PackLoss> loss;
  std::vector<PackedShard> shards;
  std::vector<Fault> skipped;  ///< unusable clips, or unusable records of foreign shards

  std::size_t size() const;  ///< number of records in all shards
};

/// Numbers of records.
struct PackCounts {
  std::vector<std::size_t> per_label;
  std::array<std::size_t, 3> per_part{};  ///< training, validation, test; records without a part are in none
  std::size_t examples = 0;

  void add(const PackManifest& manifest);
};

inline constexpr std::string_view kManifestName = "manifest.json";

std::string to_json(const PackManifest& manifest);
/// The same without shards and with an open_seal(), for a pack with these counts; the text of the shards is inserted at
/// kNoShards.
std::string json_without_shards(const PackManifest& manifest, const PackCounts& counts);
inline constexpr std::string_view kNoShards = "\"shards\":[]";  // cannot occur inside a string: quotes are escaped
/// Throws Error for text that is not a manifest, is of a newer version, is inconsistent, or does not fit its checksum.
PackManifest parse_manifest(std::string_view text, const std::filesystem::path& path);

/// Replaces the part of every record, so that batches follow another split than the stored one (`--scheme`,
/// `--split-file`). `parts` has one entry per record, counted through the shards in order. If any part changes, the
/// split scheme becomes "given" and the fingerprint changes as a function of the parts. Throws Error for a wrong number
/// of parts.
void assign_parts(PackManifest& manifest, std::span<const std::optional<Part>> parts);

/// Opens the pack at `location`: a folder with manifest.json, or shards of another program (list_record_files()). The
/// latter are read once to index their records: `song` (floats, the same number in each), `class`, optionally
/// `one_hot_class` (its length is the number of classes, which are named "0", "1", ...) and `track_id`. A pattern of
/// folders ("packs/*") opens several packs of the same kind as one. With `manifest`, the location of a manifest, the
/// location has some of its shards, without another manifest. Throws Error if there is none of these, or if the pack is
/// unfinished.
PackManifest open_pack(const std::filesystem::path& location, const std::filesystem::path& manifest = {});

/// Whether there is a manifest at `location`.
bool is_pack(const std::filesystem::path& location);

/// Whether there is a manifest, an unfinished pack or a record file at `location`.
bool holds_records(const std::filesystem::path& location);

/// Throws Error unless the pack has this recipe, and these labels in this order.
void require_same_data(const PackManifest& manifest, const FeatureRecipe& recipe, std::span<const std::string> labels);

std::string file_sha256(const FileReader& file);

/// Reads all shards and compares them with the manifest: size, SHA-256, every checksum, every track id and class, and
/// the number of values. Returns one Fault per defect.
std::vector<Fault> verify_pack(const PackManifest& manifest);

}  // namespace genrewise
