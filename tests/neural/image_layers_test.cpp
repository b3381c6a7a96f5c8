// Convolutions of images on the CPU: the kernels in single precision beside libtorch's operations in double.
#include <ATen/ATen.h>
#include <gtest/gtest.h>

#include <ostream>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "support/every_target.hpp"

namespace genrewise::neural {
namespace {

struct LayerCase {
  const char* name;
  Integer in, out, kernel, stride, height, width;
  bool depthwise, same, normalised;
  Activation activation;
};
void PrintTo(const LayerCase& c, std::ostream* out) {
  *out << c.name;
}

at::Tensor values(const std::vector<Integer>& shape, std::uint64_t seed, double scale = 1, double offset = 0) {
  Rng rng(seed);
  at::Tensor result = at::empty(shape, at::kDouble);
  for (Integer i = 0; i < result.numel(); ++i) result.data_ptr<double>()[i] = offset + scale * rng.normal();
  return result.to(at::kFloat).to(at::kDouble);  // both precisions hold the same values
}

/// A layer, its input, and the results of a forward and a backward pass, all in one precision.
struct LayerRun {
  Conv2d layer;
  at::Tensor x, y;

  LayerRun(const LayerCase& c, at::ScalarType type, bool training = true) {
    const auto leaf = [&](const at::Tensor& value) { return value.to(type).clone().set_requires_grad(true); };
    layer.weight = leaf(values({c.out, c.depthwise ? 1 : c.in, c.kernel, c.kernel}, 2, 0.3));
    layer.stride = c.stride;
    layer.groups = c.depthwise ? c.in : 1;
    layer.same = c.same;
    if (c.normalised) {
      layer.norm.weight = leaf(values({c.out}, 3, 0.2, 1));
      layer.norm.bias = leaf(values({c.out}, 4));
      layer.norm.mean = values({c.out}, 5, 0.1).to(type);
      layer.norm.variance = values({c.out}, 6, 0.1, 1).to(type);
    } else {
      layer.bias = leaf(values({c.out}, 4));
    }
    x = values({3, c.in, c.height, c.width}, 1).to(type);
    const bool first = !c.depthwise && c.kernel > 1;  // the first layer of a network: its input needs no gradient
    x.set_requires_grad(training && !first);
    Rng noise(1);
    if (!training) {
      const at::NoGradGuard no_grad;
      y = layer(x, c.activation, {});
      return;
    }
    y = layer(x, c.activation, {true, &noise});
    y.backward(values(y.sizes().vec(), 7).to(type));
  }
  std::vector<std::pair<const char*, at::Tensor>> results() const {
    std::vector<std::pair<const char*, at::Tensor>> all = {{"y", y.detach()}, {"weight", layer.weight.grad()}};
    if (x.requires_grad()) all.emplace_back("x", x.grad());
    if (layer.bias.defined()) all.emplace_back("bias", layer.bias.grad());
    if (layer.norm.weight.defined()) {
      all.emplace_back("scale", layer.norm.weight.grad());
      all.emplace_back("shift", layer.norm.bias.grad());
      all.emplace_back("running mean", layer.norm.mean);
      all.emplace_back("running variance", layer.norm.variance);
    }
    return all;
  }
};

constexpr double kFloatTolerance = 2e-5;  // of the largest value: single-precision sums of up to 1,500 products

double relative_difference(const at::Tensor& found, const at::Tensor& expected) {
  return ((found.to(at::kDouble) - expected).abs().max() / expected.abs().max().clamp_min(1e-3)).item<double>();
}

class ImageLayers : public ::testing::TestWithParam<LayerCase> {};

TEST_P(ImageLayers, HaveTheResultsAndGradientsOfLibtorch) {
  const auto expected = LayerRun(GetParam(), at::kDouble).results();
  testing::on_every_target([&] {
    const auto found = LayerRun(GetParam(), at::kFloat).results();
    ASSERT_EQ(found.size(), expected.size());
    for (std::size_t i = 0; i < found.size(); ++i) {
      ASSERT_EQ(found[i].second.sizes(), expected[i].second.sizes()) << found[i].first;
      EXPECT_LT(relative_difference(found[i].second, expected[i].second), kFloatTolerance) << found[i].first;
    }
  });
}

TEST_P(ImageLayers, UseRunningStatisticsWhenNotTraining) {
  const LayerRun expected(GetParam(), at::kDouble, false), found(GetParam(), at::kFloat, false);
  EXPECT_LT(relative_difference(found.y, expected.y), kFloatTolerance);
}

TEST_P(ImageLayers, AreReproducibleForAnyNumberOfThreads) {
  const int before = thread_budget();
  Runtime::current().set_threads(1);
  const auto one = LayerRun(GetParam(), at::kFloat).results();
  Runtime::current().set_threads(3);
  const auto three = LayerRun(GetParam(), at::kFloat).results();
  Runtime::current().set_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) EXPECT_TRUE(at::equal(one[i].second, three[i].second)) << one[i].first;
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, ImageLayers,
    ::testing::Values(LayerCase{"pointwise_bias", 24, 40, 1, 1, 9, 7, false, true, false, Activation::relu6},
                      LayerCase{"pointwise_linear", 8, 16, 1, 1, 5, 5, false, true, false, Activation::none},
                      LayerCase{"pointwise_normalised", 16, 72, 1, 1, 9, 7, false, false, true, Activation::hard_swish},
                      LayerCase{"pointwise_normalised_relu", 8, 8, 1, 1, 20, 20, false, false, true, Activation::relu},
                      LayerCase{"depthwise_bias", 24, 24, 3, 1, 9, 7, true, true, false, Activation::relu6},
                      LayerCase{"depthwise_stride", 72, 72, 3, 2, 8, 11, true, true, false, Activation::relu6},
                      LayerCase{"depthwise_normalised", 16, 16, 5, 1, 9, 13, true, false, true, Activation::hard_swish},
                      LayerCase{"depthwise_wide", 80, 80, 5, 2, 11, 10, true, false, true, Activation::relu},
                      LayerCase{"stem_bias", 1, 16, 3, 2, 12, 10, false, true, false, Activation::relu6},
                      LayerCase{"stem_normalised", 1, 8, 3, 2, 11, 13, false, false, true, Activation::hard_swish}),
    [](const auto& one) { return std::string(one.param.name); });

}  // namespace
}  // namespace genrewise::neural
