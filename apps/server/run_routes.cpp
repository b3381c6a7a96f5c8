// Folders of studies, searches and trainings: /v1/runs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/folder_lock.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::size_t kMostRuns = 1000, kMostCurves = 64;
constexpr int kCurveDepth = 4;
constexpr auto kBetweenReads = std::chrono::seconds(1);
constexpr char kReportPolicy[] =
    "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:; media-src data:; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'self'; sandbox allow-scripts allow-popups allow-downloads";

/// A file that is no link (of an unpacked archive, say, to anywhere) and no pipe, which a reader would wait for.
bool is_there(const fs::path& path) {
  std::error_code ignored;
  return fs::is_regular_file(fs::symlink_status(path, ignored));
}

fs::path document_of(const fs::path& run) {
  for (const char* name : {"results.json", "tuning.json"})
    if (is_there(run / name)) return run / name;
  return {};
}

bool is_run(const fs::path& folder) {
  return !document_of(folder).empty() || is_there(folder / "config.json") || is_there(folder / "curves.csv");
}

/// Folders directly in a folder, without hidden ones and links.
std::vector<fs::path> folders_in(const fs::path& folder) {
  std::error_code code;
  std::vector<fs::path> found;
  for (const fs::path& one : entries_of(folder, code))
    if (fs::is_directory(fs::symlink_status(one, code)) && !one.filename().string().starts_with('.'))
      found.push_back(one);
  std::ranges::sort(found);
  return found;
}

void find_curves(const fs::path& folder, int depth, std::vector<fs::path>& found) {
  if (found.size() >= kMostCurves) return;
  if (is_there(folder / "curves.csv")) found.push_back(folder / "curves.csv");
  if (depth < kCurveDepth)
    for (const fs::path& inner : folders_in(folder)) find_curves(inner, depth + 1, found);
}

std::vector<fs::path> curves_of(const fs::path& run) {
  std::vector<fs::path> found;
  find_curves(run, 0, found);
  return found;
}

std::string curve_name(const fs::path& run, const fs::path& file) {
  const std::string name = file.parent_path().lexically_relative(run).string();
  return name == "." ? run.filename().string() : name;
}

/// A point of each row: numbers by the name of the column; null where the cell is empty.
json points_of(const fs::path& file) {
  json points = json::array();
  const std::string text = read_file(file);
  CsvReader reader(text, file.filename().string());
  std::vector<std::string_view> row;
  if (!reader.next(row)) return points;
  const std::vector<std::string> names(row.begin(), row.end());
  while (reader.next(row)) {
    json point = json::object();
    for (std::size_t i = 0; i < std::min(row.size(), names.size()); ++i) {
      double number = 0;
      point[names[i]] = parse_number(row[i], number) ? json(number) : json();
    }
    points.push_back(std::move(point));
  }
  return points;
}

class Runs {
 public:
  explicit Runs(Services& services) : services_(services), root_(services.config.runs) {}

  HttpResponse list(const HttpRequest&) const {
    if (root_.empty()) return HttpResponse::of({{"runs", json::array()}});
    json runs = json::array();
    const auto add = [&](const fs::path& run) {
      if (runs.size() < kMostRuns && is_run(run)) runs.push_back(entry(run));
    };
    for (const fs::path& one : folders_in(root_)) {
      add(one);
      if (!is_run(one))
        for (const fs::path& inner : folders_in(one)) add(inner);
    }
    return HttpResponse::of({{"runs", std::move(runs)}});
  }

  /// The folder of a name as in list(). Throws HttpError 404.
  fs::path folder(const std::string& name) const {
    const fs::path relative = fs::path(name).lexically_normal();
    const auto depth = std::distance(relative.begin(), relative.end());
    const bool plain = std::ranges::none_of(
        relative, [](const fs::path& part) { return part.string().starts_with('.') || part.empty() || part == "/"; });
    std::error_code code;
    const fs::path given = root_ / relative, real = fs::canonical(given, code);
    if (root_.empty() || !plain || depth > 2 || code || real != fs::canonical(root_, code) / relative || !is_run(real))
      throw HttpError(404, "there is no such run", name, "see /v1/runs for those that are known");
    return real;
  }

  HttpResponse report(const HttpRequest& request) const {
    return document(request, "report", [](const json& results) { return render_run(results, ReportFormat::html); })
        .with("Content-Security-Policy", kReportPolicy);
  }
  HttpResponse results(const HttpRequest& request) const {
    return document(request, "results", [](const json& results) { return results.dump(); });
  }
  HttpResponse curves(const HttpRequest& request) const {
    const fs::path run = folder(request.values[0]);
    json list = json::array();
    for (const fs::path& file : curves_of(run))
      list.push_back({{"name", curve_name(run, file)}, {"points", points_of(file)}});
    return HttpResponse::of({{"curves", std::move(list)}});
  }

  HttpResponse events(const HttpRequest& request) const {
    const fs::path run = folder(request.values[0]);
    return server::events(services_, [run](const Write& write) { follow(run, write); });
  }

 private:
  /// All points, and then new ones until the run has ended.
  static void follow(const fs::path& run, const Write& write) {
    std::map<std::string, std::size_t> sent;
    for (bool last = false;;) {
      last = !is_locked(run);
      for (const fs::path& file : curves_of(run)) {
        const std::string name = curve_name(run, file);
        json points = points_of(file);
        std::size_t& count = sent[name];
        if (points.size() < count) count = 0;  // the training was started again
        for (; count < points.size(); ++count) {
          points[count]["curve"] = name;
          if (!write(event_text("point", points[count]))) return;
        }
      }
      if (last) break;
      if (!write(":\n\n")) return;
      std::this_thread::sleep_for(kBetweenReads);
    }
    write(event_text("end", {{"state", document_of(run).empty() ? "unfinished" : "done"}}));
  }

  HttpResponse document(const HttpRequest& request, const char* kind,
                        const std::function<std::string(const json&)>& render) const {
    const fs::path run = folder(request.values[0]), path = document_of(run);
    if (path.empty())
      throw HttpError(409, "the run has no results yet", request.values[0], "its curves may be watched meanwhile");
    const std::string tag = fmt::format("{}-{}", kind, ServedFile(path).tag());
    if (auto unchanged = if_unchanged(request, tag)) return std::move(*unchanged);
    const auto text = services_.cache.get(tag, [&] {
      const auto held = services_.heavy.take();
      return render(read_run(run));
    });
    const bool html = std::string_view(kind) == "report";
    return HttpResponse::text(*text, html ? "text/html" : "application/json").with("ETag", etag(tag));
  }

  json entry(const fs::path& run) const {
    const fs::path path = document_of(run);
    std::error_code ignored;
    const auto modified = fs::last_write_time(path.empty() ? run : path, ignored);
    json one{{"name", run.lexically_relative(root_).string()},
             {"kind", "unknown"},
             {"state", path.empty() ? "unfinished" : "done"},
             {"modified_s", std::chrono::duration_cast<std::chrono::seconds>(
                                std::chrono::file_clock::to_sys(modified).time_since_epoch())
                                .count()},
             {"summary", json::object()},
             {"report", !path.empty()},
             {"curves", !curves_of(run).empty()}};
    if (path.filename() == "results.json") one["kind"] = "study";
    if (path.filename() == "tuning.json") one["kind"] = "tune";
    if (path.empty() && is_there(run / "curves.csv")) one["kind"] = "train";
    if (path.empty()) return one;
    try {
      const auto text =
          services_.cache.get("summary " + ServedFile(path).tag(), [&] { return summary(read_run(run)).dump(); });
      one["summary"] = json::parse(*text);
    } catch (const std::exception& error) {
      one["state"] = "damaged";
      one["summary"] = {{"problem", without_folders(error.what())}};
    }
    return one;
  }

  static json summary(const json& document) {
    json summary{{"dataset", document.at("dataset").value("name", "")},
                 {"examples", document.at("dataset").value("examples", 0)},
                 {"created", document.value("created", "")},
                 {"command", document.value("command", "")},
                 {"best", nullptr},
                 {"accuracy", nullptr}};
    const json best = document.value("best", json());
    if (best.is_string()) {
      summary["best"] = best;
      if (const json* model = find_model(document, best)) summary["accuracy"] = model->at("accuracy");
    } else if (best.is_number() && document.contains("points")) {
      const json& point = document["points"].at(best.get<std::size_t>());
      summary["best"] = point.value("parameters", json());
      summary["accuracy"] = point.value("accuracy", json());
    }
    return summary;
  }

  Services& services_;
  const fs::path root_;
};

}  // namespace

void add_run_routes(Router& router, Services& services) {
  const auto runs = std::make_shared<Runs>(services);
  const auto get = [&](const char* pattern, HttpResponse (Runs::*answer)(const HttpRequest&) const) {
    router.add("GET", pattern, [runs, answer](const HttpRequest& request) { return ((*runs).*answer)(request); });
  };
  get("/v1/runs", &Runs::list);
  get("/v1/runs/{name}/report", &Runs::report);
  get("/v1/runs/{name}/results", &Runs::results);
  get("/v1/runs/{name}/curves", &Runs::curves);
  get("/v1/runs/{name}/events", &Runs::events);
}

}  // namespace genrewise::server
