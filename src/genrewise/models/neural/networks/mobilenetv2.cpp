// MobileNetV2 1.0, fine-tuned from its ImageNet weights on mel-spectrograms.
#include "genrewise/models/networks/network_descriptor.hpp"

#ifndef GENREWISE_LIBTORCH  // compiled into the plain library

namespace genrewise::networks {

const ClassifierDescriptor& mobilenetv2() {
  static const ClassifierDescriptor descriptor =
      network_descriptor({.kind = "mobilenetv2",
                          .title = "MobileNetV2 on mel-spectrograms",
                          .summary = "ImageNet weights and a dense head; train it on mel224",
                          .parameters = head_parameters("128"),
                          .defaults = {{"frozen_epochs", "-1"}, {"epochs", "30"}}});
  return descriptor;
}

}  // namespace genrewise::networks

#else  // compiled into genrewise-neural

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise::neural {
namespace {

class TrainedMobileNetV2 final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kSide = 224, kColours = 3;

  TrainedMobileNetV2(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork({kSide, request.inputs / kSide}, {.folded = true}) {
    Rng rng(derive_seed(request.seed, "mobilenetv2 start"));
    BodyMaker make(weights(), rng, style_);
    stem_ = make.convolution("stem", "", kColours, kMobileNetV2Stem, 3, 2);
    for (std::size_t i = 0; i < kMobileNetV2Blocks.size(); ++i) {
      const InvertedResidual& layout = kMobileNetV2Blocks[i];
      const std::string name = fmt::format("blocks.{}.", i);
      Block block;
      block.expands = layout.expands();
      block.residual = layout.residual();
      if (block.expands) block.expand = make.convolution(name + "expand", "", layout.in, layout.expanded, 1, 1);
      block.depthwise = make.convolution(name + "depthwise", "", layout.expanded, layout.expanded, layout.kernel,
                                         layout.stride, true);
      block.project = make.convolution(name + "project", "", layout.expanded, layout.out, 1, 1);
      blocks_.push_back(std::move(block));
    }
    last_ = make.convolution("head", "", kMobileNetV2Blocks.back().out, kMobileNetV2Head, 1, 1);
    WeightMaker make_head(weights(), rng);
    head_ = Head(make_head, "head", kMobileNetV2Head, head.hidden, request.classes, head.dropout_share, false);
    head_.input_dropout = head.hidden.empty() ? head.dropout_share : 0;
    if (request.pretrained) take_weights("mobilenetv2");
  }

  BodyEngine body_engine(int workers) const override {
    if (input().cols != kSide) return {};
    const TensorArchive weights = find_weights("mobilenetv2");
    const auto engine = std::make_shared<const MobileNetV2>(weights);
    const auto scratch = std::make_shared<std::vector<MobileNetV2::Scratch> >(static_cast<std::size_t>(workers));
    const auto embed = [engine, scratch](std::span<const float> example, std::span<float> embedding, int worker) {
      std::vector<float> image(example.begin(), example.end());
      for (float& value : image) value = value / kHalfRangeDb + 1;
      engine->embed_grey(image, embedding, (*scratch)[static_cast<std::size_t>(worker)]);
    };
    return {MobileNetV2::kEmbedding, weights.metadata.at("values_sha256"), embed};
  }

 private:
  static constexpr float kHalfRangeDb = 40;  // mel224 ranges from -80 to 0 dB, the body's images from -1 to 1
  at::Tensor picture(const at::Tensor& examples) const override { return grey(examples) / kHalfRangeDb + 1; }
  /// With three equal colour channels, the filters of the channels can be summed.
  at::Tensor stem(const at::Tensor& x, const Pass& pass) const override {
    Conv2d grey_stem = stem_;
    grey_stem.weight = stem_.weight.sum(at::IntArrayRef{1}, true);
    return grey_stem(x, pass);
  }
};

}  // namespace

NetworkKind mobilenetv2_kind() {
  return {.make = [](const ParameterValues& parameters, const NetworkRequest& request) {
    require_rows(request, TrainedMobileNetV2::kSide, 32, "mobilenetv2", "mel224");
    return std::make_unique<TrainedMobileNetV2>(request, read_head(parameters));
  }};
}

}  // namespace genrewise::neural

#endif
