#include "genrewise/library/track_json.hpp"

#include <algorithm>

namespace genrewise {

using nlohmann::json;

TrackLabels::TrackLabels(const Catalogue& catalogue) {
  for (CatalogueModel& model : catalogue.models()) labels_[model.id] = std::move(model.labels);
}

const std::vector<std::string>& TrackLabels::of(const CatalogueTrack& track) const {
  static const std::vector<std::string> none;
  const auto found = labels_.find(track.model);
  return found == labels_.end() ? none : found->second;
}

json short_track_json(const CatalogueTrack& track) {
  return {{"id", track.id},
          {"path", track.path.string()},
          {"genre", track.genre()},
          {"predicted", track.predicted},
          {"confidence", track.analysed() ? json(track.confidence) : json()},
          {"unknown", track.unknown},
          {"novelty", track.novelty ? json(*track.novelty) : json()},
          {"correction", track.correction},
          {"artist", track.tags.artist},
          {"album_artist", track.tags.album_artist},
          {"album", track.tags.album},
          {"title", track.tags.title},
          {"track", track.tags.track},
          {"year", track.tags.year},
          {"tag_genres", track.tags.genres},
          {"duration_s", track.duration_s},
          {"bytes", track.bytes},
          {"added_s", track.added_s},
          {"missing", track.missing},
          {"fault", track.fault},
          {"fingerprint", track.fingerprint}};
}

json track_json(const CatalogueTrack& track, const TrackLabels& labels) {
  json probabilities = json::object();
  const auto& names = labels.of(track);
  for (std::size_t i = 0; i < std::min(names.size(), track.probabilities.size()); ++i)
    probabilities[names[i]] = track.probabilities[i];
  json document = short_track_json(track);
  document["probabilities"] = std::move(probabilities);
  return document;
}

json segments_json(const CatalogueTrack& track, const TrackLabels& labels) {
  json list = json::array();
  const auto& names = labels.of(track);
  for (const Segment& segment : track.segments) {
    const auto best = std::ranges::max_element(segment.probabilities);
    const auto label = static_cast<std::size_t>(best - segment.probabilities.begin());
    if (label >= names.size()) continue;
    list.push_back({{"start_s", segment.start_s},
                    {"end_s", segment.start_s + segment.duration_s},
                    {"genre", names[label]},
                    {"confidence", *best}});
  }
  return list;
}

json to_json(const TrackGroup& group) {
  json outliers = json::array(), probabilities = json::object(), ids = json::array();
  for (const std::size_t i : group.outliers) {
    const CatalogueTrack& track = group.tracks[i];
    outliers.push_back({{"id", track.id}, {"path", track.path.string()}, {"genre", track.genre()}});
  }
  for (const auto& [genre, probability] : group.genres) probabilities[genre] = probability;
  for (const CatalogueTrack& track : group.tracks) ids.push_back(track.id);
  const auto best = group.genres.empty() ? std::pair<std::string, double>() : group.genres.front();
  return {{"artist", group.artist},          {"album", group.album},
          {"folder", group.folder.string()}, {"tracks", group.tracks.size()},
          {"ids", std::move(ids)},           {"genre", best.first},
          {"confidence", best.second},       {"probabilities", std::move(probabilities)},
          {"outliers", std::move(outliers)}};
}

json to_json(const ScanResult& result) {
  return {{"seconds", result.seconds},     {"skipped", result.skipped},     {"unavailable", result.unavailable},
          {"added", result.added},         {"changed", result.changed},     {"moved", result.moved},
          {"unchanged", result.unchanged}, {"missing", result.missing},     {"returned", result.returned},
          {"analysed", result.analysed},   {"predicted", result.predicted}, {"skipped_before", result.skipped_before}};
}

json to_json(const TagBatch& batch) {
  return {{"batch", batch.id},
          {"time_s", batch.time_s},
          {"files", batch.files},
          {"undone", batch.undone},
          {"command", batch.command}};
}

json to_json(const TagChange& change) {
  return {{"track", change.track},
          {"file", change.path.string()},
          {"field", change.field},
          {"before", change.before},
          {"after", change.after}};
}

}  // namespace genrewise
