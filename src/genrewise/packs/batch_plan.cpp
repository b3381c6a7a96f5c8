#include "genrewise/packs/batch_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "genrewise/base/hash.hpp"
#include "genrewise/records/framing.hpp"

namespace genrewise {
namespace {

constexpr std::uint64_t kBlockBytes = 512 << 10;     // read at once; still in the L2 cache when it is checked
constexpr std::uint64_t kMostBlockBytes = 4 << 20;   // of shuffled blocks, which are checked later
constexpr std::uint64_t kBlocksPerWindow = 64;       // at least, unless blocks would be below kBlockBytes
constexpr std::uint64_t kAnnouncedBytes = 96 << 20;  // announced to the listener in advance
constexpr std::uint64_t kGapBytes = 64 << 10;        // reading this many unused bytes is cheaper than another read

struct Selected {
  std::uint32_t shard = 0, record = 0;
};

std::vector<Selected> select(const PackManifest& manifest, const BatchConfig& config) {
  std::vector<Selected> selected;
  for (std::uint32_t shard = 0; shard < manifest.shards.size(); ++shard) {
    const auto& records = manifest.shards[shard].records;
    for (std::uint32_t i = 0; i < records.size(); ++i)
      if (!config.part || records[i].part == config.part) selected.push_back({shard, i});
  }
  return selected;
}

std::uint64_t frame_end(const PackedRecord& record) {
  return record.offset + record.payload_bytes + kRecordFrameBytes;
}

/// Records are in random order in their shards (docs/record_format.md), so long blocks shuffle as well as short ones,
/// if a window has many of them; a store spends most of its time on the number of requests.
std::uint64_t bytes_of_blocks(const PackManifest& manifest, std::span<const Selected> selected, std::size_t shuffled) {
  if (shuffled == 0) return kBlockBytes;
  std::uint64_t bytes = 0;
  for (const Selected& one : selected)
    bytes += manifest.shards[one.shard].records[one.record].payload_bytes + kRecordFrameBytes;
  return std::clamp(bytes / std::max<std::uint64_t>(1, selected.size()) * shuffled / kBlocksPerWindow, kBlockBytes,
                    kMostBlockBytes);
}

std::string fingerprint_of(const PackManifest& manifest, const BatchConfig& config, std::uint64_t block_bytes) {
  std::string all = manifest.fingerprint;
  for (const std::uint64_t fact :
       {static_cast<std::uint64_t>(config.batch_size), config.part ? 1 + static_cast<std::uint64_t>(*config.part) : 0,
        static_cast<std::uint64_t>(config.shuffle_records), config.seed,
        static_cast<std::uint64_t>(config.drop_remainder), static_cast<std::uint64_t>(config.rank),
        static_cast<std::uint64_t>(config.ranks)}) {
    all += ' ' + std::to_string(fact);
  }
  if (block_bytes != kBlockBytes) all += " blocks of " + std::to_string(block_bytes);
  for (const auto& shard : manifest.shards) all += ' ' + shard.file + ' ' + shard.sha256;
  return sha256_hex(all).substr(0, 16);
}

void check(const BatchConfig& config) {
  const auto require = [](bool good, const char* problem) {
    if (!good) throw Error(problem, "batches");
  };
  require(config.batch_size > 0, "the batch size must be at least 1");
  require(config.prefetch_batches > 0, "at least 1 batch must be read ahead");
  require(config.workers >= 0, "the number of workers cannot be negative");
  require(config.ranks > 0 && config.rank >= 0 && config.rank < config.ranks,
          "the rank must be below the number of ranks");
  require(config.damage_budget >= 0 && config.damage_budget <= 1, "the damage budget is a share between 0 and 1");
}

}  // namespace

std::vector<Part> parts_of_shards(std::size_t shard_count) {
  const auto end_of = [&](double share) {
    return static_cast<std::size_t>(std::lround(share * static_cast<double>(shard_count)));
  };
  const std::size_t training = end_of(0.64), validation = end_of(0.80);
  std::vector<Part> parts(shard_count, Part::test);
  std::fill_n(parts.begin(), validation, Part::validation);
  std::fill_n(parts.begin(), training, Part::training);
  return parts;
}

BatchPlan::BatchPlan(const PackManifest& manifest, const BatchConfig& config)
    : shuffle_records_(config.shuffle_records), seed_(config.seed) {
  check(config);
  const auto selected = select(manifest, config);
  block_bytes_ = bytes_of_blocks(manifest, selected, shuffle_records_);
  fingerprint_ = fingerprint_of(manifest, config, block_bytes_);
  const auto rank = static_cast<std::size_t>(config.rank), ranks = static_cast<std::size_t>(config.ranks);
  const std::size_t from = selected.size() * rank / ranks, to = selected.size() * (rank + 1) / ranks;
  records_ = to - from;
  batches_ = config.drop_remainder ? selected.size() / ranks / config.batch_size
                                   : (records_ + config.batch_size - 1) / config.batch_size;
  if (batches_ == 0) {
    throw Error(fmt::format("no batch can be formed: {} of {} records are in the requested part, for {} ranks, in "
                            "batches of {}",
                            selected.size(), manifest.size(), ranks, config.batch_size),
                manifest.folder.string(),
                manifest.split_scheme == "none" && config.part
                    ? "this pack has no parts by record: use whole shards as parts"
                    : "choose another part or smaller batches");
  }
  std::vector<std::uint32_t> records;
  for (std::size_t i = from; i < to;) {
    const std::uint32_t shard = selected[i].shard;
    records.clear();
    for (; i < to && selected[i].shard == shard; ++i) records.push_back(selected[i].record);
    const bool compressed = !manifest.shards[shard].restart_points.empty();
    compressed ? add_compressed_blocks(manifest.shards[shard], shard, records)
               : add_plain_blocks(manifest.shards[shard], shard, records);
  }
}

void BatchPlan::add_plain_blocks(const PackedShard& shard, std::uint32_t number,
                                 std::span<const std::uint32_t> records) {
  BatchBlock* block = nullptr;
  for (const std::uint32_t i : records) {
    const PackedRecord& record = shard.records[i];
    const std::uint64_t end = frame_end(record);
    if (block == nullptr || end - block->offset > block_bytes_ ||
        record.offset - (block->offset + block->bytes) > kGapBytes) {
      block = &blocks_.emplace_back();
      block->shard = number;
      block->offset = block->stored_offset = record.offset;
    }
    block->bytes = block->stored_bytes = end - block->offset;
    block->records.push_back(i);
  }
}

void BatchPlan::add_compressed_blocks(const PackedShard& shard, std::uint32_t number,
                                      std::span<const std::uint32_t> records) {
  const auto& points = shard.restart_points;
  BatchBlock* block = nullptr;
  std::size_t block_point = 0;
  for (const std::uint32_t i : records) {
    const auto next_point = std::ranges::upper_bound(points, i, {}, &PackedShard::RestartPoint::record);
    const auto point = static_cast<std::size_t>(next_point - points.begin()) - 1;
    if (block == nullptr || point != block_point) {
      block = &blocks_.emplace_back();
      block_point = point;
      block->shard = number;
      block->stored_offset = points[point].stored_offset;
      // The start of a file need not be a record of the manifest: the first one may be unusable.
      block->offset = block->stored_offset == 0 ? 0 : shard.records[points[point].record].offset;
      block->stored_bytes =
          (next_point == points.end() ? shard.bytes : next_point->stored_offset) - block->stored_offset;
    }
    block->bytes = frame_end(shard.records[i]) - block->offset;
    block->records.push_back(i);
  }
}

std::uint64_t BatchPlan::bytes() const {
  return std::accumulate(blocks_.begin(), blocks_.end(), std::uint64_t{0},
                         [](std::uint64_t sum, const BatchBlock& block) { return sum + block.bytes; });
}

std::vector<std::vector<std::uint32_t>> BatchPlan::windows(std::uint64_t epoch) const {
  std::vector<std::uint32_t> order(blocks_.size());
  std::iota(order.begin(), order.end(), 0U);
  if (shuffle_records_ > 0) {
    Rng rng(derive_seed(seed_, "batches of epoch " + std::to_string(epoch)));
    rng.shuffle(std::span(order));
  }
  std::vector<std::vector<std::uint32_t>> windows;
  std::size_t held = shuffle_records_;
  for (const std::uint32_t block : order) {
    if (held >= shuffle_records_) {
      windows.emplace_back();
      held = 0;
    }
    windows.back().push_back(block);
    held += blocks_[block].records.size();
  }
  return windows;
}

std::vector<BatchPick> BatchPlan::order(std::span<const std::uint32_t> window, std::uint64_t epoch,
                                        std::size_t number) const {
  std::vector<BatchPick> picks;
  for (std::uint32_t block = 0; block < window.size(); ++block) {
    const auto count = static_cast<std::uint32_t>(blocks_[window[block]].records.size());
    for (std::uint32_t record = 0; record < count; ++record) picks.push_back({block, record});
  }
  if (shuffle_records_ > 0) {
    const auto purpose = "batches of epoch " + std::to_string(epoch) + ", window " + std::to_string(number);
    Rng rng(derive_seed(seed_, purpose));
    rng.shuffle(std::span(picks));
  }
  return picks;
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
  for (; left_windows_ < next_window_; ++left_windows_)
    announced_bytes_ -= std::min(announced_bytes_, stored_bytes(left_windows_));
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
