#include "genrewise/packs/pack_manifest.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <numeric>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

constexpr std::string_view kFormat = "genrewise-pack";
constexpr int kVersion = 1;
constexpr char kRemedy[] = "pack the dataset again";
constexpr std::string_view kStoredNames[] = {"float32", "float16", "uint8"};

constexpr std::string_view kPartLetters = "tve";  // of training, validation, test; no part: '-'

char letter_of(const std::optional<Part>& part) {
  return part ? kPartLetters[static_cast<std::size_t>(*part)] : '-';
}

std::optional<Part> part_of(char letter) {
  if (letter == '-') return std::nullopt;
  const std::size_t part = kPartLetters.find(letter);
  if (part == std::string_view::npos) throw Error(std::string("'") + letter + "' is not a part (t, v, e or -)");
  return static_cast<Part>(part);
}

// Lists that exist only if at least one name is known.
void add_names(const PackedShard& shard, const char* key, std::string PackedRecord::*name, json& out) {
  const auto known = [&](const PackedRecord& record) { return !(record.*name).empty(); };
  if (std::ranges::none_of(shard.records, known)) return;
  out[key] = json::array();
  for (const auto& record : shard.records) out[key].push_back(any_text(record.*name));
}

void take_names(const json& in, const char* key, std::string PackedRecord::*name, PackedShard& shard) {
  if (!in.contains(key)) return;
  const json& names = in.at(key);
  if (names.size() != shard.records.size())
    throw Error(
        fmt::format("{} has {} records, but its list of {} has another length", shard.file, shard.records.size(), key));
  for (std::size_t i = 0; i < names.size(); ++i) shard.records[i].*name = any_text(names[i]);
}

json shard_to_json(const PackedShard& shard) {
  const auto list = [&](auto member) {
    json out = json::array();
    for (const auto& record : shard.records) out.push_back(record.*member);
    return out;
  };
  std::string parts;
  for (const auto& record : shard.records) parts += letter_of(record.part);
  json ids = json::array(), points = json::array();
  for (const auto& record : shard.records) ids.push_back(any_text(record.track_id));
  for (const auto& point : shard.restart_points) points.push_back({point.record, point.stored_offset});
  json out = {{"file", shard.file},          {"bytes", shard.bytes},
              {"sha256", shard.sha256},      {"count", shard.records.size()},
              {"track_ids", std::move(ids)}, {"classes", list(&PackedRecord::label)},
              {"parts", std::move(parts)},   {"payload_bytes", list(&PackedRecord::payload_bytes)}};
  if (!points.empty()) out["restart_points"] = points;
  add_names(shard, "artists", &PackedRecord::artist, out);
  add_names(shard, "albums", &PackedRecord::album, out);
  return out;
}

PackedShard shard_from_json(const json& in, std::size_t label_count) {
  PackedShard shard;
  shard.file = in.at("file");
  shard.bytes = in.at("bytes");
  shard.sha256 = in.at("sha256");
  const json &ids = in.at("track_ids"), &classes = in.at("classes"), &sizes = in.at("payload_bytes");
  const std::string parts = in.at("parts");
  const std::size_t count = in.at("count");
  if (ids.size() != count || classes.size() != count || sizes.size() != count || parts.size() != count)
    throw Error(fmt::format("{} has {} records, but its lists have other lengths", shard.file, count));
  if (std::filesystem::path(shard.file).filename() != shard.file) throw Error(shard.file + " is not a file name");
  std::uint64_t offset = 0;
  for (std::size_t i = 0; i < count; ++i) {
    PackedRecord record{any_text(ids[i]), classes[i], part_of(parts[i]), offset, sizes[i]};
    if (record.label < 0 || static_cast<std::size_t>(record.label) >= label_count)
      throw Error(
          fmt::format("track {} has class {}, and there are {} labels", record.track_id, record.label, label_count));
    if (record.payload_bytes > RecordReader::kLongestPayload)
      throw Error("track " + record.track_id + " is longer than any record");
    offset += record.payload_bytes + kRecordFrameBytes;
    shard.records.push_back(std::move(record));
  }
  take_names(in, "artists", &PackedRecord::artist, shard);
  take_names(in, "albums", &PackedRecord::album, shard);
  for (const json& point : in.value("restart_points", json::array())) {
    const PackedShard::RestartPoint next{point.at(0), point.at(1)};
    const auto& points = shard.restart_points;
    const bool follows = points.empty() ? next.record == 0
                                        : next.record > points.back().record && next.record < count &&
                                              next.stored_offset > points.back().stored_offset;
    if (!follows || next.stored_offset > shard.bytes)
      throw Error(shard.file + " has restart points that are out of order, or after its end");
    shard.restart_points.push_back(next);
  }
  return shard;
}

std::string to_text(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

json to_json(const PackCounts& counts) {
  json parts = json::object();
  for (const Part part : {Part::training, Part::validation, Part::test})
    parts[std::string(to_string(part))] = counts.per_part[static_cast<std::size_t>(part)];
  return {{"examples", counts.examples}, {"per_label", counts.per_label}, {"per_part", std::move(parts)}};
}

PackCounts counts_of(const PackManifest& manifest) {
  PackCounts counts;
  counts.add(manifest);
  return counts;
}

std::size_t stored_bytes(StoredAs stored) {
  return stored == StoredAs::float32 ? 4 : stored == StoredAs::float16 ? 2 : 1;
}

/// Compares what the manifest states more than once, and sizes before memory is allocated for them.
void check_consistency(const PackManifest& manifest, const json& counts) {
  for (const PackedShard& shard : manifest.shards) {
    std::uint64_t bytes = 0;
    for (const PackedRecord& record : shard.records) {
      bytes += record.payload_bytes + kRecordFrameBytes;
      if (manifest.values > record.payload_bytes / stored_bytes(manifest.stored_as))
        throw Error(fmt::format("track {} has {} bytes, too few for {} values", record.track_id, record.payload_bytes,
                                manifest.values));
    }
    if (manifest.compression != Compression::none) continue;
    if (bytes != shard.bytes)
      throw Error(fmt::format("{} has {} bytes, but its records have {}", shard.file, shard.bytes, bytes));
    if (!shard.restart_points.empty()) throw Error(shard.file + " has restart points, but is not compressed");
  }
  if (manifest.form.steps > 0 && manifest.values % manifest.form.steps != 0)
    throw Error(fmt::format("it has {} values in {} steps", manifest.values, manifest.form.steps));
  if (!counts.is_null() && counts != to_json(counts_of(manifest))) throw Error("its counts differ from its lists");
}

void check_format(const json& in) {
  if (in.value("format", "") != kFormat) throw Error("this is not the manifest of a pack");
  if (const int version = in.at("version"); version != kVersion)
    throw Error(fmt::format("it has version {}, and this program reads version {}", version, kVersion));
}

PackManifest manifest_from_json(const json& in) {
  PackManifest manifest;
  const json& recipe = in.at("recipe");
  manifest.recipe = {recipe.at("name"), recipe.at("version"), recipe.at("hash")};
  manifest.values = in.at("values");
  const std::string stored = in.at("stored_as"), compression = in.at("compression");
  if (!parse_stored_as(stored)) throw Error("stored_as is \"" + stored + "\"");
  if (!parse_compression(compression)) throw Error("compression is \"" + compression + "\"");
  manifest.stored_as = *parse_stored_as(stored);
  manifest.compression = *parse_compression(compression);
  if (in.contains("record")) {  // not in packs of earlier versions
    const json& form = in.at("record");
    manifest.form = {form.at("features"), form.at("label"), form.at("id"), form.at("steps")};
  }
  manifest.labels = any_texts(in.at("labels"));
  manifest.seed = in.at("seed");
  manifest.split_scheme = in.at("split_scheme");
  manifest.fingerprint = in.at("fingerprint");
  if (in.contains("loss")) manifest.loss = {in.at("loss").at("largest_error"), in.at("loss").at("rms_error")};
  for (const json& shard : in.at("shards")) manifest.shards.push_back(shard_from_json(shard, manifest.labels.size()));
  manifest.skipped = in.at("skipped").get<std::vector<Fault>>();
  check_consistency(manifest, in.value("counts", json()));
  return manifest;
}

}  // namespace

std::string_view to_string(StoredAs stored) {
  return kStoredNames[static_cast<std::size_t>(stored)];
}

std::optional<StoredAs> parse_stored_as(std::string_view text) {
  const auto found = std::ranges::find(kStoredNames, text);
  if (found == std::end(kStoredNames)) return std::nullopt;
  return static_cast<StoredAs>(found - std::begin(kStoredNames));
}

std::size_t PackManifest::size() const {
  return std::accumulate(shards.begin(), shards.end(), std::size_t{0},
                         [](std::size_t sum, const PackedShard& shard) { return sum + shard.records.size(); });
}

void assign_parts(PackManifest& manifest, std::span<const std::optional<Part>> parts) {
  if (parts.size() != manifest.size())
    throw Error(fmt::format("{} parts were given for {} records", parts.size(), manifest.size()),
                manifest.folder.string());
  bool changed = false;
  std::string letters;
  auto part = parts.begin();
  for (PackedShard& shard : manifest.shards) {
    for (PackedRecord& record : shard.records) {
      changed = changed || record.part != *part;
      record.part = *part++;
      letters += letter_of(record.part);
    }
  }
  if (!changed) return;
  manifest.split_scheme = "given";
  manifest.fingerprint = sha256_hex(manifest.fingerprint + " parts " + letters);
}

void PackCounts::add(const PackManifest& manifest) {
  per_label.resize(manifest.labels.size());
  examples += manifest.size();
  for (const auto& shard : manifest.shards) {
    for (const auto& record : shard.records) {
      ++per_label[static_cast<std::size_t>(record.label)];
      if (record.part) ++per_part[static_cast<std::size_t>(*record.part)];
    }
  }
}

std::string json_without_shards(const PackManifest& manifest, const PackCounts& counts) {
  const FeatureRecipe& recipe = manifest.recipe;
  const RecordForm& form = manifest.form;
  json out = {{"format", kFormat},
              {"version", kVersion},
              {"recipe", {{"name", recipe.name}, {"version", recipe.version}, {"hash", recipe.hash}}},
              {"values", manifest.values},
              {"stored_as", to_string(manifest.stored_as)},
              {"compression", to_string(manifest.compression)},
              {"record", {{"features", form.features}, {"label", form.label}, {"id", form.id}, {"steps", form.steps}}},
              {"labels", any_texts(manifest.labels)},
              {"seed", manifest.seed},
              {"split_scheme", manifest.split_scheme},
              {"fingerprint", manifest.fingerprint},
              {"counts", to_json(counts)},
              {"shards", json::array()},
              {"skipped", manifest.skipped},
              {"sha256", open_seal()}};
  if (manifest.loss)
    out["loss"] = {{"largest_error", manifest.loss->largest_error}, {"rms_error", manifest.loss->rms_error}};
  return to_text(out) + "\n";
}

std::string to_json(const PackManifest& manifest) {
  std::string text = json_without_shards(manifest, counts_of(manifest));
  // Shard by shard: a JSON tree of all of them takes several times the memory of the text.
  std::string shards;
  for (const auto& shard : manifest.shards) {
    if (!shards.empty()) shards += ',';
    shards += to_text(shard_to_json(shard));
  }
  text.insert(text.find(kNoShards) + kNoShards.size() - 1, shards);
  genrewise::seal(text);
  return text;
}

PackManifest parse_manifest(std::string_view text, const std::filesystem::path& path) {
  try {
    const SealedJson read = parse_sealed_json(text, path.string(), kRemedy);
    check_format(read.value);
    if (read.seal != Seal::sound)
      throw Error("it was changed or damaged (its checksum does not fit)", path.string(), kRemedy);
    auto manifest = manifest_from_json(read.value);
    manifest.folder = path.has_parent_path() ? path.parent_path() : ".";
    return manifest;
  } catch (const json::exception& error) {
    throw Error("the manifest is damaged: " + problem_of(error), path.string(), kRemedy);
  } catch (const Error& error) {
    throw Error("the manifest cannot be used: " + error.problem(), path.string(), kRemedy);
  }
}

void require_same_data(const PackManifest& manifest, const FeatureRecipe& recipe, std::span<const std::string> labels) {
  const auto text = [](const FeatureRecipe& one) {
    return fmt::format("{} (version {}, hash {})", one.name, one.version, one.hash.substr(0, 12));
  };
  if (manifest.recipe != recipe)
    throw Error(fmt::format("was packed by the recipe {}, and {} is required", text(manifest.recipe), text(recipe)),
                manifest.folder.string(), "pack the dataset with that recipe");
  if (!std::ranges::equal(manifest.labels, labels))
    throw Error(fmt::format("has other labels than required ({} and {})", manifest.labels.size(), labels.size()),
                manifest.folder.string(), "pack the dataset with these labels");
}

}  // namespace genrewise
