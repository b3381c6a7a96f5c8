// A multi-layer perceptron on feature vectors, with batch normalisation and dropout.
#include "genrewise/models/networks/network_descriptor.hpp"

#ifndef GENREWISE_LIBTORCH  // compiled into the plain library

namespace genrewise::networks {

const ClassifierDescriptor& dense() {
  static const ClassifierDescriptor descriptor = network_descriptor(
      {.kind = "dense",
       .title = "Dense network",
       .summary = "a multi-layer perceptron with batch normalisation and dropout, on feature vectors",
       .parameters = {parameter::integers("hidden_layer_sizes", "256", between(1, 1'000'000),
                                          "units of each hidden layer; several layers as (256,64)")
                          .simpler_when(Simpler::smaller),
                      dropout_parameter("0.5"),
                      parameter::number("input_dropout", "0", between(0, 0.99),
                                        "share of the inputs that are dropped in training"),
                      parameter::boolean("input_norm", "true", "batch normalisation of the inputs"),
                      parameter::boolean("batch_norm", "true", "batch normalisation after each hidden layer")},
       .defaults = {{"optimiser", "adamw"},
                    {"weight_decay", "0.01"},
                    {"schedule", "cosine"},
                    {"epochs", "50"},
                    {"batch_size", "64"}},
       .plain_features = false});
  return descriptor;
}

}  // namespace genrewise::networks

#else  // compiled into genrewise-neural

#include <ATen/ATen.h>

#include <optional>

#include "genrewise/base/error.hpp"
#include "genrewise/models/neural/layers/layers.hpp"

namespace genrewise::neural {
namespace {

class Dense final : public Network {
 public:
  Dense(const NetworkRequest& request, const std::vector<int>& hidden, double dropout_share, double input_dropout,
        bool input_norm, bool batch_norm)
      : Network({1, request.inputs}) {
    if (request.inputs == 0) throw Error("takes at least one number", "dense");
    Rng rng(derive_seed(request.seed, "dense start"));
    WeightMaker make(weights(), rng, request);
    if (input_norm) norm_.emplace(make, "input_norm", static_cast<std::int64_t>(request.inputs));
    head_ = Head(make, "head", static_cast<std::int64_t>(request.inputs), hidden, request.classes, dropout_share,
                 batch_norm);
    head_.input_dropout = input_dropout;
  }

  at::Tensor forward(const at::Tensor& examples, const Pass& pass) const override {
    return head_(norm_ ? (*norm_)(examples, pass) : examples, pass);
  }

 private:
  std::optional<BatchNorm> norm_;  // replaces standardisation where the examples come from a pack
  Head head_;
};

}  // namespace

NetworkKind dense_kind() {
  return {.make =
              [](const ParameterValues& parameters, const NetworkRequest& request) {
                return std::make_unique<Dense>(request, parameters.integers("hidden_layer_sizes"),
                                               parameters.number("dropout"), parameters.number("input_dropout"),
                                               parameters.flag("input_norm"), parameters.flag("batch_norm"));
              },
          .one_libtorch_thread = true};
}

}  // namespace genrewise::neural

#endif
