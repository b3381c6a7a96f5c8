// Networks of inverted residual blocks (MobileNetV2, EfficientAT's MobileNetV3) on the CPU. Private to this module.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/aligned.hpp"
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
/// A 1 x 1 convolution or a dense layer as a matrix.
PackedWeights pointwise(const FoldedConvolution& folded, std::size_t in, std::size_t out);

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
  void run_stem(const Image& image, const ConvolutionShape& shape, Scratch& scratch) const;
  void run_block(const Block& block, const ConvolutionShape& shape, Scratch& scratch) const;
  void expand_and_filter(const Block& block, const ConvolutionShape& shape, std::size_t first_panel,
                         std::size_t last_panel, Scratch& scratch) const;

  Padding padding_;
  std::size_t stem_channels_;
  Activation activation_;  // of stem and head
  PackedWeights stem_, head_;
  std::vector<Block> blocks_;
};

class MobileNet::Scratch {
  friend class MobileNet;
  std::array<std::size_t, 3> image_size_ = {};  // channels, height, width of the padded image
  AlignedVector<float> image_, in_, out_, expanded_, filtered_;
  std::vector<float> means_, squeezed_, gates_;  // of the filtered channels
};

}  // namespace genrewise
