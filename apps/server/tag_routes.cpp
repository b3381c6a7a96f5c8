// Tags of files, scans and jobs: /v1/library/tags, /v1/library/scan, /v1/jobs.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <set>

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
  using Kept = std::shared_ptr<const Plan>;

  void keep(const std::string& id, Kept plan) {
    const std::lock_guard lock(mutex_);
    plans_.emplace_back(id, std::move(plan));
    if (plans_.size() > kMostPlans) plans_.pop_front();
  }
  Kept take(const std::string& id) {
    const std::lock_guard lock(mutex_);
    const auto found = std::ranges::find(plans_, id, [](const auto& one) { return one.first; });
    if (found == plans_.end())
      throw HttpError(404, "there is no such plan any more", id, "plan the change again; a plan is applied once");
    Kept plan = std::move(found->second);
    plans_.erase(found);
    return plan;
  }

 private:
  std::mutex mutex_;
  std::deque<std::pair<std::string, Kept>> plans_;
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
    // Each once; without the segments, of which the tags need nothing.
    for (const std::int64_t id : body.at("tracks").get<std::set<std::int64_t>>()) {
      tracks.push_back(track_of(catalogue, id));
      tracks.back().segments = {};
    }
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
  const std::string id = random_id();
  plans.keep(id, std::make_shared<const Plans::Plan>(Plans::Plan{std::move(plan), command}));
  answer["plan"] = id;
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
  const auto plan = plans.take(id);
  try {
    return start_writing(services, "tags.apply", [plan](Catalogue& catalogue, Runtime& runtime) {
      return result_json(apply_tags(catalogue, plan->plan, plan->command, runtime), plan->plan.skipped,
                         runtime.progress());
    });
  } catch (...) {
    plans.keep(id, plan);  // so that it can be tried again
    throw;
  }
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

HttpResponse get_history(Services& services, const HttpRequest&) {
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

HttpResponse delete_job(Services& services, const HttpRequest& request) {
  const json job = services.jobs.cancel(request.values[0]);
  return HttpResponse::of(job, job["state"] == "running" ? 202 : 200);
}

HttpResponse get_job_events(Services& services, const HttpRequest& request) {
  const std::string id = request.values[0];
  static_cast<void>(services.jobs.json_of(id, false));  // 404
  return events(services, [&services, id](const Write& write) { services.jobs.watch(id, write); });
}

}  // namespace

void add_tag_routes(Router& router, Services& services) {
  constexpr auto kChanges = Route::Rule::changes;
  const auto plans = std::make_shared<Plans>();
  const auto with_plans = [&](auto function) {
    return [&services, plans, function](const HttpRequest& request) { return function(services, *plans, request); };
  };
  router.add("POST", "/v1/library/tags/plan", with_plans(post_plan), kChanges);
  router.add("POST", "/v1/library/tags/apply", with_plans(post_apply), kChanges);
  router.add("POST", "/v1/library/tags/undo", with(services, post_undo), kChanges);
  router.add("POST", "/v1/library/scan", with(services, post_scan), kChanges);
  router.add("GET", "/v1/library/tags/history", with(services, get_history));
  router.add("GET", "/v1/library/tags/history/{batch}", with(services, get_batch));
}

void add_job_routes(Router& router, Services& services) {
  Jobs& jobs = services.jobs;
  router.add("GET", "/v1/jobs", [&jobs](const HttpRequest&) { return HttpResponse::of(jobs.list()); });
  router.add("GET", "/v1/jobs/{id}",
             [&jobs](const HttpRequest& request) { return HttpResponse::of(jobs.json_of(request.values[0])); });
  router.add("DELETE", "/v1/jobs/{id}", with(services, delete_job));
  router.add("GET", "/v1/jobs/{id}/events", with(services, get_job_events));
}

}  // namespace genrewise::server
