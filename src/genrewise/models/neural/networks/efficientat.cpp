// EfficientAT mn04, fine-tuned from its AudioSet weights on log-mel spectrograms.
#include "genrewise/models/networks/network_descriptor.hpp"

#ifndef GENREWISE_LIBTORCH  // compiled into the plain library

namespace genrewise::networks {

const ClassifierDescriptor& efficientat() {
  static const ClassifierDescriptor descriptor =
      network_descriptor({.kind = "efficientat",
                          .title = "EfficientAT on log-mel spectrograms",
                          .summary = "AudioSet weights and a dense head; train it on mel128",
                          .parameters = head_parameters("none"),
                          .defaults = {{"frozen_epochs", "1"},
                                       {"body_rate", "0.3"},
                                       {"optimiser", "adamw"},
                                       {"weight_decay", "0.01"},
                                       {"schedule", "cosine"},
                                       {"warmup_epochs", "1"},
                                       {"epochs", "20"}}});
  return descriptor;
}

}  // namespace genrewise::networks

#else  // compiled into genrewise-neural

#include <ATen/ATen.h>
#include <fmt/format.h>

#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise::neural {
namespace {

class TrainedEfficientAt final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kBands = 128;

  TrainedEfficientAt(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork({kBands, request.inputs / kBands}, {.folded = false}) {
    Rng rng(derive_seed(request.seed, "efficientat start"));
    BodyMaker make(weights(), rng, style_);
    const auto part = [&](const std::string& name, std::size_t in, std::size_t out, std::size_t kernel,
                          std::size_t stride, bool depthwise = false) {
      return make.convolution(name + ".0", name + ".1", in, out, kernel, stride, depthwise);
    };
    stem_ = part("features.0", 1, kEfficientAtStem, 3, 2);
    for (std::size_t i = 0; i < kEfficientAtBlocks.size(); ++i) {
      const InvertedResidual& layout = kEfficientAtBlocks[i];
      const std::string name = fmt::format("features.{}.block.", i + 1);
      std::size_t number = 0;
      const auto next = [&] { return name + std::to_string(number++); };
      Block block;
      block.expands = layout.expands();
      block.residual = layout.residual();
      block.hard_swish = layout.hard_swish;
      if (block.expands) block.expand = part(next(), layout.in, layout.expanded, 1, 1);
      block.depthwise = part(next(), layout.expanded, layout.expanded, layout.kernel, layout.stride, true);
      if (layout.squeezed > 0) {
        const std::string layers = next() + ".conc_se_layers.0.";
        block.squeeze = make.dense(layers + "fc1", layout.expanded, layout.squeezed);
        block.excite = make.dense(layers + "fc2", layout.squeezed, layout.expanded);
      }
      block.project = part(next(), layout.expanded, layout.out, 1, 1);
      blocks_.push_back(std::move(block));
    }
    last_ = part(fmt::format("features.{}", kEfficientAtBlocks.size() + 1), kEfficientAtBlocks.back().out,
                 kEfficientAtHead, 1, 1);
    WeightMaker make_head(weights(), rng);
    head_ = Head(make_head, "head", kEfficientAtHead, head.hidden, request.classes, head.dropout_share, false);
    head_.input_dropout = head.hidden.empty() ? head.dropout_share : 0;
    if (request.pretrained) take_weights("efficientat");
  }

  BodyEngine body_engine(int workers) const override {
    const TensorArchive weights = find_weights("efficientat");
    const auto engine = std::make_shared<const EfficientAt>(weights);
    const auto scratch = std::make_shared<std::vector<EfficientAt::Scratch> >(static_cast<std::size_t>(workers));
    const auto embed = [engine, scratch, frames = input().cols](std::span<const float> example,
                                                                std::span<float> embedding, int worker) {
      engine->run(example, frames, {embedding, {}, {}, {}}, (*scratch)[static_cast<std::size_t>(worker)]);
    };
    return {EfficientAt::kEmbedding, weights.metadata.at("values_sha256"), embed};
  }

 private:
  at::Tensor picture(const at::Tensor& examples) const override { return grey(examples); }
  at::Tensor stem(const at::Tensor& x, const Pass& pass) const override { return stem_(x, pass); }
};

}  // namespace

NetworkKind efficientat_kind() {
  return {.make = [](const ParameterValues& parameters, const NetworkRequest& request) {
    require_rows(request, TrainedEfficientAt::kBands, 32, "efficientat", "mel128");
    return std::make_unique<TrainedEfficientAt>(request, read_head(parameters));
  }};
}

}  // namespace genrewise::neural

#endif
