// The list of networks.
#include <gtest/gtest.h>

#include "genrewise/models/neural/layers/network.hpp"

namespace genrewise {
namespace {

TEST(NetworksList, HasADescriptorAndCodeForEveryName) {
  int networks = 0;
#define GENREWISE_CHECK(name)                                                \
  EXPECT_EQ(classifier_descriptor(#name).kind, #name);                       \
  EXPECT_TRUE(classifier_descriptor(#name).capabilities.neural_program);     \
  EXPECT_TRUE(static_cast<bool>(neural::network_kind(#name).make)) << #name; \
  ++networks;
  GENREWISE_NETWORKS(GENREWISE_CHECK)
#undef GENREWISE_CHECK
  EXPECT_GE(networks, 5);
}

}  // namespace
}  // namespace genrewise
