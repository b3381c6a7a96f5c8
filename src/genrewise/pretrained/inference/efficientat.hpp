// EfficientAT mn04: AudioSet classes and embeddings of a log-mel spectrogram.
#pragma once

#include <memory>
#include <span>

namespace genrewise {

class TensorArchive;

/// Schmid, Koutini, Widmer: Efficient large-scale audio tagging via transformer-to-CNN knowledge distillation (ICASSP
/// 2023): MobileNetV3-Large of width 0.4 on one channel. Immutable and thread-safe; each thread needs its own Scratch.
class EfficientAt {
 public:
  static constexpr std::size_t kBands = 128, kEmbedding = 384, kBlockChannels = 504, kClasses = 527;

  class Scratch {
   public:
    Scratch();
    Scratch(Scratch&&) = default;

   private:
    friend class EfficientAt;
    struct Buffers;
    std::shared_ptr<Buffers> buffers_;  // shared_ptr, which does not need the definition of Buffers here
  };

  struct Output {
    std::span<float> embedding;         ///< 384: the last convolution, averaged over time and frequency
    std::span<float> block_means;       ///< 504, or empty: mean of each channel of the 15 blocks' outputs
    std::span<float> block_deviations;  ///< 504, or empty with block_means: their standard deviations
    std::span<float> logits;            ///< 527, or empty: logits of the AudioSet classes, before the sigmoid
  };

  /// `weights` as returned by find_weights("efficientat").
  explicit EfficientAt(const TensorArchive& weights);

  /// `mel`: 128 bands x `frames`, as computed by EfficientAtFrontEnd; any number of frames, 1,000 (10 s) in training.
  /// On at most `threads` threads.
  void run(std::span<const float> mel, std::size_t frames, const Output& output, Scratch& scratch,
           int threads = 1) const;

 private:
  struct Network;
  std::shared_ptr<const Network> network_;
};

}  // namespace genrewise
