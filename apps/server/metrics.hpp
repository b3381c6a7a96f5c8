// Counters for Prometheus.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>

namespace genrewise::server {

/// Thread-safe.
class Metrics {
 public:
  /// `route`: the pattern, so that there are few.
  void add(const std::string& method, const std::string& route, int status, double seconds);
  std::string text() const;

 private:
  struct Route {
    std::map<int, std::uint64_t> by_status;
    std::array<std::uint64_t, 11> by_time{};  // cumulative; the last one is +Inf
    double seconds = 0;
  };
  mutable std::mutex mutex_;
  std::map<std::pair<std::string, std::string>, Route> routes_;
};

/// A line "NAME VALUE" with its type.
std::string metric(std::string_view name, std::string_view type, double value);

}  // namespace genrewise::server
