// A network as a learner: it fits, predicts, saves and loads as any other.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "genrewise/models/classifier.hpp"

namespace genrewise::neural {

/// The learner of that kind of network (networks/network.hpp); what make_classifier() calls. Most networks
/// take the features as they are (`plain_features`).
std::unique_ptr<Classifier> make_network_learner(std::string_view kind, const Parameters& parameters,
                                                 std::uint64_t seed);

/// Makes every kind of network known to make_classifier().
void register_networks();

}  // namespace genrewise::neural
