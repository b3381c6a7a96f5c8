#include "genrewise/models/networks/network_descriptor.hpp"

#include <utility>

namespace genrewise::networks {

ClassifierDescriptor network_descriptor(const NetworkDescriptor& network) {
  ClassifierDescriptor descriptor = {
      .kind = network.kind,
      .title = network.title,
      .summary = network.summary,
      .parameters = network.parameters,
      .capabilities = {.plain_features = network.plain_features, .batches = true, .neural_program = true},
      .make = [kind = network.kind](const ParameterValues& given, std::uint64_t seed) {
        return make_network_client(classifier_descriptor(kind), given, seed);
      }};
  for (const ParameterDescriptor& one : trainer_parameters()) {
    const auto other = network.defaults.find(one.name);
    descriptor.parameters.push_back(other == network.defaults.end() ? one : one.with_default(other->second));
  }
  return descriptor;
}

std::vector<ParameterDescriptor> trainer_parameters() {
  using namespace parameter;
  const Range count = between(0, 1'000'000), positive_count = between(1, 1'000'000), share = between(0, 1);
  return {
      integer("epochs", "100", positive_count, "passes over the training examples"),
      integer("batch_size", "32", positive_count, "examples per step, over all processes"),
      choice("optimiser", "adam", {"adam", "adamw", "sgd"}, "optimiser; adamw has decoupled weight decay"),
      number("learning_rate", "0.001", above(0), "step size; auto: found by a learning-rate search").or_word({"auto"}),
      number("momentum", "0.9", share, "of sgd"),
      number("weight_decay", "0", at_least(0), "l2 penalty; decoupled for adamw"),
      choice("schedule", "constant", {"constant", "cosine", "plateau"},
             "of the learning rate: constant, cosine down to a hundredth, or reduced when validation stalls"),
      number("warmup_epochs", "0", at_least(0), "epochs in which the learning rate rises linearly"),
      integer("plateau_patience", "3", count,
              "epochs without improvement on validation before plateau reduces the rate"),
      number("plateau_factor", "0.3", share, "factor by which plateau reduces the rate"),
      number("label_smoothing", "0", between(0, 0.99),
             "share of the target probability that is spread over all labels"),
      choice("class_weight", "none", {"none", "balanced"},
             "weights of the classes: equal, or inverse to their number of examples"),
      number("gradient_clip", "0", at_least(0), "largest norm of the gradient; 0: no clipping"),
      integer("patience", "0", count, "epochs without improvement on validation before training stops; 0: all epochs"),
      choice("monitor", "loss", {"loss", "accuracy"}, "validation metric for early stopping and restore"),
      choice("restore", "best", {"best", "last"}, "which epoch's weights are kept"),
      number("validation_share", "0", between(0, 0.9),
             "share held out from training where there is no validation part"),
      integer("frozen_epochs", "0", between(-1, 1'000'000), "epochs in which a pretrained body is frozen; -1: all"),
      number("body_rate", "0.1", between(0, 1000), "factor of the learning rate for a pretrained body"),
      boolean("mixed_precision", "false", "bfloat16 where it is safe, on a GPU"),
      number("mixup", "0", between(0, 100), "alpha of the beta distribution of mixing weights; 0: no mixup"),
      integer("time_masks", "0", between(0, 100), "spans of time that are masked (SpecAugment)"),
      number("time_mask_share", "0.1", share, "longest mask, as a share of the whole"),
      integer("frequency_masks", "0", between(0, 100), "spans of rows that are masked"),
      number("frequency_mask_share", "0.1", share, "longest mask, as a share of the whole"),
      integer("crop", "0", at_least(0), "columns of a random span to train on; 0: all"),
      integer("shift", "0", at_least(0), "largest roll along time, in columns"),
      number("gain_db", "0", between(0, 60), "largest change of a waveform's level, in dB"),
      number("noise", "0", between(0, 10), "added noise, in standard deviations of the example"),
      integer("augmented_copies", "0", count,
              "augmentations of each example, which take turns in the epochs; 0: a new one in every epoch")};
}

ParameterDescriptor dropout_parameter(std::string standard) {
  return parameter::number("dropout", std::move(standard), between(0, 0.99),
                           "share of the hidden units that are dropped in training");
}

std::vector<ParameterDescriptor> head_parameters(std::string hidden_layer_sizes) {
  return {parameter::integers("hidden_layer_sizes", std::move(hidden_layer_sizes), between(1, 1'000'000),
                              "units of the head's hidden layers")
              .or_word({"none"})
              .simpler_when(Simpler::smaller),
          dropout_parameter("0.3")};
}

}  // namespace genrewise::networks
