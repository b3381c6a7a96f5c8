// Datasets at a glance: /v1/data and their clips.
#include <algorithm>
#include <unordered_map>

#include "genrewise/base/csv.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/dataset/inspection.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

/// What inspections found. Thread-safe.
class Data {
 public:
  explicit Data(Services& services) : services_(services), names_(dataset_names(services.config)) {}

  HttpResponse list(const HttpRequest&) {
    const std::lock_guard lock(mutex_);
    json list = json::array();
    for (const std::string& name : names_) {
      const auto found = found_.find(name);
      const auto job = jobs_.find(name);
      list.push_back({{"name", name},
                      {"inspected", found != found_.end()},
                      {"job", job == jobs_.end() ? json() : json(job->second)}});
    }
    return HttpResponse::of({{"datasets", std::move(list)}});
  }

  HttpResponse inspect(const HttpRequest& request) {
    const std::string name = request.values[0];
    const std::string location = services_.config.datasets[index_of(name)];
    const std::string id =
        services_.jobs.start("inspect", Jobs::Lane::analysis, [this, name, location](Runtime& runtime) {
          auto found = std::make_shared<const Found>(look(location, runtime));
          const std::lock_guard lock(mutex_);
          found_[name] = found;
          return json{{"dataset", name}, {"clips", found->json.at("clips")}, {"counts", found->json.at("counts")}};
        });
    const std::lock_guard lock(mutex_);
    jobs_[name] = id;
    return HttpResponse::of({{"job", id}}, 202);
  }

  HttpResponse show(const HttpRequest& request) { return HttpResponse::of(found(request.values[0])->json); }

  HttpResponse clip(const HttpRequest& request) {
    const auto one = found(request.values[0]);
    std::size_t index = 0;
    if (!parse_number(request.values[1], index) || index >= one->clips.size())
      throw HttpError(404, "there is no such clip", request.values[1]);
    // Only files that the dataset itself names; its owner gave it to the server.
    return file_response(request, std::make_shared<const ServedFile>(one->clips[index]), audio_type(one->clips[index]));
  }

 private:
  struct Found {
    nlohmann::json json;
    std::vector<std::filesystem::path> clips;
  };

  static Found look(const std::string& location, Runtime& runtime) {
    const Dataset dataset = open_dataset(location);
    Found found{to_json(genrewise::inspect(dataset, runtime.progress())), {}};
    std::unordered_map<std::string, std::size_t> clip_of;
    for (const Track& track : dataset.tracks) {
      clip_of.emplace(track.id, found.clips.size());
      found.clips.push_back(track.path);
    }
    for (json& finding : found.json["findings"]) {
      const auto clip = clip_of.find(finding.value("track_id", ""));
      finding["clip"] = clip == clip_of.end() ? json() : json(clip->second);
      if (clip == clip_of.end()) continue;
      const ClipRequest& part = dataset.tracks[clip->second].clip;
      finding["start_s"] = part.start_s ? json(*part.start_s) : json();
    }
    return found;
  }

  std::size_t index_of(const std::string& name) const {
    const auto found = std::ranges::find(names_, name);
    if (found == names_.end())
      throw HttpError(404, "there is no such dataset", name, "see /v1/data for those that the server was started with");
    return static_cast<std::size_t>(found - names_.begin());
  }

  std::shared_ptr<const Found> found(const std::string& name) {
    static_cast<void>(index_of(name));
    const std::lock_guard lock(mutex_);
    const auto found = found_.find(name);
    if (found == found_.end())
      throw HttpError(409, "the dataset was not inspected yet", name, "POST /v1/data/NAME/inspect");
    return found->second;
  }

  Services& services_;
  const std::vector<std::string> names_;
  std::mutex mutex_;
  std::map<std::string, std::shared_ptr<const Found>> found_;
  std::map<std::string, std::string> jobs_;
};

}  // namespace

void add_data_routes(Router& router, Services& services) {
  const auto data = std::make_shared<Data>(services);
  const auto add = [&](const char* method, const char* pattern, HttpResponse (Data::*answer)(const HttpRequest&)) {
    router.add(method, pattern, [data, answer](const HttpRequest& request) { return ((*data).*answer)(request); });
  };
  add("GET", "/v1/data", &Data::list);
  add("GET", "/v1/data/{name}", &Data::show);
  add("POST", "/v1/data/{name}/inspect", &Data::inspect);
  add("GET", "/v1/audio/clip/{name}/{index}", &Data::clip);
}

}  // namespace genrewise::server
