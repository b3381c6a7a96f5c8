#include "genrewise/storage/transfer_threads.hpp"

#include "genrewise/base/runtime.hpp"

namespace genrewise {

TransferThreads::~TransferThreads() {
  for (auto& thread : threads_) thread.request_stop();
}

void TransferThreads::run(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  if (idle_ < tasks_.size() && threads_.size() < most_) {
    threads_.push_back(start_thread([this](const std::stop_token& stop) { work(stop); }));
  }
  changed_.notify_one();
}

void TransferThreads::work(const std::stop_token& stop) {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    changed_.wait(lock, stop, [this] { return !tasks_.empty(); });
    --idle_;
    if (stop.stop_requested()) return;
    auto task = std::move(tasks_.front());
    tasks_.pop_front();
    lock.unlock();
    task();
    task = nullptr;
    lock.lock();
  }
}

}  // namespace genrewise
