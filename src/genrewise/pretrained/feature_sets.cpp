#include "genrewise/pretrained/feature_sets.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/features/feature_list.hpp"
#include "genrewise/features/joined_features.hpp"
#include "genrewise/pretrained/embeddings/embeddings.hpp"

namespace genrewise {
namespace {

using enum EmbeddingPart;

/// Every feature set, sorted by name. A new one of a pretrained network is one line here.
std::vector<FeatureSetDescriptor> listed() {
  std::vector<FeatureSetDescriptor> all = listed_feature_sets();
  all.push_back(mel128_features());
  all.push_back(mobilenet_embedding());
  const auto add = [&](const char* name, const char* title, const char* summary, std::vector<EmbeddingPart> parts) {
    all.push_back(audio_embedding(name, title, summary, std::move(parts)));
  };
  add("audiotag", "pools of EfficientAT and musicnn", "EfficientAT's blocks and musicnn (MSD)",
      {efficientat_pools, msd_pools});
  const auto all_layers = audio_embedding("audiotag_all", "all layers: EfficientAT, musicnn",
                                          "penultimate layers, pools, classes and tags of all three networks",
                                          {efficientat_penultimate, efficientat_pools, efficientat_classes,
                                           msd_penultimate, msd_pools, msd_tags, mtt_penultimate, mtt_pools, mtt_tags});
  all.push_back(all_layers);
  all.push_back(joined_features("audiotag_music", "all network layers, and music",
                                "audiotag_all and music, what separated genres best (docs/recipe.md)",
                                {all_layers, music_features()}));
  add("efficientat", "EfficientAT: last layer and blocks", "mn04 (AudioSet): penultimate layer and pools of its blocks",
      {efficientat_penultimate, efficientat_pools});
  add("efficientat_classes", "EfficientAT: AudioSet's classes", "logits of AudioSet's 527 classes",
      {efficientat_classes});
  add("audiotag_labels", "EfficientAT classes, musicnn tags",
      "527 logits of AudioSet's classes and 50 + 50 tags (MSD and MTT)", {efficientat_classes, msd_tags, mtt_tags});
  add("efficientat_penultimate", "EfficientAT: last layer", "the last convolution, averaged",
      {efficientat_penultimate});
  add("efficientat_pools", "EfficientAT: blocks", "mean and standard deviation of every block", {efficientat_pools});
  add("musicnn", "musicnn: last layers and channels", "penultimate layers and pools (MSD and MTT)",
      {msd_penultimate, msd_pools, mtt_penultimate, mtt_pools});
  add("musicnn_msd", "musicnn (MSD): last layer", "penultimate layer, trained on the Million Song Dataset",
      {msd_penultimate});
  add("musicnn_msd_pools", "musicnn (MSD): channels", "maximum and mean of the channels", {msd_pools});
  add("musicnn_mtt", "musicnn (MTT): last layer", "penultimate layer, trained on MagnaTagATune", {mtt_penultimate});
  add("musicnn_mtt_pools", "musicnn (MTT): channels", "maximum and mean of the channels", {mtt_pools});
  add("musicnn_pools", "musicnn: channels", "maximum and mean of the channels (MSD and MTT)", {msd_pools, mtt_pools});
  add("musicnn_tags", "musicnn: tags", "50 + 50 tags (MSD and MTT)", {msd_tags, mtt_tags});
  std::ranges::sort(all, {}, &FeatureSetDescriptor::name);
  return all;
}

}  // namespace

const std::vector<FeatureSetDescriptor>& feature_sets() {
  static const std::vector<FeatureSetDescriptor> all = listed();
  return all;
}

std::vector<std::string> feature_set_names() {
  std::vector<std::string> names;
  for (const FeatureSetDescriptor& set : feature_sets()) names.push_back(set.name);
  return names;
}

const FeatureSetDescriptor& feature_set_descriptor(std::string_view name) {
  const auto& all = feature_sets();
  const auto found = std::ranges::find(all, name, &FeatureSetDescriptor::name);
  if (found == all.end())
    throw UnknownName(fmt::format("there is no feature set \"{}\"", name), "--features",
                      fmt::format("choose one of: {}", fmt::join(feature_set_names(), ", ")));
  return *found;
}

std::unique_ptr<FeatureSet> make_feature_set(std::string_view name) {
  return feature_set_descriptor(name).make();
}

std::vector<std::unique_ptr<FeatureSet>> make_feature_sets(std::string_view list) {
  std::vector<std::unique_ptr<FeatureSet>> sets;
  for (const std::string& name : split_text(list, ',')) {
    sets.push_back(make_feature_set(trimmed(name)));
    if (std::ranges::count(sets, sets.back()->recipe(), [](const auto& set) { return set->recipe(); }) > 1)
      throw UsageError(fmt::format("{} is given twice", trimmed(name)), "--features", "name each feature set once");
  }
  return sets;
}

nlohmann::json to_json(const FeatureSetDescriptor& set) {
  return {{"name", set.name},       {"title", set.title},    {"summary", set.summary},
          {"columns", set.columns}, {"shape", set.shape},    {"sample_rate_hz", set.sample_rate_hz},
          {"takes", set.takes},     {"weights", set.weights}};
}

std::string feature_sets_markdown() {
  std::string table = "| name | numbers | rate | takes | what |\n|---|---|---|---|---|\n";
  for (const FeatureSetDescriptor& set : feature_sets()) {
    const std::string rate = set.sample_rate_hz == 0 ? "the file's" : fmt::format("{} Hz", set.sample_rate_hz);
    table += fmt::format("| `{}` | {} | {} | {} | {}: {} |\n", set.name, set.columns, rate, set.takes, set.title,
                         set.summary);
  }
  return table;
}

}  // namespace genrewise
