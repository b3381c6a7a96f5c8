// The expected tensors of each network's weights.
#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise {
namespace {

using Shapes = std::vector<TensorShape>;

Shapes mobilenet_v2() {
  Shapes all;
  const auto convolution = [&](const std::string& name, std::size_t out, std::size_t in, std::size_t kernel) {
    all.push_back({name + ".weight", {out, in, kernel, kernel}});
    all.push_back({name + ".bias", {out}});
  };
  convolution("stem", kMobileNetV2Stem, 3, 3);
  for (std::size_t i = 0; const InvertedResidual& block : kMobileNetV2Blocks) {
    const std::string name = fmt::format("blocks.{}.", i++);
    if (block.expands()) convolution(name + "expand", block.expanded, block.in, 1);
    convolution(name + "depthwise", block.expanded, 1, block.kernel);
    convolution(name + "project", block.out, block.expanded, 1);
  }
  convolution("head", kMobileNetV2Head, kMobileNetV2Blocks.back().out, 1);
  return all;
}

Shapes efficientat() {
  Shapes all;
  const auto convolution = [&](const std::string& name, std::size_t out, std::size_t in, std::size_t kernel) {
    all.push_back({name + ".0.weight", {out, in, kernel, kernel}});
    for (const char* statistic : {"weight", "bias", "running_mean", "running_var"})
      all.push_back({name + ".1." + statistic, {out}});
  };
  const auto dense = [&](const std::string& name, std::size_t out, std::size_t in) {
    all.push_back({name + ".weight", {out, in}});
    all.push_back({name + ".bias", {out}});
  };
  convolution("features.0", kEfficientAtStem, 1, 3);
  for (std::size_t i = 1; const InvertedResidual& block : kEfficientAtBlocks) {
    const std::string name = fmt::format("features.{}.block.", i++);
    std::size_t part = 0;
    if (block.expands()) convolution(name + std::to_string(part++), block.expanded, block.in, 1);
    convolution(name + std::to_string(part++), block.expanded, 1, block.kernel);
    if (block.squeezed > 0) {
      const std::string layers = fmt::format("{}{}.conc_se_layers.0.", name, part++);
      dense(layers + "fc1", block.squeezed, block.expanded);
      dense(layers + "fc2", block.expanded, block.squeezed);
    }
    convolution(name + std::to_string(part), block.out, block.expanded, 1);
  }
  convolution(fmt::format("features.{}", kEfficientAtBlocks.size() + 1), kEfficientAtHead,
              kEfficientAtBlocks.back().out, 1);
  dense("classifier.2", kEfficientAtHidden, kEfficientAtHead);
  dense("classifier.5", kEfficientAtClasses, kEfficientAtHidden);
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

std::vector<TensorShape> expected_tensors(std::string_view network) {
  const std::string& name = find_pretrained_network(network).name;
  if (name == "mobilenetv2") return mobilenet_v2();
  if (name == "efficientat") return efficientat();
  return musicnn();
}

}  // namespace genrewise
