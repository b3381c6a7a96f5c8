// One use of the library: its threads, its device, its interrupt flag, where its progress goes, and what modules keep
// for it (open stores, for example). Several may work in one process at the same time, each on threads of its own.
//
//     Runtime runtime({.threads = 2, .progress = &my_progress});
//     const UseRuntime use(runtime);
//     const Model model = load_model("best.gwm");  // reads with the runtime's stores, stops when it is interrupted
//
// What third-party libraries keep for the whole process is not here: docs/embedding.md lists it.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <thread>
#include <typeindex>
#include <utility>
#include <vector>

#include "genrewise/base/progress.hpp"

namespace genrewise {

struct RuntimeConfig {
  int threads = 0;                     ///< that all work together may keep busy; 0: all processors of this process
  std::string device = "auto";         ///< of networks: "auto" (a GPU where there is one), "cpu", "cuda" or "cuda:N"
  Progress* progress = nullptr;        ///< receives progress and log lines and must outlive the runtime; null: silent
  std::filesystem::path weights = {};  ///< of pretrained networks, a file or a folder; empty: the usual places
};

class Runtime {
 public:
  /// Throws Error for a device that cannot be meant or a negative number of threads.
  explicit Runtime(RuntimeConfig config = {});
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  /// Services end in the reverse order of their beginning.
  ~Runtime();

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  /// Throws Error when count < 1.
  void set_threads(int count);
  const std::string& device() const { return device_; }
  /// Before work starts. Throws Error for any other word than RuntimeConfig names.
  void set_device(const std::string& device);
  const std::filesystem::path& weights() const { return weights_; }
  void set_weights(std::filesystem::path weights) { weights_ = std::move(weights); }
  Progress& progress() const { return *progress_; }
  void set_progress(Progress& progress) { progress_ = &progress; }

  /// Asks all long work of this runtime to stop at its next safe point. Safe from any thread and in signal handlers.
  void request_interrupt() noexcept { interrupted_.store(true, std::memory_order_relaxed); }
  void clear_interrupt() noexcept { interrupted_.store(false, std::memory_order_relaxed); }
  bool interrupt_requested() const noexcept { return interrupted_.load(std::memory_order_relaxed); }
  /// Throws Interrupted when a stop was asked for and nothing holds it back (HoldInterrupts).
  void throw_if_interrupted() const;

  /// The one Service of this runtime, default-made when it is first asked for. For state of modules above this one.
  template <class Service>
  Service& service() {
    const std::lock_guard lock(services_mutex_);
    auto& kept = services_[std::type_index(typeid(Service))];
    if (!kept) {
      auto made = std::make_shared<Service>();
      kept = made.get();
      owners_.push_back(std::move(made));
    }
    return *static_cast<Service*>(kept);
  }

  /// The runtime of this thread: that of the innermost UseRuntime, else the process' default one (all processors,
  /// silent).
  static Runtime& current() noexcept;

 private:
  friend class HoldInterrupts;

  std::atomic<int> threads_;
  std::string device_;
  std::filesystem::path weights_;
  Progress silent_;
  Progress* progress_;
  std::atomic<bool> interrupted_{false};
  std::atomic<int> held_{0};
  std::mutex services_mutex_;
  std::map<std::type_index, void*> services_;
  std::vector<std::shared_ptr<void>> owners_;
};

/// Makes `runtime` the current one of this thread as long as it lives. Objects of it end in the reverse order of their
/// beginning.
class UseRuntime {
 public:
  explicit UseRuntime(Runtime& runtime) noexcept;
  ~UseRuntime();
  UseRuntime(const UseRuntime&) = delete;
  UseRuntime& operator=(const UseRuntime&) = delete;

 private:
  Runtime* before_;
};

/// A thread whose current runtime is the caller's. `body` takes a std::stop_token or nothing.
template <class Body>
std::jthread start_thread(Body body) {
  return std::jthread([&runtime = Runtime::current(), body = std::move(body)](std::stop_token stop) mutable {
    const UseRuntime use(runtime);
    if constexpr (std::is_invocable_v<Body&, std::stop_token>) {
      body(std::move(stop));
    } else {
      body();
    }
  });
}

}  // namespace genrewise
