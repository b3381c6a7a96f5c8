// Threads for network transfers. They mostly wait, so they are not part of the thread budget.
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
  /// Drops tasks that have not started and waits for the others.
  ~TransferThreads();
  TransferThreads(const TransferThreads&) = delete;
  TransferThreads& operator=(const TransferThreads&) = delete;

  /// Runs `task`, which must not throw, when a thread is free. Threads are started on demand, at most `most`.
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
