#include "genrewise/dataset/inspection.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <unordered_map>

#include "genrewise/audio/decode.hpp"
#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/addresses.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/parallel.hpp"

namespace genrewise {
namespace {

constexpr double kSilentRms = 1e-3;  // -60 dB of full scale
constexpr float kFullScale = 0.999f;
constexpr int kClippedRun = 3;
constexpr double kShortShare = 0.5;  // of the median clip
constexpr char kParts[] = "parts of an inspection", kAgain[] = "make the parts again";

struct ClipFacts {
  std::optional<Fault> fault;
  double duration_s = 0, rms = 0;
  std::size_t clipped_runs = 0;
  std::string hash;
};

std::size_t count_clipped_runs(std::span<const float> samples) {
  std::size_t runs = 0;
  int run = 0;
  for (const float sample : samples) {
    run = std::abs(sample) >= kFullScale ? run + 1 : 0;
    runs += run == kClippedRun;
  }
  return runs;
}

ClipFacts facts_of(const Track& track) {
  ClipFacts facts;
  const auto decoded = decode_file(track.path, {.clip = track.clip, .sample_rate_hz = {}});
  if (!decoded) {
    facts.fault = decoded.error();
    return facts;
  }
  if (const auto usable = check_clip(*decoded); !usable) {
    facts.fault = usable.error();
    return facts;
  }
  const std::vector<float>& samples = decoded->samples;
  double sum = 0;
  for (const float sample : samples) sum += static_cast<double>(sample) * sample;
  facts.rms = samples.empty() ? 0 : std::sqrt(sum / static_cast<double>(samples.size()));
  facts.duration_s = static_cast<double>(samples.size()) / decoded->sample_rate_hz;
  facts.clipped_runs = count_clipped_runs(samples);
  facts.hash = sha256_hex({reinterpret_cast<const char*>(samples.data()), samples.size() * sizeof(float)});
  return facts;
}

Spread spread_of(std::vector<double> values) {
  if (values.empty()) return {};
  std::ranges::sort(values);
  return {values.front(), values[values.size() / 2], values.back()};
}

/// Rows of each file, so that each file is probed once.
std::vector<std::vector<std::size_t>> rows_by_file(const Dataset& dataset) {
  std::vector<std::vector<std::size_t>> files;
  std::unordered_map<std::string, std::size_t> index;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) {
    const auto [found, is_new] = index.try_emplace(dataset.tracks[i].path.string(), files.size());
    if (is_new) files.emplace_back();
    files[found->second].push_back(i);
  }
  return files;
}

void count_labels_and_groups(const Dataset& dataset, Inspection& inspection) {
  struct Seen {
    std::set<std::string> files, artists, albums;
    void add(const Track& track) {
      files.insert(track.path.string());
      if (!track.artist.empty()) artists.insert(track.artist);
      if (!track.album.empty()) albums.insert(track.album);
    }
  };
  Seen all;
  std::vector<Seen> by_genre(dataset.labels.size());
  for (const std::string& label : dataset.labels) inspection.genres.push_back({.name = label});
  for (const Track& track : dataset.tracks) {
    all.add(track);
    if (track.label < 0) continue;
    const auto label = static_cast<std::size_t>(track.label);
    by_genre[label].add(track);
    ++inspection.genres[label].clips;
    if (track.official_part) ++inspection.genres[label].parts[static_cast<std::size_t>(*track.official_part)];
  }
  for (std::size_t i = 0; i < by_genre.size(); ++i) {
    inspection.genres[i].files = by_genre[i].files.size();
    inspection.genres[i].artists = by_genre[i].artists.size();
    inspection.genres[i].albums = by_genre[i].albums.size();
  }
  inspection.clips = dataset.tracks.size();
  inspection.files = all.files.size();
  inspection.artists = all.artists.size();
  inspection.albums = all.albums.size();
}

void check_official_split(const Dataset& dataset, Inspection& inspection) {
  Dataset with_part;
  with_part.labels = dataset.labels;
  for (const Track& track : dataset.tracks) {
    if (track.official_part && track.label >= 0) with_part.tracks.push_back(track);
  }
  inspection.has_official_split = !with_part.tracks.empty();
  if (!inspection.has_official_split) return;
  const SplitSubjects subjects = subjects_of(with_part);
  inspection.leakage = check_leakage(subjects, make_split(subjects, {.scheme = SplitScheme::official}));
}

void find_duplicates(const Dataset& dataset, const std::vector<ClipFacts>& facts, Inspection& inspection) {
  std::map<std::string, std::vector<std::size_t>> rows_by_hash;
  for (std::size_t i = 0; i < facts.size(); ++i) {
    if (!facts[i].fault) rows_by_hash[facts[i].hash].push_back(i);
  }
  for (const auto& [hash, rows] : rows_by_hash) {
    if (rows.size() < 2) continue;
    Inspection::Duplicate duplicate;
    const Track& first = dataset.tracks[rows.front()];
    for (const std::size_t i : rows) {
      const Track& track = dataset.tracks[i];
      duplicate.track_ids.push_back(track.id);
      duplicate.several_genres |= track.label != first.label;
      duplicate.several_parts |= track.official_part != first.official_part;
    }
    inspection.duplicates.push_back(std::move(duplicate));
  }
  std::ranges::sort(inspection.duplicates, {}, &Inspection::Duplicate::track_ids);
}

void list_findings(const Dataset& dataset, const std::vector<ClipFacts>& facts, Inspection& inspection) {
  for (const Fault& fault : dataset.rejected) {
    inspection.findings.push_back(
        {fault.reason, "", without_credentials(fault.where), without_credentials(fault.detail), true});
  }
  const auto add = [&](std::string kind, std::size_t row, std::string detail, bool unusable = false) {
    const Track& track = dataset.tracks[row];
    inspection.findings.push_back({std::move(kind), track.id, track.path.string(), std::move(detail), unusable});
  };
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const ClipFacts& clip = facts[i];
    if (clip.fault) {
      add(clip.fault->reason, i, clip.fault->detail, true);
      continue;
    }
    if (clip.duration_s < kShortShare * inspection.clip_s.median)
      add("short", i, fmt::format("{:.2f} s", clip.duration_s));
    if (clip.rms < kSilentRms) add("silent", i, fmt::format("{:.0f} dB", 20 * std::log10(clip.rms)));
    if (clip.clipped_runs > 0) add("clipped", i, fmt::format("in {} passages", clip.clipped_runs));
  }
  std::unordered_map<std::string, std::size_t> row_of_id;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) row_of_id[dataset.tracks[i].id] = i;
  for (const auto& duplicate : inspection.duplicates) {
    for (std::size_t i = 1; i < duplicate.track_ids.size(); ++i) {
      add("duplicate", row_of_id.at(duplicate.track_ids[i]), fmt::format("the same as {}", duplicate.track_ids[0]));
    }
  }
  std::ranges::stable_partition(inspection.findings, &Inspection::Finding::unusable);
}

/// Numbers are keys as text.
nlohmann::json json_of(const std::map<int, std::size_t>& counts) {
  nlohmann::json json = nlohmann::json::object();
  for (const auto& [key, count] : counts) json[std::to_string(key)] = count;
  return json;
}

}  // namespace

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Spread, least, median, most)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Inspection::Finding, kind, track_id, path, detail, unusable)
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(Inspection::Duplicate, track_ids, several_genres, several_parts)

std::map<std::string, std::size_t> Inspection::counts_by_kind() const {
  std::map<std::string, std::size_t> counts;
  for (const Finding& finding : findings) ++counts[finding.kind];
  return counts;
}

std::size_t Inspection::unusable() const {
  return static_cast<std::size_t>(std::ranges::count_if(findings, &Finding::unusable));
}

NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(AudioInfo, format, codec, sample_rate_hz, channels, duration_s, bit_rate_kbps)

namespace {

/// Of the files of rows_by_file(), and of the tracks.
struct Measured {
  std::vector<std::optional<AudioInfo>> infos;
  std::vector<ClipFacts> facts;
};

Measured read_clips(const Dataset& dataset, Progress& progress) {
  const auto files = rows_by_file(dataset);
  Measured measured{std::vector<std::optional<AudioInfo>>(files.size()), std::vector<ClipFacts>(dataset.tracks.size())};
  progress.begin("inspect", "clips", dataset.tracks.size());
  parallel_for(files.size(), [&](std::size_t file, int) {
    if (auto info = probe_file(dataset.tracks[files[file].front()].path)) measured.infos[file] = std::move(*info);
    for (const std::size_t row : files[file]) {
      measured.facts[row] = facts_of(dataset.tracks[row]);
      progress.advance();
    }
  });
  progress.finish();
  return measured;
}

Inspection report_on(const Dataset& dataset, const Measured& measured) {
  Inspection inspection;
  inspection.name = dataset.name;
  inspection.kind = dataset.kind;
  inspection.ignored = dataset.ignored;
  count_labels_and_groups(dataset, inspection);
  check_official_split(dataset, inspection);

  std::vector<double> clip_s, file_s, bit_rates;
  for (const auto& info : measured.infos) {
    if (!info) continue;
    ++inspection.codecs[info->codec];
    ++inspection.sample_rates_hz[info->sample_rate_hz];
    ++inspection.channels[info->channels];
    file_s.push_back(info->duration_s);
    bit_rates.push_back(info->bit_rate_kbps);
  }
  for (const ClipFacts& clip : measured.facts) {
    if (!clip.fault) clip_s.push_back(clip.duration_s), inspection.total_s += clip.duration_s;
  }
  inspection.clip_s = spread_of(std::move(clip_s));
  inspection.file_s = spread_of(std::move(file_s));
  inspection.bit_rate_kbps = spread_of(std::move(bit_rates));
  find_duplicates(dataset, measured.facts, inspection);
  list_findings(dataset, measured.facts, inspection);
  return inspection;
}

}  // namespace

Inspection inspect(const Dataset& dataset, Progress& progress) {
  return report_on(dataset, read_clips(dataset, progress));
}

nlohmann::json measure(const Dataset& part, Progress& progress) {
  using nlohmann::json;
  const Measured measured = read_clips(part, progress);
  json tracks = json::array(), files = json::object();
  for (std::size_t i = 0; i < part.tracks.size(); ++i) {
    const Track& track = part.tracks[i];
    const ClipFacts& clip = measured.facts[i];
    tracks.push_back({{"id", track.id},
                      {"path", track.path.string()},
                      {"label", track.label},
                      {"artist", track.artist},
                      {"album", track.album},
                      {"part", track.official_part ? json(to_string(*track.official_part)) : json()}});
    if (clip.fault)
      tracks.back()["fault"] = *clip.fault;
    else
      tracks.back()["clip"] = {clip.duration_s, clip.rms, clip.clipped_runs, clip.hash};
  }
  const auto by_file = rows_by_file(part);
  for (std::size_t file = 0; file < by_file.size(); ++file)
    if (measured.infos[file]) files[part.tracks[by_file[file].front()].path.string()] = *measured.infos[file];
  return {{"name", part.name},        {"kind", part.kind},         {"ignored", part.ignored},
          {"labels", part.labels},    {"rejected", part.rejected}, {"tracks", std::move(tracks)},
          {"files", std::move(files)}};
}

namespace {

Inspection joined(const std::vector<nlohmann::json>& parts) {
  Dataset dataset;
  Measured measured;
  std::unordered_map<std::string, AudioInfo> infos;
  dataset.name = parts.front().at("name");
  dataset.kind = parts.front().at("kind");
  dataset.ignored = parts.front().at("ignored");
  dataset.labels = parts.front().at("labels").get<std::vector<std::string>>();
  dataset.rejected = parts.front().at("rejected").get<std::vector<Fault>>();
  for (const nlohmann::json& part : parts) {
    if (part.at("labels").get<std::vector<std::string>>() != dataset.labels)
      throw Error("the parts have different genres", kParts, kAgain);
    for (const auto& [path, info] : part.at("files").items()) infos.try_emplace(path, info.get<AudioInfo>());
    for (const nlohmann::json& entry : part.at("tracks")) {
      Track& track = dataset.tracks.emplace_back();
      track.id = entry.at("id");
      track.path = entry.at("path").get<std::string>();
      track.label = entry.at("label");
      if (track.label < -1 || track.label >= std::ssize(dataset.labels))
        throw Error(fmt::format("there is no genre {}", track.label), kParts, kAgain);
      track.artist = entry.at("artist");
      track.album = entry.at("album");
      if (!entry.at("part").is_null()) track.official_part = parse_part(entry.at("part").get<std::string>());
      ClipFacts& facts = measured.facts.emplace_back();
      if (entry.contains("fault")) {
        facts.fault = entry.at("fault").get<Fault>();
        continue;
      }
      const nlohmann::json& clip = entry.at("clip");
      facts.duration_s = clip.at(0);
      facts.rms = clip.at(1);
      facts.clipped_runs = clip.at(2);
      facts.hash = clip.at(3);
    }
  }
  for (const auto& rows : rows_by_file(dataset)) {
    const auto found = infos.find(dataset.tracks[rows.front()].path.string());
    measured.infos.push_back(found == infos.end() ? std::nullopt : std::optional(found->second));
  }
  return report_on(dataset, measured);
}

}  // namespace

Inspection inspection_of(const std::vector<nlohmann::json>& parts) {
  return read_json(kParts, kAgain, [&] { return joined(parts); });
}

nlohmann::json to_json(const Inspection& inspection) {
  nlohmann::json genres = nlohmann::json::array();
  for (const auto& genre : inspection.genres) {
    nlohmann::json json{{"genre", genre.name},
                        {"clips", genre.clips},
                        {"files", genre.files},
                        {"artists", genre.artists},
                        {"albums", genre.albums}};
    for (const Part part : {Part::training, Part::validation, Part::test}) {
      json[std::string(to_string(part))] = genre.parts[static_cast<std::size_t>(part)];
    }
    genres.push_back(std::move(json));
  }
  return {{"name", inspection.name},
          {"kind", inspection.kind},
          {"clips", inspection.clips},
          {"files", inspection.files},
          {"artists", inspection.artists},
          {"albums", inspection.albums},
          {"ignored_files", inspection.ignored},
          {"unusable", inspection.unusable()},
          {"total_s", inspection.total_s},
          {"clip_s", inspection.clip_s},
          {"file_s", inspection.file_s},
          {"bit_rate_kbps", inspection.bit_rate_kbps},
          {"codecs", inspection.codecs},
          {"sample_rates_hz", json_of(inspection.sample_rates_hz)},
          {"channels", json_of(inspection.channels)},
          {"counts", inspection.counts_by_kind()},
          {"has_official_split", inspection.has_official_split},
          {"genres", std::move(genres)},
          {"leakage", inspection.leakage.crossings},
          {"duplicates", inspection.duplicates},
          {"findings", inspection.findings}};
}

}  // namespace genrewise
