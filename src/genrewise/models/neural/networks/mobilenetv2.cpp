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

#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise::neural {
namespace {

class TrainedMobileNetV2 final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kSide = 224;

  TrainedMobileNetV2(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork("mobilenetv2", kMobileNetV2Body, kSide, request, head) {}

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
    return {MobileNetV2::kEmbedding, weights.metadata.at("values_sha256"), kSide, embed};
  }

 private:
  static constexpr float kHalfRangeDb = 40;  // mel224 ranges from -80 to 0 dB, the body's images from -1 to 1
  at::Tensor picture(const at::Tensor& examples) const override {
    return PretrainedNetwork::picture(examples) / kHalfRangeDb + 1;
  }
};

}  // namespace

NetworkKind mobilenetv2_kind() {
  return {.make =
              [](const ParameterValues& parameters, const NetworkRequest& request) {
                require_rows(request, TrainedMobileNetV2::kSide, 32, "mobilenetv2", "mel224");
                return std::make_unique<TrainedMobileNetV2>(request, read_head(parameters));
              },
          .one_libtorch_thread = true};
}

}  // namespace genrewise::neural

#endif
