// A network: named weights and a forward pass. Private to models/neural, because its interface uses libtorch types.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/models/networks/networks.hpp"

namespace genrewise {
class TensorArchive;
}  // namespace genrewise

namespace genrewise::neural {

/// Mode of one forward pass.
struct Pass {
  bool training = false;  ///< dropout is on, and batch normalisation uses the batch's own statistics
  Rng* noise = nullptr;   ///< generator for dropout; required in training
};

struct Weight {
  std::string name;
  at::Tensor value;
  bool trainable = true;  ///< false: frozen, or a running statistic of batch normalisation
  bool decays = true;     ///< weight decay applies (not to biases and normalisation)
  bool body = false;      ///< part of a pretrained body, which is trained at a lower rate
};

/// Layout of one example: `rows` x `cols`, columns are time. {1, n} for a waveform or a plain feature vector.
struct InputShape {
  std::size_t rows = 1, cols = 0;
  std::size_t size() const { return rows * cols; }
};

/// The embedding of a pretrained body by the inference engine, on the CPU.
struct BodyEngine {
  std::size_t size = 0;  ///< values per embedding
  std::string weights;   ///< checksum of the body's weights
  std::size_t cols = 0;  ///< columns that an example must have; 0: any number
  /// Embeds one example on the calling thread; `worker` in [0, workers) identifies it.
  std::function<void(std::span<const float> example, std::span<float> embedding, int worker)> embed;
};

class Network {
 public:
  virtual ~Network() = default;
  /// examples x input().size() -> examples x classes, logits. Thread-safe when not training. A network that pools over
  /// time also accepts other lengths: examples x (rows * cols), with `rows` as in input().
  virtual at::Tensor forward(const at::Tensor& examples, const Pass& pass) const = 0;
  /// Freezes (true) or unfreezes (false) the weights of the body. No effect on a network without a body.
  virtual void freeze_body(bool frozen);

  /// The pretrained weights of the body in an engine; empty without a body, or if it does not take these inputs.
  virtual BodyEngine body_engine(int /*workers*/) const { return {}; }
  /// The part of forward() that follows the body: examples x BodyEngine::size -> examples x classes.
  virtual at::Tensor classify(const at::Tensor& embeddings, const Pass& pass) const {
    return forward(embeddings, pass);
  }

  InputShape input() const { return input_; }
  std::vector<Weight>& weights() { return weights_; }
  const std::vector<Weight>& weights() const { return weights_; }
  /// Moves every weight to a device ("cpu", "cuda:0"). On a GPU, 2-D filters are stored channels-last, the layout of
  /// its convolution kernels.
  void to(const std::string& device);

  /// All weights, under names that start with `prefix`; load() throws Error, naming the weight, when one is missing or
  /// has another shape (weights of another network).
  void save(TensorArchive& archive, const std::string& prefix) const;
  void load(const TensorArchive& archive, const std::string& prefix);

 protected:
  explicit Network(InputShape input) : input_(input) {}

 private:
  InputShape input_;
  std::vector<Weight> weights_;
};

/// Throws Error unless the archive has a tensor of that name and shape.
void require_weight(const TensorArchive& archive, const std::string& name, std::span<const std::int64_t> shape);

/// Copies a tensor's floats, on whichever device, into and out of an archive. take_tensor() throws Error when the
/// archive holds a different number of values under that name.
void put_tensor(TensorArchive& archive, const std::string& name, const at::Tensor& tensor);
void take_tensor(const TensorArchive& archive, const std::string& name, const at::Tensor& into);

/// rows x cols floats owned by the caller, which outlive the tensor and must not be modified.
at::Tensor borrowed(const float* values, std::size_t rows, std::size_t cols);

/// `tensor` on that device. The copy to a GPU goes through pinned memory, so it does not wait for running kernels.
at::Tensor sent_to(const at::Tensor& tensor, const at::Device& device);

/// What a network is built for.
struct NetworkRequest {
  std::size_t inputs = 0;  ///< values per example
  int classes = 0;
  std::uint64_t seed = kDefaultSeed;
  /// A saved model, whose weights follow by load(): they are compared with the network's before any memory is taken,
  /// and no weight file is looked up.
  const TensorArchive* saved = nullptr;
  std::string prefix = {};  ///< of the weights' names in `saved`
};

/// Factory of a kind of network; its descriptor is in models/networks/networks.hpp.
struct NetworkKind {
  /// `parameters` are validated already. Throws Error for an unsupported number of inputs.
  std::function<std::unique_ptr<Network>(const ParameterValues& parameters, const NetworkRequest& request)> make;
  /// libtorch gets one thread: the layers are so small that its threads would mostly wait for each other, or
  /// genrewise's own kernels do most of the work, on threads of their own.
  bool one_libtorch_thread = false;
};

/// Throws Error for an unknown kind.
const NetworkKind& network_kind(std::string_view name);

#define GENREWISE_DECLARE(name) NetworkKind name##_kind();
GENREWISE_NETWORKS(GENREWISE_DECLARE)
#undef GENREWISE_DECLARE

}  // namespace genrewise::neural
