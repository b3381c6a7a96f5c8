#include "server.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>

#include "assets.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "guard.hpp"
#include "served_file.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr char kPolicy[] =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; media-src 'self' blob:; "
    "connect-src 'self'; frame-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'";
constexpr std::size_t kShortestToken = 16;

std::string type_of(std::string_view name) {
  constexpr std::pair<std::string_view, const char*> kTypes[] = {{".html", "text/html"},
                                                                 {".js", "text/javascript"},
                                                                 {".css", "text/css"},
                                                                 {".svg", "image/svg+xml"},
                                                                 {".json", "application/json"}};
  for (const auto& [extension, type] : kTypes)
    if (name.ends_with(extension)) return type;
  return "application/octet-stream";
}

HttpResponse asset(const HttpRequest& request, std::string_view name) {
  const auto found = std::ranges::find(kAssets, name, &Asset::name);
  if (found == std::end(kAssets)) throw HttpError(404, "there is no such file", std::string(name));
  const std::string_view text = found->text();
  const std::string tag = sha256_hex(text).substr(0, 16);
  auto unchanged = if_unchanged(request, tag);
  HttpResponse response = unchanged ? std::move(*unchanged) : HttpResponse::text(std::string(text), type_of(name));
  return std::move(response).with("ETag", etag(tag)).with("Cache-Control", "no-cache");
}

/// Counters for Prometheus. Thread-safe.
class Metrics {
 public:
  /// `route`: the pattern, so that there are few.
  void add(const std::string& method, const std::string& route, int status, double seconds) {
    const std::lock_guard lock(mutex_);
    Route& one = routes_[{method, route}];
    ++one.by_status[status];
    one.seconds += seconds;
    for (std::size_t i = 0; i < one.by_time.size(); ++i)
      one.by_time[i] += i == std::size(kLimits_s) || seconds <= kLimits_s[i];
  }

  std::string text() const {
    const std::lock_guard lock(mutex_);
    std::string requests = "# TYPE genrewise_http_requests_total counter\n",
                times = "# TYPE genrewise_http_request_seconds histogram\n";
    for (const auto& [key, route] : routes_) {
      const std::string labels = fmt::format("method=\"{}\",route=\"{}\"", key.first, key.second);
      for (const auto& [status, count] : route.by_status)
        requests += fmt::format("genrewise_http_requests_total{{{},status=\"{}\"}} {}\n", labels, status, count);
      for (std::size_t i = 0; i < route.by_time.size(); ++i)
        times += fmt::format("genrewise_http_request_seconds_bucket{{{},le=\"{}\"}} {}\n", labels,
                             i < std::size(kLimits_s) ? fmt::format("{}", kLimits_s[i]) : "+Inf", route.by_time[i]);
      times += fmt::format("genrewise_http_request_seconds_sum{{{}}} {}\n", labels, route.seconds);
      times += fmt::format("genrewise_http_request_seconds_count{{{}}} {}\n", labels, route.by_time.back());
    }
    return requests + times;
  }

 private:
  static constexpr double kLimits_s[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};
  struct Route {
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, std::size(kLimits_s) + 1> by_time{};  // cumulative; the last one is +Inf
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Route> routes_;
};

/// A line "NAME VALUE" with its type.
std::string metric(std::string_view name, std::string_view type, double value) {
  return fmt::format("# TYPE genrewise_{} {}\ngenrewise_{} {}\n", name, type, name, value);
}

}  // namespace

class Server::Implementation {
 public:
  Implementation(ServerConfig config, Runtime& parent)
      : services_(std::move(config), parent),
        guard_(services_.config.token, services_.config.allowed_hosts),
        listener_(services_.config.connections, [this](HttpRequest& request) { return handle(request); }) {
    add_routes();
    add_service_routes(router_, services_);
  }
  ~Implementation() { stop(); }

  std::string start() {
    const UseRuntime use(services_.requests);
    const ServerConfig& config = services_.config;
    const int port = listener_.start(config.host, config.port);
    warm_up_ = start_thread([this] {
      try {
        services_.predictor();
      } catch (const std::exception&) {  // /v1/health states it
      }
    });
    const std::string host = config.host.find(':') == std::string::npos ? config.host : "[" + config.host + "]";
    return fmt::format("http://{}:{}/", host, port);
  }

  void stop() {
    services_.jobs.interrupt();
    listener_.stop([this] { services_.requests.request_interrupt(); });
    services_.jobs.stop();
    if (warm_up_.joinable()) warm_up_.join();
  }

 private:
  HttpResponse handle(HttpRequest& request) {
    const Stopwatch watch;
    std::string pattern = "-";
    HttpResponse response;
    try {
      response = answer(request, pattern);
    } catch (const std::exception& error) {
      const HttpError known = to_http_error(error);
      if (known.status() == 500)
        services_.parent.progress().note(fmt::format("{} {}: {}", request.method, pattern, error.what()));
      response = HttpResponse::of(known);
    }
    const auto has = [&](std::string_view name) {
      return std::ranges::any_of(response.headers, [&](const auto& header) { return header.first == name; });
    };
    if (!has("Content-Security-Policy")) response.headers.emplace_back("Content-Security-Policy", kPolicy);
    if (!has("Cache-Control"))
      response.headers.emplace_back("Cache-Control", has("ETag") ? "private, no-cache" : "no-store");
    // A stranger's words for methods are not kept.
    const auto& method = request.method;
    const bool usual = method == "GET" || method == "HEAD" || method == "POST" || method == "DELETE";
    metrics_.add(usual ? method : "-", pattern, response.status, watch.seconds());
    return response;
  }

  HttpResponse answer(HttpRequest& request, std::string& pattern) {
    // Before the path is looked up: strangers are not told which ones there are.
    const Route* route = nullptr;
    std::exception_ptr unknown;
    try {
      route = &router_.find(request.method, request.path, request.values);
      pattern = route->pattern;
    } catch (const HttpError&) {
      unknown = std::current_exception();
    }
    guard_.check(request, route != nullptr && route->rule == Route::Rule::open);
    if (unknown) std::rethrow_exception(unknown);
    if (route->rule == Route::Rule::changes && services_.config.read_only)
      throw HttpError(403, "this server changes nothing", {}, "start it without --read-only");
    return route->handler(request);
  }

  void add_routes() {
    constexpr auto kOpen = Route::Rule::open;
    const auto get = [&](const char* pattern, auto name, Route::Rule rule) {
      router_.add(
          "GET", pattern, [name](const HttpRequest& request) { return asset(request, name(request)); }, rule);
    };
    get(
        "/", [](const HttpRequest&) { return "app/index.html"; }, kOpen);
    get(
        "/assets/{name}", [](const HttpRequest& request) { return request.values[0]; }, kOpen);
    get(
        "/assets/app/{name}", [](const HttpRequest& request) { return "app/" + request.values[0]; }, kOpen);
    get(
        "/v1/openapi.json", [](const HttpRequest&) { return "openapi.json"; }, Route::Rule::usual);
    router_.add(
        "GET", "/v1/health", [this](const HttpRequest& request) { return health(request); }, kOpen);
    router_.add("GET", "/metrics", [this](const HttpRequest&) { return metrics(); });
    router_.add(
        "POST", "/v1/session",
        [this](const HttpRequest& request) {
          const std::string token = request.json().at("token");
          return HttpResponse::empty(204).with("Set-Cookie", guard_.session_cookie(request, token));
        },
        kOpen);
    router_.add(
        "DELETE", "/v1/session",
        [](const HttpRequest&) { return HttpResponse::empty(204).with("Set-Cookie", Guard::kNoSession); }, kOpen);
  }

  HttpResponse health(const HttpRequest& request) {
    const ServerConfig& config = services_.config;
    const bool known = guard_.is_authenticated(request);
    json answer{{"status", "ok"},
                {"version", config.version},
                {"authenticated", known},
                {"token_required", guard_.needs_token()}};
    if (!known) return HttpResponse::of(answer);
    answer["model"] = nullptr;
    if (const auto model = services_.predictor_if_open()) {
      const auto threshold = model->threshold();
      const FeatureRecipe recipe = model->features().recipe();
      answer["model"] = {{"name", services_.model_name()},
                         {"labels", model->labels()},
                         {"threshold", threshold ? json(*threshold) : json()},
                         {"features", {{"name", recipe.name}, {"version", recipe.version}, {"hash", recipe.hash}}}};
    }
    if (const std::string problem = services_.model_problem(); !problem.empty()) answer["model_error"] = problem;
    answer["library"] = services_.library.exists();
    answer["read_only"] = config.read_only;
    answer["runs"] = !config.runs.empty();
    answer["datasets"] = dataset_names(config);
    answer["limits"] = {{"upload_bytes", config.uploads.bytes},
                        {"upload_s", config.connections.body_s},
                        {"uploads_at_once", config.uploads.at_once},
                        {"windows", kMostWindows}};
    return HttpResponse::of(answer);
  }

  HttpResponse metrics() {
    const ListenerCounts counts = listener_.counts();
    const auto [uploads, bytes] = services_.uploads.stored();
    std::string text = metrics_.text();
    text += metric("connections_open", "gauge", counts.open);
    text += metric("connections_waiting", "gauge", counts.waiting);
    text += metric("connections_accepted_total", "counter", static_cast<double>(counts.accepted));
    text += metric("connections_refused_total", "counter", static_cast<double>(counts.refused));
    text += metric("work_waiting", "gauge", services_.heavy.waiting());
    text += metric("uploads_stored", "gauge", static_cast<double>(uploads));
    text += metric("uploads_stored_bytes", "gauge", static_cast<double>(bytes));
    text += metric("process_resident_bytes", "gauge", static_cast<double>(resident_bytes()));
    text += metric("process_uptime_seconds", "gauge", since_start_.seconds());
    text += "# TYPE genrewise_jobs gauge\n";
    for (const auto& [state, count] : services_.jobs.counts_by_state())
      text += fmt::format("genrewise_jobs{{state=\"{}\"}} {}\n", state, count);
    return HttpResponse::text(std::move(text), "text/plain; version=0.0.4");
  }

  static std::uint64_t resident_bytes() {
    std::ifstream file("/proc/self/statm");
    std::uint64_t all = 0, resident = 0;
    file >> all >> resident;
    return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
  }

  Services services_;
  Guard guard_;
  Metrics metrics_;
  Router router_;
  Stopwatch since_start_;
  Listener listener_;
  std::jthread warm_up_;
};

Server::Server(ServerConfig config, Runtime& runtime) {
  if (config.token.empty() && !is_loopback(config.host))
    throw UsageError("everybody who reaches this address could use the server", "--host " + config.host,
                     "give a token with --token-file; it is sent as it is, so put a proxy with TLS in front of the "
                     "server where others can read the network (docs/server.md)");
  if (!config.token.empty() && config.token.size() < kShortestToken)
    throw UsageError(fmt::format("is shorter than {} characters", kShortestToken), "--token",
                     "make one with `openssl rand -hex 32`");
  implementation_ = std::make_unique<Implementation>(std::move(config), runtime);
}

Server::~Server() = default;

std::string Server::start() {
  return implementation_->start();
}

void Server::stop() {
  implementation_->stop();
}

}  // namespace genrewise::server
