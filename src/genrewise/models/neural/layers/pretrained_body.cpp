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

constexpr std::string_view kBody = "body.";

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

Conv2d BodyMaker::convolution(const std::string& name, const std::string& norm, std::size_t in, std::size_t out,
                              std::size_t kernel, std::size_t stride, bool depthwise) {
  Conv2d conv;
  const auto channels = static_cast<Integer>(out), side = static_cast<Integer>(kernel);
  const Integer inputs = depthwise ? 1 : static_cast<Integer>(in);
  // The weights come from a file; loading a saved model overwrites them as well.
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

Linear BodyMaker::dense(const std::string& name, std::size_t in, std::size_t out) {
  Linear layer;
  layer.weight =
      make_.zeros(std::string(kBody) + name + ".weight", {static_cast<Integer>(out), static_cast<Integer>(in)}, true);
  layer.bias = make_.zeros(std::string(kBody) + name + ".bias", {static_cast<Integer>(out)}, false);
  return layer;
}

at::Tensor PretrainedNetwork::forward(const at::Tensor& examples, const Pass& pass) const {
  return head_(embed(examples, frozen_ ? Pass{} : pass), pass);
}

void PretrainedNetwork::freeze_body(bool frozen) {
  Network::freeze_body(frozen);
  frozen_ = frozen;
}

at::Tensor PretrainedNetwork::embed(const at::Tensor& examples, const Pass& pass) const {
  at::Tensor x = picture(examples);
  x = outer(stem(x, pass));
  if (x.is_cuda()) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  for (const Block& block : blocks_) x = run(block, x, pass);
  return outer(last_(x, pass)).mean(at::IntArrayRef{2, 3});
}

void PretrainedNetwork::take_weights(std::string_view network) {
  const TensorArchive archive = find_weights(network);
  const at::NoGradGuard no_grad;
  for (Weight& weight : weights()) {
    if (weight.name.starts_with(kBody)) take_tensor(archive, weight.name.substr(kBody.size()), weight.value);
  }
}

at::Tensor PretrainedNetwork::grey(const at::Tensor& examples) const {
  const auto rows = static_cast<Integer>(input().rows);
  return examples.view({examples.size(0), 1, rows, examples.size(1) / rows});
}

at::Tensor PretrainedNetwork::outer(const at::Tensor& x) const {
  return style_.folded ? at::clamp(x, 0, 6) : at::hardswish(x);
}

at::Tensor PretrainedNetwork::inner(const Block& block, const at::Tensor& x) const {
  if (style_.folded) return at::clamp(x, 0, 6);
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
