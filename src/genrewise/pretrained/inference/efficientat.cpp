#include "genrewise/pretrained/inference/efficientat.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/mobile_net.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

/// The convolution `name`.0 with its batch normalisation `name`.1 folded in.
FoldedConvolution convolution(const TensorArchive& weights, const std::string& name) {
  constexpr double kEpsilon = 1e-3;
  FoldedConvolution folded{weights.floats(name + ".0.weight"), weights.floats(name + ".1.bias")};
  const auto gamma = weights.floats(name + ".1.weight"), mean = weights.floats(name + ".1.running_mean"),
             variance = weights.floats(name + ".1.running_var");
  const std::size_t per_filter = folded.weight.size() / gamma.size();
  for (std::size_t o = 0; o < gamma.size(); ++o) {
    const double scale = gamma[o] / std::sqrt(variance[o] + kEpsilon);
    folded.bias[o] = static_cast<float>(folded.bias[o] - scale * mean[o]);
    for (std::size_t i = 0; i < per_filter; ++i)
      folded.weight[o * per_filter + i] = static_cast<float>(scale * folded.weight[o * per_filter + i]);
  }
  return folded;
}

DenseLayer dense_layer(const TensorArchive& weights, const std::string& name) {
  return {weights.floats(name + ".weight"), weights.floats(name + ".bias")};
}

MobileNetWeights folded_weights(const TensorArchive& weights) {
  MobileNetWeights all{.stem = convolution(weights, "features.0"),
                       .blocks = {},
                       .head = convolution(weights, fmt::format("features.{}", kEfficientAtBlocks.size() + 1))};
  for (std::size_t i = 0; i < kEfficientAtBlocks.size(); ++i) {
    const std::string name = fmt::format("features.{}.block.", i + 1);
    std::size_t part = 0;
    MobileNetWeights::Block block;
    if (kEfficientAtBlocks[i].expands()) block.expand = convolution(weights, name + std::to_string(part++));
    block.depthwise = convolution(weights, name + std::to_string(part++));
    if (kEfficientAtBlocks[i].squeezed > 0) {
      const std::string layers = fmt::format("{}{}.conc_se_layers.0.", name, part++);
      block.squeeze = dense_layer(weights, layers + "fc1");
      block.excite = dense_layer(weights, layers + "fc2");
    }
    block.project = convolution(weights, name + std::to_string(part));
    all.blocks.push_back(std::move(block));
  }
  return all;
}

constexpr MobileNetConfig kConfig{.blocks = kEfficientAtBlocks,
                                  .in_channels = 1,
                                  .stem_channels = kEfficientAtStem,
                                  .head_channels = kEfficientAtHead,
                                  .padding = Padding::symmetric,
                                  .mobile_net_v3 = true};

PackedWeights packed(const DenseLayer& layer, std::size_t in, std::size_t out) {
  return {in, out, [&](std::size_t i, std::size_t o) { return layer.weight[o * in + i]; }, layer.bias};
}

}  // namespace

struct EfficientAt::Scratch::Buffers {
  MobileNet::Scratch network;
  AlignedVector<float> hidden, logits;
};
struct EfficientAt::Network {
  MobileNet convolutions;
  PackedWeights hidden, classes;
};

EfficientAt::Scratch::Scratch() : buffers_(std::make_unique<Buffers>()) {}
EfficientAt::Scratch::~Scratch() = default;
EfficientAt::Scratch::Scratch(Scratch&&) noexcept = default;

EfficientAt::EfficientAt(const TensorArchive& weights)
    : network_(std::make_shared<const Network>(
          Network{MobileNet(kConfig, folded_weights(weights)),
                  packed(dense_layer(weights, "classifier.2"), kEfficientAtHead, kEfficientAtHidden),
                  packed(dense_layer(weights, "classifier.5"), kEfficientAtHidden, kEfficientAtClasses)})) {
  static_assert(kClasses == kEfficientAtClasses && kEmbedding == kEfficientAtHead);
  if (network_->convolutions.block_channels() != kBlockChannels)
    throw Error("has another number of channels", "EfficientAt");
}

void EfficientAt::run(std::span<const float> mel, std::size_t frames, const Output& output, Scratch& scratch) const {
  if (frames == 0 || mel.size() != kBands * frames || output.embedding.size() != kEmbedding)
    throw Error(fmt::format("takes {} bands x {} frames, not {} values", kBands, frames, mel.size()), "EfficientAt");
  Scratch::Buffers& buffers = *scratch.buffers_;
  network_->convolutions.run({mel, 1, kBands, frames}, {output.embedding, output.block_means, output.block_deviations},
                             buffers.network);
  if (output.logits.empty()) return;
  buffers.hidden.resize(network_->hidden.octets() * kOctet);
  buffers.logits.resize(network_->classes.octets() * kOctet);
  multiply(network_->hidden, {output.embedding.data(), kEmbedding, kEmbedding}, 1,
           {buffers.hidden.data(), buffers.hidden.size(), nullptr}, kHardSwish);
  multiply(network_->classes, {buffers.hidden.data(), kEfficientAtHidden, kEfficientAtHidden}, 1,
           {buffers.logits.data(), buffers.logits.size(), nullptr});
  std::copy_n(buffers.logits.begin(), kClasses, output.logits.begin());
}

}  // namespace genrewise
