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

#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise::neural {
namespace {

class TrainedEfficientAt final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kBands = 128;

  TrainedEfficientAt(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork("efficientat", kEfficientAtBody, kBands, request, head) {}

  BodyEngine body_engine(int workers) const override {
    const TensorArchive weights = find_weights("efficientat");
    const auto engine = std::make_shared<const EfficientAt>(weights);
    const auto scratch = std::make_shared<std::vector<EfficientAt::Scratch> >(static_cast<std::size_t>(workers));
    const auto embed = [engine, scratch](std::span<const float> example, std::span<float> embedding, int worker) {
      engine->run(example, example.size() / kBands, {embedding, {}, {}, {}},
                  (*scratch)[static_cast<std::size_t>(worker)]);
    };
    return {EfficientAt::kEmbedding, weights.metadata.at("values_sha256"), 0, embed};
  }
};

}  // namespace

NetworkKind efficientat_kind() {
  return {.make =
              [](const ParameterValues& parameters, const NetworkRequest& request) {
                require_rows(request, TrainedEfficientAt::kBands, 32, "efficientat", "mel128");
                return std::make_unique<TrainedEfficientAt>(request, read_head(parameters));
              },
          .one_libtorch_thread = true};
}

}  // namespace genrewise::neural

#endif
