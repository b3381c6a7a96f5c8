// Batches from a table in memory, and stages that transform batches. Each stage owns the one before it.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/neural/layers/network.hpp"
#include "genrewise/models/neural/training/settings.hpp"
#include "genrewise/packs/batches.hpp"

namespace genrewise::neural {

struct MatrixStreamConfig {
  std::size_t batch_size = 32;  ///< of all ranks together
  bool shuffle = true;          ///< in a new order for each epoch
  std::uint64_t seed = kDefaultSeed;
  std::uint64_t epochs = 1;  ///< 0: unlimited
  int rank = 0, ranks = 1;   ///< this process takes its share of every batch
  std::optional<BatchPosition> start = std::nullopt;
  std::span<const std::uint32_t> records = {};  ///< numbers of the rows in the batches; empty: their indices
};

/// Rows of a table in memory. The table and the labels must outlive the stream.
class MatrixStream final : public BatchStream {
 public:
  /// `rows`: the rows to use. Throws Error when there are none, or for a position of another stream.
  MatrixStream(const Matrix& examples, std::span<const int> labels, std::vector<std::size_t> rows,
               MatrixStreamConfig config);
  bool next(Batch& batch) override;
  BatchPosition position() const override { return {epoch_, batch_, fingerprint_}; }

 private:
  void shuffle();

  const Matrix& examples_;
  std::span<const int> labels_;
  std::vector<std::size_t> rows_, order_;
  MatrixStreamConfig config_;
  std::uint64_t epoch_ = 0, batch_ = 0, batches_ = 0;
  std::string fingerprint_;
};

/// Augmentation (settings.hpp). That of an example depends only on the seed, its record and the epoch (modulo
/// `copies`); mixup also on its batch.
class AugmentedStream final : public BatchStream {
 public:
  /// Throws Error for a crop that is longer than the examples.
  AugmentedStream(std::unique_ptr<BatchStream> before, InputShape shape, AugmentationConfig config, std::uint64_t seed);
  bool next(Batch& batch) override;
  BatchPosition position() const override { return before_->position(); }

 private:
  void crop(const float* example, float* to, Rng& rng) const;
  void change(std::span<float> example, std::size_t cols, Rng& rng) const;
  void mix(Batch& batch, Rng& rng) const;

  std::unique_ptr<BatchStream> before_;
  InputShape shape_;
  AugmentationConfig config_;
  std::uint64_t seed_;
};

/// Fetches the next batches on its own thread while the network trains.
std::unique_ptr<BatchStream> prefetched(std::unique_ptr<BatchStream> before, std::size_t batches = 2);

}  // namespace genrewise::neural
