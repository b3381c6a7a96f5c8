// Networks of inverted residual blocks (MobileNetV2, EfficientAT's MobileNetV3) on the CPU. Private to this module.
#pragma once

#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "genrewise/dsp/aligned.hpp"
#include "genrewise/pretrained/inference/depthwise.hpp"
#include "genrewise/pretrained/inference/multiply.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise {

class TensorArchive;

/// A convolution with its batch normalisation folded in (weights OIHW), or a dense layer (outputs x inputs); one bias
/// per output.
struct FoldedConvolution {
  std::vector<float> weight, bias;
};
using DenseLayer = FoldedConvolution;
DenseLayer dense_layer(const TensorArchive& weights, const std::string& name);

struct MobileNetWeights {
  struct Block {
    FoldedConvolution expand;  ///< empty where the block does not expand
    FoldedConvolution depthwise, project;
    DenseLayer squeeze, excite;  ///< empty without squeeze-excitation
  };
  FoldedConvolution stem;  ///< 3 x 3, stride 2
  std::vector<Block> blocks;
  FoldedConvolution head;  ///< 1 x 1
};

/// The layers names_of(config), as returned by find_weights().
MobileNetWeights body_weights(const TensorArchive& weights, const MobileNetConfig& config);

/// Immutable and thread-safe; each thread needs its own Scratch. Channels are last in memory. A block's expansion and
/// depthwise convolution process some channels and some rows at a time, so that the intermediate data stays in the
/// second-level cache; its projection then uses all channels.
class MobileNet {
 public:
  class Scratch;

  MobileNet(const MobileNetConfig& config, const MobileNetWeights& weights);

  std::size_t block_channels() const;

  struct Output {
    std::span<float> embedding;    ///< head_channels: the head's output, averaged over height and width
    std::span<float> block_means;  ///< block_channels(), or empty: each block's output, averaged over height and width
    std::span<float> block_deviations;  ///< the same for the (population) standard deviation
  };

  /// channels x height x width values. `stem`: a replacement of the first layer for another number of channels (its
  /// rows: filter height x width x channels); null: the network's own.
  struct Image {
    std::span<const float> values;
    std::size_t channels = 0, height = 0, width = 0;
    const PackedWeights* stem = nullptr;
  };
  void run(const Image& image, const Output& output, Scratch& scratch) const;

 private:
  struct Block {
    InvertedResidual layout;
    Activation activation;
    PackedWeights expand, project;
    Depthwise depthwise;
    DenseLayer squeeze, excite;
  };
  void plan(const Image& image, Scratch& scratch) const;
  void pad_image(const Image& image, Scratch& scratch) const;
  void run_stem(const Image& image, float* out, Scratch& scratch) const;
  void run_block(const Block& block, const ConvolutionShape& shape, const float* in, float* out,
                 Scratch& scratch) const;
  void expand_and_filter(const Block& block, const ConvolutionShape& shape, const float* in, std::size_t first_panel,
                         std::size_t last_panel, Scratch& scratch) const;
  void run_head(std::size_t pixels, const float* in, std::span<float> embedding, Scratch& scratch) const;

  MobileNetConfig config_;
  std::vector<InvertedResidual> layout_;
  Activation stem_activation_, head_activation_;
  PackedWeights stem_, head_;
  std::vector<Block> blocks_;
};

class MobileNet::Scratch {
  friend class MobileNet;
  std::size_t channels_ = 0, height_ = 0, width_ = 0;
  ConvolutionShape stem_;
  std::vector<ConvolutionShape> blocks_;
  std::size_t image_pitch_ = 0;  // floats between rows of the padded image
  AlignedVector<float> image_, in_, out_, expanded_, filtered_;
  std::vector<float> means_, squeezed_, gates_;  // of the filtered channels
};

}  // namespace genrewise
