// Genres, features and pictures of one file: /v1/predict, /v1/embed, /v1/audio, /v1/waveform.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/predict/prediction_json.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr std::size_t kWindowGenres = 3, kMostPoints = 4000;
constexpr double kBlock_s = 60;
constexpr auto kMostTime = std::chrono::seconds(300);

/// A file to analyse.
struct Source {
  std::filesystem::path path;
  std::string name;
  std::shared_ptr<Upload> upload;  ///< empty: a track of the library
};

Source source_of(const Services& services, const CatalogueTrack& track) {
  static_cast<void>(file_of(services, track));
  return {track.path, track.path.filename().string(), nullptr};
}

Source source_of(std::shared_ptr<Upload> upload) {
  return {upload->path, upload->name, upload};
}

/// {"track": id}, {"upload": "ID"} or the bytes of a file.
Source source_of(Services& services, const HttpRequest& request) {
  if (!request.has_json()) return source_of(services.uploads.receive(request));
  const json body = request.json();
  if (body.contains("upload")) return source_of(services.uploads.find(body.at("upload")));
  return source_of(services, track_of(services.library.read(), body.at("track")));
}

[[noreturn]] void throw_unusable(const Fault& fault, const Source& source) {
  throw HttpError(
      422, fault.detail.empty() ? fault.reason : fmt::format("{} ({})", fault.reason, without_folders(fault.detail)),
      source.name, "check that the file plays elsewhere");
}

Prediction predict(Services& services, const Source& source, int windows) {
  const auto predictor = services.predictor();
  const auto held = services.heavy.take();
  auto prediction = predictor->predict_file(source.path, windows);
  if (!prediction) throw_unusable(prediction.error(), source);
  if (source.upload) services.uploads.set_features(*source.upload, prediction->features);
  return std::move(*prediction);
}

json predicted(Services& services, const Source& source, int windows) {
  const Prediction prediction = predict(services, source, windows);
  const auto predictor = services.predictor();
  const auto& labels = predictor->labels();
  json answer = prediction_json(prediction, labels, labels.size());
  for (json& window : answer["windows"])
    if (auto& genres = window["genres"]; genres.size() > kWindowGenres)
      genres.erase(genres.begin() + kWindowGenres, genres.end());
  const auto threshold = predictor->threshold();
  answer["model"] = services.model_name();
  answer["labels"] = labels;
  answer["max_error"] = predictor->confidence().held_out > 0 ? json(kMaxError) : json();
  answer["threshold"] = threshold ? json(*threshold) : json();
  answer["file"] = source.name;
  if (source.upload) answer["upload"] = source.upload->id;
  return answer;
}

HttpResponse post_predict(Services& services, const HttpRequest& request) {
  const auto windows = static_cast<int>(request.number("windows", PredictOptions{}.windows, 1, kMostWindows));
  const bool as_job = request.flag("job");
  const Source source = source_of(services, request);
  if (!as_job) return HttpResponse::of(predicted(services, source, windows));
  json answer{
      {"job", services.jobs.start("predict", Jobs::Lane::analysis, [&services, source, windows](Runtime& runtime) {
         runtime.progress().begin("analysing " + source.name, "files", 1);
         json result = predicted(services, source, windows);
         runtime.progress().advance(1);
         return result;
       })}};
  if (source.upload) answer["upload"] = source.upload->id;
  return HttpResponse::of(answer, 202);
}

HttpResponse post_embed(Services& services, const HttpRequest& request) {
  const auto windows = static_cast<int>(request.number("windows", PredictOptions{}.windows, 1, kMostWindows));
  const Source source = source_of(services, request);
  const Prediction prediction = predict(services, source, windows);
  const auto predictor = services.predictor();
  const FeatureRecipe recipe = predictor->features().recipe();
  json columns = json::array();
  for (const FeatureColumn& column : predictor->features().columns())
    columns.push_back(fmt::format("{}.{}.{}", column.feature, column.statistic, column.number));
  json answer{{"features", {{"name", recipe.name}, {"version", recipe.version}, {"hash", recipe.hash}}},
              {"columns", std::move(columns)},
              {"values", prediction.features}};
  if (source.upload) answer["upload"] = source.upload->id;
  return HttpResponse::of(answer);
}

/// Lowest and highest samples of equal parts of a file, a minute of it in memory at a time.
json waveform(Services& services, const Source& source, std::size_t points) {
  const auto held = services.heavy.take();
  const auto info = probe_file(source.path);
  if (!info) throw_unusable(info.error(), source);
  const double duration_s = info->duration_s;
  if (!(duration_s > 0)) throw_unusable({"unknown duration", {}, {}}, source);
  std::vector<float> least(points), most(points);
  const auto end = std::chrono::steady_clock::now() + kMostTime;
  for (double start_s = 0; start_s < duration_s; start_s += kBlock_s) {
    throw_if_interrupted();
    if (std::chrono::steady_clock::now() > end) throw busy(503, "the waveform takes too long", 60);
    const auto block = decode_file(source.path, {.clip = {.start_s = start_s, .duration_s = kBlock_s}});
    if (!block) {
      if (start_s == 0) throw_unusable(block.error(), source);
      break;  // the file ends before its headers say, or is damaged from here on
    }
    const double step = static_cast<double>(points) / duration_s / block->sample_rate_hz;
    for (std::size_t i = 0; i < block->samples.size(); ++i) {
      const double at = start_s * static_cast<double>(points) / duration_s + static_cast<double>(i) * step;
      const std::size_t point = std::min(points - 1, static_cast<std::size_t>(at));
      least[point] = std::min(least[point], block->samples[i]);
      most[point] = std::max(most[point], block->samples[i]);
    }
  }
  const auto rounded = [](const std::vector<float>& values) {
    json list = json::array();
    for (const float value : values) list.push_back(std::round(1000.0 * std::clamp(value, -1.f, 1.f)) / 1000);
    return list;
  };
  return {{"duration_s", duration_s}, {"min", rounded(least)}, {"max", rounded(most)}};
}

HttpResponse get_waveform(Services& services, const HttpRequest& request, const Source& source) {
  const auto points = static_cast<std::size_t>(request.number("points", 1000, 1, kMostPoints));
  const std::string tag = fmt::format("{}-{}", ServedFile(source.path).tag(), points);
  if (auto unchanged = if_unchanged(request, tag)) return std::move(*unchanged);
  const auto text = services.cache.get("waveform " + tag, [&] { return waveform(services, source, points).dump(); });
  return HttpResponse::text(*text, "application/json").with("ETag", etag(tag));
}

HttpResponse get_track_audio(Services& services, const HttpRequest& request) {
  const CatalogueTrack track = track_of(services.library.read(), request.id());
  return file_response(request, file_of(services, track), audio_type(track.path));
}

HttpResponse get_upload_audio(Services& services, const HttpRequest& request) {
  const auto upload = services.uploads.find(request.values[0]);
  return file_response(request, std::make_shared<const ServedFile>(upload->path), audio_type(upload->path));
}

HttpResponse get_track_waveform(Services& services, const HttpRequest& request) {
  return get_waveform(services, request, source_of(services, track_of(services.library.read(), request.id())));
}

HttpResponse get_upload_waveform(Services& services, const HttpRequest& request) {
  return get_waveform(services, request, source_of(services.uploads.find(request.values[0])));
}

}  // namespace

void add_analysis_routes(Router& router, Services& services) {
  router.add("POST", "/v1/predict", with(services, post_predict));
  router.add("POST", "/v1/embed", with(services, post_embed));
  router.add("GET", "/v1/audio/track/{id}", with(services, get_track_audio));
  router.add("GET", "/v1/audio/upload/{id}", with(services, get_upload_audio));
  router.add("GET", "/v1/waveform/track/{id}", with(services, get_track_waveform));
  router.add("GET", "/v1/waveform/upload/{id}", with(services, get_upload_waveform));
}

}  // namespace genrewise::server
