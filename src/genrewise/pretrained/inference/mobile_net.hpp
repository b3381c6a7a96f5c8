// Networks of inverted residual blocks (MobileNetV2, EfficientAT's MobileNetV3) on the CPU. Private to this module.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "genrewise/dsp/lanes.hpp"
#include "genrewise/pretrained/inference/depthwise.hpp"
#include "genrewise/pretrained/inference/multiply.hpp"
#include "genrewise/pretrained/inference/team.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise {

/// A convolution with its batch normalisation folded in: weights OIHW, one bias per output channel.
struct FoldedConvolution {
  std::vector<float> weight, bias;
};

struct DenseLayer {
  std::vector<float> weight, bias;  // outputs x inputs
};

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

struct MobileNetConfig {
  std::span<const InvertedResidual> blocks;
  std::size_t in_channels = 3, stem_channels = 32, head_channels = 1280;
  Padding padding = Padding::same;
  bool mobile_net_v3 = false;  ///< hard-swish in stem and head, ReLU or hard-swish in the blocks; else ReLU6 everywhere
};

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
  void run(const Image& image, const Output& output, Scratch& scratch, int threads = 1) const;

 private:
  struct Block {
    InvertedResidual layout;
    Activation activation;
    PackedWeights expand, project;
    Depthwise depthwise;
    DenseLayer squeeze, excite;
  };
  void plan(const Image& image, int threads, Scratch& scratch) const;
  void work(const Image& image, const Output& output, Scratch& scratch, const Worker& worker) const;
  void pad_image(const Image& image, Scratch& scratch, const Worker& worker) const;
  void run_stem(const Image& image, float* out, Scratch& scratch, const Worker& worker) const;
  void expand_and_filter(const Block& block, const ConvolutionShape& shape, const float* in, Scratch& scratch,
                         const Worker& worker) const;
  /// Some panels of a matrix, for some rows: of the image in an expansion, of pixels in a projection.
  struct Part {
    std::size_t first_panel, last_panel, first, last;
  };
  void expand_and_filter_part(const Block& block, const ConvolutionShape& shape, const float* in, const Part& part,
                              Scratch& scratch, const Worker& worker) const;
  void project_part(const Block& block, const float* in, float* out, const Part& part, const Scratch& scratch) const;
  static bool goes_by_rows(const Block& block, const ConvolutionShape& shape, const Worker& worker);
  static std::size_t panels_at_once(const Block& block, const ConvolutionShape& shape);
  void run_rows(const Block& block, const ConvolutionShape& shape, const float* in, float* out, Scratch& scratch,
                const Worker& worker) const;
  void find_gates(const Block& block, Scratch& scratch, const Worker& worker) const;
  void project(const Block& block, const ConvolutionShape& shape, const float* in, float* out, Scratch& scratch,
               const Worker& worker) const;
  void run_head(std::size_t pixels, const float* in, std::span<float> embedding, Scratch& scratch,
                const Worker& worker) const;

  MobileNetConfig config_;
  std::vector<InvertedResidual> layout_;
  Activation stem_activation_, head_activation_;
  PackedWeights stem_, head_;
  std::vector<Block> blocks_;
};

class MobileNet::Scratch {
  friend class MobileNet;
  std::size_t channels_ = 0, height_ = 0, width_ = 0;
  int threads_ = 0;
  ConvolutionShape stem_;
  std::vector<ConvolutionShape> blocks_;
  std::size_t image_pitch_ = 0;  // floats between rows of the padded image
  AlignedVector<float> image_, in_, out_, filtered_;
  std::vector<float> means_;  // of the filtered channels
  struct Own {                // per worker
    AlignedVector<float> expanded;
    std::vector<float> squeezed, gates;
  };
  std::vector<Own> own_;
  std::unique_ptr<Team> team_ = std::make_unique<Team>();
};

}  // namespace genrewise
