// Networks of inverted residual blocks (MobileNetV2, EfficientAT's MobileNetV3) on the CPU. Private to this module.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <span>
#include <string>
#include <vector>

#include "genrewise/base/aligned.hpp"
#include "genrewise/pretrained/inference/kernels.hpp"
#include "genrewise/pretrained/inference/team.hpp"
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

/// Sizes of a convolution's input and output, and its padding at the top and left.
struct ConvolutionShape {
  std::size_t in_height = 0, in_width = 0, out_height = 0, out_width = 0;
  std::size_t kernel = 3, stride = 1, pad_top = 0, pad_left = 0;
  std::size_t out_pixels() const { return out_height * out_width; }
  /// Pixels of a row of the input with its padding.
  std::size_t pitch() const { return std::max((out_width - 1) * stride + kernel, pad_left + in_width); }
};

ConvolutionShape convolution_shape(std::size_t height, std::size_t width, std::size_t kernel, std::size_t stride,
                                   Padding padding);

/// Immutable and thread-safe; each caller needs its own Scratch. Channels are last in memory. A block expands, filters
/// and (where the filtered image is large) projects some rows at a time, or some channels at a time, so that the
/// intermediate data stays in the second-level cache.
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
  /// On at most `threads` threads (one inside a parallel_for()); the result does not depend on their number.
  void run(const Image& image, const Output& output, Scratch& scratch, int threads = 1) const;

 private:
  struct Block {
    InvertedResidual layout;
    Activation activation;
    PackedWeights expand, project;
    Depthwise depthwise;
    PackedWeights squeeze, excite;
  };
  /// How a block is computed.
  struct Plan {
    ConvolutionShape shape;
    bool by_rows = false;        ///< the parts are ranges of rows, else of panels of channels
    bool projects = false;       ///< the parts, of rows, include the projection
    std::size_t parts = 1;       ///< work for the threads
    std::size_t band = 1;        ///< output rows that are filtered at a time
    std::size_t slots = 1;       ///< rows of the expanded image that are stored: row y in slot y % slots
    std::size_t row_floats = 0;  ///< of such a row
  };
  struct Range {
    std::size_t first = 0, last = 0;
  };
  class Run;

  void plan(const Image& image, Scratch& scratch, int threads) const;

  Padding padding_;
  std::size_t stem_channels_;
  Activation activation_;  // of stem and head
  PackedWeights stem_, head_;
  std::vector<Block> blocks_;
};

class MobileNet::Scratch {
  friend class MobileNet;
  struct Worker {
    AlignedVector<float> expanded, filtered;
    std::vector<const float*> input;  // rows of a depthwise convolution
  };
  std::array<std::size_t, 3> image_size_ = {};  // channels, height, width of the padded image
  ConvolutionShape stem_;
  std::vector<Plan> plans_;
  std::vector<Worker> workers_;
  AlignedVector<float> image_, first_, second_, filtered_, zeros_;
  AlignedVector<float> means_, squeezed_, gates_;  // of the filtered channels
  Team team_;
};

}  // namespace genrewise
