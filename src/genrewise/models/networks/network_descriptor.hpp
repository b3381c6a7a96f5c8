// Descriptors of networks, which need no libtorch.
#pragma once

#include <string>
#include <vector>

#include "genrewise/models/networks/networks.hpp"

namespace genrewise::networks {

struct NetworkDescriptor {
  std::string kind, title, summary;                  ///< as ClassifierDescriptor's
  std::vector<ParameterDescriptor> parameters = {};  ///< its own
  Parameters defaults = {};                          ///< where they differ from trainer_parameters()
  bool plain_features = true;                        ///< whether standardisation before it would harm
};
/// With the trainer's parameters behind its own; its classifiers are fitted by genrewise-neural (network_client.hpp).
ClassifierDescriptor network_descriptor(const NetworkDescriptor& network);

/// How any network is trained: the parameters of every network and their defaults.
std::vector<ParameterDescriptor> trainer_parameters();

/// dropout, of most networks.
ParameterDescriptor dropout_parameter(std::string standard);
/// hidden_layer_sizes (its default is given) and dropout, of the head on a pretrained body.
std::vector<ParameterDescriptor> head_parameters(std::string hidden_layer_sizes);

}  // namespace genrewise::networks
