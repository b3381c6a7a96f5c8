#include "genrewise/pipeline/batches.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/pipeline/batch_blocks.hpp"
#include "genrewise/pipeline/batch_plan.hpp"
#include "genrewise/pipeline/pack_values.hpp"
#include "genrewise/records/example.hpp"
#include "genrewise/records/record_reader.hpp"

namespace genrewise {
namespace {

constexpr std::uint64_t kTellBytes = 96 << 20;  // that an object store is told ahead

// The blocks that are mixed with each other, on their way through memory.
struct Window {
  std::vector<std::uint32_t> blocks;  // of the plan
  std::vector<BatchPick> order;
  std::vector<std::shared_ptr<LoadedBlock>> loaded;  // one per block
  std::size_t next_block = 0, ready_blocks = 0;      // handed to workers; loaded
  std::size_t left = 0;                              // examples that no batch has taken yet
  bool ready() const { return ready_blocks == blocks.size(); }
};

// A batch on its way: which examples, and later the numbers.
struct Slot {
  struct Piece {
    std::shared_ptr<Window> window;
    std::size_t from = 0, to = 0;  // of the window's order
  };
  enum class State { waiting, working, done };
  State state = State::waiting;
  std::vector<Piece> pieces;
  Batch batch;

  std::size_t next_piece = 0;
  bool ready() const { return state == State::waiting && pieces[next_piece].window->ready(); }
};

}  // namespace

// Work is found under one lock, by whoever has time: go on with the first batch whose next window is loaded; else load
// a block of the first window that lacks one; else lay out another batch. With no workers next() is the only one.
class BatchReader::Impl {
 public:
  Impl(PackManifest manifest, const BatchConfig& config)
      : manifest_(std::move(manifest)),
        config_(config),
        plan_(manifest_, config_),
        damage_(manifest_, plan_.records(), config_.damage_budget),
        loader_(manifest_, damage_) {
    std::uint32_t records = 0;
    for (const auto& shard : manifest_.shards) {
      first_record_.push_back(records);
      records += static_cast<std::uint32_t>(shard.records.size());
    }
    for (const auto& block : plan_.blocks()) selection_bytes_ += block.bytes;
    if (cached()) cache_.resize(plan_.blocks().size());
    if (config_.start) go_to(*config_.start);
    tell_foreign_faults();
    tell_missing_shards();
    for (int i = 0; i < config_.workers; ++i)
      workers_.emplace_back([this](const std::stop_token& stop) { work(stop); });
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
      tell_change();
      if (batch.size > 0) return true;  // else all of it was damaged
    }
  }

  BatchPosition position() const { return {next_batch_.first, next_batch_.second, plan_.fingerprint()}; }
  bool cached() const { return config_.cache_bytes >= selection_bytes_; }

  const std::string& track_id(std::uint32_t record) const {
    const auto behind = std::ranges::upper_bound(first_record_, record);
    const auto shard = static_cast<std::size_t>(behind - first_record_.begin()) - 1;
    return manifest_.shards[shard].records.at(record - first_record_[shard]).track_id;
  }

  PackManifest manifest_;
  BatchConfig config_;
  BatchPlan plan_;
  DamageCount damage_;
  std::uint64_t selection_bytes_ = 0;

 private:
  void go_to(const BatchPosition& start) {
    if (start.stream != plan_.fingerprint()) {
      throw Error("the saved position belongs to other data or another order", manifest_.folder.string(),
                  "use the pack, part, batch size, seed and ranks that it was saved with");
    }
    layout_epoch_ = start.epoch;
    layout_batch_ = std::min<std::uint64_t>(start.batch, plan_.batches_per_epoch());
    next_batch_ = {start.epoch, start.batch};
  }

  // Shards without a manifest were read to know what they hold, and showed then what is damaged.
  void tell_foreign_faults() const {
    const auto lost = static_cast<double>(manifest_.skipped.size());
    if (!manifest_.recipe.name.empty() ||
        lost <= config_.damage_budget * (lost + static_cast<double>(manifest_.size())))
      return;
    throw Error("too many records cannot be used: " + std::to_string(manifest_.skipped.size()) +
                    "; the first: " + to_string(manifest_.skipped.front()),
                manifest_.folder.string(), "pack the dataset again, or allow a larger share of damage");
  }

  // What is plainly not there need not wait until its turn comes.
  void tell_missing_shards() {
    for (const auto& block : plan_.blocks()) {
      if (loader_.has_file(block.shard)) continue;
      const auto path = manifest_.folder / manifest_.shards[block.shard].file;
      for (const std::uint32_t record : block.records) {
        damage_.add(block.shard, record, {"missing shard", path.string(), "the file is not there"});
      }
    }
  }

  bool lay_out() {
    while (slots_.size() < config_.prefetch_batches) {
      if (layout_batch_ == plan_.batches_per_epoch()) {
        layout_batch_ = 0;
        ++layout_epoch_;
        epoch_windows_.clear();
      }
      if (config_.epochs != 0 && layout_epoch_ >= config_.epochs) break;
      if (epoch_windows_.empty()) start_epoch();
      lay_out_batch();
    }
    return !slots_.empty();
  }

  // Passes over what the batches before layout_batch_ take.
  void start_epoch() {
    epoch_windows_ = plan_.windows(layout_epoch_);
    next_window_ = told_windows_ = left_windows_ = 0;
    told_bytes_ = 0;
    newest_.reset();
    ahead_.reset();
    newest_taken_ = 0;
    std::size_t skip = layout_batch_ * config_.batch_size;
    for (; skip > 0; ++next_window_) {
      std::size_t held = 0;
      for (const auto block : epoch_windows_[next_window_]) held += plan_.blocks()[block].records.size();
      if (held > skip) break;
      skip -= held;
    }
    if (skip == 0) return;
    open_window();
    newest_taken_ = skip;
    newest_->left -= skip;
  }

  std::shared_ptr<Window> next_window() {
    auto window = std::make_shared<Window>();
    window->blocks = epoch_windows_[next_window_];
    window->order = plan_.order(window->blocks, layout_epoch_, next_window_);
    window->left = window->order.size();
    window->loaded.resize(window->blocks.size());
    loading_.push_back(window);
    tell_ahead();
    return window;
  }

  // A store is told of more than the next window at a time, so that neighbouring blocks travel together.
  void tell_ahead() {
    if (!loader_.is_remote() || cached()) return;
    const auto bytes_of = [this](std::size_t window) {
      std::uint64_t bytes = 0;
      for (const std::uint32_t id : epoch_windows_[window]) bytes += plan_.blocks()[id].stored_bytes;
      return bytes;
    };
    for (; left_windows_ < next_window_; ++left_windows_) told_bytes_ -= std::min(told_bytes_, bytes_of(left_windows_));
    if (told_windows_ > next_window_ && told_bytes_ > kTellBytes / 2) return;
    std::vector<std::uint32_t> blocks;
    told_windows_ = std::max(told_windows_, next_window_);
    while (told_windows_ < epoch_windows_.size() && (blocks.empty() || told_bytes_ < kTellBytes)) {
      const auto& window = epoch_windows_[told_windows_];
      blocks.insert(blocks.end(), window.begin(), window.end());
      told_bytes_ += bytes_of(told_windows_++);
    }
    loader_.prefetch(blocks, plan_.blocks());
  }

  void open_window() {
    newest_ = ahead_ ? std::move(ahead_) : next_window();
    newest_taken_ = 0;
    ++next_window_;
  }

  // The window behind the newest begins to load before a batch needs it.
  bool read_ahead() {
    if (ahead_ || !newest_ || next_window_ >= epoch_windows_.size()) return false;
    ahead_ = next_window();
    return true;
  }

  void lay_out_batch() {
    auto slot = std::make_shared<Slot>();
    slot->batch = take_spare();
    slot->batch.epoch = layout_epoch_;
    slot->batch.number = layout_batch_++;
    slot->batch.size = 0;
    slot->batch.values = manifest_.values;
    slot->batch.labels.clear();
    slot->batch.records.clear();
    for (std::size_t missing = config_.batch_size; missing > 0;) {
      if (!newest_ || newest_taken_ == newest_->order.size()) {
        if (next_window_ == epoch_windows_.size()) break;
        open_window();
      }
      const std::size_t count = std::min(missing, newest_->order.size() - newest_taken_);
      slot->pieces.push_back({newest_, newest_taken_, newest_taken_ + count});
      newest_taken_ += count;
      missing -= count;
    }
    slots_.push_back(std::move(slot));
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

  // Does one piece of work, without the lock; false when there is none. What goes wrong is kept for next().
  bool work_once(std::unique_lock<std::mutex>& lock) {
    try {
      if (!lay_out()) return false;
      for (const auto& slot : slots_) {
        if (!slot->ready()) continue;
        assemble_unlocked(slot, lock);
        return true;
      }
      while (!loading_.empty() && loading_.front()->next_block == loading_.front()->blocks.size()) loading_.pop_front();
      if (loading_.empty() && (config_.workers == 0 || !read_ahead())) return false;
      load_unlocked(loading_.front(), lock);
    } catch (...) {
      if (!lock.owns_lock()) lock.lock();
      failure_ = std::current_exception();
      tell_change();
    }
    return true;
  }

  void tell_change() {
    ++changes_;
    changed_.notify_all();
  }

  void load_unlocked(const std::shared_ptr<Window>& window_in_queue, std::unique_lock<std::mutex>& lock) {
    const std::shared_ptr<Window> window = window_in_queue;
    const std::size_t index = window->next_block++;
    const std::uint32_t id = window->blocks[index];
    std::shared_ptr<LoadedBlock> block = cached() ? cache_[id] : nullptr;
    if (!block) {
      block = new_block();
      lock.unlock();
      loader_.load(plan_.blocks()[id], *block);
      lock.lock();
      if (cached()) cache_[id] = block;
    }
    window->loaded[index] = std::move(block);
    ++window->ready_blocks;
    tell_change();
  }

  // Memory of blocks that nobody uses any more.
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
    tell_change();
  }

  void give_back(Window& window, std::size_t taken) {
    window.left -= taken;
    if (window.left > 0 || cached()) return;
    for (auto& block : window.loaded) free_blocks_.push_back(std::move(block));
  }

  // Piece by piece, so that a block is parsed while it is still in the cache, and its memory read into again.
  void assemble(const Slot::Piece& piece, Batch& batch) {
    batch.features.resize(config_.batch_size * manifest_.values);
    ExampleView example;
    for (std::size_t i = piece.from; i < piece.to; ++i)
      add_example(*piece.window, piece.window->order[i], example, batch);
  }

  void add_example(const Window& window, BatchPick pick, ExampleView& example, Batch& batch) {
    const Record& stored = window.loaded[pick.block]->records[pick.record];
    if (stored.payload.data() == nullptr) return;  // damaged, and told
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

  // Nothing that the payload says is believed before its sum is known to be right.
  Expected<void> read_example(const Record& stored, const PackedRecord& record, ExampleView& example,
                              std::span<float> row) const {
    auto parsed = example.parse(stored.payload);
    auto decoded = decode_song(example, stored, manifest_.stored_as, row);
    if (!parsed && (decoded || decoded.error().reason != "damaged data")) return parsed;
    if (!decoded) return decoded;
    std::int64_t label = -1;
    std::string_view id;
    if (const auto* key = example.find("class")) key->copy(std::span(&label, 1));
    if (const auto* key = example.find("track_id")) key->copy(std::span(&id, 1));
    if (label != record.label || (!record.track_id.empty() && !id.empty() && id != record.track_id)) {
      return tl::unexpected(Fault{"does not match the manifest",
                                  {},
                                  "it holds track " + std::string(id) + " of class " + std::to_string(label)});
    }
    return {};
  }

  BlockLoader loader_;
  std::vector<std::uint32_t> first_record_;  // of each shard
  std::vector<std::shared_ptr<LoadedBlock>> cache_;

  mutable std::mutex mutex_;
  std::condition_variable_any changed_;
  std::exception_ptr failure_;
  std::uint64_t changes_ = 0;
  std::deque<std::shared_ptr<Slot>> slots_;      // the batches ahead, in order
  std::deque<std::shared_ptr<Window>> loading_;  // windows that may lack blocks, in order
  std::vector<std::shared_ptr<LoadedBlock>> free_blocks_;
  std::vector<Batch> spare_;
  std::pair<std::uint64_t, std::uint64_t> next_batch_{0, 0};

  // The layout of batches: which epoch, batch and window comes next.
  std::uint64_t layout_epoch_ = 0, layout_batch_ = 0;
  std::vector<std::vector<std::uint32_t>> epoch_windows_;
  std::size_t next_window_ = 0, newest_taken_ = 0;
  std::size_t told_windows_ = 0, left_windows_ = 0;  // to an object store; of them, those whose turn has come
  std::uint64_t told_bytes_ = 0;                     // of the windows between
  std::shared_ptr<Window> newest_, ahead_;           // what batches are laid out from; what loads before it is needed
  std::vector<std::jthread> workers_;                // last: they stop before anything else goes
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
const PackManifest& BatchReader::manifest() const {
  return impl_->manifest_;
}
std::size_t BatchReader::records() const {
  return impl_->plan_.records();
}
std::size_t BatchReader::batches_per_epoch() const {
  return impl_->plan_.batches_per_epoch();
}
std::uint64_t BatchReader::selection_bytes() const {
  return impl_->selection_bytes_;
}
bool BatchReader::cached() const {
  return impl_->cached();
}
const std::string& BatchReader::track_id(std::uint32_t record) const {
  return impl_->track_id(record);
}
std::vector<Fault> BatchReader::damage() const {
  return impl_->damage_.faults();
}

}  // namespace genrewise
