// Opens packs, including those of other programs, and verifies them.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>

#include "genrewise/base/hash.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

bool is_unfinished(const fs::path& location) {
  return folder_exists(location / ".pack");
}

/// Of record files at `location`: it is their folder, or the only one of them.
fs::path folder_of(const std::vector<FileInfo>& files, const fs::path& location) {
  const bool one_file = files.size() == 1 && files.front().location == location.native();
  fs::path folder = one_file ? location.parent_path() : location;
  return folder.empty() ? fs::path(".") : folder;
}

class ForeignShards {
 public:
  PackManifest read(const fs::path& location, const std::vector<FileInfo>& files) {
    manifest_.folder = folder_of(files, location);
    manifest_.split_scheme = "none";
    for (const auto& file : files) read_shard(file);
    if (manifest_.size() == 0)
      throw Error(
          fmt::format("there is no usable example in {} record files{}", files.size(),
                      manifest_.skipped.empty() ? "" : "; the first fault: " + to_string(manifest_.skipped.front())),
          location.string(), "examples need the keys `song` (floats) and `class` (an integer)");
    for (std::size_t i = 0; i < classes_; ++i) manifest_.labels.push_back(std::to_string(i));
    Hasher all(HashKind::sha256);
    for (const auto& shard : manifest_.shards) all.update(shard.file + ' ' + std::to_string(shard.bytes) + '\n');
    manifest_.fingerprint = all.hex();
    return std::move(manifest_);
  }

 private:
  void read_shard(const FileInfo& file) {
    PackedShard shard;
    shard.file = last_name(file.location);
    shard.bytes = file.bytes;
    RecordSource source(open_file(file));
    const bool compressed = source.compressed();
    RecordReader reader(std::move(source));
    Record record;
    records_ = 0;
    for (;;) {
      const auto more = reader.next(record);
      if (!more) {
        ++records_;
        manifest_.skipped.push_back(more.error());
      } else if (*more) {
        read_record(shard, record);
      } else {
        break;
      }
    }
    if (compressed) {
      manifest_.compression = Compression::gzip;
      shard.restart_points.push_back({0, 0});
    }
    manifest_.shards.push_back(std::move(shard));
  }

  void read_record(PackedShard& shard, const Record& record) {
    auto found = examine(record);
    if (found) {
      shard.records.push_back(std::move(*found));
    } else {
      Fault& fault = manifest_.skipped.emplace_back(found.error());
      fault.where = shard.file + " @ " + std::to_string(record.offset);
      fault.detail = "record " + std::to_string(records_) + " of the file: " + fault.detail;
    }
    ++records_;
  }

  /// The entry of a record that can be used.
  Expected<PackedRecord> examine(const Record& record) {
    const auto refuse = [](const char* reason, std::string detail) {
      return tl::unexpected(Fault{reason, {}, std::move(detail)});
    };
    constexpr char kOther[] = "another kind of example";
    const RecordForm& form = manifest_.form;
    if (auto parsed = example_.parse(record.payload); !parsed) return tl::unexpected(parsed.error());
    const FeatureView *song = example_.find(form.features), *label = example_.find(form.label);
    std::int64_t number = -1;
    if (song == nullptr || song->kind() != FeatureKind::floats) return refuse(kOther, "no key `song` with floats");
    if (label == nullptr || label->copy(std::span(&number, 1)) != 1)
      return refuse(kOther, "no key `class` with an integer");
    if (number < 0 || number > std::numeric_limits<std::uint16_t>::max())
      return refuse(kOther, "class is " + std::to_string(number));
    numbers_.resize(song->size());
    if (manifest_.values != 0 && numbers_.size() != manifest_.values)
      return refuse("wrong size", fmt::format("`song` has {} numbers, not {}", numbers_.size(), manifest_.values));
    song->copy(std::span(numbers_));
    const auto bad = std::ranges::find_if_not(numbers_, [](float value) { return std::isfinite(value); });
    if (bad != numbers_.end())
      return refuse("not a finite number",
                    "value " + std::to_string(bad - numbers_.begin()) + " of `song` is " + std::to_string(*bad));
    manifest_.values = numbers_.size();
    const FeatureView* one_hot = example_.find(form.one_hot());
    classes_ = std::max({classes_, one_hot == nullptr ? 0 : one_hot->size(), static_cast<std::size_t>(number) + 1});
    return PackedRecord{example_.text(form.id), static_cast<int>(number), std::nullopt, record.offset,
                        record.payload.size()};
  }

  PackManifest manifest_;
  ExampleView example_;
  std::size_t classes_ = 0, records_ = 0;  // records_: of the current file, so far
  std::vector<float> numbers_;
};

void verify_records(const PackManifest& manifest, const PackedShard& shard, std::vector<Fault>& faults) {
  RecordReader reader(manifest.folder / shard.file);
  ExampleView example;
  Record record;
  std::vector<float> values(manifest.values);
  std::size_t seen = 0;
  const auto differs = [&](std::string detail) {
    faults.push_back(
        {"does not match the manifest", shard.file + " @ " + std::to_string(record.offset), std::move(detail)});
  };
  for (;;) {
    const auto more = reader.next(record);
    if (!more) {
      faults.push_back(more.error());
      continue;
    }
    if (!*more) break;
    const auto promised = std::ranges::lower_bound(shard.records, record.offset, {}, &PackedRecord::offset);
    if (promised == shard.records.end() || promised->offset != record.offset) {
      differs("a record that is not in the manifest");
      continue;
    }
    ++seen;
    const bool parsed = example.parse(record.payload).has_value();
    const std::int64_t label = identity_of(example, manifest.form).label;
    const std::string id = example.text(manifest.form.id);
    if (!parsed || label != promised->label || id != promised->track_id) {
      differs(fmt::format("it contains track {} of class {}, not {} of class {}", id, label, promised->track_id,
                          promised->label));
    } else if (auto decoded = decode_song(example, manifest.stored_as, values, manifest.form); !decoded) {
      differs(decoded.error().detail);
    }
  }
  if (seen < shard.records.size()) {
    faults.push_back(
        {"missing records", shard.file, fmt::format("{} of {}", shard.records.size() - seen, shard.records.size())});
  }
}

}  // namespace

std::string file_sha256(const FileReader& file) {
  Hasher hasher(HashKind::sha256);
  std::vector<std::byte> buffer(1 << 20);
  SequentialReader reader(file);
  while (const std::size_t got = reader.read(buffer)) hasher.update(as_text(std::span(buffer).first(got)));
  return hasher.hex();
}

namespace {

PackManifest read_manifest(const fs::path& path) {
  return parse_manifest(read_file(path), path);
}

/// The manifests that a pattern of folders or of manifests matches.
std::vector<fs::path> manifests_matching(const fs::path& location) {
  std::vector<fs::path> found;
  std::error_code ignored;
  if (location.native().find_first_of("*?[") == std::string::npos || fs::exists(location, ignored)) return found;
  for (const std::string& pattern : {join_location(location.native(), kManifestName), location.native()}) {
    for (const FileInfo& file : list_matching(pattern))
      if (last_name(file.location) == kManifestName) found.emplace_back(file.location);
    if (!found.empty()) break;
  }
  return found;
}

/// One pack with the shards of all.
PackManifest join_packs(const std::vector<fs::path>& paths) {
  PackManifest all = read_manifest(paths.front());
  // The folders' common parent: their names are compared slash by slash.
  const std::string first = paths.front().parent_path().native(), last = paths.back().parent_path().native();
  std::size_t parent = 0;
  for (std::size_t i = 0; i < std::min(first.size(), last.size()) && first[i] == last[i]; ++i)
    if (first[i] == '/') parent = i + 1;
  Hasher fingerprints(HashKind::sha256);
  std::vector<PackedShard> shards;
  for (const fs::path& path : paths) {
    PackManifest pack = read_manifest(path);
    if (static_cast<const PackFormat&>(pack) != all)
      throw Error("has another feature set, labels or options than the first pack, " + all.folder.string(),
                  pack.folder.string(), "give packs that were made by the same command from different music");
    fingerprints.update(pack.fingerprint);
    for (PackedShard& shard : pack.shards) {
      shard.file = join_location(pack.folder.native().substr(parent), shard.file);
      shards.push_back(std::move(shard));
    }
    if (path != paths.front()) std::ranges::move(pack.skipped, std::back_inserter(all.skipped));
  }
  all.folder = parent == 0 ? fs::path(".") : fs::path(first.substr(0, std::max<std::size_t>(1, parent - 1)));
  all.fingerprint = fingerprints.hex();
  all.shards = std::move(shards);
  all.loss.reset();
  return all;
}

}  // namespace

bool is_pack(const fs::path& location) {
  return file_exists(location / kManifestName);
}

bool holds_records(const fs::path& location) {
  return is_pack(location) || is_unfinished(location) || !manifests_matching(location).empty() ||
         !list_record_files(location).empty();
}

PackManifest open_pack(const fs::path& location, const fs::path& manifest) {
  if (!manifest.empty()) {
    PackManifest pack = read_manifest(manifest);
    const auto files = list_record_files(location);
    std::erase_if(pack.shards, [&](const PackedShard& shard) {
      return std::ranges::none_of(files, [&](const FileInfo& file) { return last_name(file.location) == shard.file; });
    });
    if (pack.shards.size() != files.size() || files.empty())
      throw Error(
          fmt::format("names {} of the {} record files at {}", pack.shards.size(), files.size(), location.string()),
          manifest.string(), "give the manifest of the pack that the files are from, under the same names");
    pack.folder = folder_of(files, location);
    std::string shards;
    for (const PackedShard& shard : pack.shards) shards += ' ' + shard.file;
    pack.fingerprint = sha256_hex(pack.fingerprint + shards);
    return pack;
  }
  if (is_pack(location)) return read_manifest(location / kManifestName);
  if (const auto manifests = manifests_matching(location); !manifests.empty()) return join_packs(manifests);
  if (is_unfinished(location))
    throw Error("is an unfinished pack", location.string(), "run the same `genrewise pack` command again to continue");
  const auto files = list_record_files(location);
  if (files.empty())
    throw Error("is not a pack: there is neither " + std::string(kManifestName) + " nor a file *.tfrec",
                location.string(), "create one with `genrewise pack DATASET -o FOLDER`");
  return ForeignShards().read(location, files);
}

std::vector<Fault> verify_pack(const PackManifest& manifest) {
  std::vector<Fault> faults;
  for (const auto& shard : manifest.shards) {
    const auto path = (manifest.folder / shard.file).string();
    try {
      const auto file = open_file(path);
      if (file->size() != shard.bytes)
        faults.push_back({"wrong size", path, fmt::format("{} bytes, not {}", file->size(), shard.bytes)});
      if (!shard.sha256.empty() && file_sha256(*file) != shard.sha256)
        faults.push_back({"wrong checksum", path, "SHA-256"});
      verify_records(manifest, shard, faults);
    } catch (const FileError& error) {
      faults.push_back({"cannot be read", path, error.problem()});
    }
  }
  return faults;
}

}  // namespace genrewise
