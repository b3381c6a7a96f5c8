// MobileNetV2 1.0 without its classifier, as an embedding of pictures.
#pragma once

#include <memory>
#include <span>

namespace genrewise {

class TensorArchive;

/// Sandler, Howard, Zhu, Zhmoginov, Chen: MobileNetV2 (CVPR 2018); TensorFlow's SAME padding. Immutable: one object
/// serves all threads.
class MobileNetV2 {
 public:
  static constexpr std::size_t kSide = 224, kChannels = 3, kEmbedding = 1280;

  /// What one thread, or one team of threads, needs again and again.
  class Scratch {
   public:
    Scratch();
    ~Scratch();
    Scratch(Scratch&&) noexcept;

   private:
    friend class MobileNetV2;
    struct Buffers;
    std::unique_ptr<Buffers> buffers_;
  };

  /// `weights` as find_weights("mobilenetv2") gives them.
  explicit MobileNetV2(const TensorArchive& weights);
  ~MobileNetV2();
  MobileNetV2(MobileNetV2&&) noexcept;

  /// `image`: 3 x 224 x 224, each value in [-1, 1]; `embedding`: 1,280 numbers, the mean of the last convolution over
  /// the picture. `threads` work on this one picture together.
  void embed(std::span<const float> image, std::span<float> embedding, Scratch& scratch, int threads = 1) const;
  /// The same for a grey picture, 224 x 224: equal to that of three equal channels, and a third of the first layer's
  /// work.
  void embed_grey(std::span<const float> image, std::span<float> embedding, Scratch& scratch, int threads = 1) const;

 private:
  struct Networks;
  std::unique_ptr<Networks> networks_;
};

}  // namespace genrewise
