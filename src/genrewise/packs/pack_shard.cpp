#include "genrewise/packs/pack_shard.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/records/framing.hpp"
#include "genrewise/records/record_reader.hpp"
#include "genrewise/records/record_writer.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::uint64_t kRestartBytes = 512 << 10;  // between restart points, before compression

PackFormat format_of(const PackJob& job, const PackConfig& config) {
  return {job.recipe,  job.values, config.stored_as, config.compression,
          config.form, job.labels, config.seed,      job.split_scheme};
}

/// Whether this is the manifest of the shard with these examples: each of them is a record or was skipped.
bool is_part_of(const PackManifest& manifest, const PackJob& job, const PackConfig& config,
                std::span<const std::size_t> examples) {
  if (manifest != format_of(job, config) || manifest.shards.size() != 1) return false;
  const auto& records = manifest.shards[0].records;
  if (records.size() + manifest.skipped.size() != examples.size()) return false;
  auto record = records.begin();
  for (const std::size_t i : examples) {
    if (record == records.end() || record->track_id != job.track_ids[i]) continue;  // skipped
    const bool same_names = (job.artists.empty() || record->artist == job.artists[i]) &&
                            (job.albums.empty() || record->album == job.albums[i]);
    if (record->label != job.classes[i] || record->part != job.parts[i] || !same_names) return false;
    ++record;
  }
  return record == records.end();
}

}  // namespace

fs::path shard_state_path(const fs::path& folder, int number, const char* ending) {
  return folder / ".pack" / fmt::format("{:02}.{}", number, ending);
}

ShardPacker::ShardPacker(const PackJob& job, const PackConfig& config, fs::path folder, int number,
                         std::vector<std::size_t> examples)
    : job_(job),
      config_(config),
      folder_(std::move(folder)),
      number_(number),
      examples_(std::move(examples)),
      encoder_(config.stored_as, config.form),
      decoded_(config.stored_as == StoredAs::float32 ? 0 : job.values) {
  take_over();
}

std::map<std::size_t, ShardPacker::Line> ShardPacker::read_journal() const {
  std::map<std::size_t, Line> lines;
  const auto path = shard_state_path(folder_, number_, "journal");
  if (!path_exists(path)) return lines;
  const std::string text = read_file(path);
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1) {
    try {
      const SealedJson line = parse_sealed_json(std::string_view(text).substr(at, end + 1 - at), path.string());
      if (line.seal != Seal::sound) break;
      read_json(path.string(), {}, [&] {
        Line entry;
        if (line.value.contains("reason")) {
          entry.skipped = line.value.get<Fault>();
        } else {
          entry.loss = {line.value.at("largest_error"), line.value.at("rms_error")};
        }
        lines[line.value.at("example").get<std::size_t>()] = entry;
      });
    } catch (const Error&) {  // the examples from here on are packed again
      break;
    }
  }
  return lines;
}

// Keeps records while they follow the order of the shard and all examples between them are known to be skipped. The
// rest, such as an incomplete record, is cut off and packed again.
void ShardPacker::take_over() {
  auto lines = read_journal();
  const auto path = shard_state_path(folder_, number_, "tfrec");
  const auto next_record = [&] {
    std::size_t next = handled_;
    for (; next < examples_.size(); ++next) {
      const auto line = lines.find(examples_[next]);
      if (line == lines.end() || !line->second.skipped) break;
    }
    return next;
  };
  const auto skip_until = [&](std::size_t next) {
    for (; handled_ < next; ++handled_) skipped_.push_back(*lines[examples_[handled_]].skipped);
  };
  std::uint64_t keep_bytes = 0;
  if (path_exists(path)) {
    RecordReader reader(path.string());
    ExampleView view;
    for (Record record;;) {
      const auto more = reader.next(record);
      const std::size_t next = next_record();
      if (!more || !*more || !view.parse(record.payload) || next == examples_.size()) break;
      const std::size_t example = examples_[next];
      const auto [id, label] = identity_of(view, config_.form);
      if (id != job_.track_ids[example] || label != job_.classes[example]) break;
      if (config_.stored_as != StoredAs::float32 && !lines.contains(example)) break;
      skip_until(next);
      ++handled_;
      loss_.add(lines[example].loss, job_.values);
      shard_.records.push_back(record_of(example, record.offset, record.payload.size()));
      keep_bytes = record.offset + record.payload.size() + kRecordFrameBytes;
    }
  }
  skip_until(next_record());
  records_.emplace(path, keep_bytes);
  // Rewritten, so that it has no entries for what was cut off.
  journal_.emplace(shard_state_path(folder_, number_, "journal"));
  for (std::size_t i = 0; i < handled_; ++i)
    if (const auto line = lines.find(examples_[i]); line != lines.end()) note(line->second, examples_[i]);
}

PackedRecord ShardPacker::record_of(std::size_t example, std::uint64_t offset, std::uint64_t payload_bytes) const {
  return {job_.track_ids[example],
          job_.classes[example],
          job_.parts[example],
          offset,
          payload_bytes,
          job_.artists.empty() ? std::string() : job_.artists[example],
          job_.albums.empty() ? std::string() : job_.albums[example]};
}

void ShardPacker::note(const Line& line, std::size_t example) {
  json out = json::object();
  if (line.skipped) {
    out = *line.skipped;
  } else if (config_.stored_as != StoredAs::float32) {
    out["largest_error"] = line.loss.largest_error;
    out["rms_error"] = line.loss.rms_error;
  } else {
    return;
  }
  out["example"] = example;
  journal_->write(sealed_text(out));
}

void ShardPacker::skip(Fault fault) {
  note({fault, {}}, examples_[handled_++]);
  skipped_.push_back(std::move(fault));
}

void ShardPacker::add(std::span<const float> values) {
  const std::size_t example = examples_[handled_];
  const std::int64_t label = job_.classes[example];
  std::vector<float> one_hot(job_.labels.size());
  one_hot[static_cast<std::size_t>(label)] = 1;
  example_.clear();
  example_.add(config_.form.label, std::span(&label, 1));
  example_.add(config_.form.one_hot(), std::span<const float>(one_hot));
  if (auto encoded = encoder_.add(example_, values); !encoded) {
    encoded.error().where = job_.track_ids[example];
    return skip(std::move(encoded.error()));
  }
  example_.add(config_.form.id, std::string_view(job_.track_ids[example]));
  const std::string_view payload = example_.finish();
  if (config_.stored_as != StoredAs::float32) {
    ExampleView view;
    LossMeter here;
    if (!view.parse(as_bytes(payload)) || !decode_song(view, config_.stored_as, decoded_, config_.form))
      throw Error("an example cannot be read back", job_.track_ids[example],
                  "this is a bug in genrewise: please report it");
    here.add(values, decoded_);
    loss_.add(here.loss(), values.size());
    note({std::nullopt, here.loss()}, example);
  }
  make_frame(payload, frame_);
  shard_.records.push_back(record_of(example, records_->size(), payload.size()));
  records_->write(frame_);
  ++handled_;
}

void ShardPacker::compress(const fs::path& to) {
  RecordReader reader(records_->path().string());
  RecordWriter writer(to, config_.compression);
  std::uint64_t last_point = 0;
  std::size_t number = 0;
  shard_.restart_points = {{0, 0}};
  Record record;
  for (;; ++number) {
    const auto more = reader.next(record);
    if (!more) throw Error(to_string(more.error()), folder_.string(), "check the disk, and pack again");
    if (!*more) break;
    if (record.offset - last_point >= kRestartBytes) {
      last_point = record.offset;
      shard_.restart_points.push_back({number, writer.restart_point()});
    }
    writer.write(as_text(record.payload));
  }
  writer.commit();
}

// The order of these steps makes a kill between them safe: the records are kept until the shard has its final name, and
// the steps can be repeated.
PackManifest ShardPacker::finish() {
  fs::path stored = records_->path();
  records_->sync();
  if (config_.compression != Compression::none) {
    stored = shard_state_path(folder_, number_, "stored");
    compress(stored);
  }
  const std::string prefix = config_.prefix.empty() ? job_.recipe.name + "-" : config_.prefix;
  shard_.file = fmt::format("{}{:02}-{}.tfrec", prefix, number_, shard_.records.size());
  shard_.bytes = bytes_of_file(stored);
  shard_.sha256 = file_sha256(*open_file(stored.string()));
  PackManifest manifest;
  static_cast<PackFormat&>(manifest) = format_of(job_, config_);
  if (config_.stored_as != StoredAs::float32) manifest.loss = loss_.loss();
  manifest.shards.push_back(std::move(shard_));
  manifest.skipped = std::move(skipped_);
  write_file(shard_state_path(folder_, number_, "json"), to_json(manifest));
  rename_path(stored, folder_ / manifest.shards[0].file);
  forget(folder_, number_);
  return manifest;
}

void ShardPacker::forget(const fs::path& folder, int number) {
  std::error_code ignored;
  fs::remove(shard_state_path(folder, number, "tfrec"), ignored);
  fs::remove(shard_state_path(folder, number, "journal"), ignored);
}

std::optional<PackManifest> ShardPacker::finished(const PackJob& job, const PackConfig& config, const fs::path& folder,
                                                  int number, std::span<const std::size_t> examples) {
  const auto path = shard_state_path(folder, number, "json");
  if (!path_exists(path)) return std::nullopt;
  std::string problem = "belongs to another pack";
  try {
    auto manifest = parse_manifest(read_file(path), path);
    if (is_part_of(manifest, job, config, examples)) return manifest;
  } catch (const FileError&) {
    throw;
  } catch (const Error& error) {
    problem = error.problem();
  }
  Runtime::current().progress().note(path.string() + ": " + problem + "; the shard is packed again");
  return std::nullopt;
}

}  // namespace genrewise
