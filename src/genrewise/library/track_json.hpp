// The catalogue's values as JSON, as the commands print them with --json and the server sends them.
#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "genrewise/library/catalogue.hpp"
#include "genrewise/library/edit_tags.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/scan.hpp"

namespace genrewise {

/// Labels of the models of a catalogue.
class TrackLabels {
 public:
  explicit TrackLabels(const Catalogue& catalogue);
  /// Of the track's model; empty if it is not analysed.
  const std::vector<std::string>& of(const CatalogueTrack& track) const;

 private:
  std::map<std::int64_t, std::vector<std::string>> labels_;
};

/// Without "probabilities" and segments: for long lists.
nlohmann::json short_track_json(const CatalogueTrack& track);
/// With "probabilities" by label.
nlohmann::json track_json(const CatalogueTrack& track, const TrackLabels& labels);
/// [{"start_s", "end_s", "genre", "confidence"}].
nlohmann::json segments_json(const CatalogueTrack& track, const TrackLabels& labels);
nlohmann::json to_json(const TrackGroup& group);
nlohmann::json to_json(const ScanResult& result);
/// {"batch", "time_s", "files", "undone", "command"}.
nlohmann::json to_json(const TagBatch& batch);
/// {"track", "file", "field", "before", "after"}.
nlohmann::json to_json(const TagChange& change);

}  // namespace genrewise
