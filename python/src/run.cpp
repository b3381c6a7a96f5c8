// Long work on behalf of a Python thread: signals, progress, exceptions.
#include <chrono>
#include <exception>
#include <future>
#include <mutex>
#include <string>
#include <vector>

#include "bindings.hpp"

namespace genrewise::python {
namespace {

namespace nb = nanobind;

/// Collects calls from any thread, for pass_to() in the Python thread.
class CollectedProgress final : public Progress {
 public:
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    add({"begin", std::string(task), std::string(unit), total, done});
  }
  void begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    add({"begin_part", std::string(task), std::string(unit), total, done});
  }
  void advance(std::uint64_t units) override {
    const std::lock_guard lock(mutex_);
    if (!calls_.empty() && calls_.back().function == kAdvance)
      calls_.back().total += units;
    else
      calls_.push_back({kAdvance, {}, {}, units, 0});
  }
  void detail(std::string_view text) override { add({"detail", std::string(text)}); }
  void finish() override { add({"finish"}); }
  void finish_part() override { add({"finish_part"}); }
  void note(std::string_view text) override { add({"note", std::string(text)}); }

  void pass_to(nb::handle progress) {
    std::vector<Call> calls;
    {
      const std::lock_guard lock(mutex_);
      calls.swap(calls_);
    }
    if (progress.is_none()) return;
    for (const Call& call : calls)
      progress.attr("call")(call.function, text_of(call.text), text_of(call.unit), call.total, call.done);
  }

 private:
  static constexpr const char* kAdvance = "advance";
  struct Call {
    const char* function;
    std::string text = {}, unit = {};
    std::uint64_t total = 0, done = 0;
  };
  void add(Call call) {
    const std::lock_guard lock(mutex_);
    calls_.push_back(std::move(call));
  }

  std::mutex mutex_;
  std::vector<Call> calls_;
};

std::optional<DecodeIsolation> decode_isolation;  // read and changed with the GIL

}  // namespace

void set_decode_isolation(const std::optional<DecodeIsolation>& isolation) {
  Runtime runtime;
  const UseRuntime use(runtime);
  isolate_decoding(isolation);  // may throw
  decode_isolation = isolation;
}

void run(const std::function<void(Runtime&)>& work, nb::handle progress, int threads) {
  CollectedProgress collected;
  Runtime runtime({.threads = threads, .progress = &collected});
  const auto isolation = decode_isolation;
  const auto isolated_work = [&] {
    if (isolation) isolate_decoding(isolation);
    work(runtime);
  };
  run_with(runtime, isolated_work, [&] { collected.pass_to(progress); });
}

void run_with(Runtime& runtime, const std::function<void()>& work, const std::function<void()>& meanwhile) {
  constexpr std::chrono::milliseconds kPeriod(50);
  const UseRuntime use(runtime);
  std::exception_ptr raised;  // by a signal handler or by `progress`
  std::packaged_task<void()> task(work);
  std::future<void> result = task.get_future();
  const std::jthread thread = start_thread([&task] { task(); });
  for (bool done = false; !done;) {
    {
      const nb::gil_scoped_release release;
      done = result.wait_for(kPeriod) == std::future_status::ready;
    }
    if (raised) continue;
    try {
      if (PyErr_CheckSignals() != 0) nb::raise_python_error();
      if (meanwhile) meanwhile();
    } catch (...) {
      raised = std::current_exception();
      runtime.request_interrupt();
    }
  }
  if (raised) std::rethrow_exception(raised);
  result.get();
}

}  // namespace genrewise::python
