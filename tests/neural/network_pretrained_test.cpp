// Networks with a pretrained body: equal to the reference before training, and trainable.
#include <gmock/gmock.h>

#include <cmath>

#include "genrewise/features/feature_set.hpp"
#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

constexpr double kGoldenTolerance = 1e-4;  // required of pretrained networks; single precision in another order of sums

double largest_distance(const Matrix& found, const std::vector<float>& expected) {
  double largest = 0;
  for (std::size_t i = 0; i < expected.size(); ++i)
    largest = std::max(largest, std::abs(static_cast<double>(found.values()[i]) - static_cast<double>(expected[i])));
  return largest;
}

TEST(EfficientAtNetwork, GivesTheReferencesEmbeddingBeforeTraining) {
  REQUIRE_SHARED(folder, "weights");
  const Environment weights("GENREWISE_WEIGHTS", folder);
  const TensorArchive golden = TensorArchive::read(folder / "efficientat_mn04_audioset.golden.safetensors");
  const Matrix mel(1, 128'000, golden.floats("mel", 128'000));
  const Matrix embedding = neural::pretrained_embedding("efficientat", mel);
  ASSERT_EQ(embedding.cols(), 384u);
  EXPECT_LT(largest_distance(embedding, golden.floats("embedding", 384)), kGoldenTolerance);
}

TEST(MobileNetV2Network, GivesTheReferencesEmbeddingOfAGreyImage) {
  REQUIRE_SHARED(folder, "weights");
  const Environment weights("GENREWISE_WEIGHTS", folder);
  // The reference's golden images are coloured; the network takes grey ones in dB. The expected embedding of a real
  // image comes from the inference engine, which is tested against the reference.
  Waveform clip;
  clip.sample_rate_hz = 22050;
  Rng rng(5);
  for (std::size_t i = 0; i < 30 * 22050; ++i)
    clip.samples.push_back(static_cast<float>(0.3 * std::sin(0.05 * static_cast<double>(i)) + 0.05 * rng.normal()));
  const auto features = [&](const char* name) {
    const auto set = make_feature_set(name);
    Matrix row(1, set->size());
    const auto scratch = set->make_scratch();
    EXPECT_TRUE(set->extract(clip, row.row(0), *scratch).has_value());
    return row;
  };
  const Matrix expected = features("mobilenetv2"),
               found = neural::pretrained_embedding("mobilenetv2", features("mel224"));
  ASSERT_EQ(found.cols(), expected.cols());
  EXPECT_LT(largest_distance(found, {expected.values().begin(), expected.values().end()}), kGoldenTolerance);
}

TEST(PretrainedNetworks, TrainWithAFrozenBodyAndThenWithAnUnfrozenOne) {
  REQUIRE_SHARED(folder, "weights");
  const Environment weights("GENREWISE_WEIGHTS", folder);
  const Examples examples = made_examples(6, 128 * 64, 2);
  const Parameters frozen = {{"epochs", "1"}, {"frozen_epochs", "-1"}, {"batch_size", "3"}};
  const auto classifier = fitted("efficientat", frozen, examples, 2);
  TensorArchive state, pretrained;
  classifier->save(state, "");
  const TensorArchive file = TensorArchive::read(folder / "efficientat_mn04_audioset.safetensors");
  const std::size_t count = file.count("features.0.0.weight");
  EXPECT_EQ(state.floats("body.features.0.0.weight", count), file.floats("features.0.0.weight", count));
  Parameters tuned = frozen;
  tuned["frozen_epochs"] = "0";
  TensorArchive moved;
  fitted("efficientat", tuned, examples, 2)->save(moved, "");
  EXPECT_NE(moved.floats("body.features.0.0.weight", count), file.floats("features.0.0.weight", count));
}

TEST(PretrainedNetworks, RefuseOtherFeatureSets) {
  EXPECT_THAT(error_message([] { fitted("mobilenetv2", {}, made_examples(4, 1000, 2), 2); }), HasSubstr("mel224"));
  EXPECT_THAT(error_message([] { fitted("efficientat", {}, made_examples(4, 1000, 2), 2); }), HasSubstr("mel128"));
}

TEST(PretrainedNetworks, ReportWhatToFetchWhereWeightsAreMissing) {
  TemporaryFolder empty;
  const Environment none("GENREWISE_WEIGHTS", empty.path());
  const std::string problem = error_message([] {
    fitted("efficientat", {{"epochs", "1"}}, made_examples(4, 128 * 40, 2), 2);
  });
  EXPECT_THAT(problem, HasSubstr("efficientat"));
}

}  // namespace
}  // namespace genrewise
