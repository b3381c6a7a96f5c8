// A network as a classifier, in this process: what genrewise-neural serves.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "genrewise/models/classifier.hpp"

namespace genrewise::neural {

/// The classifier of that kind of network, which libtorch fits and applies on the requested device (device.hpp).
/// make_classifier() gives one that has this done by genrewise-neural (models/networks/network_client.hpp).
std::unique_ptr<Classifier> make_network_learner(std::string_view kind, const Parameters& parameters,
                                                 std::uint64_t seed);

}  // namespace genrewise::neural
