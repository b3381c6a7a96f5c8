#include "genrewise/models/neural/networks/pretrained.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/networks/layers.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::neural {
namespace {

using Integer = std::int64_t;

constexpr std::string_view kBody = "body.";

/// A convolution over pictures with what follows it: a bias, or batch normalisation.
struct Conv2d {
  at::Tensor weight, bias;
  BatchNorm norm;
  Integer stride = 1, groups = 1;
  bool same = false;  ///< TensorFlow's SAME padding, else half the kernel on every side

  at::Tensor operator()(at::Tensor x, const Pass& pass) const {
    const Integer kernel = weight.size(2);
    std::array<Integer, 2> padding = {(kernel - 1) / 2, (kernel - 1) / 2};
    if (same && kernel > 1) {
      const auto [top, bottom] = same_padding(x.size(2), kernel);
      const auto [left, right] = same_padding(x.size(3), kernel);
      padding = {top, left};
      if (bottom > top || right > left) x = at::constant_pad_nd(x, {0, right - left, 0, bottom - top});
    }
    x = at::conv2d(x, weight, bias, stride, padding, 1, groups);
    return norm.weight.defined() ? norm(x, pass) : x;
  }

 private:
  /// So that ceil(size / stride) numbers come out; an odd one is added behind.
  std::pair<Integer, Integer> same_padding(Integer size, Integer kernel) const {
    const Integer out = (size + stride - 1) / stride;
    const Integer all = std::max<Integer>(0, (out - 1) * stride + kernel - size);
    return {all / 2, all - all / 2};
  }
};

struct Block {
  Conv2d expand, depthwise, project;
  Linear squeeze, excite;
  bool expands = false, residual = false, hard_swish = false;
};

/// What differs between the two bodies.
struct BodyStyle {
  bool folded = false;  ///< MobileNetV2: bias, ReLU6, SAME padding; else batch normalisation, ReLU and hard-swish
  double epsilon = 1e-3, momentum = 0.01;
};

class BodyMaker {
 public:
  BodyMaker(std::vector<Weight>& weights, Rng& rng, BodyStyle style) : make_(weights, rng, true), style_(style) {}

  Conv2d convolution(const std::string& name, const std::string& norm, std::size_t in, std::size_t out,
                     std::size_t kernel, std::size_t stride, bool depthwise = false) {
    Conv2d conv;
    const auto channels = static_cast<Integer>(out), side = static_cast<Integer>(kernel);
    const Integer inputs = depthwise ? 1 : static_cast<Integer>(in);
    // The weights come from a file; a learner that will be loaded overwrites them too.
    conv.weight = make_.zeros(std::string(kBody) + name + ".weight", {channels, inputs, side, side}, true);
    conv.stride = static_cast<Integer>(stride);
    conv.groups = depthwise ? channels : 1;
    conv.same = style_.folded;
    if (style_.folded) {
      conv.bias = make_.zeros(std::string(kBody) + name + ".bias", {channels}, false);
    } else {
      conv.norm = BatchNorm(make_, std::string(kBody) + norm, channels, style_.epsilon, style_.momentum);
    }
    return conv;
  }

  Linear dense(const std::string& name, std::size_t in, std::size_t out) {
    Linear layer;
    layer.weight =
        make_.zeros(std::string(kBody) + name + ".weight", {static_cast<Integer>(out), static_cast<Integer>(in)}, true);
    layer.bias = make_.zeros(std::string(kBody) + name + ".bias", {static_cast<Integer>(out)}, false);
    return layer;
  }

 private:
  WeightMaker make_;
  BodyStyle style_;
};

class PretrainedNetwork : public Network {
 public:
  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override {
    return head_(embed(examples, pass), pass);
  }
  /// examples x channels of the last convolution.
  at::Tensor embed(const at::Tensor& examples, const Pass& pass) const {
    at::Tensor x = picture(examples);
    x = outer(stem(x, pass));
    if (x.is_cuda()) x = x.contiguous(at::MemoryFormat::ChannelsLast);
    for (const Block& block : blocks_) x = run(block, x, pass);
    return outer(last_(x, pass)).mean(at::IntArrayRef{2, 3});
  }

 protected:
  PretrainedNetwork(InputShape shape, BodyStyle style) : Network(shape), style_(style) {}

  /// examples x channels x height x width, as the body knows pictures.
  virtual at::Tensor picture(const at::Tensor& examples) const = 0;
  virtual at::Tensor stem(const at::Tensor& x, const Pass& pass) const = 0;

  void take_weights(std::string_view network) {
    const TensorArchive archive = find_weights(network);
    const at::NoGradGuard no_grad;
    for (Weight& weight : weights()) {
      if (weight.name.starts_with(kBody)) take_tensor(archive, weight.name.substr(kBody.size()), weight.value);
    }
  }
  at::Tensor grey(const at::Tensor& examples) const {
    const auto rows = static_cast<Integer>(input().rows);
    return examples.view({examples.size(0), 1, rows, examples.size(1) / rows});
  }

  BodyStyle style_;
  std::vector<Block> blocks_;
  Conv2d stem_, last_;
  Head head_;

 private:
  at::Tensor outer(const at::Tensor& x) const { return style_.folded ? at::clamp(x, 0, 6) : at::hardswish(x); }
  at::Tensor inner(const Block& block, const at::Tensor& x) const {
    if (style_.folded) return at::clamp(x, 0, 6);
    return block.hard_swish ? at::hardswish(x) : at::relu(x);
  }
  at::Tensor run(const Block& block, const at::Tensor& in, const Pass& pass) const {
    at::Tensor x = block.expands ? inner(block, block.expand(in, pass)) : in;
    x = inner(block, block.depthwise(x, pass));
    if (block.squeeze.weight.defined()) {
      const at::Tensor gates = at::sigmoid(block.excite(at::relu(block.squeeze(x.mean(at::IntArrayRef{2, 3})))));
      x = x * gates.unsqueeze(2).unsqueeze(3);
    }
    x = block.project(x, pass);
    return block.residual ? in + x : x;
  }
};

struct HeadSettings {
  std::vector<int> hidden;
  double dropout_share = 0;
};

std::vector<ParameterDescriptor> head_parameters(std::string hidden_layer_sizes) {
  return {parameter::integers("hidden_layer_sizes", std::move(hidden_layer_sizes), between(1, 1'000'000),
                              "units of the head's hidden layers")
              .or_word({"none"})
              .simpler_when(Simpler::smaller),
          dropout_parameter("0.3")};
}

HeadSettings read_head(const ParameterValues& parameters) {
  HeadSettings head{{}, parameters.number("dropout")};
  if (!parameters.is("hidden_layer_sizes", "none")) head.hidden = parameters.integers("hidden_layer_sizes");
  return head;
}

void require_rows(const NetworkRequest& request, std::size_t rows, std::size_t least_cols, const char* kind,
                  const char* features) {
  if (request.inputs % rows == 0 && request.inputs / rows >= least_cols) return;
  throw Error(
      fmt::format("takes {} rows of at least {} numbers each, not {} numbers", rows, least_cols, request.inputs), kind,
      fmt::format("train it on {}", features));
}

class MobileNetV2Learner final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kSide = 224, kColours = 3;

  MobileNetV2Learner(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork({kSide, request.inputs / kSide}, {.folded = true}) {
    Rng rng(derive_seed(request.seed, "mobilenetv2 start"));
    BodyMaker make(weights(), rng, style_);
    stem_ = make.convolution("stem", "", kColours, kMobileNetV2Stem, 3, 2);
    for (std::size_t i = 0; i < kMobileNetV2Blocks.size(); ++i) {
      const InvertedResidual& layout = kMobileNetV2Blocks[i];
      const std::string name = fmt::format("blocks.{}.", i);
      Block block;
      block.expands = layout.expands();
      block.residual = layout.residual();
      if (block.expands) block.expand = make.convolution(name + "expand", "", layout.in, layout.expanded, 1, 1);
      block.depthwise = make.convolution(name + "depthwise", "", layout.expanded, layout.expanded, layout.kernel,
                                         layout.stride, true);
      block.project = make.convolution(name + "project", "", layout.expanded, layout.out, 1, 1);
      blocks_.push_back(std::move(block));
    }
    last_ = make.convolution("head", "", kMobileNetV2Blocks.back().out, kMobileNetV2Head, 1, 1);
    WeightMaker make_head(weights(), rng);
    head_ = Head(make_head, "head", kMobileNetV2Head, head.hidden, request.classes, head.dropout_share, false);
    head_.input_dropout = head.hidden.empty() ? head.dropout_share : 0;
    if (request.pretrained) take_weights("mobilenetv2");
  }

 private:
  /// mel224 reaches from -80 to 0 dB, the body's pictures from -1 to 1.
  at::Tensor picture(const at::Tensor& examples) const override { return grey(examples) / 40 + 1; }
  /// Three equal colours meet the sum of their filters.
  at::Tensor stem(const at::Tensor& x, const Pass& pass) const override {
    Conv2d grey_stem = stem_;
    grey_stem.weight = stem_.weight.sum(at::IntArrayRef{1}, true);
    return grey_stem(x, pass);
  }
};

class EfficientAtLearner final : public PretrainedNetwork {
 public:
  static constexpr std::size_t kBands = 128;

  EfficientAtLearner(const NetworkRequest& request, const HeadSettings& head)
      : PretrainedNetwork({kBands, request.inputs / kBands}, {.folded = false}) {
    Rng rng(derive_seed(request.seed, "efficientat start"));
    BodyMaker make(weights(), rng, style_);
    const auto part = [&](const std::string& name, std::size_t in, std::size_t out, std::size_t kernel,
                          std::size_t stride, bool depthwise = false) {
      return make.convolution(name + ".0", name + ".1", in, out, kernel, stride, depthwise);
    };
    stem_ = part("features.0", 1, kEfficientAtStem, 3, 2);
    for (std::size_t i = 0; i < kEfficientAtBlocks.size(); ++i) {
      const InvertedResidual& layout = kEfficientAtBlocks[i];
      const std::string name = fmt::format("features.{}.block.", i + 1);
      std::size_t number = 0;
      const auto next = [&] { return name + std::to_string(number++); };
      Block block;
      block.expands = layout.expands();
      block.residual = layout.residual();
      block.hard_swish = layout.hard_swish;
      if (block.expands) block.expand = part(next(), layout.in, layout.expanded, 1, 1);
      block.depthwise = part(next(), layout.expanded, layout.expanded, layout.kernel, layout.stride, true);
      if (layout.squeezed > 0) {
        const std::string layers = next() + ".conc_se_layers.0.";
        block.squeeze = make.dense(layers + "fc1", layout.expanded, layout.squeezed);
        block.excite = make.dense(layers + "fc2", layout.squeezed, layout.expanded);
      }
      block.project = part(next(), layout.expanded, layout.out, 1, 1);
      blocks_.push_back(std::move(block));
    }
    last_ = part(fmt::format("features.{}", kEfficientAtBlocks.size() + 1), kEfficientAtBlocks.back().out,
                 kEfficientAtHead, 1, 1);
    WeightMaker make_head(weights(), rng);
    head_ = Head(make_head, "head", kEfficientAtHead, head.hidden, request.classes, head.dropout_share, false);
    head_.input_dropout = head.hidden.empty() ? head.dropout_share : 0;
    if (request.pretrained) take_weights("efficientat");
  }

 private:
  at::Tensor picture(const at::Tensor& examples) const override { return grey(examples); }
  at::Tensor stem(const at::Tensor& x, const Pass& pass) const override { return stem_(x, pass); }
};

std::unique_ptr<PretrainedNetwork> make_mobilenetv2(const NetworkRequest& request, const HeadSettings& head) {
  require_rows(request, MobileNetV2Learner::kSide, 32, "mobilenetv2", "mel224");
  return std::make_unique<MobileNetV2Learner>(request, head);
}

std::unique_ptr<PretrainedNetwork> make_efficientat(const NetworkRequest& request, const HeadSettings& head) {
  require_rows(request, EfficientAtLearner::kBands, 32, "efficientat", "mel128");
  return std::make_unique<EfficientAtLearner>(request, head);
}

}  // namespace

NetworkKind mobilenetv2_kind() {
  return {"mobilenetv2",
          "MobileNetV2 on mel-spectrograms",
          "ImageNet weights and a dense head; train it on mel224",
          head_parameters("128"),
          {{"frozen_epochs", "-1"}, {"epochs", "30"}},
          [](const ParameterValues& parameters, const NetworkRequest& request) -> std::unique_ptr<Network> {
            return make_mobilenetv2(request, read_head(parameters));
          }};
}

NetworkKind efficientat_kind() {
  return {"efficientat",
          "EfficientAT on log-mel spectrograms",
          "AudioSet weights and a dense head; train it on mel128",
          head_parameters("none"),
          {{"frozen_epochs", "1"},
           {"body_rate", "0.3"},
           {"optimiser", "adamw"},
           {"weight_decay", "0.01"},
           {"schedule", "cosine"},
           {"warmup_epochs", "1"},
           {"epochs", "20"}},
          [](const ParameterValues& parameters, const NetworkRequest& request) -> std::unique_ptr<Network> {
            return make_efficientat(request, read_head(parameters));
          }};
}

Matrix pretrained_embedding(std::string_view kind, const Matrix& examples) {
  const NetworkRequest request{examples.cols(), 2, kDefaultSeed, true};
  const auto network =
      kind == "mobilenetv2" ? make_mobilenetv2(request, HeadSettings{}) : make_efficientat(request, HeadSettings{});
  const at::NoGradGuard no_grad;
  const at::Tensor rows = borrowed(examples.data(), examples.rows(), examples.cols());
  const at::Tensor embedding = network->embed(rows, {}).contiguous();
  Matrix result(examples.rows(), static_cast<std::size_t>(embedding.size(1)));
  std::copy_n(embedding.data_ptr<float>(), result.values().size(), result.data());
  return result;
}

}  // namespace genrewise::neural
