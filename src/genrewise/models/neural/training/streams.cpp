#include "genrewise/models/neural/training/streams.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise::neural {
namespace {

/// Marsaglia and Tsang (2000), with their boost for alpha < 1.
double gamma_variate(double alpha, Rng& rng) {
  if (alpha < 1) return gamma_variate(alpha + 1, rng) * std::pow(1 - rng.uniform(), 1 / alpha);
  const double d = alpha - 1.0 / 3, c = 1 / std::sqrt(9 * d);
  for (;;) {
    const double x = rng.normal(), v = std::pow(1 + c * x, 3);
    if (v > 0 && std::log(1 - rng.uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

class Prefetched final : public BatchStream {
 public:
  Prefetched(std::unique_ptr<BatchStream> before, std::size_t batches)
      : before_(std::move(before)), most_(batches), position_(before_->position()) {
    thread_ = start_thread([this] { work(); });
  }
  ~Prefetched() override {
    {
      const std::lock_guard lock(mutex_);
      stop_ = true;
    }
    changed_.notify_all();
  }

  bool next(Batch& batch) override {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return !ready_.empty() || ended_; });
    if (ready_.empty()) {
      if (fault_) std::rethrow_exception(std::exchange(fault_, nullptr));
      return false;
    }
    std::swap(batch, ready_.front().batch);
    position_ = std::move(ready_.front().behind);
    spare_.push_back(std::move(ready_.front().batch));
    ready_.pop_front();
    changed_.notify_all();
    return true;
  }
  BatchPosition position() const override { return position_; }

 private:
  struct Ready {
    Batch batch;
    BatchPosition behind;  // position of the stream after this batch
  };

  void work() {
    std::unique_lock lock(mutex_);
    for (;;) {
      changed_.wait(lock, [&] { return stop_ || ready_.size() < most_; });
      if (stop_) return;
      Ready one;
      if (!spare_.empty()) {
        one.batch = std::move(spare_.back());
        spare_.pop_back();
      }
      lock.unlock();
      bool more = false;
      std::exception_ptr fault;
      try {
        more = before_->next(one.batch);
        one.behind = before_->position();
      } catch (...) {
        fault = std::current_exception();
      }
      lock.lock();
      if (more) {
        ready_.push_back(std::move(one));
      } else {
        ended_ = true;
        fault_ = fault;
      }
      changed_.notify_all();
      if (!more) return;
    }
  }

  std::unique_ptr<BatchStream> before_;
  std::size_t most_;
  BatchPosition position_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Ready> ready_;
  std::vector<Batch> spare_;
  bool stop_ = false, ended_ = false;
  std::exception_ptr fault_;
  std::jthread thread_;  // last: it ends before what it uses is destroyed
};

}  // namespace

MatrixStream::MatrixStream(const Matrix& examples, std::span<const int> labels, std::vector<std::size_t> rows,
                           MatrixStreamConfig config)
    : examples_(examples), labels_(labels), rows_(std::move(rows)), config_(std::move(config)) {
  if (rows_.empty()) throw Error("there are no examples to take batches from", "batches");
  batches_ = (rows_.size() + config_.batch_size - 1) / config_.batch_size;
  std::string text = fmt::format("{} {} {} {} {}\n", examples.cols(), config_.batch_size, config_.shuffle, config_.seed,
                                 config_.ranks);
  for (const std::size_t row : rows_) text += fmt::format("{} {}\n", row, labels_[row]);
  fingerprint_ = sha256_hex(text);
  if (config_.start) {
    if (config_.start->stream != fingerprint_)
      throw Error("the saved position belongs to other data or another order", "batches",
                  "use the examples, batch size, seed and ranks that it was saved with");
    epoch_ = config_.start->epoch;
    batch_ = config_.start->batch;
    if (batch_ >= batches_) throw Error("the saved position is behind the last batch", "batches");
  }
  shuffle();
}

void MatrixStream::shuffle() {
  order_ = rows_;
  if (!config_.shuffle) return;
  Rng rng(derive_seed(config_.seed, fmt::format("epoch {}", epoch_)));
  rng.shuffle(std::span(order_));
}

bool MatrixStream::next(Batch& batch) {
  if (config_.epochs != 0 && epoch_ >= config_.epochs) return false;
  const std::size_t first = batch_ * config_.batch_size;
  const std::size_t whole = std::min(config_.batch_size, order_.size() - first);
  const auto share = [&](int rank) {
    return whole * static_cast<std::size_t>(rank) / static_cast<std::size_t>(config_.ranks);
  };
  const std::size_t begin = first + share(config_.rank), end = first + share(config_.rank + 1);
  batch.size = end - begin;
  batch.values = examples_.cols();
  batch.features.resize(std::max(batch.features.size(), batch.size * batch.values));
  batch.labels.clear();
  batch.records.clear();
  batch.other_labels.clear();
  batch.other_shares.clear();
  for (std::size_t i = begin; i < end; ++i) {
    std::ranges::copy(examples_.row(order_[i]),
                      batch.features.begin() + static_cast<std::ptrdiff_t>((i - begin) * batch.values));
    batch.labels.push_back(labels_[order_[i]]);
    batch.records.push_back(config_.records.empty() ? static_cast<std::uint32_t>(order_[i])
                                                    : config_.records[order_[i]]);
  }
  batch.epoch = epoch_;
  batch.number = batch_;
  if (++batch_ == batches_) {
    batch_ = 0;
    ++epoch_;
    shuffle();
  }
  return true;
}

AugmentedStream::AugmentedStream(std::unique_ptr<BatchStream> before, InputShape shape, AugmentationConfig config,
                                 std::uint64_t seed)
    : before_(std::move(before)), shape_(shape), config_(config), seed_(seed) {
  if (config_.crop > shape_.cols)
    throw Error(fmt::format("crop = {} is longer than the examples, which have {}", config_.crop, shape_.cols),
                "augmentation", "choose a shorter one");
}

bool AugmentedStream::next(Batch& batch) {
  if (!before_->next(batch)) return false;
  const std::size_t cols = config_.crop > 0 ? config_.crop : shape_.cols;
  const std::size_t whole = std::exchange(batch.values, shape_.rows * cols);
  const std::uint64_t round = config_.copies > 0 ? batch.epoch % config_.copies : batch.epoch;
  for (std::size_t i = 0; i < batch.size; ++i) {
    Rng rng(derive_seed(seed_, fmt::format("augment {} {}", round, batch.records[i])));
    const auto example = std::span(batch.features).subspan(i * batch.values, batch.values);
    if (cols < shape_.cols) crop(batch.features.data() + i * whole, example.data(), rng);
    change(example, cols, rng);
  }
  Rng rng(derive_seed(seed_, fmt::format("mixup {} {}", batch.epoch, batch.number)));
  if (config_.mixup > 0) mix(batch, rng);
  return true;
}

void AugmentedStream::crop(const float* example, float* to, Rng& rng) const {
  const std::size_t from = rng.below(shape_.cols - config_.crop + 1);
  for (std::size_t r = 0; r < shape_.rows; ++r)  // moved to the front, so no value is overwritten before it is read
    std::memmove(to + r * config_.crop, example + r * shape_.cols + from, config_.crop * sizeof(float));
}

void AugmentedStream::change(std::span<float> example, std::size_t cols, Rng& rng) const {
  const std::size_t rows = shape_.rows;
  double sum = 0, squares = 0;
  for (const float v : example) sum += v, squares += static_cast<double>(v) * v;
  const double mean = sum / static_cast<double>(example.size());
  const double spread = std::sqrt(std::max(0.0, squares / static_cast<double>(example.size()) - mean * mean));
  if (config_.shift > 0) {
    const std::size_t most = std::min(config_.shift, cols - 1);
    const std::size_t by = (cols + rng.below(2 * most + 1) - most) % cols;
    for (std::size_t r = 0; r < rows; ++r)
      std::rotate(example.begin() + static_cast<std::ptrdiff_t>(r * cols),
                  example.begin() + static_cast<std::ptrdiff_t>(r * cols + by),
                  example.begin() + static_cast<std::ptrdiff_t>((r + 1) * cols));
  }
  if (config_.gain_db > 0) {
    const auto gain = static_cast<float>(std::pow(10.0, config_.gain_db * (2 * rng.uniform() - 1) / 20));
    for (float& v : example) v *= gain;
  }
  if (config_.noise > 0)
    for (float& v : example) v += static_cast<float>(config_.noise * spread * rng.normal());
  const auto fill = static_cast<float>(mean);
  const auto stretch = [&](std::size_t whole, double share) {
    const std::size_t length = rng.below(static_cast<std::uint64_t>(share * static_cast<double>(whole)) + 1);
    return std::pair(rng.below(whole - length + 1), length);
  };
  for (int k = 0; k < config_.time_masks; ++k) {
    const auto [from, length] = stretch(cols, config_.time_mask_share);
    for (std::size_t r = 0; r < rows; ++r)
      std::fill_n(example.begin() + static_cast<std::ptrdiff_t>(r * cols + from), length, fill);
  }
  for (int k = 0; rows > 1 && k < config_.frequency_masks; ++k) {
    const auto [from, length] = stretch(rows, config_.frequency_mask_share);
    std::fill_n(example.begin() + static_cast<std::ptrdiff_t>(from * cols), length * cols, fill);
  }
}

void AugmentedStream::mix(Batch& batch, Rng& rng) const {
  const double a = gamma_variate(config_.mixup, rng), b = gamma_variate(config_.mixup, rng);
  // At most 1/2: most is the example's own. For a small alpha, both are often 0.
  const auto other_share = static_cast<float>(a + b > 0 ? std::min(a, b) / (a + b) : 0);
  std::vector<std::size_t> partner(batch.size);
  for (std::size_t i = 0; i < partner.size(); ++i) partner[i] = i;
  rng.shuffle(std::span(partner));
  const std::vector<float> before(batch.features.begin(),
                                  batch.features.begin() + static_cast<std::ptrdiff_t>(batch.size * batch.values));
  batch.other_labels.resize(batch.size);
  batch.other_shares.assign(batch.size, other_share);
  for (std::size_t i = 0; i < batch.size; ++i) {
    batch.other_labels[i] = batch.labels[partner[i]];
    const float* other = before.data() + partner[i] * batch.values;
    float* own = batch.features.data() + i * batch.values;
    for (std::size_t j = 0; j < batch.values; ++j) own[j] += other_share * (other[j] - own[j]);
  }
}

std::unique_ptr<BatchStream> prefetched(std::unique_ptr<BatchStream> before, std::size_t batches) {
  return std::make_unique<Prefetched>(std::move(before), batches);
}

}  // namespace genrewise::neural
