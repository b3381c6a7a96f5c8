#include "genrewise/pretrained/inference/mobile_net.hpp"

#include <algorithm>
#include <cmath>

#include "genrewise/records/tensor_archive.hpp"

namespace genrewise {
namespace {

// What is computed at a time fits into the second-level cache of current processors, beside the weights of a block.
constexpr std::size_t kExpandedFloats = 160 * 1024 / sizeof(float);
constexpr std::size_t kFilteredFloats = 320 * 1024 / sizeof(float);
constexpr std::size_t kStemKernel = 3, kStemStride = 2;

void grow(AlignedVector<float>& buffer, std::size_t size) {
  if (buffer.size() < size) buffer.resize(size);
}

}  // namespace

ConvolutionShape convolution_shape(std::size_t height, std::size_t width, std::size_t kernel, std::size_t stride,
                                   Padding padding) {
  ConvolutionShape shape{.in_height = height, .in_width = width, .kernel = kernel, .stride = stride};
  const auto side = [&](std::size_t in, std::size_t& out, std::size_t& pad) {
    if (padding == Padding::symmetric) {
      pad = (kernel - 1) / 2;
      out = (in + 2 * pad - kernel) / stride + 1;
    } else {
      out = (in + stride - 1) / stride;
      const std::size_t reach = (out - 1) * stride + kernel;
      pad = reach > in ? (reach - in) / 2 : 0;
    }
  };
  side(height, shape.out_height, shape.pad_top);
  side(width, shape.out_width, shape.pad_left);
  return shape;
}

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
        .squeeze = {},
        .excite = {}};
    if (layout.expands()) block.expand = pointwise(block_weights.expand, layout.in, layout.expanded);
    if (layout.squeezed > 0) {
      block.squeeze = pointwise(block_weights.squeeze, layout.expanded, layout.squeezed);
      block.excite = pointwise(block_weights.excite, layout.squeezed, layout.expanded);
    }
    blocks_.push_back(std::move(block));
  }
}

std::size_t MobileNet::block_channels() const {
  std::size_t sum = 0;
  for (const Block& block : blocks_) sum += block.layout.out;
  return sum;
}

/// Chooses how each block is computed, and reserves the memory for it.
void MobileNet::plan(const Image& image, Scratch& scratch, int threads) const {
  const auto team = static_cast<std::size_t>(threads);
  scratch.stem_ = convolution_shape(image.height, image.width, kStemKernel, kStemStride, padding_);
  scratch.plans_.clear();
  scratch.workers_.resize(team);
  std::size_t height = scratch.stem_.out_height, width = scratch.stem_.out_width;
  std::size_t most = height * width * stem_channels_;
  for (const Block& block : blocks_) {
    const std::size_t wide = block.layout.expanded;
    const ConvolutionShape shape = convolution_shape(height, width, block.layout.kernel, block.layout.stride, padding_);
    Plan plan{.shape = shape};
    const std::size_t filtered = shape.out_pixels() * wide;
    plan.projects = block.layout.squeezed == 0 && filtered > kFilteredFloats;
    const std::size_t panels = block.expand.panels().size();
    // Panels divide an image among the threads without computing rows twice, if there are enough of them.
    plan.by_rows = plan.projects || panels == 0 || (panels % team != 0 && shape.out_height >= 4 * team);
    std::size_t channels = wide;
    if (plan.by_rows) {
      plan.parts = std::min(team, shape.out_height);
    } else {
      const std::size_t widest =
          std::ranges::max(block.expand.panels(), {}, &PackedWeights::Panel::octets).octets * kOctet;
      const std::size_t fitting = kExpandedFloats / (shape.in_height * shape.pitch() * widest);
      const std::size_t at_once = std::clamp<std::size_t>(fitting, 1, (panels + team - 1) / team);
      plan.parts = (panels + at_once - 1) / at_once;
      channels = std::min(wide, at_once * widest);
    }
    plan.row_floats = shape.pitch() * channels;
    const std::size_t rows = kExpandedFloats / plan.row_floats;
    plan.band = std::clamp<std::size_t>(rows < shape.kernel ? 1 : (rows - shape.kernel) / shape.stride + 1, 1,
                                        shape.out_height);
    plan.slots = (plan.band - 1) * shape.stride + shape.kernel;
    for (Scratch::Worker& worker : scratch.workers_) {
      grow(worker.expanded, plan.slots * plan.row_floats);
      if (plan.projects) grow(worker.filtered, plan.band * shape.out_width * wide);
      worker.input.reserve(plan.slots);
    }
    if (!plan.projects) grow(scratch.filtered_, filtered);
    grow(scratch.zeros_, plan.row_floats);
    for (AlignedVector<float>* buffer : {&scratch.means_, &scratch.gates_}) grow(*buffer, wide);
    grow(scratch.squeezed_, block.layout.squeezed);
    most = std::max(most, shape.out_pixels() * block.layout.out);
    scratch.plans_.push_back(plan);
    height = shape.out_height;
    width = shape.out_width;
  }
  grow(scratch.first_, most);
  grow(scratch.second_, most);
  for (Scratch::Worker& worker : scratch.workers_)
    grow(worker.expanded, height * width * PackedWeights::kMostOctets * kOctet);
}

/// One image on one thread of a team. Throws nothing: plan() has reserved all memory.
class MobileNet::Run {
 public:
  Run(const MobileNet& network, const Image& image, const Output& output, Scratch& scratch, Team::Member& member)
      : network_(network),
        image_(image),
        output_(output),
        scratch_(scratch),
        worker_(scratch.workers_[member.worker()]),
        member_(member),
        parts_(member.threads()),
        in_(scratch.first_.data()),
        out_(scratch.second_.data()) {}

  void all() {
    pad_image();
    const Block& first = network_.blocks_.front();
    if (first.layout.expands() || first.layout.residual()) {
      const ConvolutionShape& stem = scratch_.stem_;
      split(stem.out_height, parts_,
            [&](Range rows) { run_stem(rows, in_, stem.out_width * network_.stem_channels_); });
    }
    std::size_t channel = 0;
    for (std::size_t i = 0; i < network_.blocks_.size(); ++i) {
      const Block& block = network_.blocks_[i];
      const Plan& plan = scratch_.plans_[i];
      run_block(block, plan);
      std::swap(in_, out_);
      if (!output_.block_means.empty())
        means_of(in_, plan.shape.out_pixels(), block.layout.out, output_.block_means.data() + channel,
                 output_.block_deviations.data() + channel);
      channel += block.layout.out;
    }
    run_head(scratch_.plans_.back().shape.out_pixels());
  }

 private:
  /// Calls body(range) for `parts` ranges of nearly equal size; the team divides them.
  template <class Body>
  void split(std::size_t count, std::size_t parts, const Body& body) {
    member_.split(count, parts, [&](std::size_t first, std::size_t last) { body(Range{first, last}); });
  }

  /// To a copy with its padding, channels last.
  void pad_image() {
    const std::size_t channels = image_.channels, pitch = image_pitch();
    split(image_.height, parts_, [&](Range rows) {
      for (std::size_t y = rows.first; y < rows.last; ++y) {
        float* const row =
            scratch_.image_.data() + (y + scratch_.stem_.pad_top) * pitch + scratch_.stem_.pad_left * channels;
        for (std::size_t c = 0; c < channels; ++c) {
          const float* const from = image_.values.data() + (c * image_.height + y) * image_.width;
          for (std::size_t x = 0; x < image_.width; ++x) row[x * channels + c] = from[x];
        }
      }
    });
  }
  std::size_t image_pitch() const { return scratch_.stem_.pitch() * image_.channels; }

  /// Rows of the first layer's output, `pitch` floats apart.
  void run_stem(Range rows, float* to, std::size_t pitch) {
    const PackedWeights& stem = image_.stem ? *image_.stem : network_.stem_;
    for (std::size_t y = rows.first; y < rows.last; ++y) {
      const RowsIn windows{scratch_.image_.data() + y * kStemStride * image_pitch(), kStemStride * image_.channels,
                           kStemKernel * image_.channels, kStemKernel, image_pitch()};
      multiply(stem, windows, scratch_.stem_.out_width, {to + y * pitch, network_.stem_channels_},
               network_.activation_);
    }
  }

  /// From in_ to out_.
  void run_block(const Block& block, const Plan& plan) {
    const std::size_t wide = block.layout.expanded, pixels = plan.shape.out_pixels();
    if (plan.by_rows) {
      const Range panels{0, block.expand.panels().size()};
      split(plan.shape.out_height, plan.parts, [&](Range rows) { expand_and_filter(block, plan, panels, rows); });
    } else {
      split(block.expand.panels().size(), plan.parts, [&](Range panels) {
        expand_and_filter(block, plan, panels, {0, plan.shape.out_height});
      });
    }
    if (plan.projects) return;
    float* const filtered = scratch_.filtered_.data();
    if (block.layout.squeezed > 0) {
      // Squeeze-and-excitation: multiplies each channel by a gate between 0 and 1 that depends on the means of all.
      float *const means = scratch_.means_.data(), *const squeezed = scratch_.squeezed_.data();
      float* const gates = scratch_.gates_.data();
      means_of(filtered, pixels, wide, means, nullptr);
      member_.run(1, [&](std::size_t) {
        multiply(block.squeeze, {means, wide, wide}, 1, {squeezed, block.layout.squeezed}, kRelu);
        multiply(block.excite, {squeezed, block.layout.squeezed, block.layout.squeezed}, 1, {gates, wide});
        for (std::size_t c = 0; c < wide; ++c) gates[c] = 1 / (1 + std::exp(-gates[c]));
      });
      split(pixels, parts_, [&](Range range) {
        scale_channels(filtered + range.first * wide, range.last - range.first, wide, gates);
        project(block, filtered + range.first * wide, range);
      });
    } else {
      split(pixels, parts_, [&](Range range) { project(block, filtered + range.first * wide, range); });
    }
  }

  void project(const Block& block, const float* filtered, Range pixels) {
    const std::size_t wide = block.layout.expanded, out = block.layout.out;
    multiply(block.project, {filtered, wide, wide}, pixels.last - pixels.first,
             {out_ + pixels.first * out, out, block.layout.residual() ? in_ + pixels.first * out : nullptr});
  }

  /// Expansion and depthwise convolution of some panels of the expanded channels and some output rows; where the plan
  /// says so, with the projection.
  void expand_and_filter(const Block& block, const Plan& plan, Range panels, Range rows) {
    const ConvolutionShape& shape = plan.shape;
    const std::size_t wide = block.layout.expanded;
    std::size_t first_octet = 0, octets = wide / kOctet;
    if (block.layout.expands()) {
      const PackedWeights::Panel& end = block.expand.panels()[panels.last - 1];
      first_octet = block.expand.panels()[panels.first].first_octet;
      octets = end.first_octet + end.octets - first_octet;
    }
    const std::size_t channels = octets * kOctet, row_floats = shape.pitch() * channels;
    float* const expanded = worker_.expanded.data();
    const std::size_t right = (shape.pad_left + shape.in_width) * channels;
    for (std::size_t slot = 0; slot < plan.slots; ++slot) {
      std::fill_n(expanded + slot * row_floats, shape.pad_left * channels, 0.0f);
      std::fill(expanded + slot * row_floats + right, expanded + (slot + 1) * row_floats, 0.0f);
    }
    float* const filtered = plan.projects ? worker_.filtered.data() : scratch_.filtered_.data() + first_octet * kOctet;
    const auto input_row = [&](std::size_t row) { return row - std::min(row, shape.pad_top); };
    std::size_t ready = input_row(rows.first * shape.stride);
    for (std::size_t y = rows.first; y < rows.last; y += plan.band) {
      const std::size_t end = std::min(rows.last, y + plan.band);
      const std::size_t needed = std::min(shape.in_height, input_row((end - 1) * shape.stride + shape.kernel));
      while (ready < needed) {
        const std::size_t slot = ready % plan.slots, count = std::min(needed - ready, plan.slots - slot);
        expand(block, shape, panels, {ready, ready + count}, expanded + slot * row_floats + shape.pad_left * channels,
               channels);
        ready += count;
      }
      const std::size_t origin = plan.projects ? y : 0;  // row of `filtered` that comes first
      std::vector<const float*>& input = worker_.input;
      input.resize((end - 1 - y) * shape.stride + shape.kernel);
      for (std::size_t i = 0; i < input.size(); ++i) {
        const std::size_t at = y * shape.stride + i - shape.pad_top;  // above the image it has wrapped around
        input[i] = at < shape.in_height ? expanded + at % plan.slots * row_floats : scratch_.zeros_.data();
      }
      block.depthwise.apply({first_octet, octets, end - y, shape.out_width, shape.stride, input, channels,
                             filtered + (y - origin) * shape.out_width * wide, wide},
                            block.activation);
      if (plan.projects) project(block, filtered, {y * shape.out_width, end * shape.out_width});
    }
  }

  /// Rows of the depthwise convolution's input, at shape.pitch() * channels floats.
  void expand(const Block& block, const ConvolutionShape& shape, Range panels, Range rows, float* to,
              std::size_t channels) {
    const std::size_t width = shape.in_width, in = block.layout.in, pitch = shape.pitch() * channels;
    const float* const from = in_ + rows.first * width * in;
    if (block.layout.expands()) {
      const std::size_t skipped = block.expand.panels()[panels.first].first_octet * kOctet;
      multiply(block.expand, {from, in, in}, (rows.last - rows.first) * width,
               {to - skipped, channels, nullptr, width, pitch - width * channels}, block.activation, panels.first,
               panels.last);
    } else if (&block == &network_.blocks_.front() && !block.layout.residual()) {
      run_stem(rows, to - rows.first * pitch, pitch);
    } else {
      for (std::size_t i = 0; i < rows.last - rows.first; ++i)
        std::copy_n(from + i * width * in, width * in, to + i * pitch);
    }
  }

  void run_head(std::size_t pixels) {
    const PackedWeights& head = network_.head_;
    const std::size_t depth = network_.blocks_.back().layout.out;
    split(head.panels().size(), head.panels().size(), [&](Range panel) {
      const PackedWeights::Panel& only = head.panels()[panel.first];
      const std::size_t channels = only.octets * kOctet, skipped = only.first_octet * kOctet;
      float* const to = worker_.expanded.data();
      multiply(head, {in_, depth, depth}, pixels, {to - skipped, channels}, network_.activation_, panel.first,
               panel.last);
      mean_and_deviation(to, pixels, channels, channels, output_.embedding.data() + skipped, nullptr);
    });
  }

  void means_of(const float* pixels, std::size_t count, std::size_t channels, float* means, float* deviations) {
    split(channels / kOctet, parts_, [&](Range octets) {
      const std::size_t first = octets.first * kOctet;
      mean_and_deviation(pixels + first, count, (octets.last - octets.first) * kOctet, channels, means + first,
                         deviations ? deviations + first : nullptr);
    });
  }

  const MobileNet& network_;
  const Image& image_;
  const Output& output_;
  Scratch& scratch_;
  Scratch::Worker& worker_;
  Team::Member& member_;
  std::size_t parts_;  // as many as there are threads
  float *in_, *out_;
};

void MobileNet::run(const Image& image, const Output& output, Scratch& scratch, int threads) const {
  threads = std::max(threads, 1);
  plan(image, scratch, threads);
  const std::array<std::size_t, 3> size = {image.channels, image.height, image.width};
  if (scratch.image_size_ != size) {  // else the padding is zero already
    const std::size_t rows =
        std::max((scratch.stem_.out_height - 1) * kStemStride + kStemKernel, image.height + scratch.stem_.pad_top);
    scratch.image_.assign(rows * scratch.stem_.pitch() * image.channels, 0.0f);
    scratch.image_size_ = size;
  }
  scratch.team_.run(threads, [&](Team::Member& member) { Run(*this, image, output, scratch, member).all(); });
}

}  // namespace genrewise
