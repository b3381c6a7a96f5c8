#include "genrewise/pretrained/inference/mobile_net.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

// The expanded channels that are computed at a time fit into half of the second-level cache of current CPUs.
constexpr std::size_t kExpandedBytes = 160 * 1024;
constexpr std::size_t kStemKernel = 3, kStemStride = 2;

void grow(AlignedVector<float>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

/// Mean and (unless null) standard deviation over all pixels of each channel, a multiple of 8.
void pool(const float* pixels, std::size_t count, std::size_t channels, float* means, float* deviations) {
  for (std::size_t octet = 0; octet < channels / kOctet; ++octet) {
    const float* const from = pixels + octet * kOctet;
    // After centring on the first pixel, single precision suffices for the sums of one run of pixels.
    constexpr std::size_t kRun = 256;
    const Octet centre = octet_at(from);
    double sum[kOctet] = {}, squares[kOctet] = {};
    for (std::size_t start = 0; start < count; start += kRun) {
      Octet run_sum{}, run_squares{};
      for (std::size_t i = start; i < std::min(count, start + kRun); ++i) {
        const Octet value = octet_at(from + i * channels) - centre;
        run_sum += value;
        run_squares += value * value;
      }
      for (std::size_t lane = 0; lane < kOctet; ++lane) {
        sum[lane] += run_sum[lane];
        squares[lane] += run_squares[lane];
      }
    }
    const double n = static_cast<double>(count);
    for (std::size_t lane = 0; lane < kOctet; ++lane) {
      const double mean = sum[lane] / n;
      means[octet * kOctet + lane] = static_cast<float>(centre[lane] + mean);
      if (deviations)
        deviations[octet * kOctet + lane] =
            static_cast<float>(std::sqrt(std::max(0.0, squares[lane] / n - mean * mean)));
    }
  }
}

void dense(const DenseLayer& layer, std::span<const float> in, std::span<float> out) {
  for (std::size_t o = 0; o < out.size(); ++o) {
    const float* const weight = layer.weight.data() + o * in.size();
    float sum = layer.bias[o];
    for (std::size_t i = 0; i < in.size(); ++i) sum += weight[i] * in[i];
    out[o] = sum;
  }
}

}  // namespace

PackedWeights pointwise(const FoldedConvolution& folded, std::size_t in, std::size_t out) {
  return {in, out, [&](std::size_t i, std::size_t o) { return folded.weight[o * in + i]; }, folded.bias};
}

DenseLayer dense_layer(const TensorArchive& weights, const std::string& name) {
  return {weights.floats(name + ".weight"), weights.floats(name + ".bias")};
}

MobileNetWeights body_weights(const TensorArchive& weights, const MobileNetConfig& config) {
  const auto convolution = [&](const std::string& name) {
    if (!config.mobile_net_v3) return dense_layer(weights, name);
    const auto statistic = [&](const char* part) { return weights.floats(name + ".1." + part); };
    FoldedConvolution folded{weights.floats(name + ".0.weight"), {}};
    folded.bias = fold_normalisation(folded.weight, statistic("weight"), statistic("bias"), statistic("running_mean"),
                                     statistic("running_var"));
    return folded;
  };
  const BodyNames names = names_of(config);
  MobileNetWeights all{.stem = convolution(names.stem), .blocks = {}, .head = convolution(names.head)};
  for (std::size_t i = 0; i < config.blocks.size(); ++i) {
    const BodyNames::Block& name = names.blocks[i];
    MobileNetWeights::Block& block = all.blocks.emplace_back();
    if (config.blocks[i].expands()) block.expand = convolution(name.expand);
    block.depthwise = convolution(name.depthwise);
    block.project = convolution(name.project);
    if (config.blocks[i].squeezed == 0) continue;
    block.squeeze = dense_layer(weights, name.squeeze);
    block.excite = dense_layer(weights, name.excite);
  }
  return all;
}

MobileNet::MobileNet(const MobileNetConfig& config, const MobileNetWeights& weights)
    : padding_(config.padding),
      stem_channels_(config.stem_channels),
      activation_(config.mobile_net_v3 ? kHardSwish : kRelu6),
      head_(pointwise(weights.head, config.blocks.back().out, config.head_channels)) {
  const std::size_t in = config.in_channels, run = kStemKernel * in;
  stem_ = {kStemKernel * run, config.stem_channels,
           [&](std::size_t at, std::size_t o) {
             const std::size_t y = at / run, x = at % run / in, c = at % in;
             return weights.stem.weight[((o * in + c) * kStemKernel + y) * kStemKernel + x];
           },
           weights.stem.bias};
  for (std::size_t i = 0; i < config.blocks.size(); ++i) {
    const InvertedResidual& layout = config.blocks[i];
    const MobileNetWeights::Block& block_weights = weights.blocks[i];
    Block block{
        .layout = layout,
        .activation = !config.mobile_net_v3 ? kRelu6
                      : layout.hard_swish   ? kHardSwish
                                            : kRelu,
        .expand = {},
        .project = pointwise(block_weights.project, layout.expanded, layout.out),
        .depthwise = {layout.expanded, layout.kernel, block_weights.depthwise.weight, block_weights.depthwise.bias},
        .squeeze = block_weights.squeeze,
        .excite = block_weights.excite};
    if (layout.expands()) block.expand = pointwise(block_weights.expand, layout.in, layout.expanded);
    blocks_.push_back(std::move(block));
  }
}

std::size_t MobileNet::block_channels() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.layout.out;
  return sum;
}

void MobileNet::run(const Image& image, const Output& output, Scratch& scratch) const {
  const ConvolutionShape stem = convolution_shape(image.height, image.width, kStemKernel, kStemStride, padding_);
  run_stem(image, stem, scratch);
  std::size_t height = stem.out_height, width = stem.out_width, channel = 0;
  for (const Block& block : blocks_) {
    const InvertedResidual& layout = block.layout;
    const ConvolutionShape shape = convolution_shape(height, width, layout.kernel, layout.stride, padding_);
    run_block(block, shape, scratch);
    std::swap(scratch.in_, scratch.out_);
    if (!output.block_means.empty())
      pool(scratch.in_.data(), shape.out_pixels(), layout.out, output.block_means.data() + channel,
           output.block_deviations.data() + channel);
    channel += layout.out;
    height = shape.out_height;
    width = shape.out_width;
  }
  const std::size_t pixels = height * width, channels = head_.octets() * kOctet, depth = blocks_.back().layout.out;
  grow(scratch.filtered_, pixels * channels);
  multiply(head_, {scratch.in_.data(), depth, depth}, pixels, {scratch.filtered_.data(), channels, nullptr},
           activation_);
  pool(scratch.filtered_.data(), pixels, channels, output.embedding.data(), nullptr);
}

void MobileNet::run_stem(const Image& image, const ConvolutionShape& shape, Scratch& scratch) const {
  const std::size_t channels = image.channels, height = image.height, width = image.width;
  const std::size_t padded_height = (shape.out_height - 1) * kStemStride + kStemKernel;
  const std::size_t padded_width = (shape.out_width - 1) * kStemStride + kStemKernel;
  const std::size_t pitch = std::max(padded_width, width + shape.pad_left) * channels;  // floats between rows
  const std::array<std::size_t, 3> size = {channels, height, width};
  if (scratch.image_size_ != size) {  // else the padding is zero already
    scratch.image_.assign(std::max(padded_height, height + shape.pad_top) * pitch, 0.0f);
    scratch.image_size_ = size;
  }
  for (std::size_t y = 0; y < height; ++y) {
    float* const row = scratch.image_.data() + (y + shape.pad_top) * pitch + shape.pad_left * channels;
    for (std::size_t c = 0; c < channels; ++c) {
      const float* const from = image.values.data() + (c * height + y) * width;
      for (std::size_t x = 0; x < width; ++x) row[x * channels + c] = from[x];
    }
  }
  grow(scratch.in_, shape.out_pixels() * stem_channels_);
  for (std::size_t y = 0; y < shape.out_height; ++y) {
    const RowsIn windows{scratch.image_.data() + y * kStemStride * pitch, kStemStride * channels,
                         kStemKernel * channels, kStemKernel, pitch};
    multiply(image.stem ? *image.stem : stem_, windows, shape.out_width,
             {scratch.in_.data() + y * shape.out_width * stem_channels_, stem_channels_, nullptr}, activation_);
  }
}

/// From in_ to out_.
void MobileNet::run_block(const Block& block, const ConvolutionShape& shape, Scratch& scratch) const {
  const std::size_t pixels = shape.out_pixels(), wide = block.layout.expanded;
  grow(scratch.filtered_, pixels * wide);
  grow(scratch.out_, pixels * block.layout.out);
  const float* const in = scratch.in_.data();
  float* const filtered = scratch.filtered_.data();
  if (block.layout.expands()) {
    // At least one panel of columns, however large the image is.
    grow(scratch.expanded_, std::max(kExpandedBytes / sizeof(float), shape.in_pixels() * 3 * kOctet));
    const std::size_t panels = block.expand.panels().size();
    const std::size_t fitting = kExpandedBytes / (shape.in_pixels() * 2 * kOctet * sizeof(float));
    const std::size_t at_once = std::clamp<std::size_t>(fitting, 1, panels);
    for (std::size_t p = 0; p < panels; p += at_once)
      expand_and_filter(block, shape, p, std::min(panels, p + at_once), scratch);
  } else {
    block.depthwise.apply(shape, {0, wide / kOctet, 0, shape.out_height}, in, wide, filtered, wide, block.activation);
  }
  if (block.layout.squeezed > 0) {
    // Squeeze-and-excitation: multiplies each channel by a gate between 0 and 1 that depends on the means of all.
    std::vector<float>&means = scratch.means_, &squeezed = scratch.squeezed_, &gates = scratch.gates_;
    means.resize(wide);
    squeezed.resize(block.layout.squeezed);
    gates.resize(wide);
    pool(filtered, pixels, wide, means.data(), nullptr);
    dense(block.squeeze, means, squeezed);
    for (float& value : squeezed) value = std::max(0.0f, value);
    dense(block.excite, squeezed, gates);
    for (float& gate : gates) gate = 1 / (1 + std::exp(-gate));
    for (std::size_t i = 0; i < pixels; ++i)
      for (std::size_t c = 0; c < wide; ++c) filtered[i * wide + c] *= gates[c];
  }
  multiply(block.project, {filtered, wide, wide}, pixels,
           {scratch.out_.data(), block.layout.out, block.layout.residual() ? in : nullptr});
}

/// Expansion and depthwise convolution of some panels of the expanded channels.
void MobileNet::expand_and_filter(const Block& block, const ConvolutionShape& shape, std::size_t first_panel,
                                  std::size_t last_panel, Scratch& scratch) const {
  const std::size_t first_octet = block.expand.panels()[first_panel].first_octet;
  const PackedWeights::Panel& end = block.expand.panels()[last_panel - 1];
  const std::size_t octets = end.first_octet + end.octets - first_octet, stride = octets * kOctet;
  float* const expanded = scratch.expanded_.data();
  // A few rows are expanded and filtered at a time: the filter's input is still in the cache.
  const std::size_t rows_at_once =
      std::max<std::size_t>(1, kExpandedBytes / 2 / (shape.in_width * stride * sizeof(float) * shape.stride));
  for (std::size_t y = 0, ready = 0; y < shape.out_height; y += rows_at_once) {
    const std::size_t last_row = std::min(shape.out_height, y + rows_at_once);
    const std::size_t reach = (last_row - 1) * shape.stride + shape.kernel;
    const std::size_t needed = std::min(shape.in_height, reach - std::min(reach, shape.pad_top));
    if (needed > ready) {
      const RowsIn rows{scratch.in_.data() + ready * shape.in_width * block.layout.in, block.layout.in,
                        block.layout.in};
      float* const to = expanded + ready * shape.in_width * stride - first_octet * kOctet;
      multiply(block.expand, rows, (needed - ready) * shape.in_width, {to, stride, nullptr}, block.activation,
               first_panel, last_panel);
      ready = needed;
    }
    block.depthwise.apply(shape, {first_octet, octets, y, last_row}, expanded, stride,
                          scratch.filtered_.data() + first_octet * kOctet, block.layout.expanded, block.activation);
  }
}

}  // namespace genrewise
