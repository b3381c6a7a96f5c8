// Tags of files, scans and jobs: /v1/library/tags, /v1/library/scan, /v1/jobs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/library/edit_tags.hpp"
#include "genrewise/library/query.hpp"
#include "genrewise/library/scan.hpp"
#include "genrewise/library/track_json.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr std::size_t kMostPlans = 16, kMostShown = 1000;

/// Plans that were shown and may be applied once.
class Plans {
 public:
  struct Plan {
    TagPlan plan;
    std::string command;
  };
  std::string add(Plan plan) {
    const std::lock_guard lock(mutex_);
    plans_.emplace_back(random_id(), std::move(plan));
    if (plans_.size() > kMostPlans) plans_.pop_front();
    return plans_.back().first;
  }
  Plan take(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(plans_, id, [](const auto& one) { return one.first; });
    if (found == plans_.end())
      throw HttpError(404, "there is no such plan any more", id, "plan the change again; a plan is applied once");
    Plan plan = std::move(found->second);
    plans_.erase(found);
    return plan;
  }

 private:
  std::mutex mutex_;
  std::deque<std::pair<std::string, Plan>> plans_;
};

TagMode mode_of(const std::string& name) {
  if (name == "fill") return TagMode::fill;
  if (name == "append") return TagMode::append;
  if (name == "replace") return TagMode::replace;
  throw HttpError(400, "is fill, append or replace", "mode");
}

HttpResponse post_plan(Services& services, Plans& plans, const HttpRequest& request) {
  const json body = request.json();
  TagConfig config;
  config.field = body.value("field", config.field);
  const std::string mode = body.value("mode", "fill"), query = body.value("q", "");
  config.mode = mode_of(mode);
  config.min_confidence = body.value("min_confidence", 0.0);
  config.values = body.value("values", std::vector<std::string>());
  const Catalogue catalogue = services.library.read();
  std::vector<CatalogueTrack> tracks;
  if (body.contains("tracks")) {
    for (const std::int64_t id : body.at("tracks").get<std::vector<std::int64_t>>())
      tracks.push_back(track_of(catalogue, id));
  } else {
    tracks = find_tracks(catalogue, parse_query(query));
  }
  const auto held = services.heavy.take();
  std::vector<Fault> outside;
  const auto roots = services.library.roots();
  std::erase_if(tracks, [&](const CatalogueTrack& track) {
    try {
      if (roots.empty()) throw HttpError(404, "the folders of the library are not there");
      const ServedFile file(track.path, roots);
      return false;
    } catch (const HttpError& error) {
      outside.push_back({error.what(), track.path.string(), ""});
      return true;
    }
  });
  TagPlan plan = plan_tags(tracks, config, services.requests);
  plan.skipped.insert(plan.skipped.end(), outside.begin(), outside.end());
  json changes = json::array();
  for (std::size_t i = 0; i < std::min(kMostShown, plan.changes.size()); ++i)
    changes.push_back(to_json(plan.changes[i]));
  json answer{{"changes", std::move(changes)},
              {"total", plan.changes.size()},
              {"skipped", plan.skipped},
              {"left_alone", plan.left_alone}};
  const std::string command = fmt::format("serve: tag {} --write {} --mode {}", query, config.field, mode);
  answer["plan"] = plans.add({std::move(plan), command});
  return HttpResponse::of(answer);
}

/// What was done, also where it ended early; then throws what ended it.
json result_json(const TagResult& result, const std::vector<Fault>& skipped_before, Progress& progress) {
  std::vector<Fault> skipped = skipped_before;
  skipped.insert(skipped.end(), result.skipped.begin(), result.skipped.end());
  if (result.stopped) {
    progress.note(fmt::format("{} files were changed before it ended, batch {}", result.changes.size(), result.batch));
    std::rethrow_exception(result.stopped);
  }
  return {{"batch", result.batch}, {"changes", result.changes.size()}, {"skipped", std::move(skipped)}};
}

/// A job that writes the catalogue. Refused at once if another process writes it; jobs of this server wait for each
/// other.
HttpResponse start_writing(Services& services, const char* kind,
                           std::function<json(Catalogue& catalogue, Runtime& runtime)> work) {
  services.library.check_free();
  return HttpResponse::of({{"job", services.jobs.start(kind, Jobs::Lane::catalogue,
                                                       [&services, work = std::move(work)](Runtime& runtime) {
                                                         auto writer = services.library.write();
                                                         return work(writer.catalogue, runtime);
                                                       })}},
                          202);
}

HttpResponse post_apply(Services& services, Plans& plans, const HttpRequest& request) {
  const std::string id = request.json().at("plan");
  const auto plan = std::make_shared<const Plans::Plan>(plans.take(id));
  return start_writing(services, "tags.apply", [plan](Catalogue& catalogue, Runtime& runtime) {
    return result_json(apply_tags(catalogue, plan->plan, plan->command, runtime), plan->plan.skipped,
                       runtime.progress());
  });
}

HttpResponse post_undo(Services& services, const HttpRequest& request) {
  const std::int64_t batch = request.json().value("batch", std::int64_t{0});
  return start_writing(services, "tags.undo", [batch](Catalogue& catalogue, Runtime& runtime) {
    return result_json(undo_tags(catalogue, batch, runtime), {}, runtime.progress());
  });
}

HttpResponse post_scan(Services& services, const HttpRequest& request) {
  ScanConfig config;
  config.isolation = services.config.isolation;
  const json body = request.has_body ? request.json() : json::object();
  const auto known = services.library.read().roots();
  for (const std::string& root : body.value("roots", std::vector<std::string>())) {
    if (std::ranges::find(known, std::filesystem::path(root)) == known.end())
      throw HttpError(400, "is no folder of the library", "roots", "add it with `genrewise library scan FOLDER`");
    config.roots.emplace_back(root);
  }
  return start_writing(services, "scan", [config](Catalogue& catalogue, Runtime& runtime) {
    return to_json(scan_library(catalogue, config, runtime));
  });
}

HttpResponse get_history(Services& services) {
  json list = json::array();
  for (const TagBatch& batch : tag_history(services.library.read())) list.push_back(to_json(batch));
  return HttpResponse::of({{"batches", std::move(list)}});
}

HttpResponse get_batch(Services& services, const HttpRequest& request) {
  std::int64_t batch = 0;
  if (!parse_number(request.values[0], batch) || batch < 1) throw HttpError(404, "there is no such batch");
  json list = json::array();
  for (const auto& [change, state] : tag_changes(services.library.read(), batch)) {
    list.push_back(to_json(change));
    list.back()["state"] = state;
  }
  return HttpResponse::of({{"batch", batch}, {"changes", std::move(list)}});
}

}  // namespace

void add_tag_routes(Router& router, Services& services) {
  const auto plans = std::make_shared<Plans>();
  const auto post = [&](const char* pattern, auto handler) {
    router.add({.method = "POST",
                .pattern = pattern,
                .handler = [&services, plans,
                            handler](const HttpRequest& request) { return handler(services, *plans, request); },
                .changes = true});
  };
  post("/v1/library/tags/plan", post_plan);
  post("/v1/library/tags/apply", post_apply);
  post("/v1/library/tags/undo",
       [](Services& all, Plans&, const HttpRequest& request) { return post_undo(all, request); });
  post("/v1/library/scan", [](Services& all, Plans&, const HttpRequest& request) { return post_scan(all, request); });
  router.add({.method = "GET", .pattern = "/v1/library/tags/history", .handler = [&services](const HttpRequest&) {
                return get_history(services);
              }});
  router.add({.method = "GET",
              .pattern = "/v1/library/tags/history/{batch}",
              .handler = [&services](const HttpRequest& request) { return get_batch(services, request); }});
}

void add_job_routes(Router& router, Services& services) {
  Jobs& jobs = services.jobs;
  router.add({.method = "GET", .pattern = "/v1/jobs", .handler = [&jobs](const HttpRequest&) {
                return HttpResponse::of(jobs.list());
              }});
  router.add({.method = "GET", .pattern = "/v1/jobs/{id}", .handler = [&jobs](const HttpRequest& request) {
                return HttpResponse::of(jobs.json_of(request.values[0]));
              }});
  router.add({.method = "DELETE", .pattern = "/v1/jobs/{id}", .handler = [&jobs](const HttpRequest& request) {
                const json job = jobs.cancel(request.values[0]);
                return HttpResponse::of(job, job["state"] == "running" ? 202 : 200);
              }});
  router.add({.method = "GET", .pattern = "/v1/jobs/{id}/events", .handler = [&services](const HttpRequest& request) {
                static_cast<void>(services.jobs.json_of(request.values[0], false));  // 404
                return events(services, [&services, id = request.values[0]](const Write& write) {
                  services.jobs.watch(id, write);
                });
              }});
}

}  // namespace genrewise::server
