// The catalogue: /v1/library, /v1/similar, /v1/playlists.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/features/clip_extractor.hpp"
#include "genrewise/library/playlist.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/similarity.hpp"
#include "genrewise/library/track_json.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr long long kMostOffset = 100'000'000;

json list_json(const std::vector<CatalogueTrack>& tracks) {
  json list = json::array();
  for (const CatalogueTrack& track : tracks) list.push_back(short_track_json(track));
  return list;
}

/// The answer that `make` builds of this version of the catalogue, unless the client has it already. One to a query
/// with an age changes with time, so it has no ETag.
HttpResponse versioned(const HttpRequest& request, const std::string& version, const Query& query,
                       const std::function<json()>& make) {
  if (query.ages) return HttpResponse::of(make());
  if (auto unchanged = if_unchanged(request, version)) return std::move(*unchanged);
  return HttpResponse::of(make()).with("ETag", etag(version));
}

json model_json(const CatalogueModel& model) {
  return {{"name", std::filesystem::path(model.name).filename().string()},
          {"labels", model.labels},
          {"threshold", model.threshold ? json(*model.threshold) : json()}};
}

json library_json(const Catalogue& catalogue, const std::string& version) {
  json genres = json::array(), roots = json::array(), features = json::array();
  for (const auto& [genre, tracks] : catalogue.genres()) genres.push_back({{"genre", genre}, {"tracks", tracks}});
  for (const auto& root : catalogue.roots()) roots.push_back(root.string());
  for (const auto& [recipe, tracks] : catalogue.stored_features())
    features.push_back({{"name", recipe.name}, {"version", recipe.version}, {"tracks", tracks}});
  const auto model = catalogue.current_model();
  return {
      {"tracks", count_tracks(catalogue, {})},        {"genres", std::move(genres)},     {"roots", std::move(roots)},
      {"model", model ? model_json(*model) : json()}, {"features", std::move(features)}, {"version", version}};
}

HttpResponse get_tracks(Services& services, const HttpRequest& request) {
  const std::string version = services.library.version();
  const Query query = parse_query(request.text("q"));
  QueryOrder order = parse_order(request.text("sort", "path"));
  if (request.query.contains("descending")) order.descending = request.flag("descending");
  order.limit = static_cast<std::size_t>(request.number("limit", 200, 1, 1000));
  order.offset = static_cast<std::size_t>(request.number("offset", 0, 0, kMostOffset));
  order.seed = static_cast<std::uint64_t>(request.number("seed", 0, 0, 1LL << 53));
  return versioned(request, version, query, [&]() -> json {
    const Catalogue catalogue = services.library.read();
    const auto count = [&] { return std::to_string(count_tracks(catalogue, query)); };
    const std::string total =
        query.ages ? count() : *services.cache.get(fmt::format("total {} {}", version, request.text("q")), count);
    return {{"total", std::stoll(total)},
            {"offset", order.offset},
            {"tracks", list_json(find_tracks(catalogue, query, order))}};
  });
}

HttpResponse get_track(Services& services, const HttpRequest& request) {
  const std::string version = services.library.version();
  const Catalogue catalogue = services.library.read();
  const CatalogueTrack track = track_of(catalogue, request.id());
  return versioned(request, version, {}, [&] {
    const TrackLabels labels(catalogue);
    json answer = track_json(track, labels);
    answer["segments"] = segments_json(track, labels);
    return answer;
  });
}

HttpResponse get_groups(Services& services, const HttpRequest& request) {
  const std::string version = services.library.version(), per = request.text("per", "album");
  if (per != "album" && per != "artist") throw HttpError(400, "is album or artist", "per");
  const Query query = parse_query(request.text("q"));
  const auto limit = static_cast<std::size_t>(request.number("limit", 100, 1, 1000));
  const auto offset = static_cast<std::size_t>(request.number("offset", 0, 0, kMostOffset));
  return versioned(request, version, query, [&]() -> json {
    const auto held = services.heavy.take();
    const Catalogue catalogue = services.library.read();
    const auto groups = group_tracks(catalogue, find_tracks(catalogue, query, {.key = QueryOrder::Key::artist}),
                                     per == "album" ? GroupBy::album : GroupBy::artist);
    json list = json::array();
    for (std::size_t i = offset; i < std::min(groups.size(), offset + limit); ++i) list.push_back(to_json(groups[i]));
    return {{"total", groups.size()}, {"groups", std::move(list)}};
  });
}

json map_json(const Catalogue& catalogue, const std::string& version) {
  const LibraryMap map = map_tracks(catalogue);
  const auto rounded = [](const std::vector<float>& values) {
    json list = json::array();
    for (const float value : values) list.push_back(std::round(10000.0 * value) / 10000);
    return list;
  };
  return {{"version", version},  {"genres", map.genres}, {"tracks", map.tracks},
          {"x", rounded(map.x)}, {"y", rounded(map.y)},  {"genre", map.genre}};
}

/// What takes a pass over the catalogue: made once for each version of it.
HttpResponse cached(Services& services, const HttpRequest& request, const char* name,
                    const std::function<json(const Catalogue& catalogue, const std::string& version)>& make) {
  const std::string version = services.library.version();
  if (auto unchanged = if_unchanged(request, version)) return std::move(*unchanged);
  const auto text = services.cache.get(fmt::format("{} {}", name, version), [&] {
    const auto held = services.heavy.take();
    return HttpResponse::of(make(services.library.read(), version)).body;
  });
  return HttpResponse::text(*text, "application/json").with("ETag", etag(version));
}

HttpResponse get_library(Services& services, const HttpRequest& request) {
  return cached(services, request, "library", library_json);
}

HttpResponse get_map(Services& services, const HttpRequest& request) {
  return cached(services, request, "map", map_json);
}

/// The recipe whose features most tracks have.
FeatureRecipe require_features(const Catalogue& catalogue) {
  const auto stored = catalogue.stored_features();
  if (stored.empty()) throw HttpError(409, "no track of the library has features yet", {}, "scan the library");
  return stored.front().first;
}

/// Features of an upload in this recipe: those of its prediction if they are that, else extracted now.
std::vector<float> features_of(Services& services, const FeatureRecipe& recipe, const Upload& upload) {
  auto features = services.uploads.features(upload);
  const auto predictor = services.predictor_if_open();
  if (!features.empty() && predictor && predictor->features().recipe() == recipe) return features;
  const auto known = std::ranges::find(feature_sets(), recipe.name, &FeatureSetDescriptor::name);
  const auto set = known == feature_sets().end() ? nullptr : known->make();
  if (!set || set->recipe() != recipe)
    throw HttpError(409, "the library's features are of another version", recipe.name, "scan the library again");
  std::vector<float> row(set->size());
  const auto done = ClipExtractor(*set).extract(upload.path, kDefaultClip, row);
  if (!done) throw HttpError(422, done.error().reason, upload.name, "check that the file plays elsewhere");
  return row;
}

HttpResponse get_similar(Services& services, const HttpRequest& request) {
  const auto n = static_cast<std::size_t>(request.number("n", 20, 1, 200));
  const Catalogue catalogue = services.library.read();
  const auto upload =
      request.query.contains("upload") ? services.uploads.find(request.text("upload")) : std::shared_ptr<Upload>();
  const long long id = request.number("track", 0, 0, 1LL << 62);
  if (!upload && id == 0) throw HttpError(400, "a track or an upload is needed", "track");
  if (!upload) static_cast<void>(track_of(catalogue, id));
  const auto held = services.heavy.take();
  const FeatureRecipe recipe = require_features(catalogue);
  const auto similar =
      upload ? similar_tracks(catalogue, features_of(services, recipe, *upload), n) : similar_tracks(catalogue, id, n);
  json list = json::array();
  for (const SimilarTrack& one : similar) {
    list.push_back(short_track_json(one.track));
    list.back()["similarity"] = one.similarity;
  }
  return HttpResponse::of({{"tracks", std::move(list)}});
}

HttpResponse post_playlist(Services& services, const HttpRequest& request) {
  const json body = request.json();
  const std::string format = body.value("format", "m3u8"), title = body.value("title", "genrewise");
  if (format != "m3u8" && format != "xspf") throw HttpError(400, "is m3u8 or xspf", "format");
  if (title.size() > 200) throw HttpError(400, "is longer than 200 bytes", "title");
  PlaylistConfig config;
  config.limit = body.value("limit", std::size_t{0});
  config.per_artist = body.value("per_artist", std::size_t{0});
  config.per_album = body.value("per_album", std::size_t{0});
  config.max_duration_s = body.value("max_duration_s", 0.0);
  config.smooth = body.value("smooth", false);
  config.start = body.value("start", std::int64_t{0});
  const Query query = parse_query(body.value("q", ""));
  QueryOrder order = parse_order(body.value("sort", "confidence"));
  order.descending = body.value("descending", order.descending);
  order.seed = body.value("seed", std::uint64_t{0});
  const Catalogue catalogue = services.library.read();
  if (config.start != 0) static_cast<void>(track_of(catalogue, config.start));
  if (config.smooth || config.start != 0) require_features(catalogue);
  const auto held = services.heavy.take();
  const auto tracks = choose_tracks(catalogue, find_tracks(catalogue, query, order), config);
  if (request.flag("preview")) {
    double duration_s = 0;
    for (const CatalogueTrack& track : tracks) duration_s += track.duration_s;
    return HttpResponse::of({{"tracks", list_json(tracks)}, {"duration_s", duration_s}});
  }
  if (tracks.empty()) throw HttpError(409, "no track of the library matches", "q", "check the query");
  const auto path = services.uploads.scratch("." + format);
  write_playlist({.path = path, .absolute_paths = true}, title, tracks);
  std::string text = read_file(path);
  remove_file(path);
  return HttpResponse::text(std::move(text), format == "xspf" ? "application/xspf+xml" : "audio/x-mpegurl")
      .with("Content-Disposition", fmt::format("attachment; filename=\"playlist.{}\"", format));
}

HttpResponse correct(Services& services, const std::vector<std::int64_t>& tracks, const json& body) {
  const json& given = body.at("genre");
  const std::string genre = given.is_null() ? std::string() : given.get<std::string>();
  auto writer = services.library.write();
  for (const std::int64_t id : tracks) static_cast<void>(track_of(writer.catalogue, id));
  writer.catalogue.correct(tracks, genre);
  return HttpResponse::of({{"corrected", tracks.size()}});
}

HttpResponse correct_one(Services& services, const HttpRequest& request) {
  return correct(services, {request.id()}, request.json());
}

HttpResponse correct_many(Services& services, const HttpRequest& request) {
  const json body = request.json();
  return correct(services, body.at("tracks").get<std::vector<std::int64_t>>(), body);
}

}  // namespace

void add_library_routes(Router& router, Services& services) {
  router.add("GET", "/v1/library", with(services, get_library));
  router.add("GET", "/v1/library/tracks", with(services, get_tracks));
  router.add("GET", "/v1/library/tracks/{id}", with(services, get_track));
  router.add("GET", "/v1/library/groups", with(services, get_groups));
  router.add("GET", "/v1/library/map", with(services, get_map));
  router.add("GET", "/v1/similar", with(services, get_similar));
  router.add("POST", "/v1/playlists", with(services, post_playlist));
  router.add("POST", "/v1/library/tracks/{id}/correct", with(services, correct_one), Route::Rule::changes);
  router.add("POST", "/v1/library/correct", with(services, correct_many), Route::Rule::changes);
}

}  // namespace genrewise::server
