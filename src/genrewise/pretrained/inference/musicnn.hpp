// musicnn: music tags of a log-mel spectrogram of three seconds.
#pragma once

#include <memory>
#include <span>

namespace genrewise {

class TensorArchive;

/// Pons and Serra: musicnn: pre-trained convolutional neural networks for music audio tagging (ISMIR late-breaking
/// 2019). Immutable and thread-safe; each thread needs its own Scratch.
class Musicnn {
 public:
  static constexpr std::size_t kFrames = 187, kBands = 96, kChannels = 753, kPenultimate = 200, kTags = 50;

  class Scratch {
   public:
    Scratch();
    Scratch(Scratch&&) = default;

   private:
    friend class Musicnn;
    struct Buffers;
    std::shared_ptr<Buffers> buffers_;  // shared_ptr, which does not need the definition of Buffers here
  };

  struct Output {
    std::span<float> max_pool, mean_pool;  ///< 753 each: maximum and mean of all channels over time
    std::span<float> penultimate;          ///< 200: the first dense layer after ReLU and normalisation
    std::span<float> tags;                 ///< 50 probabilities, or empty
  };

  /// `weights` as returned by find_weights("musicnn_msd") or find_weights("musicnn_mtt").
  explicit Musicnn(const TensorArchive& weights);

  /// `patch`: 187 frames x 96 bands, as computed by MusicnnFrontEnd. On at most `threads` threads.
  void run(std::span<const float> patch, const Output& output, Scratch& scratch, int threads = 1) const;

 private:
  struct Network;
  std::shared_ptr<const Network> network_;
};

}  // namespace genrewise
