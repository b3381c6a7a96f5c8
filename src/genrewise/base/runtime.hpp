/// @file
/// Module base: errors, threads, progress, random numbers, CSV and parameter declarations. This header: the state of
/// one use of the library, passed in instead of global: threads, device, interrupt flag, progress receiver and state of
/// other modules (open stores, for example). Several Runtimes can work in one process, each on its own threads.
/// @code{.cpp}
/// genrewise::Runtime runtime({.threads = 2});
/// const genrewise::UseRuntime use(runtime);  // for this thread and the threads that it starts
/// @endcode
/// docs/embedding.md lists the process-wide state of third-party libraries, which is not covered.
#pragma once

#include <atomic>
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <stop_token>
#include <string>
#include <system_error>
#include <thread>
#include <typeindex>
#include <utility>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/progress.hpp"

namespace genrewise {

struct RuntimeConfig {
  int threads = 0;                     ///< limit for all work together; 0: all processors available to this process
  std::string device = "auto";         ///< for networks: "auto" (a GPU if there is one), "cpu", "cuda" or "cuda:N"
  Progress* progress = nullptr;        ///< receives progress and log lines and must outlive the runtime; null: silent
  std::filesystem::path weights = {};  ///< weights of pretrained networks, a file or folder; empty: standard folders
};

/// The state of one use of the library. Services and flags may be used from any thread; change settings before work
/// starts.
class Runtime {
 public:
  /// Throws Error for an invalid device or a negative number of threads.
  explicit Runtime(RuntimeConfig config = {});
  Runtime(const Runtime&) = delete;
  Runtime& operator=(const Runtime&) = delete;
  /// Destroys services in the reverse order of their creation.
  ~Runtime();

  int threads() const { return threads_.load(std::memory_order_relaxed); }
  /// Throws Error if count < 1.
  void set_threads(int count);
  const std::string& device() const { return device_; }
  /// Call before work starts. Throws Error for anything that RuntimeConfig::device does not allow.
  void set_device(const std::string& device);
  const std::filesystem::path& weights() const { return weights_; }
  void set_weights(std::filesystem::path weights) { weights_ = std::move(weights); }
  Progress& progress() const { return *progress_; }
  void set_progress(Progress& progress) { progress_ = &progress; }

  /// Requests that all long work of this runtime stop at its next safe point. Safe in any thread and in signal
  /// handlers.
  void request_interrupt() noexcept { interrupted_.store(true, std::memory_order_relaxed); }
  void clear_interrupt() noexcept { interrupted_.store(false, std::memory_order_relaxed); }
  bool interrupt_requested() const noexcept { return interrupted_.load(std::memory_order_relaxed); }
  /// Throws Interrupted if an interrupt was requested and no HoldInterrupts exists.
  void throw_if_interrupted() const;

  /// The single Service object of this runtime, default-constructed on first use. For state of other modules.
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

  /// The runtime of this thread: that of the innermost UseRuntime, else the default of the process (all processors,
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

/// Scope guard that makes `runtime` current in this thread. Guards must be destroyed in the reverse order of their
/// construction.
class UseRuntime {
 public:
  explicit UseRuntime(Runtime& runtime) noexcept;
  ~UseRuntime();
  UseRuntime(const UseRuntime&) = delete;
  UseRuntime& operator=(const UseRuntime&) = delete;

 private:
  Runtime* before_;
};

/// No more threads can be started; those that run are unharmed.
class ThreadError : public Error {
 public:
  using Error::Error;
};

/// Starts a thread whose current runtime is the caller's. `body` takes a std::stop_token or nothing. Throws
/// ThreadError.
template <class Body>
std::jthread start_thread(Body body) try {
  return std::jthread([&runtime = Runtime::current(), body = std::move(body)](std::stop_token stop) mutable {
    const UseRuntime use(runtime);
    if constexpr (std::is_invocable_v<Body&, std::stop_token>) {
      body(std::move(stop));
    } else {
      body();
    }
  });
} catch (const std::system_error& error) {
  throw ThreadError("cannot start a thread (" + error.code().message() + ")", {},
                    "use fewer threads, or raise the limits of processes and memory (ulimit -u, ulimit -v)");
}

}  // namespace genrewise
