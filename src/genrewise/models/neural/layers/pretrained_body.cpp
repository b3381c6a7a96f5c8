#include "genrewise/models/neural/layers/pretrained_body.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::neural {
namespace {

const std::string kBody = "body.";
constexpr double kBodyEpsilon = 1e-3, kBodyMomentum = 0.01;  // of the batch normalisation

}  // namespace

at::Tensor Conv2d::operator()(at::Tensor x, const Pass& pass) const {
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

/// Padding for ceil(size / stride) outputs; an odd value is added at the end.
std::pair<Integer, Integer> Conv2d::same_padding(Integer size, Integer kernel) const {
  const Integer out = (size + stride - 1) / stride;
  const Integer all = std::max<Integer>(0, (out - 1) * stride + kernel - size);
  return {all / 2, all - all / 2};
}

PretrainedNetwork::PretrainedNetwork(const std::string& name, const MobileNetConfig& body, std::size_t rows,
                                     const NetworkRequest& request, const HeadSettings& head)
    : Network({rows, request.inputs / rows}), mobile_net_v3_(body.mobile_net_v3) {
  Rng rng(derive_seed(request.seed, name + " start"));
  // The body's weights come from a file; loading a saved model overwrites them as well.
  WeightMaker make(weights(), rng, true), make_head(weights(), rng);
  const auto convolution = [&](const std::string& layer, std::size_t in, std::size_t out, std::size_t kernel,
                               std::size_t stride, bool depthwise = false) {
    Conv2d conv;
    const auto channels = static_cast<Integer>(out), side = static_cast<Integer>(kernel);
    const std::string weight = kBody + layer + (mobile_net_v3_ ? ".0.weight" : ".weight");
    conv.weight = make.zeros(weight, {channels, depthwise ? 1 : static_cast<Integer>(in), side, side}, true);
    conv.stride = static_cast<Integer>(stride);
    conv.groups = depthwise ? channels : 1;
    conv.same = !mobile_net_v3_;
    if (mobile_net_v3_) {
      conv.norm = BatchNorm(make, kBody + layer + ".1", channels, kBodyEpsilon, kBodyMomentum);
    } else {
      conv.bias = make.zeros(kBody + layer + ".bias", {channels}, false);
    }
    return conv;
  };
  const auto dense = [&](const std::string& layer, std::size_t in, std::size_t out) {
    const auto ins = static_cast<Integer>(in), outs = static_cast<Integer>(out);
    Linear linear;
    linear.weight = make.zeros(kBody + layer + ".weight", {outs, ins}, true);
    linear.bias = make.zeros(kBody + layer + ".bias", {outs}, false);
    return linear;
  };
  const BodyNames names = names_of(body);
  stem_ = convolution(names.stem, body.in_channels, body.stem_channels, 3, 2);
  for (std::size_t i = 0; i < body.blocks.size(); ++i) {
    const InvertedResidual& layout = body.blocks[i];
    const BodyNames::Block& own = names.blocks[i];
    Block& block = blocks_.emplace_back();
    block.expands = layout.expands();
    block.residual = layout.residual();
    block.hard_swish = layout.hard_swish;
    if (block.expands) block.expand = convolution(own.expand, layout.in, layout.expanded, 1, 1);
    block.depthwise = convolution(own.depthwise, layout.expanded, layout.expanded, layout.kernel, layout.stride, true);
    if (layout.squeezed > 0) {
      block.squeeze = dense(own.squeeze, layout.expanded, layout.squeezed);
      block.excite = dense(own.excite, layout.squeezed, layout.expanded);
    }
    block.project = convolution(own.project, layout.expanded, layout.out, 1, 1);
  }
  last_ = convolution(names.head, body.blocks.back().out, body.head_channels, 1, 1);
  head_ = Head(make_head, "head", static_cast<Integer>(body.head_channels), head.hidden, request.classes,
               head.dropout_share, false);
  head_.input_dropout = head.hidden.empty() ? head.dropout_share : 0;
  if (!request.pretrained) return;
  const TensorArchive archive = find_weights(name);
  const at::NoGradGuard no_grad;
  for (Weight& weight : weights())
    if (weight.name.starts_with(kBody)) take_tensor(archive, weight.name.substr(kBody.size()), weight.value);
}

at::Tensor PretrainedNetwork::forward(const at::Tensor& examples, const Pass& pass) const {
  return head_(embed(examples, frozen_ ? Pass{} : pass), pass);
}

void PretrainedNetwork::freeze_body(bool frozen) {
  Network::freeze_body(frozen);
  frozen_ = frozen;
}

at::Tensor PretrainedNetwork::embed(const at::Tensor& examples, const Pass& pass) const {
  Conv2d stem = stem_;
  // With three equal colour channels, the filters of the channels can be summed.
  if (stem.weight.size(1) > 1) stem.weight = stem_.weight.sum(at::IntArrayRef{1}, true);
  at::Tensor x = outer(stem(picture(examples), pass));
  if (x.is_cuda()) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  for (const Block& block : blocks_) x = run(block, x, pass);
  return outer(last_(x, pass)).mean(at::IntArrayRef{2, 3});
}

at::Tensor PretrainedNetwork::picture(const at::Tensor& examples) const {
  const auto rows = static_cast<Integer>(input().rows);
  return examples.view({examples.size(0), 1, rows, examples.size(1) / rows});
}

at::Tensor PretrainedNetwork::outer(const at::Tensor& x) const {
  return mobile_net_v3_ ? at::hardswish(x) : at::clamp(x, 0, 6);
}

at::Tensor PretrainedNetwork::inner(const Block& block, const at::Tensor& x) const {
  if (!mobile_net_v3_) return at::clamp(x, 0, 6);
  return block.hard_swish ? at::hardswish(x) : at::relu(x);
}

at::Tensor PretrainedNetwork::run(const Block& block, const at::Tensor& in, const Pass& pass) const {
  at::Tensor x = block.expands ? inner(block, block.expand(in, pass)) : in;
  x = inner(block, block.depthwise(x, pass));
  if (block.squeeze.weight.defined()) {
    const at::Tensor gates = at::sigmoid(block.excite(at::relu(block.squeeze(x.mean(at::IntArrayRef{2, 3})))));
    x = x * gates.unsqueeze(2).unsqueeze(3);
  }
  x = block.project(x, pass);
  return block.residual ? in + x : x;
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

}  // namespace genrewise::neural
