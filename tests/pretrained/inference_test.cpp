// The inference engine: against plain loops on small networks with random weights (golden_test.cpp: against the
// reference implementations).
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/inference/efficientat.hpp"
#include "genrewise/pretrained/inference/kernels.hpp"
#include "genrewise/pretrained/inference/mobile_net.hpp"
#include "genrewise/pretrained/inference/mobilenet_v2.hpp"
#include "genrewise/pretrained/inference/musicnn.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "support/every_target.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::largest_difference;
using testing::on_every_target;
using testing::random_floats;
using testing::random_weights;

// Sums of a few hundred products of values around one, in another order.
constexpr float kSumTolerance = 2e-4f;

float activated(float value, const Activation& activation) {
  if (activation.hard_swish) return value * std::clamp(value + 3, 0.0f, 6.0f) / 6;
  return std::clamp(value, activation.low, activation.high);
}

TEST_ON_EVERY_TARGET(Multiply, EqualsPlainLoopsForAllCountsOfRowsAndColumns) {
  for (const std::size_t columns : {1, 8, 15, 16, 24, 40, 51}) {
    for (const std::size_t rows : {1, 2, 5, 6, 7, 13, 49, 300}) {
      const std::size_t depth = 37, stride = (columns + 7) / 8 * 8;
      const auto a = random_floats(rows * depth, rows), b = random_floats(depth * columns, columns),
                 bias = random_floats(columns, 3), add = random_floats(rows * stride, 4);
      const PackedWeights packed(
          depth, columns, [&](std::size_t k, std::size_t c) { return b[k * columns + c]; }, bias);
      for (const Activation& activation : {kNoActivation, kRelu, kRelu6, kHardSwish}) {
        std::vector<float> out(rows * stride);
        multiply(packed, {a.data(), depth, depth}, rows, {out.data(), stride, add.data()}, activation);
        float worst = 0;
        for (std::size_t r = 0; r < rows; ++r) {
          for (std::size_t c = 0; c < columns; ++c) {
            float sum = bias[c];
            for (std::size_t k = 0; k < depth; ++k) sum += a[r * depth + k] * b[k * columns + c];
            worst = std::max(worst, std::abs(activated(sum, activation) + add[r * stride + c] - out[r * stride + c]));
          }
        }
        EXPECT_LT(worst, kSumTolerance) << rows << " x " << columns;
      }
    }
  }
}

TEST_ON_EVERY_TARGET(Multiply, AcceptsWindowsOfAConvolutionAsRows) {
  const std::size_t width = 12, runs = 3, run = 4, columns = 8;
  const auto image = random_floats(width * runs, 1), b = random_floats(runs * run * columns, 2);
  const PackedWeights packed(runs * run, columns, [&](std::size_t k, std::size_t c) { return b[k * columns + c]; }, {});
  std::vector<float> out(5 * columns);
  multiply(packed, {image.data(), 2, run, runs, width}, 5, {out.data(), columns, nullptr});
  for (std::size_t r = 0; r < 5; ++r) {
    float sum = 0;
    for (std::size_t k = 0; k < runs * run; ++k) sum += image[k / run * width + r * 2 + k % run] * b[k * columns + 3];
    EXPECT_NEAR(out[r * columns + 3], sum, kSumTolerance);
  }
}

TEST_ON_EVERY_TARGET(MultiplyLargest, IsTheMaximumOverTheRows) {
  const std::size_t rows = 59, depth = 38, columns = 51;
  const auto a = random_floats(rows + depth, 1), b = random_floats(depth * columns, 2);
  const PackedWeights packed(depth, columns, [&](std::size_t k, std::size_t c) { return b[k * columns + c]; }, {});
  for (const PackedWeights::Panel& panel : packed.panels()) {
    float largest[PackedWeights::kMostOctets * kOctet];
    multiply_largest(packed, panel, {a.data(), 1, depth}, rows, largest);
    for (std::size_t c = panel.first_octet * kOctet; c < std::min(columns, (panel.first_octet + panel.octets) * kOctet);
         ++c) {
      float expected = -INFINITY;
      for (std::size_t r = 0; r < rows; ++r) {
        float sum = 0;
        for (std::size_t k = 0; k < depth; ++k) sum += a[r + k] * b[k * columns + c];
        expected = std::max(expected, sum);
      }
      EXPECT_NEAR(largest[c - panel.first_octet * kOctet], expected, kSumTolerance);
    }
  }
}

TEST_ON_EVERY_TARGET(MultiplyLargestPair, IsTheMaximumOfBothCombinationsOfTheSegments) {
  const std::size_t rows = 30, depth = 5, segments = 3, columns = 51;
  const auto a = random_floats(rows + depth + 100 * segments, 1), b = random_floats(segments * depth * columns, 2);
  const std::vector<std::array<float, 2>> share = {{1, 2}, {0.5f, -1}, {0, 3}};
  const PackedWeights packed(segments * depth, columns,
                             [&](std::size_t k, std::size_t c) { return b[k * columns + c]; }, {});
  for (const PackedWeights::Panel& panel : packed.panels()) {
    float largest[2][PackedWeights::kMostOctets * kOctet];
    multiply_largest_pair(packed, panel, {a.data(), 1, depth, segments, 100}, share, rows, {largest[0], largest[1]});
    const std::size_t first = panel.first_octet * kOctet;
    for (std::size_t c = first; c < std::min(columns, first + panel.octets * kOctet); ++c)
      for (std::size_t j = 0; j < 2; ++j) {
        float expected = -INFINITY;
        for (std::size_t r = 0; r < rows; ++r) {
          float sum = 0;
          for (std::size_t s = 0; s < segments; ++s)
            for (std::size_t k = 0; k < depth; ++k)
              sum += share[s][j] * a[r + s * 100 + k] * b[(s * depth + k) * columns + c];
          expected = std::max(expected, sum);
        }
        EXPECT_NEAR(largest[j][c - first], expected, kSumTolerance);
      }
  }
}

TEST_ON_EVERY_TARGET(Multiply, LeavesAGapAfterEachRun) {
  const std::size_t rows = 29, run = 3, gap = 8, columns = 24, depth = 4;
  const auto a = random_floats(rows * depth, 1), b = random_floats(depth * columns, 2);
  const PackedWeights packed(depth, columns, [&](std::size_t k, std::size_t c) { return b[k * columns + c]; }, {});
  std::vector<float> dense(rows * columns), spread((rows + rows / run) * columns, 7);
  multiply(packed, {a.data(), depth, depth}, rows, {dense.data(), columns});
  multiply(packed, {a.data(), depth, depth}, rows, {spread.data(), columns, nullptr, run, gap});
  for (std::size_t r = 0; r < rows; ++r) {
    const float* const row = spread.data() + r * columns + r / run * gap;
    EXPECT_TRUE(std::equal(row, row + columns, dense.begin() + static_cast<std::ptrdiff_t>(r * columns))) << r;
    if (r % run == run - 1) {
      EXPECT_THAT(std::span(row + columns, gap), ::testing::Each(7)) << r;
    }
  }
}

TEST_ON_EVERY_TARGET(ChannelKernels, EqualPlainLoops) {
  const std::size_t count = 700, channels = 24;
  auto rows = random_floats(count * channels, 1);
  for (float& value : rows) value += 100;  // the deviations are small beside the means
  std::vector<float> means(channels), deviations(channels);
  mean_and_deviation(rows.data(), count, channels, channels, means.data(), deviations.data());
  auto scaled = rows;
  scale_channels(scaled.data(), count, channels, deviations.data());
  for (std::size_t c = 0; c < channels; ++c) {
    double sum = 0, squares = 0;
    for (std::size_t i = 0; i < count; ++i) sum += rows[i * channels + c];
    const double mean = sum / static_cast<double>(count);
    for (std::size_t i = 0; i < count; ++i) squares += std::pow(rows[i * channels + c] - mean, 2);
    EXPECT_FLOAT_EQ(means[c], static_cast<float>(mean));
    EXPECT_NEAR(deviations[c], std::sqrt(squares / static_cast<double>(count)), 1e-5);
    for (std::size_t i = 0; i < count; ++i) ASSERT_EQ(scaled[i * channels + c], rows[i * channels + c] * deviations[c]);
  }
}

TEST(ConvolutionShape, PadsAsTensorFlowOrAsPyTorch) {
  const ConvolutionShape same = convolution_shape(224, 7, 3, 2, Padding::same);
  EXPECT_EQ(same.out_height, 112u);
  EXPECT_EQ(same.pad_top, 0u);
  EXPECT_EQ(same.out_width, 4u);
  EXPECT_EQ(same.pad_left, 1u);
  const ConvolutionShape symmetric = convolution_shape(224, 7, 5, 2, Padding::symmetric);
  EXPECT_EQ(symmetric.out_height, 112u);
  EXPECT_EQ(symmetric.pad_top, 2u);
  EXPECT_EQ(symmetric.out_width, 4u);
}

/// channels last; weights channels x kernel x kernel.
std::vector<float> plain_depthwise(const ConvolutionShape& shape, std::size_t channels, const std::vector<float>& in,
                                   const std::vector<float>& weights, const std::vector<float>& bias,
                                   const Activation& activation) {
  std::vector<float> out(shape.out_pixels() * channels);
  for (std::size_t y = 0; y < shape.out_height; ++y)
    for (std::size_t x = 0; x < shape.out_width; ++x)
      for (std::size_t c = 0; c < channels; ++c) {
        float sum = bias[c];
        for (std::size_t ky = 0; ky < shape.kernel; ++ky)
          for (std::size_t kx = 0; kx < shape.kernel; ++kx) {
            const std::size_t row = y * shape.stride + ky - shape.pad_top,
                              column = x * shape.stride + kx - shape.pad_left;
            if (row < shape.in_height && column < shape.in_width)  // values below zero have wrapped around
              sum += in[(row * shape.in_width + column) * channels + c] *
                     weights[(c * shape.kernel + ky) * shape.kernel + kx];
          }
        out[(y * shape.out_width + x) * channels + c] = activated(sum, activation);
      }
  return out;
}

/// All rows by Depthwise::apply(), with the padding around a copy of the image.
std::vector<float> filtered(const Depthwise& depthwise, const ConvolutionShape& shape, std::size_t channels,
                            const std::vector<float>& in, const Activation& activation) {
  const std::size_t pitch = shape.pitch() * channels,
                    height = std::max(shape.in_height, shape.out_height * shape.stride);
  std::vector<float> padded((height + 2 * shape.kernel) * pitch), out(shape.out_pixels() * channels);
  for (std::size_t y = 0; y < shape.in_height; ++y)
    std::copy_n(in.begin() + static_cast<std::ptrdiff_t>(y * shape.in_width * channels), shape.in_width * channels,
                padded.begin() + static_cast<std::ptrdiff_t>((y + shape.pad_top) * pitch + shape.pad_left * channels));
  // The octets and the rows in two parts, as the network's threads take them.
  const std::size_t half = shape.out_height / 2;
  for (const auto& [first, octets] : {std::pair<std::size_t, std::size_t>{0, 2}, {2, channels / kOctet - 2}})
    for (const auto& [y, rows] : {std::pair<std::size_t, std::size_t>{0, half}, {half, shape.out_height - half}}) {
      if (rows == 0) continue;
      std::vector<const float*> input;
      for (std::size_t i = 0; i < (rows - 1) * shape.stride + shape.kernel; ++i)
        input.push_back(padded.data() + (y * shape.stride + i) * pitch + first * kOctet);
      depthwise.apply({first, octets, rows, shape.out_width, shape.stride, input, channels,
                       out.data() + y * shape.out_width * channels + first * kOctet, channels},
                      activation);
    }
  return out;
}

TEST_ON_EVERY_TARGET(Depthwise, EqualsPlainLoopsForAllKernelsStridesPaddingsAndSizes) {
  constexpr std::size_t kChannels = 40;  // whole vectors and a remainder, of every instruction set
  for (const std::size_t kernel : {3, 5})
    for (const std::size_t stride : {1, 2})
      for (const Padding padding : {Padding::same, Padding::symmetric})
        for (const std::size_t height : {1, 2, 7, 8})
          for (const std::size_t width : {1, 2, 3, 5, 6, 13, 20}) {
            const auto shape = convolution_shape(height, width, kernel, stride, padding);
            const auto in = random_floats(height * width * kChannels, width),
                       weights = random_floats(kChannels * kernel * kernel, 2), bias = random_floats(kChannels, 3);
            const Depthwise depthwise(kChannels, kernel, weights, bias);
            const auto out = filtered(depthwise, shape, kChannels, in, kHardSwish);
            EXPECT_LT(largest_difference(out, plain_depthwise(shape, kChannels, in, weights, bias, kHardSwish)), 1e-5f)
                << kernel << " " << stride << " " << height << " " << width;
          }
}

TEST(Depthwise, RefusesUnsupportedKernels) {
  EXPECT_THROW(Depthwise(8, 7, std::vector<float>(8 * 49), std::vector<float>(8)), Error);
  EXPECT_THROW(Depthwise(12, 3, std::vector<float>(12 * 9), std::vector<float>(12)), Error);
}

// A small network with all features of the large ones: no expansion, residuals, strides, both kernels,
// squeeze-and-excitation.
constexpr InvertedResidual kSmallBlocks[] = {{8, 8, 8, 3, 1},
                                             {8, 24, 16, 3, 2},
                                             {16, 40, 16, 5, 1, 8},
                                             {16, 48, 24, 5, 2, 16, true},
                                             {24, 96, 24, 3, 1, 0, true}};
constexpr std::size_t kSmallStem = 8, kSmallHead = 40;

MobileNetWeights small_weights(std::size_t in_channels) {
  std::uint64_t seed = 100;
  const auto convolution = [&](std::size_t out, std::size_t taps) {
    FoldedConvolution made;
    made.weight = random_floats(out * taps, ++seed, 2 / std::sqrt(static_cast<float>(taps)));
    made.bias = random_floats(out, ++seed);
    return made;
  };
  MobileNetWeights all;
  all.stem = convolution(kSmallStem, 9 * in_channels);
  for (const InvertedResidual& block : kSmallBlocks) {
    MobileNetWeights::Block made;
    if (block.expands()) made.expand = convolution(block.expanded, block.in);
    made.depthwise = convolution(block.expanded, block.kernel * block.kernel);
    made.project = convolution(block.out, block.expanded);
    if (block.squeezed > 0) {
      const FoldedConvolution squeeze = convolution(block.squeezed, block.expanded),
                              excite = convolution(block.expanded, block.squeezed);
      made.squeeze = {squeeze.weight, squeeze.bias};
      made.excite = {excite.weight, excite.bias};
    }
    all.blocks.push_back(std::move(made));
  }
  all.head = convolution(kSmallHead, std::size(kSmallBlocks) ? kSmallBlocks[4].out : 0);
  return all;
}

std::vector<float> plain_pointwise(const std::vector<float>& in, std::size_t in_channels, std::size_t out_channels,
                                   const FoldedConvolution& folded, const Activation& activation) {
  std::vector<float> out(in.size() / in_channels * out_channels);
  for (std::size_t i = 0; i < in.size() / in_channels; ++i)
    for (std::size_t o = 0; o < out_channels; ++o) {
      float sum = folded.bias[o];
      for (std::size_t c = 0; c < in_channels; ++c) sum += in[i * in_channels + c] * folded.weight[o * in_channels + c];
      out[i * out_channels + o] = activated(sum, activation);
    }
  return out;
}

std::vector<float> plain_means(const std::vector<float>& in, std::size_t channels) {
  std::vector<double> sums(channels);
  for (std::size_t i = 0; i < in.size(); ++i) sums[i % channels] += in[i];
  std::vector<float> means;
  for (const double sum : sums)
    means.push_back(static_cast<float>(sum * static_cast<double>(channels) / static_cast<double>(in.size())));
  return means;
}

struct PlainOutput {
  std::vector<float> embedding, means, deviations;
};

PlainOutput plain_network(const MobileNetConfig& config, const MobileNetWeights& weights,
                          const std::vector<float>& image, std::size_t height, std::size_t width) {
  const Activation outer = config.mobile_net_v3 ? kHardSwish : kRelu6;
  ConvolutionShape shape = convolution_shape(height, width, 3, 2, config.padding);
  std::vector<float> data(shape.out_pixels() * config.stem_channels);
  for (std::size_t i = 0; i < data.size(); ++i) {
    const std::size_t o = i % config.stem_channels, x = i / config.stem_channels % shape.out_width,
                      y = i / config.stem_channels / shape.out_width;
    float sum = weights.stem.bias[o];
    for (std::size_t c = 0; c < config.in_channels; ++c)
      for (std::size_t k = 0; k < 9; ++k) {
        const std::size_t row = 2 * y + k / 3 - shape.pad_top, column = 2 * x + k % 3 - shape.pad_left;
        if (row < height && column < width)
          sum += image[(c * height + row) * width + column] * weights.stem.weight[(o * config.in_channels + c) * 9 + k];
      }
    data[i] = activated(sum, outer);
  }
  PlainOutput out;
  for (std::size_t b = 0; b < config.blocks.size(); ++b) {
    const InvertedResidual& block = config.blocks[b];
    const MobileNetWeights::Block& block_weights = weights.blocks[b];
    const Activation inner = !config.mobile_net_v3 ? kRelu6 : block.hard_swish ? kHardSwish : kRelu;
    std::vector<float> wide = data;
    if (block.expands()) wide = plain_pointwise(data, block.in, block.expanded, block_weights.expand, inner);
    shape = convolution_shape(shape.out_height, shape.out_width, block.kernel, block.stride, config.padding);
    wide = plain_depthwise(shape, block.expanded, wide, block_weights.depthwise.weight, block_weights.depthwise.bias,
                           inner);
    if (block.squeezed > 0) {
      const auto squeezed = plain_pointwise(plain_means(wide, block.expanded), block.expanded, block.squeezed,
                                            {block_weights.squeeze.weight, block_weights.squeeze.bias}, kRelu);
      const auto gates = plain_pointwise(squeezed, block.squeezed, block.expanded,
                                         {block_weights.excite.weight, block_weights.excite.bias}, kNoActivation);
      for (std::size_t i = 0; i < wide.size(); ++i) wide[i] *= 1 / (1 + std::exp(-gates[i % block.expanded]));
    }
    auto projected = plain_pointwise(wide, block.expanded, block.out, block_weights.project, kNoActivation);
    if (block.residual())
      for (std::size_t i = 0; i < projected.size(); ++i) projected[i] += data[i];
    data = projected;
    const auto means = plain_means(data, block.out);
    auto squares = data;
    for (std::size_t i = 0; i < squares.size(); ++i) squares[i] = std::pow(data[i] - means[i % block.out], 2.0f);
    for (const float mean : means) out.means.push_back(mean);
    for (const float variance : plain_means(squares, block.out)) out.deviations.push_back(std::sqrt(variance));
  }
  out.embedding = plain_means(
      plain_pointwise(data, config.blocks.back().out, config.head_channels, weights.head, outer), config.head_channels);
  return out;
}

class SmallMobileNet : public ::testing::TestWithParam<std::tuple<Padding, bool, std::size_t>> {};

TEST_P(SmallMobileNet, EqualsPlainLoopsOnAnyNumberOfThreads) {
  const auto [padding, v3, in_channels] = GetParam();
  const MobileNetConfig config{kSmallBlocks, in_channels, kSmallStem, kSmallHead, padding, v3};
  const MobileNetWeights weights = small_weights(in_channels);
  MobileNet::Scratch scratch;
  // The last one is too large for the cache: its rows are processed in bands.
  for (const auto& [height, width] :
       {std::pair<std::size_t, std::size_t>{40, 60}, {33, 21}, {2, 3}, {64, 301}, {200, 300}}) {
    const auto image = random_floats(in_channels * height * width, height);
    const PlainOutput expected = plain_network(config, weights, image, height, width);
    on_every_target([&, size = std::array{height, width}] {
      const MobileNet network(config, weights);
      const MobileNet::Image input{image, in_channels, size[0], size[1]};
      const std::size_t channels = network.block_channels();
      std::vector<float> embedding(kSmallHead), means(channels), deviations(channels), by_threads(kSmallHead);
      network.run(input, {embedding, means, deviations}, scratch);
      EXPECT_LT(largest_difference(embedding, expected.embedding), kSumTolerance) << size[0] << " x " << size[1];
      EXPECT_LT(largest_difference(means, expected.means), kSumTolerance);
      EXPECT_LT(largest_difference(deviations, expected.deviations), kSumTolerance);
      network.run(input, {by_threads, {}, {}}, scratch, 3);
      EXPECT_EQ(by_threads, embedding);
    });
  }
}

INSTANTIATE_TEST_SUITE_P(Networks, SmallMobileNet,
                         ::testing::Combine(::testing::Values(Padding::same, Padding::symmetric), ::testing::Bool(),
                                            ::testing::Values(std::size_t{1}, std::size_t{3})));

TEST(MobileNetV2Engine, TreatsAGreyImageAsThreeEqualColours) {
  const MobileNetV2 network(random_weights("mobilenetv2", 5));
  constexpr std::size_t kPixels = MobileNetV2::kSide * MobileNetV2::kSide;
  const auto grey = random_floats(kPixels, 7);
  std::vector<float> colour;
  for (int c = 0; c < 3; ++c) colour.insert(colour.end(), grey.begin(), grey.end());
  MobileNetV2::Scratch scratch;
  std::vector<float> a(MobileNetV2::kEmbedding), b(a);
  network.embed(colour, a, scratch);
  network.embed_grey(grey, b, scratch);
  EXPECT_LT(largest_difference(a, b), 1e-3f * *std::ranges::max_element(a));
}

TEST(MobileNetV2Engine, RefusesAnImageOfAnotherSize) {
  const MobileNetV2 network(random_weights("mobilenetv2", 5));
  MobileNetV2::Scratch scratch;
  std::vector<float> embedding(MobileNetV2::kEmbedding);
  EXPECT_THROW(network.embed(std::vector<float>(100), embedding, scratch), Error);
}

struct MusicnnResult {
  std::vector<float> most = std::vector<float>(Musicnn::kChannels), mean = most,
                     penultimate = std::vector<float>(Musicnn::kPenultimate), tags = std::vector<float>(Musicnn::kTags);
  Musicnn::Output output() { return {most, mean, penultimate, tags}; }
};

/// A front-end channel of musicnn over time, by plain loops.
std::vector<float> plain_front(const TensorArchive& weights, const std::string& convolution,
                               const std::string& normalisation, std::size_t frames, std::size_t bands,
                               std::size_t filters, std::size_t filter, const std::vector<float>& patch) {
  const auto all = [&](const std::string& name) { return weights.floats(name, weights.count(name)); };
  const auto normalise = [&](float value, const std::string& name, std::size_t i) {
    return (value - all(name + ".moving_mean_1")[i]) / std::sqrt(all(name + ".moving_variance_1")[i] + 1e-3f) *
               all(name + ".gamma_1")[i] +
           all(name + ".beta_1")[i];
  };
  const auto kernel = all(convolution + ".kernel_1");
  std::vector<float> in;
  for (const float value : patch) in.push_back(normalise(value, "batch_normalization", 0));
  std::vector<float> result;
  for (std::size_t t = 0; t < Musicnn::kFrames; ++t) {
    float largest = -INFINITY;
    for (std::size_t f = 0; f + bands <= Musicnn::kBands; ++f) {
      float sum = all(convolution + ".bias_1")[filter];
      for (std::size_t k = 0; k < frames * bands; ++k) {
        const std::size_t row = t + k / bands - (frames - 1) / 2;
        if (row < Musicnn::kFrames) sum += in[row * Musicnn::kBands + f + k % bands] * kernel[k * filters + filter];
      }
      largest = std::max(largest, normalise(std::max(0.0f, sum), normalisation, filter));
    }
    result.push_back(largest);
  }
  return result;
}

TEST(MusicnnEngine, FrontEndEqualsPlainLoopsAlsoForNegativeScales) {
  TensorArchive weights = random_weights("musicnn_msd", 3);
  auto gamma = weights.floats("batch_normalization_1.gamma_1", 204);
  gamma[203] = -gamma[203];
  weights.put("batch_normalization_1.gamma_1", std::span<const float>(gamma));
  const auto patch = random_floats(Musicnn::kFrames * Musicnn::kBands, 9);
  MusicnnResult result;
  Musicnn::Scratch scratch;
  Musicnn(weights).run(patch, result.output(), scratch);
  const auto expect = [&](const char* convolution, const char* normalisation, std::size_t frames, std::size_t bands,
                          std::size_t filters, std::size_t filter, std::size_t channel) {
    const auto plain = plain_front(weights, convolution, normalisation, frames, bands, filters, filter, patch);
    EXPECT_NEAR(result.most[channel], *std::ranges::max_element(plain), kSumTolerance) << convolution;
    EXPECT_NEAR(result.mean[channel], plain_means(plain, 1)[0], kSumTolerance) << convolution;
  };
  expect("conv2d", "batch_normalization_1", 7, 38, 204, 203, 203);
  expect("conv2d", "batch_normalization_1", 7, 38, 204, 17, 17);
  expect("conv2d_1", "batch_normalization_2", 7, 67, 204, 100, 304);
  expect("conv2d_2", "batch_normalization_3", 128, 1, 51, 50, 458);
  expect("conv2d_3", "batch_normalization_4", 64, 1, 51, 0, 459);
  expect("conv2d_4", "batch_normalization_5", 32, 1, 51, 7, 517);
}

TEST(MusicnnEngine, IsReproducibleWithAUsedScratchAndThreads) {
  const Musicnn network(random_weights("musicnn_msd", 3));
  const auto patch = random_floats(Musicnn::kFrames * Musicnn::kBands, 9), other = random_floats(patch.size(), 10);
  MusicnnResult first, second;
  Musicnn::Scratch scratch;
  network.run(patch, first.output(), scratch);
  network.run(other, second.output(), scratch);
  network.run(patch, second.output(), scratch, 2);
  EXPECT_EQ(first.tags, second.tags);
  EXPECT_EQ(first.most, second.most);
}

}  // namespace
}  // namespace genrewise
