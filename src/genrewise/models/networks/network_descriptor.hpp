// Descriptors of networks; free of libtorch.
#pragma once

#include <string>
#include <vector>

#include "genrewise/models/networks/networks.hpp"

namespace genrewise::networks {

struct NetworkDescriptor {
  std::string kind, title, summary;                  ///< as ClassifierDescriptor's
  std::vector<ParameterDescriptor> parameters = {};  ///< the network's own
  Parameters defaults = {};                          ///< where they differ from trainer_parameters()
  bool plain_features = true;                        ///< false: features are standardised before the network
};
/// Appends the trainer's parameters to the network's own. Its classifiers are fitted by genrewise-neural
/// (network_client.hpp).
ClassifierDescriptor network_descriptor(const NetworkDescriptor& network);

/// The training parameters of every network, with their defaults.
std::vector<ParameterDescriptor> trainer_parameters();

/// The parameter dropout.
ParameterDescriptor dropout_parameter(std::string standard);
/// The parameters hidden_layer_sizes (with this default) and dropout, of the head on a pretrained body.
std::vector<ParameterDescriptor> head_parameters(std::string hidden_layer_sizes);

}  // namespace genrewise::networks
