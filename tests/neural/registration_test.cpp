// What the neural half makes known to the rest of the house.
#include <gmock/gmock.h>

#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/models/neural/neural.hpp"

namespace genrewise {
namespace {

TEST(Registration, MayBeRepeatedWithoutDoublingNames) {
  register_neural();
  const auto kinds = classifier_kinds();
  const auto sets = feature_set_names();
  register_neural();
  EXPECT_EQ(classifier_kinds(), kinds);
  EXPECT_EQ(feature_set_names(), sets);
}

}  // namespace
}  // namespace genrewise
