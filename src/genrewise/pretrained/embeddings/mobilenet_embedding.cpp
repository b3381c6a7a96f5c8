// MobileNetV2, pretrained on images, applied to the mel-spectrogram as an image.
#include <fmt/format.h>

#include "genrewise/features/feature_list.hpp"
#include "genrewise/pretrained/embeddings/embeddings.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/weights.hpp"

namespace genrewise {
namespace {

// mel224 ranges from -80 to 0 dB, the network's input from -1 to 1.
constexpr float kHalfRangeDb = 40;

struct MobileNetScratch {
  std::vector<float> image;
  MobileNetV2::Scratch network;
};

class MobileNetEmbedding final : public StoredFeatureSet {
 public:
  MobileNetEmbedding() : MobileNetEmbedding(find_weights("mobilenetv2")) {}

  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    auto& scratch = clip.memory<MobileNetScratch>();
    scratch.image.resize(mel_->size());
    auto made = mel_->extract(clip, scratch.image);
    if (!made) return made;
    for (float& value : scratch.image) value = value / kHalfRangeDb + 1;
    network_.embed_grey(scratch.image, out, scratch.network);
    return {};
  }

 private:
  explicit MobileNetEmbedding(const TensorArchive& weights)
      : StoredFeatureSet({}, {}, mel224_features().sample_rate_hz), mel_(mel224_features().make()), network_(weights) {
    recipe_ = make_recipe("mobilenetv2", 1,
                          fmt::format("mel224 {}, / {} + 1; mobilenetv2 {}", mel_->recipe().hash, kHalfRangeDb,
                                      weights.metadata.at("values_sha256")));
    for (std::size_t i = 1; i <= MobileNetV2::kEmbedding; ++i)
      columns_.push_back({"mobilenetv2", "embedding", fmt::format("{:04}", i)});
  }

  std::unique_ptr<FeatureSet> mel_;
  MobileNetV2 network_;
};

}  // namespace

FeatureSetDescriptor mobilenet_embedding() {
  return {.name = "mobilenetv2",
          .title = "MobileNetV2's embedding of mel224",
          .summary = "ImageNet features of the mel224 picture, whose values stand for three equal colours",
          .columns = MobileNetV2::kEmbedding,
          .shape = "",
          .sample_rate_hz = mel224_features().sample_rate_hz,
          .takes = "any length",
          .weights = {"mobilenetv2"},
          .make = [] { return std::make_unique<MobileNetEmbedding>(); }};
}

}  // namespace genrewise
