#include "genrewise/models/neural/layers/pretrained_body.hpp"

#include <ATen/ATen.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <cmath>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/models/neural/layers/product.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/records/tensor_archive.hpp"

namespace genrewise::neural {
namespace {

const std::string kBody = "body.";
constexpr double kBodyEpsilon = 1e-3, kBodyMomentum = 0.01;  // of the batch normalisation

at::Tensor activated(const at::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::none:
      return x;
    case Activation::relu:
      return at::relu(x);
    case Activation::relu6:
      return at::clamp(x, 0, 6);
    case Activation::hard_swish:
      return at::hardswish(x);
  }
  return x;
}

std::size_t size_of(const at::Tensor& tensor, Integer dimension) {
  return static_cast<std::size_t>(tensor.size(dimension));
}

at::Tensor image_like(const at::Tensor& x, std::size_t channels, std::size_t height, std::size_t width) {
  const auto size = [](std::size_t value) { return static_cast<Integer>(value); };
  return at::empty({x.size(0), size(channels), size(height), size(width)}, x.options(), at::MemoryFormat::ChannelsLast);
}

/// The windows of a convolution of images with one channel, as channels, so that a pointwise convolution remains.
at::Tensor unfolded(const at::Tensor& x, const ImageConvolution& shape, std::size_t channels) {
  at::Tensor result = image_like(x, channels, shape.out_height, shape.out_width);
  const at::Tensor images = x.contiguous();
  parallel_for(shape.examples, [&](std::size_t i, int) {
    const float* image = images.data_ptr<float>() + i * shape.in_pixels();
    float* to = result.data_ptr<float>() + i * shape.out_pixels() * channels;
    for (std::size_t y = 0; y < shape.out_height; ++y)
      for (std::size_t column = 0; column < shape.out_width; ++column, to += channels) {
        std::fill_n(to, channels, 0.0F);
        for (std::size_t tap = 0; tap < shape.kernel * shape.kernel; ++tap) {
          // Positions before the image wrap around and are beyond its end.
          const std::size_t row = y * shape.stride + tap / shape.kernel - shape.pad_top;
          const std::size_t col = column * shape.stride + tap % shape.kernel - shape.pad_left;
          if (row < shape.in_height && col < shape.in_width) to[tap] = image[row * shape.in_width + col];
        }
      }
  });
  return result;
}

/// A convolution of image_kernels.hpp, with what follows it, as an operation of libtorch: batch normalisation, if there
/// is a scale (then `shift` is its bias), and the activation.
class ImageLayer : public torch::autograd::Function<ImageLayer> {
 public:
  struct Settings {
    ImageConvolution shape;
    Activation activation = Activation::none;
    bool own_statistics = false;
    at::Tensor mean = {}, variance = {};  // running statistics
    double epsilon = 0, momentum = 0;
  };

  static at::Tensor forward(torch::autograd::AutogradContext* context, const at::Tensor& any_x,
                            const at::Tensor& any_weight, const c10::optional<at::Tensor>& own_scale,
                            const at::Tensor& shift, const Settings& settings) {
    const ImageConvolution& shape = settings.shape;
    const at::Tensor x = any_x.contiguous(at::MemoryFormat::ChannelsLast), weight = any_weight.contiguous();
    at::Tensor y = image_like(x, shape.out, shape.out_height, shape.out_width), z = y, maps;
    const auto run = [&](const at::Tensor& to, const float* bias, double* means, double* variances) {
      convolution_forward(shape, x.data_ptr<float>(), weight.data_ptr<float>(), bias,
                          bias == nullptr ? Activation::none : settings.activation, to.data_ptr<float>(), means,
                          variances);
    };
    if (!own_scale) {
      run(y, shift.data_ptr<float>(), nullptr, nullptr);
    } else {
      const at::Tensor& scale = *own_scale;
      std::vector<double> means(shape.out), variances(shape.out);
      if (settings.own_statistics) {
        z = at::empty_like(y);
        run(z, nullptr, means.data(), variances.data());
        follow(settings.mean, means, settings.momentum, 1);
        const auto count = static_cast<double>(shape.examples * shape.out_pixels());
        follow(settings.variance, variances, settings.momentum, count / std::max(1.0, count - 1));
      } else {
        run(z, nullptr, nullptr, nullptr);
        std::copy_n(settings.mean.data_ptr<float>(), shape.out, means.begin());
        std::copy_n(settings.variance.data_ptr<float>(), shape.out, variances.begin());
      }
      maps = at::empty({4, scale.size(0)}, scale.options());  // scale, shift, mean, 1 / standard deviation
      auto* map = maps.data_ptr<float>();
      for (std::size_t c = 0; c < shape.out; ++c) {
        const double inverse = 1 / std::sqrt(variances[c] + settings.epsilon);
        const double factor = inverse * static_cast<double>(scale.data_ptr<float>()[c]);
        map[c] = static_cast<float>(factor);
        map[shape.out + c] = static_cast<float>(static_cast<double>(shift.data_ptr<float>()[c]) - means[c] * factor);
        map[2 * shape.out + c] = static_cast<float>(means[c]);
        map[3 * shape.out + c] = static_cast<float>(inverse);
      }
      apply_map({settings.activation, map, map + shape.out}, z.data_ptr<float>(), shape.examples * shape.out_pixels(),
                shape.out, y.data_ptr<float>());
    }
    context->save_for_backward({x, weight, z, maps});
    context->saved_data["grad_x"] = any_x.requires_grad();
    context->saved_data["shape"] =
        std::vector<Integer>{settings.shape.depthwise ? 1 : 0,     static_cast<Integer>(shape.kernel),
                             static_cast<Integer>(shape.stride),   static_cast<Integer>(shape.pad_top),
                             static_cast<Integer>(shape.pad_left), static_cast<Integer>(settings.activation)};
    return y;
  }

  static torch::autograd::tensor_list backward(torch::autograd::AutogradContext* context,
                                               torch::autograd::tensor_list gradients) {
    const auto saved = context->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &z = saved[2], &maps = saved[3];
    const auto numbers = context->saved_data["shape"].toIntVector();
    const ImageConvolution shape = shape_of(x, z, numbers);
    const at::Tensor grad_y = gradients[0].contiguous(at::MemoryFormat::ChannelsLast);
    at::Tensor grad_x = context->saved_data["grad_x"].toBool() ? at::empty_like(x) : at::Tensor();
    at::Tensor grad_weight = at::empty_like(weight), grad_shift = at::empty({weight.size(0)}, weight.options());
    at::Tensor grad_scale;
    OutputGradient output{.grad_y = grad_y.data_ptr<float>(),
                          .z = z.data_ptr<float>(),
                          .map = {.activation = static_cast<Activation>(numbers[5])}};
    std::vector<float> slopes(3 * shape.out);
    if (maps.defined()) {
      grad_scale = at::empty_like(grad_shift);
      const auto* map = maps.data_ptr<float>();
      output.map.scale = map;
      output.map.shift = map + shape.out;
      std::vector<double> sums(shape.out), sums_z(shape.out);
      gradient_sums(output, shape.examples, shape.out_pixels(), shape.out, sums.data(), sums_z.data());
      const auto count = static_cast<double>(shape.examples * shape.out_pixels());
      for (std::size_t c = 0; c < shape.out; ++c) {
        const double factor = map[c], mean = map[2 * shape.out + c], inverse = map[3 * shape.out + c];
        const double of_scale = inverse * (sums_z[c] - mean * sums[c]);
        grad_shift.data_ptr<float>()[c] = static_cast<float>(sums[c]);
        grad_scale.data_ptr<float>()[c] = static_cast<float>(of_scale);
        slopes[c] = map[c];
        slopes[shape.out + c] = static_cast<float>(-factor * inverse * of_scale / count);
        slopes[2 * shape.out + c] = static_cast<float>(factor * (inverse * mean * of_scale - sums[c]) / count);
      }
      output.slope = slopes.data();
      output.slope_z = slopes.data() + shape.out;
      output.slope_1 = slopes.data() + 2 * shape.out;
    }
    convolution_backward(shape, x.data_ptr<float>(), weight.data_ptr<float>(), output,
                         grad_x.defined() ? grad_x.data_ptr<float>() : nullptr, grad_weight.data_ptr<float>(),
                         maps.defined() ? nullptr : grad_shift.data_ptr<float>());
    return {grad_x, grad_weight, grad_scale, grad_shift, {}};
  }

 private:
  static ImageConvolution shape_of(const at::Tensor& x, const at::Tensor& z, const std::vector<Integer>& numbers) {
    const auto number = [&](std::size_t i) { return static_cast<std::size_t>(numbers[i]); };
    return {.examples = size_of(x, 0),
            .in_height = size_of(x, 2),
            .in_width = size_of(x, 3),
            .in = size_of(x, 1),
            .out_height = size_of(z, 2),
            .out_width = size_of(z, 3),
            .out = size_of(z, 1),
            .depthwise = numbers[0] != 0,
            .kernel = number(1),
            .stride = number(2),
            .pad_top = number(3),
            .pad_left = number(4)};
  }
  /// A running statistic follows the batch's, times `factor`.
  static void follow(const at::Tensor& running, const std::vector<double>& own, double momentum, double factor) {
    auto* value = running.data_ptr<float>();
    for (std::size_t c = 0; c < own.size(); ++c)
      value[c] = static_cast<float>((1 - momentum) * static_cast<double>(value[c]) + momentum * factor * own[c]);
  }
};

}  // namespace

at::Tensor Conv2d::operator()(const at::Tensor& in, Activation activation, const Pass& pass) const {
  if (in.is_cpu() && in.scalar_type() == at::kFloat) return by_kernels(in, activation, pass);
  at::Tensor x = in;
  const auto [top, bottom] = padding_of(x.size(2), weight.size(2));
  const auto [left, right] = padding_of(x.size(3), weight.size(2));
  if (bottom > top || right > left) x = at::constant_pad_nd(x, {0, right - left, 0, bottom - top});
  x = at::conv2d(x, weight, bias, stride, {top, left}, 1, groups);
  return activated(norm.weight.defined() ? norm(x, pass) : x, activation);
}

at::Tensor Conv2d::by_kernels(const at::Tensor& x, Activation activation, const Pass& pass) const {
  const Integer side = weight.size(2);
  const auto [top, bottom] = padding_of(x.size(2), side);
  const auto [left, right] = padding_of(x.size(3), side);
  const auto out_size = [&](Integer size) { return static_cast<std::size_t>((size - side) / stride + 1); };
  ImageLayer::Settings settings{.shape = {.examples = size_of(x, 0),
                                          .in_height = size_of(x, 2),
                                          .in_width = size_of(x, 3),
                                          .in = size_of(x, 1),
                                          .out_height = out_size(x.size(2) + top + bottom),
                                          .out_width = out_size(x.size(3) + left + right),
                                          .out = size_of(weight, 0),
                                          .depthwise = groups > 1,
                                          .kernel = static_cast<std::size_t>(side),
                                          .stride = static_cast<std::size_t>(stride),
                                          .pad_top = static_cast<std::size_t>(top),
                                          .pad_left = static_cast<std::size_t>(left)},
                                .activation = activation,
                                .own_statistics = norm.weight.defined() && pass.training && norm.weight.requires_grad(),
                                .mean = norm.mean,
                                .variance = norm.variance,
                                .epsilon = norm.epsilon,
                                .momentum = norm.momentum};
  const auto apply = [&](const at::Tensor& images, const at::Tensor& filters) {
    if (!norm.weight.defined()) return ImageLayer::apply(images, filters, c10::optional<at::Tensor>(), bias, settings);
    return ImageLayer::apply(images, filters, c10::optional<at::Tensor>(norm.weight), norm.bias, settings);
  };
  if (groups > 1 || side == 1) return apply(x, weight);
  const at::Tensor flat = weight.flatten(1);
  const auto channels = padded_columns(size_of(flat, 1));
  const at::Tensor windows = unfolded(x, settings.shape, channels);
  settings.shape = {.examples = settings.shape.examples,
                    .in_height = settings.shape.out_height,
                    .in_width = settings.shape.out_width,
                    .in = channels,
                    .out_height = settings.shape.out_height,
                    .out_width = settings.shape.out_width,
                    .out = settings.shape.out};
  return apply(windows,
               at::constant_pad_nd(flat, {0, static_cast<Integer>(channels) - flat.size(1)}).unsqueeze(2).unsqueeze(3));
}

/// SAME: for ceil(size / stride) outputs; an odd value is added at the end.
std::pair<Integer, Integer> Conv2d::padding_of(Integer size, Integer kernel) const {
  if (!same) return {(kernel - 1) / 2, (kernel - 1) / 2};
  const Integer out = (size + stride - 1) / stride;
  const Integer all = std::max<Integer>(0, (out - 1) * stride + kernel - size);
  return {all / 2, all - all / 2};
}

PretrainedNetwork::PretrainedNetwork(const std::string& name, const MobileNetConfig& body, std::size_t rows,
                                     const NetworkRequest& request, const HeadSettings& head)
    : Network({rows, request.inputs / rows}), mobile_net_v3_(body.mobile_net_v3) {
  Rng rng(derive_seed(request.seed, name + " start"));
  // The body's weights come from a file; loading a saved model overwrites them as well.
  WeightMaker make(weights(), rng, request, true), make_head(weights(), rng, request);
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
  if (request.saved != nullptr) return;
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
  at::Tensor x = stem(picture(examples), outer(), pass);
  if (x.is_cuda()) x = x.contiguous(at::MemoryFormat::ChannelsLast);
  for (const Block& block : blocks_) x = run(block, x, pass);
  return last_(x, outer(), pass).mean(at::IntArrayRef{2, 3});
}

at::Tensor PretrainedNetwork::picture(const at::Tensor& examples) const {
  const auto rows = static_cast<Integer>(input().rows);
  return examples.view({examples.size(0), 1, rows, examples.size(1) / rows});
}

Activation PretrainedNetwork::inner(const Block& block) const {
  if (!mobile_net_v3_) return Activation::relu6;
  return block.hard_swish ? Activation::hard_swish : Activation::relu;
}

at::Tensor PretrainedNetwork::run(const Block& block, const at::Tensor& in, const Pass& pass) const {
  at::Tensor x = block.expands ? block.expand(in, inner(block), pass) : in;
  x = block.depthwise(x, inner(block), pass);
  if (block.squeeze.weight.defined()) {
    const at::Tensor gates = at::sigmoid(block.excite(at::relu(block.squeeze(x.mean(at::IntArrayRef{2, 3})))));
    x = x * gates.unsqueeze(2).unsqueeze(3);
  }
  x = block.project(x, Activation::none, pass);
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
