// The expected tensors of each network's weights.
#include <fmt/format.h>

#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise {
namespace {

using Shapes = std::vector<TensorShape>;

void add_dense(Shapes& all, const std::string& name, std::size_t out, std::size_t in) {
  all.push_back({name + ".weight", {out, in}});
  all.push_back({name + ".bias", {out}});
}

Shapes body_tensors(const MobileNetConfig& body) {
  Shapes all;
  const auto convolution = [&](const std::string& name, std::size_t out, std::size_t in, std::size_t kernel) {
    all.push_back({name + (body.mobile_net_v3 ? ".0.weight" : ".weight"), {out, in, kernel, kernel}});
    if (!body.mobile_net_v3) {
      all.push_back({name + ".bias", {out}});
      return;
    }
    for (const char* statistic : {"weight", "bias", "running_mean", "running_var"})
      all.push_back({name + ".1." + statistic, {out}});
  };
  const BodyNames names = names_of(body);
  convolution(names.stem, body.stem_channels, body.in_channels, 3);
  for (std::size_t i = 0; i < body.blocks.size(); ++i) {
    const InvertedResidual& block = body.blocks[i];
    const BodyNames::Block& name = names.blocks[i];
    if (block.expands()) convolution(name.expand, block.expanded, block.in, 1);
    convolution(name.depthwise, block.expanded, 1, block.kernel);
    if (block.squeezed > 0) {
      add_dense(all, name.squeeze, block.squeezed, block.expanded);
      add_dense(all, name.excite, block.expanded, block.squeezed);
    }
    convolution(name.project, block.out, block.expanded, 1);
  }
  convolution(names.head, body.head_channels, body.blocks.back().out, 1);
  return all;
}

Shapes efficientat() {
  Shapes all = body_tensors(kEfficientAtBody);
  add_dense(all, "classifier.2", kEfficientAtHidden, kEfficientAtBody.head_channels);
  add_dense(all, "classifier.5", kEfficientAtClasses, kEfficientAtHidden);
  return all;
}

Shapes musicnn() {
  Shapes all;
  const auto normalisation = [&](const std::string& name, std::size_t channels, const char* ending) {
    for (const char* statistic : {"gamma", "beta", "moving_mean", "moving_variance"})
      all.push_back({fmt::format("{}.{}{}", name, statistic, ending), {channels}});
  };
  // Keras numbers layers of one kind, beginning with the second; the names of their variables end in "_1".
  const auto numbered = [](const char* name, std::size_t i) { return i == 0 ? name : fmt::format("{}_{}", name, i); };
  normalisation("batch_normalization", 1, "_1");
  for (std::size_t i = 0; i < kMusicnnFrontEnds.size(); ++i) {
    const MusicnnFilters& end = kMusicnnFrontEnds[i];
    all.push_back({numbered("conv2d", i) + ".kernel_1", {end.frames, end.bands, 1, end.filters}});
    all.push_back({numbered("conv2d", i) + ".bias_1", {end.filters}});
    normalisation(numbered("batch_normalization", i + 1), end.filters, "_1");
  }
  for (std::size_t i = 1; i <= 3; ++i) {
    const std::size_t in = i == 1 ? kMusicnnFrontChannels : kMusicnnMiddle;
    const std::string name = fmt::format("midend_conv{}", i);
    all.push_back({name + ".kernel", {kMusicnnTimeKernel, in, 1, kMusicnnMiddle}});
    all.push_back({name + ".bias", {kMusicnnMiddle}});
    normalisation("bn_" + name, kMusicnnMiddle, "");
  }
  normalisation("bn_flatpool", 2 * kMusicnnChannels, "");
  all.push_back({"dense.kernel_1", {2 * kMusicnnChannels, kMusicnnDense}});
  all.push_back({"dense.bias_1", {kMusicnnDense}});
  normalisation("bn_dense", kMusicnnDense, "");
  all.push_back({"dense_1.kernel_1", {kMusicnnDense, kMusicnnTags}});
  all.push_back({"dense_1.bias_1", {kMusicnnTags}});
  return all;
}

}  // namespace

BodyNames names_of(const MobileNetConfig& body) {
  BodyNames names{"stem", "head", {}};
  if (body.mobile_net_v3) names = {"features.0", fmt::format("features.{}", body.blocks.size() + 1), {}};
  for (const InvertedResidual& block : body.blocks) {
    BodyNames::Block& own = names.blocks.emplace_back();
    if (!body.mobile_net_v3) {
      const std::string name = fmt::format("blocks.{}.", names.blocks.size() - 1);
      own = {name + "expand", name + "depthwise", "", "", name + "project"};
      continue;
    }
    std::size_t part = 0;
    const auto next = [&] { return fmt::format("features.{}.block.{}", names.blocks.size(), part++); };
    if (block.expands()) own.expand = next();
    own.depthwise = next();
    if (block.squeezed > 0) {
      const std::string layers = next() + ".conc_se_layers.0.";
      own.squeeze = layers + "fc1";
      own.excite = layers + "fc2";
    }
    own.project = next();
  }
  return names;
}

std::vector<float> fold_normalisation(std::vector<float>& filters, std::span<const float> gamma,
                                      std::span<const float> beta, std::span<const float> mean,
                                      std::span<const float> variance) {
  constexpr double kEpsilon = 1e-3;
  std::vector<float> bias(gamma.size());
  const std::size_t per_filter = filters.size() / gamma.size();
  for (std::size_t o = 0; o < gamma.size(); ++o) {
    const double scale = gamma[o] / std::sqrt(variance[o] + kEpsilon);
    bias[o] = static_cast<float>(beta[o] - scale * mean[o]);
    for (std::size_t i = o * per_filter; i < (o + 1) * per_filter; ++i)
      filters[i] = static_cast<float>(scale * filters[i]);
  }
  return bias;
}

std::vector<TensorShape> expected_tensors(std::string_view network) {
  const std::string& name = find_pretrained_network(network).name;
  if (name == "mobilenetv2") return body_tensors(kMobileNetV2Body);
  if (name == "efficientat") return efficientat();
  return musicnn();
}

}  // namespace genrewise
