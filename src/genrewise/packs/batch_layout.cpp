#include "genrewise/packs/batch_layout.hpp"

#include <algorithm>
#include <utility>

namespace genrewise {
namespace {
constexpr std::uint64_t kAnnouncedBytes = 96 << 20;  // announced to the listener in advance
}

BatchLayout::BatchLayout(const BatchPlan& plan, std::size_t batch_size, std::uint64_t epochs, Listener listener)
    : plan_(plan), batch_size_(batch_size), epochs_(epochs), listener_(std::move(listener)) {}

void BatchLayout::go_to(std::uint64_t epoch, std::uint64_t batch) {
  epoch_ = epoch;
  batch_ = std::min<std::uint64_t>(batch, plan_.batches_per_epoch());
}

std::optional<LaidOutBatch> BatchLayout::next() {
  if (batch_ == plan_.batches_per_epoch()) {
    batch_ = 0;
    ++epoch_;
    windows_.clear();
  }
  if (epochs_ != 0 && epoch_ >= epochs_) return std::nullopt;
  if (windows_.empty()) start_epoch();
  LaidOutBatch batch{.epoch = epoch_, .number = batch_++, .pieces = {}};
  for (std::size_t missing = batch_size_; missing > 0;) {
    if (!newest_ || taken_ == newest_->order.size()) {
      if (next_window_ == windows_.size()) break;
      open_window();
    }
    const std::size_t count = std::min(missing, newest_->order.size() - taken_);
    batch.pieces.push_back({newest_, taken_, taken_ + count});
    taken_ += count;
    missing -= count;
  }
  return batch;
}

// Skips the examples of the batches before batch_.
void BatchLayout::start_epoch() {
  windows_ = plan_.windows(epoch_);
  next_window_ = announced_windows_ = left_windows_ = 0;
  announced_bytes_ = 0;
  newest_.reset();
  ahead_.reset();
  taken_ = 0;
  std::size_t skip = batch_ * batch_size_;
  for (; skip > 0; ++next_window_) {
    std::size_t held = 0;
    for (const auto block : windows_[next_window_]) held += plan_.blocks()[block].records.size();
    if (held > skip) break;
    skip -= held;
  }
  if (skip == 0) return;
  open_window();
  taken_ = skip;
  newest_->left -= skip;
}

std::shared_ptr<BatchWindow> BatchLayout::begin_window() {
  auto window = std::make_shared<BatchWindow>();
  window->blocks = windows_[next_window_];
  window->order = plan_.order(window->blocks, epoch_, next_window_);
  window->left = window->order.size();
  window->loaded.resize(window->blocks.size());
  listener_.begun(window);
  announce_ahead();
  return window;
}

void BatchLayout::open_window() {
  newest_ = ahead_ ? std::move(ahead_) : begin_window();
  taken_ = 0;
  ++next_window_;
}

bool BatchLayout::read_ahead() {
  if (ahead_ || !newest_ || next_window_ >= windows_.size()) return false;
  ahead_ = begin_window();
  return true;
}

std::uint64_t BatchLayout::stored_bytes(std::size_t window) const {
  std::uint64_t bytes = 0;
  for (const std::uint32_t id : windows_[window]) bytes += plan_.blocks()[id].stored_bytes;
  return bytes;
}

bool BatchLayout::continues(std::uint32_t block, std::size_t window) const {
  const BatchBlock &last = plan_.blocks()[block], &next = plan_.blocks()[windows_[window].front()];
  return next.shard == last.shard && next.stored_offset == last.stored_offset + last.stored_bytes;
}

// Announces more than the next window at a time, so that neighbouring blocks are fetched together, and up to the end of
// a shard that is read in order, so that it is fetched whole.
void BatchLayout::announce_ahead() {
  if (!listener_.soon) return;
  for (; left_windows_ < next_window_; ++left_windows_) {
    announced_bytes_ -= std::min(announced_bytes_, stored_bytes(left_windows_));
  }
  if (announced_windows_ > next_window_ && announced_bytes_ > kAnnouncedBytes / 2) return;
  std::vector<std::uint32_t> blocks;
  announced_windows_ = std::max(announced_windows_, next_window_);
  while (announced_windows_ < windows_.size() &&
         (blocks.empty() || announced_bytes_ < kAnnouncedBytes ||
          (announced_bytes_ < 2 * kAnnouncedBytes && continues(blocks.back(), announced_windows_)))) {
    const auto& window = windows_[announced_windows_];
    blocks.insert(blocks.end(), window.begin(), window.end());
    announced_bytes_ += stored_bytes(announced_windows_++);
  }
  listener_.soon(blocks);
}

}  // namespace genrewise
