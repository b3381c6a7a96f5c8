#include "genrewise/packs/batches.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "genrewise/base/aligned.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/packs/batch_blocks.hpp"
#include "genrewise/packs/batch_plan.hpp"
#include "genrewise/packs/pack_values.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {
namespace {

// A batch in progress: its examples, and later their numbers.
struct Slot {
  using Piece = LaidOutBatch::Piece;
  enum class State { waiting, working, done };
  State state = State::waiting;
  std::vector<Piece> pieces;
  Batch batch;

  std::size_t next_piece = 0;
  bool ready() const { return state == State::waiting && pieces[next_piece].window->ready(); }
};

}  // namespace

// Any idle thread picks its work under one lock: continue the first batch whose next window is loaded; else load a
// block of the first window that lacks one; else lay out another batch. Without workers, next() does all the work.
class BatchReader::Impl {
 public:
  Impl(PackManifest manifest, const BatchConfig& config)
      : manifest_(std::move(manifest)),
        config_(config),
        plan_(manifest_, config_),
        damage_(manifest_, plan_.records(), config_.damage_budget),
        cached_(config_.cache_bytes >= plan_.bytes()),
        loader_(manifest_, damage_),
        layout_(plan_, config_.batch_size, config_.epochs, listener()) {
    std::uint32_t records = 0;
    for (const auto& shard : manifest_.shards) {
      first_record_.push_back(records);
      records += static_cast<std::uint32_t>(shard.records.size());
    }
    if (cached_) cache_.resize(plan_.blocks().size());
    if (config_.start) go_to(*config_.start);
    report_foreign_faults();
    report_missing_shards();
    for (int i = 0; i < config_.workers; ++i)
      workers_.push_back(start_thread([this](const std::stop_token& stop) { work(stop); }));
  }

  ~Impl() {
    for (auto& worker : workers_) worker.request_stop();
    workers_.clear();
  }

  bool next(Batch& batch) {
    std::unique_lock lock(mutex_);
    for (;;) {
      if (!lay_out()) return false;
      while (slots_.front()->state != Slot::State::done && !failure_) {
        throw_if_interrupted();
        if (config_.workers == 0) {
          work_once(lock);
        } else {
          changed_.wait_for(lock, std::chrono::milliseconds(200));
        }
      }
      if (failure_) std::rethrow_exception(failure_);
      std::swap(batch, slots_.front()->batch);
      spare_.push_back(std::move(slots_.front()->batch));
      slots_.pop_front();
      next_batch_ = {batch.epoch, batch.number + 1};
      if (next_batch_.second == plan_.batches_per_epoch()) next_batch_ = {batch.epoch + 1, 0};
      notify_waiting();
      if (batch.size > 0) return true;  // otherwise all of its records were damaged
    }
  }

  BatchPosition position() const { return {next_batch_.first, next_batch_.second, plan_.fingerprint()}; }

  PackManifest manifest_;
  BatchConfig config_;
  BatchPlan plan_;
  DamageCount damage_;
  const bool cached_;

 private:
  void go_to(const BatchPosition& start) {
    if (start.stream != plan_.fingerprint())
      throw Error("the saved position belongs to other data or another order", manifest_.folder.string(),
                  "use the pack, part, batch size, seed and ranks with which it was saved");
    layout_.go_to(start.epoch, start.batch);
    next_batch_ = {start.epoch, start.batch};
  }

  // Shards without a manifest were read when the pack was opened, which found their damage.
  void report_foreign_faults() const {
    const auto lost = static_cast<double>(manifest_.skipped.size());
    if (!manifest_.recipe.name.empty() ||
        lost <= config_.damage_budget * (lost + static_cast<double>(manifest_.size())))
      return;
    throw Error("too many records cannot be used: " + std::to_string(manifest_.skipped.size()) +
                    "; the first: " + to_string(manifest_.skipped.front()),
                manifest_.folder.string(), "pack the dataset again");
  }

  // Missing files are reported at once instead of when they are read.
  void report_missing_shards() {
    for (const auto& block : plan_.blocks()) {
      if (loader_.has_file(block.shard)) continue;
      const auto path = manifest_.folder / manifest_.shards[block.shard].file;
      for (const std::uint32_t record : block.records)
        damage_.add(block.shard, record, {"missing shard", path.string(), "the file does not exist"});
    }
  }

  // The cached selection is read once.
  BatchLayout::Listener listener() {
    BatchLayout::Listener listener{
        .begun = [this](const std::shared_ptr<BatchWindow>& window) { loading_.push_back(window); }};
    if (!cached_)
      listener.soon = [this](std::span<const std::uint32_t> blocks) { loader_.prefetch(blocks, plan_.blocks()); };
    return listener;
  }

  bool lay_out() {
    while (slots_.size() < config_.prefetch_batches) {
      auto laid_out = layout_.next();
      if (!laid_out) break;
      auto slot = std::make_shared<Slot>();
      slot->pieces = std::move(laid_out->pieces);
      slot->batch = take_spare();
      slot->batch.epoch = laid_out->epoch;
      slot->batch.number = laid_out->number;
      slot->batch.size = 0;
      slot->batch.values = manifest_.values;
      slot->batch.labels.clear();
      slot->batch.records.clear();
      slots_.push_back(std::move(slot));
    }
    return !slots_.empty();
  }

  Batch take_spare() {
    if (spare_.empty()) return {};
    Batch batch = std::move(spare_.back());
    spare_.pop_back();
    return batch;
  }

  void work(const std::stop_token& stop) {
    std::unique_lock lock(mutex_);
    while (!stop.stop_requested() && !failure_) {
      if (work_once(lock)) continue;
      changed_.wait(lock, stop, [&, seen = changes_] { return changes_ != seen; });
    }
  }

  // Does one piece of work without holding the lock; false if there is none. Stores exceptions for next().
  bool work_once(std::unique_lock<std::mutex>& lock) {
    try {
      if (!lay_out()) return false;
      for (const auto& slot : slots_) {
        if (!slot->ready()) continue;
        assemble_unlocked(slot, lock);
        return true;
      }
      while (!loading_.empty() && loading_.front()->next_block == loading_.front()->blocks.size()) loading_.pop_front();
      if (loading_.empty() && (config_.workers == 0 || !layout_.read_ahead())) return false;
      load_unlocked(loading_.front(), lock);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      failure_ = std::current_exception();
      notify_waiting();
    }
    return true;
  }

  void notify_waiting() {
    ++changes_;
    changed_.notify_all();
  }

  void load_unlocked(const std::shared_ptr<BatchWindow>& window_in_queue, std::unique_lock<std::mutex>& lock) {
    const std::shared_ptr<BatchWindow> window = window_in_queue;
    const std::size_t index = window->next_block++;
    const std::uint32_t id = window->blocks[index];
    std::shared_ptr<LoadedBlock> block = cached_ ? cache_[id] : nullptr;
    if (!block) {
      block = new_block();
      lock.unlock();
      loader_.load(plan_.blocks()[id], *block);
      lock.lock();
      if (cached_) cache_[id] = block;
    }
    window->loaded[index] = std::move(block);
    ++window->ready_blocks;
    notify_waiting();
  }

  // Memory of unused blocks, for reuse.
  std::shared_ptr<LoadedBlock> new_block() {
    if (free_blocks_.empty()) return std::make_shared<LoadedBlock>();
    auto block = std::move(free_blocks_.back());
    free_blocks_.pop_back();
    return block;
  }

  void assemble_unlocked(const std::shared_ptr<Slot>& slot_in_queue, std::unique_lock<std::mutex>& lock) {
    const std::shared_ptr<Slot> slot = slot_in_queue;
    slot->state = Slot::State::working;
    const Slot::Piece piece = slot->pieces[slot->next_piece];
    lock.unlock();
    assemble(piece, slot->batch);
    lock.lock();
    give_back(*piece.window, piece.to - piece.from);
    const bool last = ++slot->next_piece == slot->pieces.size();
    slot->state = last ? Slot::State::done : Slot::State::waiting;
    if (last) slot->pieces.clear();
    notify_waiting();
  }

  void give_back(BatchWindow& window, std::size_t taken) {
    window.left -= taken;
    if (window.left > 0 || cached_) return;
    for (auto& block : window.loaded) free_blocks_.push_back(std::move(block));
  }

  // Piece by piece: a block is parsed while it is still in the CPU cache, and its memory is reused for reading.
  void assemble(const Slot::Piece& piece, Batch& batch) {
    if (const std::size_t size = config_.batch_size * manifest_.values; batch.features.size() < size) {
      batch.features = reserved_vector<float>(size);
      batch.features.resize(size);
    }
    ExampleView example;
    for (std::size_t i = piece.from; i < piece.to; ++i)
      add_example(*piece.window, piece.window->order[i], example, batch);
  }

  void add_example(const BatchWindow& window, BatchPick pick, ExampleView& example, Batch& batch) {
    const Record& stored = window.loaded[pick.block]->records[pick.record];
    if (stored.payload.data() == nullptr) return;  // damaged and already reported
    const BatchBlock& block = plan_.blocks()[window.blocks[pick.block]];
    const PackedRecord& record = manifest_.shards[block.shard].records[block.records[pick.record]];
    const auto read = read_example(stored, record, example,
                                   std::span(batch.features).subspan(batch.size * batch.values, batch.values));
    if (!read) {
      Fault fault = read.error();
      fault.where =
          (manifest_.folder / manifest_.shards[block.shard].file).string() + " @ " + std::to_string(record.offset);
      damage_.add(block.shard, block.records[pick.record], std::move(fault));
      return;
    }
    batch.labels.push_back(record.label);
    batch.records.push_back(first_record_[block.shard] + block.records[pick.record]);
    ++batch.size;
  }

  // The payload is not used before its checksum is verified.
  Expected<void> read_example(const Record& stored, const PackedRecord& record, ExampleView& example,
                              std::span<float> row) const {
    auto parsed = example.parse(stored.payload);
    auto decoded = decode_song(example, stored, manifest_.stored_as, row, manifest_.form);
    if (!parsed && (decoded || decoded.error().reason != "damaged data")) return parsed;
    if (!decoded) return decoded;
    const auto [id, label] = identity_of(example, manifest_.form);
    if (label != record.label || (!record.track_id.empty() && !id.empty() && id != record.track_id)) {
      return tl::unexpected(
          Fault{"does not match the manifest",
                {},
                "the record contains track " + std::string(id) + " of class " + std::to_string(label)});
    }
    return {};
  }

  BlockLoader loader_;
  std::vector<std::uint32_t> first_record_;  // per shard
  std::vector<std::shared_ptr<LoadedBlock>> cache_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::exception_ptr failure_;
  std::uint64_t changes_ = 0;
  std::deque<std::shared_ptr<Slot>> slots_;           // upcoming batches, in order
  std::deque<std::shared_ptr<BatchWindow>> loading_;  // windows that may need blocks, in order
  std::vector<std::shared_ptr<LoadedBlock>> free_blocks_;
  std::vector<Batch> spare_;
  std::pair<std::uint64_t, std::uint64_t> next_batch_{0, 0};

  BatchLayout layout_;
  std::vector<std::jthread> workers_;  // last member: the threads stop before the rest is destroyed
};

BatchReader::BatchReader(PackManifest manifest, BatchConfig config)
    : impl_(std::make_unique<Impl>(std::move(manifest), config)) {}
BatchReader::~BatchReader() = default;

bool BatchReader::next(Batch& batch) {
  return impl_->next(batch);
}
BatchPosition BatchReader::position() const {
  return impl_->position();
}
std::vector<Fault> BatchReader::damage() const {
  return impl_->damage_.faults();
}

}  // namespace genrewise
