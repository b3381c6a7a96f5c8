#include "genrewise/pretrained/embeddings/embeddings.hpp"

namespace genrewise {
namespace {

using enum EmbeddingPart;

struct Set {
  const char *name, *description;
  std::vector<EmbeddingPart> parts;
};

const std::vector<Set>& audio_sets() {
  static const std::vector<Set> all = {
      {"audiotag",
       "what told genres apart best: the pools of EfficientAT's blocks and of musicnn (MSD)",
       {efficientat_pools, msd_pools}},
      {"efficientat",
       "EfficientAT mn04 (AudioSet): penultimate layer and pools of its blocks",
       {efficientat_penultimate, efficientat_pools}},
      {"efficientat_classes", "EfficientAT's logits of AudioSet's 527 classes", {efficientat_classes}},
      {"efficientat_penultimate", "EfficientAT's last convolution, averaged", {efficientat_penultimate}},
      {"efficientat_pools", "mean and standard deviation of every block of EfficientAT", {efficientat_pools}},
      {"musicnn",
       "musicnn (MSD and MTT): penultimate layers and pools",
       {msd_penultimate, msd_pools, mtt_penultimate, mtt_pools}},
      {"musicnn_msd", "musicnn's penultimate layer, trained on the Million Song Dataset", {msd_penultimate}},
      {"musicnn_msd_pools", "maximum and mean of musicnn's channels (MSD)", {msd_pools}},
      {"musicnn_mtt", "musicnn's penultimate layer, trained on MagnaTagATune", {mtt_penultimate}},
      {"musicnn_mtt_pools", "maximum and mean of musicnn's channels (MTT)", {mtt_pools}},
      {"musicnn_pools", "maximum and mean of musicnn's channels (MSD and MTT)", {msd_pools, mtt_pools}},
      {"musicnn_tags", "musicnn's 50 + 50 tags (MSD and MTT)", {msd_tags, mtt_tags}},
  };
  return all;
}

}  // namespace

void register_embeddings() {
  register_feature_set("mobilenetv2", make_mobilenet_embedding);
  for (const Set& set : audio_sets())
    register_feature_set(set.name, [&set] { return make_audio_embedding(set.name, set.description, set.parts); });
}

}  // namespace genrewise
