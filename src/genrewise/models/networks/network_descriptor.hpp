// Descriptors of networks; free of libtorch.
#pragma once

#include <cstdint>
#include <memory>
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
/// Appends the trainer's parameters to the network's own. Its classifiers are make_network_client()'s.
ClassifierDescriptor network_descriptor(const NetworkDescriptor& network);

/// A classifier that the program genrewise-neural fits and applies. The program is started at the first fit or
/// prediction; the same process serves the fit and all predictions. A loaded network is sent to the process (and its
/// weights are checked) at the first prediction. Threads, device, weights folder and stores are those of the current
/// Runtime. Throws what the network throws; Error where the program is missing or ends unexpectedly. Predictions from
/// several threads are serialised.
std::unique_ptr<Classifier> make_network_client(const ClassifierDescriptor& descriptor,
                                                const ParameterValues& parameters, std::uint64_t seed);

/// The training parameters of every network, with their defaults.
std::vector<ParameterDescriptor> trainer_parameters();

/// The parameter dropout.
ParameterDescriptor dropout_parameter(std::string standard);
/// The parameters hidden_layer_sizes (with this default) and dropout, of the head on a pretrained body.
std::vector<ParameterDescriptor> head_parameters(std::string hidden_layer_sizes);

}  // namespace genrewise::networks
