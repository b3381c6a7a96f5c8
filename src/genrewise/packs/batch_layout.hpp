// Which examples make the next batch, window after window and epoch after epoch. Nothing here reads.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genrewise/packs/batch_blocks.hpp"
#include "genrewise/packs/batch_plan.hpp"

namespace genrewise {

/// The blocks that are mixed with each other, on their way through memory.
struct BatchWindow {
  std::vector<std::uint32_t> blocks;  ///< of the plan
  std::vector<BatchPick> order;
  std::vector<std::shared_ptr<LoadedBlock>> loaded;  ///< one per block
  std::size_t next_block = 0, ready_blocks = 0;      ///< handed to workers; loaded
  std::size_t left = 0;                              ///< examples that no batch has taken yet
  bool ready() const { return ready_blocks == blocks.size(); }
};

struct LaidOutBatch {
  struct Piece {
    std::shared_ptr<BatchWindow> window;
    std::size_t from = 0, to = 0;  ///< of the window's order
  };
  std::uint64_t epoch = 0, number = 0;
  std::vector<Piece> pieces;
};

class BatchLayout {
 public:
  struct Listener {
    /// A window begins, and its blocks are to be loaded.
    std::function<void(const std::shared_ptr<BatchWindow>&)> begun;
    /// These blocks will be loaded soon; not given where nobody wants to know.
    std::function<void(std::span<const std::uint32_t>)> soon = {};
  };

  /// The plan must outlive it.
  BatchLayout(const BatchPlan& plan, std::size_t batch_size, std::uint64_t epochs, Listener listener);
  /// The next batch will be that one. Call before the first.
  void go_to(std::uint64_t epoch, std::uint64_t batch);
  /// Nothing after the last batch of the last epoch.
  std::optional<LaidOutBatch> next();
  /// The window behind the newest of this epoch begins before a batch needs it; false when it did already, or there is
  /// none.
  bool read_ahead();

 private:
  void start_epoch();
  std::shared_ptr<BatchWindow> begin_window();
  void open_window();
  void announce_ahead();
  std::uint64_t stored_bytes(std::size_t window) const;
  bool continues(std::uint32_t block, std::size_t window) const;

  const BatchPlan& plan_;
  const std::size_t batch_size_;
  const std::uint64_t epochs_;  // 0: without end
  const Listener listener_;
  std::uint64_t epoch_ = 0, batch_ = 0;
  std::vector<std::vector<std::uint32_t>> windows_;  // of this epoch
  std::size_t next_window_ = 0;
  std::shared_ptr<BatchWindow> newest_, ahead_;  // what batches are laid out from; what began before it was needed
  std::size_t taken_ = 0;                        // of the newest
  std::size_t announced_windows_ = 0, left_windows_ = 0;  // to the listener; of them, those whose turn has come
  std::uint64_t announced_bytes_ = 0;                     // of the windows between
};

}  // namespace genrewise
