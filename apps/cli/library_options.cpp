#include "library_options.hpp"

#include <algorithm>

#include "option_group.hpp"

namespace genrewise::cli {
namespace {

constexpr const char* kSorts[] = {"path", "added", "confidence", "novelty", "duration", "artist", "random"};

}  // namespace

void LibraryOptions::add_to(CLI::App* command) {
  OptionGroup(command, kData)
      .add("--library", file, "FILE", "The catalogue; else GENREWISE_LIBRARY is used")
      ->default_str("~/.local/share/genrewise/library.db");
}

Catalogue LibraryOptions::open(Catalogue::Access access) const {
  return Catalogue(file.empty() ? default_catalogue() : file, access);
}

void TrackOptions::add_to(CLI::App* command, bool required) {
  OptionGroup(command, kData)
      .add("QUERY", query, "",
           "Paths of tracks or folders, or terms that all apply, as in genre:Rock confidence:>0.6 -artist:Bach "
           "added:<30d (docs/library.md)")
      ->required(required);
  LibraryOptions::add_to(command);
  one_of(OptionGroup(command, kOutput)
             .add("--sort", sort, "KEY", "Order of the tracks; confidence, novelty and added: highest first"),
         {std::begin(kSorts), std::end(kSorts)})
      ->capture_default_str();
  at_least(OptionGroup(command, kOutput).add("--limit", limit, "N", "Tracks at most"), 1)->default_str("all");
}

std::vector<CatalogueTrack> TrackOptions::tracks(const Catalogue& catalogue, std::uint64_t seed) const {
  QueryOrder order{.seed = seed, .limit = limit};
  order.key = static_cast<QueryOrder::Key>(std::ranges::find(kSorts, sort) - std::begin(kSorts));
  order.descending = sort == "confidence" || sort == "novelty" || sort == "added";
  return select_tracks(catalogue, query, order);
}

nlohmann::json track_json(const CatalogueTrack& track, const std::vector<std::string>& labels) {
  using nlohmann::json;
  json probabilities = json::object();
  for (std::size_t i = 0; i < std::min(labels.size(), track.probabilities.size()); ++i)
    probabilities[labels[i]] = track.probabilities[i];
  return {{"path", track.path.string()},
          {"genre", track.genre()},
          {"predicted", track.predicted},
          {"confidence", track.analysed() ? json(track.confidence) : json()},
          {"unknown", track.unknown},
          {"novelty", track.novelty ? json(*track.novelty) : json()},
          {"correction", track.correction},
          {"probabilities", std::move(probabilities)},
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

}  // namespace genrewise::cli
