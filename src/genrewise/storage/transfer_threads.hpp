// Threads that wait for the network on behalf of others. They count little against the thread budget: what they do is
// waiting.
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

namespace genrewise {

class TransferThreads {
 public:
  explicit TransferThreads(int most) : most_(static_cast<std::size_t>(most)) {}
  /// What has not begun never will; what has is waited for.
  ~TransferThreads();
  TransferThreads(const TransferThreads&) = delete;
  TransferThreads& operator=(const TransferThreads&) = delete;

  /// Runs `task`, which must not throw, as soon as a thread is free. Threads start when they are first needed.
  void run(std::function<void()> task);

 private:
  void work(const std::stop_token& stop);

  const std::size_t most_;
  std::mutex mutex_;
  std::condition_variable_any changed_;
  std::deque<std::function<void()>> tasks_;
  std::size_t idle_ = 0;
  std::vector<std::jthread> threads_;
};

}  // namespace genrewise
