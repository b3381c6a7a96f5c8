// The list of all feature sets.
#include "genrewise/pretrained/feature_sets.hpp"

#include <gmock/gmock.h>

#include <fstream>
#include <sstream>

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

TEST(FeatureSets, HaveCompleteDescriptors) {
  for (const FeatureSetDescriptor& declared : feature_sets()) {
    EXPECT_FALSE(declared.title.empty()) << declared.name;
    EXPECT_FALSE(declared.summary.empty()) << declared.name;
    EXPECT_GT(declared.columns, 0u) << declared.name;
    if (!declared.weights.empty()) continue;
    const auto set = declared.make();
    EXPECT_EQ(set->recipe().name, declared.name);
    EXPECT_EQ(set->size(), declared.columns) << declared.name;
    EXPECT_EQ(set->sample_rate_hz(), declared.sample_rate_hz) << declared.name;
  }
}

TEST(FeatureSets, MatchTheTableInTheDocumentation) {
  std::ifstream file(testing::golden_path("").parent_path().parent_path().parent_path() / "docs" / "features.md");
  std::stringstream page;
  page << file.rdbuf();
  EXPECT_THAT(page.str(), HasSubstr(feature_sets_markdown()))
      << "put the output of genrewise features --markdown there";
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
