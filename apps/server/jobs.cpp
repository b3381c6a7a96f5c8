#include "jobs.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/stopwatch.hpp"
#include "services.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr int kMostAtOnce = 4;
constexpr std::size_t kMostWaiting = 64, kMostKept = 200, kMostNotes = 20;
constexpr std::chrono::milliseconds kBetweenEvents(250), kHeartbeat(10'000);

}  // namespace

struct Jobs::Job {
  std::uint64_t id = 0;
  std::string kind;
  Lane lane = Lane::analysis;
  Work work;
  std::int64_t created_s = 0;
  const char* state = "queued";
  json result, error;
  std::unique_ptr<Runtime> runtime;  // while it runs

  std::string stage, detail, unit;
  std::uint64_t done = 0, total = 0, done_before = 0;
  Stopwatch since;
  std::vector<std::string> notes;
  std::uint64_t version = 0;

  bool ended() const { return std::string_view(state) != "queued" && std::string_view(state) != "running"; }
  json as_json(bool with_result) const {
    const double seconds = since.seconds();
    const double rate = done > done_before && seconds > 0 ? static_cast<double>(done - done_before) / seconds : 0;
    const bool known = !ended() && rate > 0 && total > done;
    return {{"id", std::to_string(id)},
            {"kind", kind},
            {"state", state},
            {"stage", stage},
            {"detail", detail},
            {"unit", unit},
            {"done", done},
            {"total", total},
            {"rate", ended() ? 0 : rate},
            {"left_s", known ? json(static_cast<double>(total - done) / rate) : json()},
            {"notes", notes},
            {"result", with_result ? result : json()},
            {"error", error},
            {"created_s", created_s}};
  }
};

/// Progress as the state of a job. Parts of a task replace its name only.
class Jobs::JobProgress final : public Progress {
 public:
  JobProgress(Jobs& jobs, Job& job) : jobs_(jobs), job_(job) {}
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    change([&] {
      job_.stage = task;
      job_.unit = unit;
      job_.total = total;
      job_.done = job_.done_before = done;
      job_.since = {};
      job_.detail.clear();
    });
  }
  void advance(std::uint64_t units) override {
    change([&] { job_.done += units; });
  }
  void detail(std::string_view text) override {
    change([&] { job_.detail = text; });
  }
  void begin_part(std::string_view task, std::string_view, std::uint64_t, std::uint64_t) override { detail(task); }
  void finish_part() override { detail(""); }
  void note(std::string_view text) override {
    change([&] {
      if (job_.notes.size() < kMostNotes) job_.notes.push_back(without_folders(text));
    });
  }

 private:
  template <class Change>
  void change(const Change& change) {
    const std::lock_guard lock(jobs_.mutex_);
    change();
    ++job_.version;
    jobs_.changed_.notify_all();
  }
  Jobs& jobs_;
  Job& job_;
};

Jobs::Jobs(RuntimeConfig runtime, std::function<void()> prepare)
    : runtime_(std::move(runtime)), prepare_(std::move(prepare)) {
  try {
    threads_.push_back(start_thread([this] { run(Lane::catalogue); }));
    for (int i = 0; i < std::clamp(runtime_.threads, 1, kMostAtOnce); ++i)
      threads_.push_back(start_thread([this] { run(Lane::analysis); }));
  } catch (...) {  // those that were started would be waited for, without an end
    stop();
    throw;
  }
}

Jobs::~Jobs() {
  stop();
}

std::string Jobs::start(const std::string& kind, Lane lane, Work work) {
  auto job = std::make_shared<Job>();
  job->kind = kind;
  job->lane = lane;
  job->work = std::move(work);
  job->created_s = std::time(nullptr);
  const std::lock_guard lock(mutex_);
  std::size_t waiting = 0;
  for (const auto& [id, one] : jobs_) waiting += !one->ended();
  if (waiting >= kMostWaiting) throw busy(429, "too many jobs are waiting", 5);
  job->id = ++last_;
  jobs_.emplace(job->id, job);
  for (auto one = jobs_.begin(); jobs_.size() > kMostKept && one != jobs_.end();)
    one = one->second->ended() ? jobs_.erase(one) : std::next(one);
  changed_.notify_all();
  return std::to_string(job->id);
}

std::shared_ptr<Jobs::Job> Jobs::find(const std::string& id) const {
  std::uint64_t number = 0;
  const auto found = parse_number(id, number) ? jobs_.find(number) : jobs_.end();
  if (found == jobs_.end()) throw HttpError(404, "there is no such job", id, "see /v1/jobs for those that are known");
  return found->second;
}

json Jobs::json_of(const std::string& id, bool with_result) const {
  const std::lock_guard lock(mutex_);
  return find(id)->as_json(with_result);
}

json Jobs::list() const {
  const std::lock_guard lock(mutex_);
  json list = json::array();
  for (auto one = jobs_.rbegin(); one != jobs_.rend(); ++one) list.push_back(one->second->as_json(false));
  return {{"jobs", std::move(list)}};
}

json Jobs::cancel(const std::string& id) {
  const std::lock_guard lock(mutex_);
  const auto job = find(id);
  if (job->runtime) job->runtime->request_interrupt();
  if (!job->ended() && !job->runtime) {
    job->state = "cancelled";
    job->work = nullptr;
  }
  ++job->version;
  changed_.notify_all();
  return job->as_json(true);
}

void Jobs::watch(const std::string& id, const Write& write) const {
  std::unique_lock lock(mutex_);
  const auto job = find(id);
  while (!job->ended() && !stopping_) {
    const std::string text = event_text("progress", job->as_json(false));
    const std::uint64_t version = job->version;
    lock.unlock();
    bool open = write(text);
    if (open) std::this_thread::sleep_for(kBetweenEvents);
    lock.lock();
    auto beat = std::chrono::steady_clock::now() + kHeartbeat;  // changes of other jobs wake this, too
    while (open && job->version == version && !job->ended() && !stopping_)
      if (changed_.wait_until(lock, beat) == std::cv_status::timeout) {
        lock.unlock();
        open = write(":\n\n");
        lock.lock();
        beat = std::chrono::steady_clock::now() + kHeartbeat;
      }
    if (!open) return;
  }
  const std::string text = event_text("end", job->as_json(true));
  lock.unlock();
  write(text);
}

std::map<std::string, std::size_t> Jobs::counts_by_state() const {
  const std::lock_guard lock(mutex_);
  std::map<std::string, std::size_t> counts{
      {"queued", 0}, {"running", 0}, {"done", 0}, {"failed", 0}, {"cancelled", 0}};
  for (const auto& [id, job] : jobs_) ++counts[job->state];
  return counts;
}

void Jobs::run(Lane lane) {
  std::unique_lock lock(mutex_);
  for (;;) {
    std::shared_ptr<Job> next;
    changed_.wait(lock, [&] {
      for (const auto& [id, job] : jobs_)
        if (!next && job->lane == lane && job->work && std::string_view(job->state) == "queued") next = job;
      return stopping_ || next;
    });
    if (stopping_) return;
    Job& job = *next;
    job.state = "running";
    job.since = {};
    ++job.version;
    JobProgress progress(*this, job);
    RuntimeConfig config = runtime_;
    config.progress = &progress;
    job.runtime = std::make_unique<Runtime>(config);
    Work work = std::move(job.work);
    job.work = nullptr;
    lock.unlock();
    json result, error;
    bool interrupted = false;
    try {
      const UseRuntime use(*job.runtime);
      prepare_();
      result = work(*job.runtime);
    } catch (const Interrupted&) {
      interrupted = true;
    } catch (const std::exception& failure) {
      error = to_http_error(failure).json()["error"];
    }
    work = nullptr;
    lock.lock();
    auto runtime = std::move(job.runtime);
    job.result = std::move(result);
    job.error = std::move(error);
    job.state = interrupted ? "cancelled" : job.error.is_null() ? "done" : "failed";
    ++job.version;
    changed_.notify_all();
    lock.unlock();
    runtime.reset();
    lock.lock();
  }
}

void Jobs::interrupt() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  for (const auto& [id, job] : jobs_)
    if (job->runtime) job->runtime->request_interrupt();
  changed_.notify_all();
}

void Jobs::stop() {
  interrupt();
  threads_.clear();
}

}  // namespace genrewise::server
