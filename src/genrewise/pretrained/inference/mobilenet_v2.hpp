// MobileNetV2 1.0 without its classifier, as an image embedding.
#pragma once

#include <memory>
#include <span>

namespace genrewise {

class TensorArchive;

/// Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2 (CVPR 2018); TensorFlow's SAME padding. Immutable and
/// thread-safe; each thread needs its own Scratch.
class MobileNetV2 {
 public:
  static constexpr std::size_t kSide = 224, kChannels = 3, kEmbedding = 1280;

  /// Buffers of one thread, reused between calls.
  class Scratch {
   public:
    Scratch();
    Scratch(Scratch&&) = default;

   private:
    friend class MobileNetV2;
    struct Buffers;
    std::shared_ptr<Buffers> buffers_;  // shared_ptr, which does not need the definition of Buffers here
  };

  /// `weights` as returned by find_weights("mobilenetv2").
  explicit MobileNetV2(const TensorArchive& weights);

  /// `image`: 3 x 224 x 224, values in [-1, 1]; `embedding`: 1,280 values, the last convolution averaged over the
  /// image. On at most `threads` threads.
  void embed(std::span<const float> image, std::span<float> embedding, Scratch& scratch, int threads = 1) const;
  /// The same for a grey image, 224 x 224: equal to that of three equal channels, with a third of the first layer's
  /// work.
  void embed_grey(std::span<const float> image, std::span<float> embedding, Scratch& scratch) const;

 private:
  struct Networks;
  std::shared_ptr<const Networks> networks_;
};

}  // namespace genrewise
