// A network as a classifier: the program genrewise-neural fits and applies it.
#pragma once

#include <cstdint>
#include <memory>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// Starts genrewise-neural at the first fit or prediction; the same process serves the fit and all predictions. A loaded
/// network is sent to the process (and its weights are checked) at the first prediction. Threads, device, weights
/// folder and stores are those of the current Runtime. Throws what the network throws; Error where the program is
/// missing or ends unexpectedly. Predictions from several threads are serialised.
std::unique_ptr<Classifier> make_network_client(const ClassifierDescriptor& descriptor,
                                                const ParameterValues& parameters, std::uint64_t seed);

}  // namespace genrewise
