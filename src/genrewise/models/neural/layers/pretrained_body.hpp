// Common parts of networks with a pretrained body: MobileNet-like blocks as libtorch operations, and a trainable head.
// Private to models/neural.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "genrewise/models/neural/layers/layers.hpp"

namespace genrewise::neural {

using Integer = std::int64_t;

/// A 2-D convolution followed by a bias or by batch normalisation.
struct Conv2d {
  at::Tensor weight, bias;
  BatchNorm norm;
  Integer stride = 1, groups = 1;
  bool same = false;  ///< TensorFlow's SAME padding, else half the kernel on each side

  at::Tensor operator()(at::Tensor x, const Pass& pass) const;

 private:
  std::pair<Integer, Integer> same_padding(Integer size, Integer kernel) const;
};

struct Block {
  Conv2d expand, depthwise, project;
  Linear squeeze, excite;
  bool expands = false, residual = false, hard_swish = false;
};

/// Differences between the two bodies.
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
  /// A frozen body also keeps the running statistics of its batch normalisation, and uses them.
  void freeze_body(bool frozen) override;
  /// examples x channels of the last convolution.
  at::Tensor embed(const at::Tensor& examples, const Pass& pass) const;
  at::Tensor classify(const at::Tensor& embeddings, const Pass& pass) const override { return head_(embeddings, pass); }

 protected:
  PretrainedNetwork(InputShape shape, BodyStyle style) : Network(shape), style_(style) {}

  /// examples x channels x height x width, scaled as the body expects images.
  virtual at::Tensor picture(const at::Tensor& examples) const = 0;
  virtual at::Tensor stem(const at::Tensor& x, const Pass& pass) const = 0;

  /// Loads the body's weights from their file. Throws Error as find_weights() does.
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

  bool frozen_ = false;
};

struct HeadSettings {
  std::vector<int> hidden;
  double dropout_share = 0;
};
/// Reads the parameters that head_parameters() declares.
HeadSettings read_head(const ParameterValues& parameters);

/// Throws Error, naming the feature set to use, unless the inputs are `rows` rows of at least `least_cols` values.
void require_rows(const NetworkRequest& request, std::size_t rows, std::size_t least_cols, const char* kind,
                  const char* features);

}  // namespace genrewise::neural
