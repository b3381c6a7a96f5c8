#include "genrewise/pretrained/inference/mobilenet_v2.hpp"

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/mobile_net.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

/// With three equal colour channels, the filters of the channels can be summed.
PackedWeights grey_stem(const FoldedConvolution& stem) {
  constexpr std::size_t kTaps = 9;
  return {kTaps, stem.bias.size(),
          [&](std::size_t tap, std::size_t o) {
            float sum = 0;
            for (std::size_t c = 0; c < MobileNetV2::kChannels; ++c)
              sum += stem.weight[(o * MobileNetV2::kChannels + c) * kTaps + tap];
            return sum;
          },
          stem.bias};
}

void check(std::size_t pixels, std::size_t expected, std::size_t out, std::size_t expected_out) {
  if (pixels != expected || out != expected_out)
    throw Error(fmt::format("takes {} values and returns {}, not {} and {}", expected, expected_out, pixels, out),
                "MobileNetV2");
}

}  // namespace

struct MobileNetV2::Scratch::Buffers {
  MobileNet::Scratch network;
};
struct MobileNetV2::Networks {
  MobileNet network;
  PackedWeights grey_stem;
};

MobileNetV2::Scratch::Scratch() : buffers_(std::make_shared<Buffers>()) {}

MobileNetV2::MobileNetV2(const TensorArchive& weights) {
  const MobileNetWeights all = body_weights(weights, kMobileNetV2Body);
  networks_ = std::make_shared<const Networks>(Networks{MobileNet(kMobileNetV2Body, all), grey_stem(all.stem)});
}

void MobileNetV2::embed(std::span<const float> image, std::span<float> embedding, Scratch& scratch, int threads) const {
  check(image.size(), kChannels * kSide * kSide, embedding.size(), kEmbedding);
  networks_->network.run({image, kChannels, kSide, kSide}, {embedding, {}, {}}, scratch.buffers_->network, threads);
}

void MobileNetV2::embed_grey(std::span<const float> image, std::span<float> embedding, Scratch& scratch) const {
  check(image.size(), kSide * kSide, embedding.size(), kEmbedding);
  networks_->network.run({image, 1, kSide, kSide, &networks_->grey_stem}, {embedding, {}, {}},
                         scratch.buffers_->network);
}

}  // namespace genrewise
