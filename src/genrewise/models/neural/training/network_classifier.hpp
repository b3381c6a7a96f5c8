// A network as a classifier in this process; served by genrewise-neural.
//
//     auto classifier = neural::make_network_classifier("dense", {{"epochs", "20"}}, seed);
//     classifier->fit({examples, labels, label_count}, {.run_folder = folder});
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "genrewise/models/classifier.hpp"

namespace genrewise::neural {

/// A classifier of that kind of network, fitted and applied by libtorch on the requested device (device.hpp).
/// make_classifier() returns one that delegates to genrewise-neural (models/networks/network_descriptor.hpp).
std::unique_ptr<Classifier> make_network_classifier(std::string_view kind, const Parameters& parameters,
                                                 std::uint64_t seed);

}  // namespace genrewise::neural
