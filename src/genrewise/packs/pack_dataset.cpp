#include <memory>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/packs/pack.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;

std::string source_of(const Track& track) {
  std::error_code code;
  const auto bytes = fs::file_size(track.path, code);
  const auto start = track.clip.start_s ? std::to_string(*track.clip.start_s) : std::string("centre");
  return track.path.filename().string() + '/' + (code ? std::string("-") : std::to_string(bytes)) + '/' + start + '/' +
         std::to_string(track.clip.duration_s) + '/' + std::to_string(track.clip.slack_s);
}

}  // namespace

PackResult pack_dataset(const Dataset& dataset, const FeatureSet& set, const Split* split, const fs::path& folder,
                        const PackConfig& config, Progress& progress) {
  PackJob job;
  job.recipe = set.recipe();
  job.values = set.size();
  job.labels = dataset.labels;
  for (std::size_t i = 0; i < dataset.tracks.size(); ++i) {
    const Track& track = dataset.tracks[i];
    job.track_ids.push_back(track.id);
    job.classes.push_back(track.label);
    job.artists.push_back(track.artist);
    job.albums.push_back(track.album);
    job.parts.push_back(split ? std::optional(split->parts.at(i)) : std::nullopt);
  }
  job.source = [&](std::size_t i) { return source_of(dataset.tracks[i]); };
  if (split) job.split_scheme = to_string(split->scheme);
  const int threads = config.threads > 0 ? config.threads : thread_budget();
  std::vector<std::unique_ptr<FeatureSet::Scratch>> scratch(static_cast<std::size_t>(threads));
  job.extract = [&](std::size_t i, int worker, std::span<float> out) -> Expected<void> {
    auto& mine = scratch[static_cast<std::size_t>(worker)];
    if (!mine) mine = set.make_scratch();
    const Track& track = dataset.tracks[i];
    DecodeOptions options{.clip = track.clip, .sample_rate_hz = std::nullopt};
    if (set.sample_rate_hz() > 0) options.sample_rate_hz = set.sample_rate_hz();
    const auto clip = decode_file(track.path, options);
    if (!clip) return tl::unexpected(clip.error());
    auto extracted = set.extract(*clip, out, *mine);
    if (!extracted && extracted.error().where.empty()) extracted.error().where = track.path.string();
    return extracted;
  };
  return pack_examples(job, folder, config, progress);
}

}  // namespace genrewise
