// The list of all feature sets.
#include "genrewise/pretrained/feature_sets.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsSupersetOf;
using ::testing::Not;

std::string problem_of(std::string_view name) {
  return error_message([&] { make_feature_set(name); });
}

TEST(FeatureSets, ListEngineeredAndPretrainedOnes) {
  EXPECT_THAT(feature_set_names(), IsSupersetOf({"fma518", "mel224", "mel128", "audiotag", "mobilenetv2", "musicnn"}));
}

TEST(FeatureSets, OfAPretrainedNetworkWithoutWeightsNameTheCommandThatFetchesThem) {
  const testing::TemporaryFolder empty;
  const testing::Environment home("XDG_DATA_HOME", empty.path());
  const testing::Environment nowhere("GENREWISE_WEIGHTS", empty.path());
  EXPECT_THAT(problem_of("efficientat_classes"),
              AllOf(HasSubstr("genrewise fetch weights efficientat"), Not(HasSubstr("there is no feature set"))));
  EXPECT_THAT(problem_of("mobilenetv2"), HasSubstr("genrewise fetch weights mobilenetv2"));
}

}  // namespace
}  // namespace genrewise
