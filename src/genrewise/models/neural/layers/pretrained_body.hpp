// Common parts of networks with a pretrained body: MobileNet-like blocks as libtorch operations, and a trainable head.
// Private to models/neural.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/models/neural/layers/image_kernels.hpp"
#include "genrewise/models/neural/layers/layers.hpp"
#include "genrewise/pretrained/weights/layouts.hpp"

namespace genrewise::neural {

using Integer = std::int64_t;

/// A 2-D convolution followed by a bias or by batch normalisation, and an activation. By genrewise's own kernels on the
/// CPU (image_kernels.hpp), channels last, and by libtorch's operations elsewhere.
struct Conv2d {
  at::Tensor weight, bias;
  BatchNorm norm;
  Integer stride = 1, groups = 1;
  bool same = false;  ///< TensorFlow's SAME padding, else half the kernel on each side

  at::Tensor operator()(const at::Tensor& x, Activation activation, const Pass& pass) const;

 private:
  at::Tensor by_kernels(const at::Tensor& x, Activation activation, const Pass& pass) const;
  /// Padding before and after, along an axis of that size.
  std::pair<Integer, Integer> padding_of(Integer size, Integer kernel) const;
};

struct Block {
  Conv2d expand, depthwise, project;
  Linear squeeze, excite;
  bool expands = false, residual = false, hard_swish = false;
};

struct HeadSettings {
  std::vector<int> hidden;
  double dropout_share = 0;
};
/// Reads the parameters that head_parameters() declares.
HeadSettings read_head(const ParameterValues& parameters);

/// A body as configured, with the weights of the pretrained network of that name where they are requested, and a head.
class PretrainedNetwork : public Network {
 public:
  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override;
  /// A frozen body also keeps the running statistics of its batch normalisation, and uses them.
  void freeze_body(bool frozen) override;
  /// examples x channels of the last convolution.
  at::Tensor embed(const at::Tensor& examples, const Pass& pass) const;
  at::Tensor classify(const at::Tensor& embeddings, const Pass& pass) const override { return head_(embeddings, pass); }

 protected:
  /// `rows`: of the input. Throws Error as find_weights() does.
  PretrainedNetwork(const std::string& name, const MobileNetConfig& body, std::size_t rows,
                    const NetworkRequest& request, const HeadSettings& head);

  /// examples x 1 x rows x columns, scaled as the body expects images.
  virtual at::Tensor picture(const at::Tensor& examples) const;

 private:
  Activation outer() const { return mobile_net_v3_ ? Activation::hard_swish : Activation::relu6; }
  Activation inner(const Block& block) const;
  at::Tensor run(const Block& block, const at::Tensor& in, const Pass& pass) const;

  bool mobile_net_v3_;
  std::vector<Block> blocks_;
  Conv2d stem_, last_;
  Head head_;
  bool frozen_ = false;
};

/// Throws Error, naming the feature set to use, unless the inputs are `rows` rows of at least `least_cols` values.
void require_rows(const NetworkRequest& request, std::size_t rows, std::size_t least_cols, const char* kind,
                  const char* features);

}  // namespace genrewise::neural
