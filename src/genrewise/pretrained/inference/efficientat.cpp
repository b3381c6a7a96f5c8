#include "genrewise/pretrained/inference/efficientat.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/mobile_net.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
struct EfficientAt::Scratch::Buffers {
  MobileNet::Scratch network;
  AlignedVector<float> hidden, logits;
};
struct EfficientAt::Network {
  MobileNet convolutions;
  PackedWeights hidden, classes;
};

EfficientAt::Scratch::Scratch() : buffers_(std::make_shared<Buffers>()) {}

EfficientAt::EfficientAt(const TensorArchive& weights)
    : network_(std::make_shared<const Network>(
          Network{MobileNet(kEfficientAtBody, body_weights(weights, kEfficientAtBody)),
                  pointwise(dense_layer(weights, "classifier.2"), kEmbedding, kEfficientAtHidden),
                  pointwise(dense_layer(weights, "classifier.5"), kEfficientAtHidden, kEfficientAtClasses)})) {
  static_assert(kClasses == kEfficientAtClasses && kEmbedding == kEfficientAtBody.head_channels);
  if (network_->convolutions.block_channels() != kBlockChannels)
    throw Error("has another number of channels", "EfficientAt");
}

void EfficientAt::run(std::span<const float> mel, std::size_t frames, const Output& output, Scratch& scratch,
                      int threads) const {
  if (frames == 0 || mel.size() != kBands * frames || output.embedding.size() != kEmbedding)
    throw Error(fmt::format("takes {} bands x {} frames, not {} values", kBands, frames, mel.size()), "EfficientAt");
  Scratch::Buffers& buffers = *scratch.buffers_;
  network_->convolutions.run({mel, 1, kBands, frames}, {output.embedding, output.block_means, output.block_deviations},
                             buffers.network, threads);
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
