// Networks with a pretrained body: equal to the reference before training, and trainable.
#include <ATen/ATen.h>
#include <gmock/gmock.h>

#include <algorithm>

#include "genrewise/models/neural/layers/pretrained_body.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

constexpr double kGoldenTolerance = 1e-4;  // required of pretrained networks; single precision in another order of sums

/// Embedding of each example (rows in the network's input format) by the body with pretrained weights only.
Matrix pretrained_embedding(std::string_view kind, const Matrix& examples) {
  const auto network = neural::network_kind(kind).make(check_parameters(classifier_descriptor(kind), {}),
                                                       {examples.cols(), 2, kDefaultSeed});
  const auto& body = dynamic_cast<const neural::PretrainedNetwork&>(*network);
  const at::NoGradGuard no_grad;
  const at::Tensor rows = neural::borrowed(examples.data(), examples.rows(), examples.cols());
  const at::Tensor embedding = body.embed(rows, {}).contiguous();
  Matrix result(examples.rows(), static_cast<std::size_t>(embedding.size(1)));
  std::copy_n(embedding.data_ptr<float>(), result.values().size(), result.data());
  return result;
}

/// A folder with seeded weights of both networks, which find_weights() searches first.
class PretrainedNetworks : public ::testing::Test {
 protected:
  PretrainedNetworks() {
    for (const char* network : {"mobilenetv2", "efficientat"})
      write_file(folder_ / (std::string(network) + ".safetensors"), seeded_weights(network).serialise());
  }
  TemporaryFolder folder_;
  Environment weights_{"GENREWISE_WEIGHTS", folder_.path()};
};

TEST_F(PretrainedNetworks, GiveEfficientAtsReferenceEmbeddingBeforeTraining) {
  const Matrix embedding = pretrained_embedding("efficientat", Matrix(1, 128 * 201, wave_like(128 * 201)));
  EXPECT_LT(NetworkGolden().difference(embedding.row(0), "efficientat", "embedding"), kGoldenTolerance);
}

TEST_F(PretrainedNetworks, GiveMobileNetV2sReferenceEmbeddingOfAGreyImageBeforeTraining) {
  auto decibels = wave_like(224 * 224);  // its input is dB / 40 + 1
  for (float& value : decibels) value = (value - 1) * 40;
  const Matrix embedding = pretrained_embedding("mobilenetv2", Matrix(1, 224 * 224, std::move(decibels)));
  EXPECT_LT(NetworkGolden().difference(embedding.row(0), "mobilenetv2_grey", "embedding"), kGoldenTolerance);
}

TEST_F(PretrainedNetworks, TrainWithAFrozenBodyAndThenWithAnUnfrozenOne) {
  const Examples examples = made_examples(6, 128 * 64, 2);
  const Parameters frozen = {{"epochs", "1"}, {"frozen_epochs", "-1"}, {"batch_size", "3"}};
  const auto classifier = fitted("efficientat", frozen, examples, 2);
  TensorArchive state, pretrained;
  classifier->save(state, "");
  const TensorArchive file = TensorArchive::read(folder_ / "efficientat.safetensors");
  const std::size_t count = file.count("features.0.0.weight");
  EXPECT_EQ(state.floats("body.features.0.0.weight", count), file.floats("features.0.0.weight", count));
  Parameters tuned = frozen;
  tuned["frozen_epochs"] = "0";
  TensorArchive moved;
  fitted("efficientat", tuned, examples, 2)->save(moved, "");
  EXPECT_NE(moved.floats("body.features.0.0.weight", count), file.floats("features.0.0.weight", count));
}

TEST_F(PretrainedNetworks, RefuseOtherFeatureSets) {
  EXPECT_THAT(error_message([] { fitted("mobilenetv2", {}, made_examples(4, 1000, 2), 2); }), HasSubstr("mel224"));
  EXPECT_THAT(error_message([] { fitted("efficientat", {}, made_examples(4, 1000, 2), 2); }), HasSubstr("mel128"));
}

TEST_F(PretrainedNetworks, ReportWhatToFetchWhereWeightsAreMissing) {
  TemporaryFolder empty;
  const Environment none("GENREWISE_WEIGHTS", empty.path());
  const std::string problem = error_message([] {
    fitted("efficientat", {{"epochs", "1"}}, made_examples(4, 128 * 40, 2), 2);
  });
  EXPECT_THAT(problem, HasSubstr("efficientat"));
}

}  // namespace
}  // namespace genrewise
