// A network: named weights and a forward pass. Private to models/neural, since libtorch's types stand in it.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/models/networks/networks.hpp"

namespace genrewise {
class TensorArchive;
}  // namespace genrewise

namespace genrewise::neural {

/// What one pass through a network needs beside the examples.
struct Pass {
  bool training = false;  ///< dropout is on, and batch normalisation takes the batch's own statistics
  Rng* noise = nullptr;   ///< dropout draws from it; needed when training
};

struct Weight {
  std::string name;
  at::Tensor value;
  bool learns = true;  ///< false: a statistic of batch normalisation, or frozen
  bool decays = true;  ///< weight decay applies; not to biases and normalisation
  bool body = false;   ///< part of a pretrained body, which learns at a lower rate
};

/// How the numbers of an example lie: `rows` x `cols`, the columns being time. {1, n} for a waveform or a plain vector.
struct InputShape {
  std::size_t rows = 1, cols = 0;
  std::size_t size() const { return rows * cols; }
};

class Network {
 public:
  virtual ~Network() = default;
  /// examples x input().size() -> examples x classes, logits. Safe from several threads when not training. A network
  /// that pools over time takes other lengths too: examples x (rows * cols), whose rows are as input() says.
  virtual at::Tensor forward(const at::Tensor& examples, const Pass& pass) const = 0;
  /// The body's weights stay as they are from now on (true), or learn (false). Nothing for a network without a body.
  virtual void freeze_body(bool frozen);

  InputShape input() const { return input_; }
  std::vector<Weight>& weights() { return weights_; }
  const std::vector<Weight>& weights() const { return weights_; }
  /// Moves every weight ("cpu", "cuda:0"). On a GPU filters of pictures have their channels last, as its kernels like
  /// it.
  void to(const std::string& device);

  /// All weights under names that start with `prefix`; load() throws Error, naming the weight, when one is missing or
  /// has another shape: the weights of another network.
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix);

 protected:
  explicit Network(InputShape input) : input_(input) {}

 private:
  InputShape input_;
  std::vector<Weight> weights_;
};

/// Floats of a tensor, wherever it lies, into and out of an archive. take_tensor() throws Error when the archive has
/// not as many of that name.
void put_tensor(TensorArchive& archive, const std::string& name, const at::Tensor& tensor);
void take_tensor(const TensorArchive& archive, const std::string& name, const at::Tensor& into);

/// rows x cols floats that lie elsewhere and outlive the tensor, which may only be read.
at::Tensor borrowed(const float* values, std::size_t rows, std::size_t cols);

/// `tensor` on that device. To a GPU it goes through pinned memory, so that nobody waits for what the GPU is at.
at::Tensor sent_to(const at::Tensor& tensor, const at::Device& device);

/// What a network is made for.
struct NetworkRequest {
  std::size_t inputs = 0;  ///< numbers per example
  int classes = 0;
  std::uint64_t seed = kDefaultSeed;
  bool pretrained = true;  ///< false: the weights come from a saved model, so no file of weights is looked for
};

/// How a kind of network is made; what it declares of itself is in its descriptor (models/networks/networks.hpp).
struct NetworkKind {
  /// `parameters` are checked. Throws Error for a number of inputs that it cannot take.
  std::function<std::unique_ptr<Network>(const ParameterValues& parameters, const NetworkRequest& request)> make;
  bool small_layers = false;  ///< so small that libtorch's threads would wait for each other more than they work
};

/// Throws Error for an unknown kind.
const NetworkKind& network_kind(std::string_view name);

#define GENREWISE_DECLARE(name) NetworkKind name##_kind();
GENREWISE_NETWORKS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

}  // namespace genrewise::neural
