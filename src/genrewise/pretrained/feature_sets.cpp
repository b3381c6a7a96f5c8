#include "genrewise/pretrained/feature_sets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/embeddings/embeddings.hpp"
#include "genrewise/pretrained/embeddings/mel128.hpp"

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

/// Every feature set, by name.
std::vector<NamedFeatureSet> listed() {
  std::vector<NamedFeatureSet> all = engineered_feature_sets();
  all.push_back({"mel128", make_mel128});
  all.push_back({"mobilenetv2", make_mobilenet_embedding});
  for (const Set& set : audio_sets())
    all.push_back({set.name, [&set] { return make_audio_embedding(set.name, set.description, set.parts); }});
  std::ranges::sort(all, {}, &NamedFeatureSet::name);
  return all;
}

}  // namespace

const std::vector<NamedFeatureSet>& feature_sets() {
  static const std::vector<NamedFeatureSet> all = listed();
  return all;
}

std::vector<std::string> feature_set_names() {
  std::vector<std::string> names;
  for (const NamedFeatureSet& set : feature_sets()) names.push_back(set.name);
  return names;
}

std::unique_ptr<FeatureSet> make_feature_set(std::string_view name) {
  const auto& all = feature_sets();
  const auto found = std::ranges::find(all, name, &NamedFeatureSet::name);
  if (found == all.end())
    throw UnknownName(fmt::format("there is no feature set \"{}\"", name), "--features",
                      fmt::format("choose one of: {}", fmt::join(feature_set_names(), ", ")));
  return found->make();
}

}  // namespace genrewise
