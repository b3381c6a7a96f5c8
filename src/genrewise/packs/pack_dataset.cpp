#include "genrewise/dataset/clip_identity.hpp"
#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/packs/pack.hpp"

namespace genrewise {

PackResult pack_dataset(const Dataset& dataset, const FeatureSet& set, const Split* split,
                        const std::filesystem::path& folder, const PackConfig& config, Progress& progress) {
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
  const std::vector<ClipIdentity> identities = clip_identities(dataset);
  job.source = [&](std::size_t i) { return identities[i].portable_text(); };
  if (split) job.split_scheme = to_string(split->scheme);
  const ClipExtractor extractor(set);
  job.extract = [&](std::size_t i, int, std::span<float> out) {
    return extractor.extract(dataset.tracks[i].path, dataset.tracks[i].clip, out);
  };
  return pack_examples(job, folder, config, progress);
}

}  // namespace genrewise
