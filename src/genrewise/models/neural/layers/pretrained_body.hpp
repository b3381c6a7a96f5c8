// What networks with a pretrained body have in common: MobileNet-like blocks as libtorch operations, and a head that is
// trained on them. Private to models/neural.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genrewise/base/matrix.hpp"
#include "genrewise/models/neural/layers/layers.hpp"

namespace genrewise::neural {

using Integer = std::int64_t;

/// A convolution over pictures with what follows it: a bias, or batch normalisation.
struct Conv2d {
  at::Tensor weight, bias;
  BatchNorm norm;
  Integer stride = 1, groups = 1;
  bool same = false;  ///< TensorFlow's SAME padding, else half the kernel on every side

  at::Tensor operator()(at::Tensor x, const Pass& pass) const;

 private:
  std::pair<Integer, Integer> same_padding(Integer size, Integer kernel) const;
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
                     std::size_t kernel, std::size_t stride, bool depthwise = false);
  Linear dense(const std::string& name, std::size_t in, std::size_t out);

 private:
  WeightMaker make_;
  BodyStyle style_;
};

class PretrainedNetwork : public Network {
 public:
  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override;
  /// examples x channels of the last convolution.
  at::Tensor embed(const at::Tensor& examples, const Pass& pass) const;

 protected:
  PretrainedNetwork(InputShape shape, BodyStyle style) : Network(shape), style_(style) {}

  /// examples x channels x height x width, as the body knows pictures.
  virtual at::Tensor picture(const at::Tensor& examples) const = 0;
  virtual at::Tensor stem(const at::Tensor& x, const Pass& pass) const = 0;

  /// The body's weights from their file. Throws Error as find_weights() does.
  void take_weights(std::string_view network);
  /// examples x 1 x rows x columns.
  at::Tensor grey(const at::Tensor& examples) const;

  BodyStyle style_;
  std::vector<Block> blocks_;
  Conv2d stem_, last_;
  Head head_;

 private:
  at::Tensor outer(const at::Tensor& x) const;
  at::Tensor inner(const Block& block, const at::Tensor& x) const;
  at::Tensor run(const Block& block, const at::Tensor& in, const Pass& pass) const;
};

struct HeadSettings {
  std::vector<int> hidden;
  double dropout_share = 0;
};
/// Of parameters that head_parameters() declares.
HeadSettings read_head(const ParameterValues& parameters);

/// Throws Error unless the inputs are `rows` rows of at least `least_cols` numbers; it names the feature set to take.
void require_rows(const NetworkRequest& request, std::size_t rows, std::size_t least_cols, const char* kind,
                  const char* features);

/// What the pretrained body of a network ("mobilenetv2", "efficientat") makes of each example before it is trained: the
/// mean of its last convolution over the picture. Rows as the network takes them (mel224, mel128).
Matrix pretrained_embedding(std::string_view kind, const Matrix& examples);

}  // namespace genrewise::neural
