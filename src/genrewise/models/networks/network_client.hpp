// A network as a classifier: the program genrewise-neural fits and applies it.
#pragma once

#include <cstdint>
#include <memory>

#include "genrewise/models/classifier.hpp"

namespace genrewise {

/// Starts genrewise-neural when it is first fitted or applied; the same process serves the fit and all predictions. A
/// loaded network waits with that (and with checking its weights) until its first prediction. Threads, device, weights
/// folder and stores are those of the current Runtime. Throws what the network throws; Error where the program is
/// missing or ends unexpectedly. Predictions may come from several threads; they take turns.
std::unique_ptr<Classifier> make_network_client(const ClassifierDescriptor& descriptor,
                                                const ParameterValues& parameters, std::uint64_t seed);

}  // namespace genrewise
