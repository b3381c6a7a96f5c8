// Long work: queued, with progress, to be cancelled and watched.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "genrewise/base/runtime.hpp"
#include "http.hpp"

namespace genrewise::server {

/// Thread-safe. Jobs that write the catalogue run one after another, up to four others at once.
class Jobs {
 public:
  enum class Lane { catalogue, analysis };
  using Work = std::function<nlohmann::json(Runtime& runtime)>;

  /// `prepare` is called in the Runtime of each job before its work.
  Jobs(RuntimeConfig runtime, std::function<void()> prepare);
  ~Jobs();

  /// Returns the id. Throws HttpError 429 if too many wait.
  std::string start(const std::string& kind, Lane lane, Work work);
  /// Throws HttpError 404. `with_result`: else "result" is null.
  nlohmann::json json_of(const std::string& id, bool with_result = true) const;
  /// Latest first, without results.
  nlohmann::json list() const;
  /// Removes a waiting job, and interrupts a running one.
  nlohmann::json cancel(const std::string& id);
  /// Sends the job's state whenever it changes, at most four times a second, and at its end.
  void watch(const std::string& id, const Write& write) const;
  std::map<std::string, std::size_t> counts_by_state() const;
  /// Interrupts all, and ends watch().
  void interrupt();
  /// Waits for their end, too.
  void stop();

 private:
  struct Job;
  class JobProgress;
  void run(Lane lane);
  std::shared_ptr<Job> find(const std::string& id) const;  // under the lock

  const RuntimeConfig runtime_;
  const std::function<void()> prepare_;
  mutable std::mutex mutex_;
  mutable std::condition_variable changed_;
  bool stopping_ = false;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, std::shared_ptr<Job>> jobs_;
  std::vector<std::jthread> threads_;
};

}  // namespace genrewise::server
