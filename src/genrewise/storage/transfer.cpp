#include "genrewise/storage/transfer.hpp"

#include <new>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kSlabBytes = kHugePageBytes;
constexpr std::align_val_t kOnHugePage{kSlabBytes};

struct FreeSlab {
  void operator()(std::byte* slab) const { ::operator delete[](slab, kOnHugePage); }
};

}  // namespace

TransferThreads::~TransferThreads() {
  for (auto& thread : threads_) thread.request_stop();
}

void TransferThreads::run(std::function<void()> task) {
  const std::lock_guard lock(mutex_);
  tasks_.push_back(std::move(task));
  try {
    if (idle_ < tasks_.size() && threads_.size() < most_)
      threads_.push_back(start_thread([this](const std::stop_token& stop) { work(stop); }));
  } catch (const ThreadError&) {  // fewer threads do the same work
    if (threads_.empty()) {
      tasks_.pop_back();
      throw;
    }
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

struct ChunkPool::State {
  std::mutex mutex;
  std::vector<std::unique_ptr<std::byte[], FreeSlab>> slabs;
  std::vector<std::byte*> free;

  std::byte* get() {
    const std::lock_guard lock(mutex);
    if (free.empty()) add_slab();
    std::byte* chunk = free.back();
    free.pop_back();
    return chunk;
  }
  void give_back(std::byte* chunk) {
    const std::lock_guard lock(mutex);
    free.push_back(chunk);  // does not allocate: add_slab() reserved capacity
  }
  void add_slab() {
    constexpr std::size_t kChunks = kSlabBytes / kChunkBytes;
    free.reserve((slabs.size() + 1) * kChunks);
    slabs.emplace_back(static_cast<std::byte*>(::operator new[](kSlabBytes, kOnHugePage)));
    prefer_huge_pages(slabs.back().get(), kSlabBytes);
    for (std::size_t i = kChunks; i-- > 0;) free.push_back(slabs.back().get() + i * kChunkBytes);
  }
};

ChunkPool::ChunkPool() : state_(std::make_shared<State>()) {}

std::shared_ptr<std::byte[]> ChunkPool::get(std::size_t bytes) {
  if (bytes < kChunkBytes) return std::make_shared_for_overwrite<std::byte[]>(bytes);
  std::byte* chunk = state_->get();
  return {chunk, [state = state_](std::byte* used) { state->give_back(used); }};
}

}  // namespace genrewise
