#include "metrics.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace genrewise::server {
namespace {

constexpr double kLimits_s[] = {0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 60};

}  // namespace

void Metrics::add(const std::string& method, const std::string& route, int status, double seconds) {
  const std::lock_guard lock(mutex_);
  Route& one = routes_[{method, route}];
  ++one.by_status[status];
  one.seconds += seconds;
  for (std::size_t i = 0; i < one.by_time.size(); ++i)
    one.by_time[i] += i == std::size(kLimits_s) || seconds <= kLimits_s[i];
}

std::string Metrics::text() const {
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

std::string metric(std::string_view name, std::string_view type, double value) {
  return fmt::format("# TYPE genrewise_{} {}\ngenrewise_{} {}\n", name, type, name, value);
}

}  // namespace genrewise::server
