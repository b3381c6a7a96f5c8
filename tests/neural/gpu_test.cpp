// Training on a GPU. Skipped where libtorch has none.
#include <gmock/gmock.h>

#include "genrewise/base/runtime.hpp"
#include "genrewise/models/neural/training/device.hpp"
#include "support/environment.hpp"
#include "support/neural_test_support.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

class Gpu : public ::testing::Test {
 protected:
  void SetUp() override {
    Runtime::current().set_device("cuda");
    const std::string problem = error_message([] { neural::chosen_device(); });
    if (problem != "no error") GTEST_SKIP() << problem;
  }
  ~Gpu() override { Runtime::current().set_device("auto"); }

  static std::unique_ptr<Classifier> fitted_on(const std::string& device, std::string_view kind,
                                               const Parameters& parameters, const Examples& examples,
                                               FitContext context = {}) {
    Runtime::current().set_device(device);
    return fitted(kind, parameters, examples, 3, std::move(context));
  }
};

/// A few steps in which the order of sums has little effect.
const Parameters kGentle = {{"epochs", "3"}, {"batch_size", "10"}, {"learning_rate", "1e-4"}};

class GpuTraining : public Gpu, public ::testing::WithParamInterface<std::pair<const char*, std::size_t>> {};

TEST_P(GpuTraining, AgreesWithTheCpuWithinTolerance) {
  const auto [kind, cols] = GetParam();
  const Examples examples = made_examples(30, cols, 3);
  const Matrix here = fitted_on("cpu", kind, kGentle, examples)->predict_probabilities(examples.values);
  const Matrix there = fitted_on("cuda", kind, kGentle, examples)->predict_probabilities(examples.values);
  for (std::size_t i = 0; i < here.values().size(); ++i) EXPECT_NEAR(there.values()[i], here.values()[i], 5e-3);
}

TEST_P(GpuTraining, GivesAModelThatPredictsTheSameOnTheCpu) {
  const auto [kind, cols] = GetParam();
  const Examples examples = made_examples(30, cols, 3);
  const auto fitted = fitted_on("cuda", kind, kGentle, examples);
  const Matrix there = fitted->predict_probabilities(examples.values);
  TensorArchive archive;
  fitted->save(archive, "");
  Runtime::current().set_device("cpu");
  const auto loaded = neural::make_network_classifier(kind, kGentle, 7);
  loaded->load(archive, "");
  const Matrix here = loaded->predict_probabilities(examples.values);
  for (std::size_t i = 0; i < here.values().size(); ++i) EXPECT_NEAR(there.values()[i], here.values()[i], 1e-3);
}

TEST_P(GpuTraining, ConvergesWithMixedPrecision) {
  const auto [kind, cols] = GetParam();
  const Examples examples = made_examples(36, cols, 3, 3);
  const Parameters parameters = {{"epochs", "40"},         {"batch_size", "12"},       {"dropout", "0"},
                                 {"schedule", "constant"}, {"learning_rate", "0.002"}, {"mixed_precision", "true"}};
  EXPECT_GT(accuracy_of(*fitted_on("cuda", kind, parameters, examples), examples), 0.9);
}

INSTANTIATE_TEST_SUITE_P(Kinds, GpuTraining,
                         ::testing::Values(std::pair{"cnn1d", std::size_t{64}},
                                           std::pair{"cnn1d_strided", std::size_t{1500}},
                                           std::pair{"dense", std::size_t{30}}),
                         [](const auto& one) { return std::string(one.param.first); });

TEST_F(Gpu, FineTunesPretrainedBodies) {
  REQUIRE_SHARED(folder, "weights");
  const Environment weights("GENREWISE_WEIGHTS", folder);
  Parameters parameters = {{"epochs", "12"}, {"batch_size", "6"}, {"dropout", "0"}, {"learning_rate", "0.003"}};
  parameters.insert({{"frozen_epochs", "1"}, {"gradient_clip", "5"}});
  for (const bool mixed : {false, true}) {
    parameters["mixed_precision"] = mixed ? "true" : "false";
    const Examples pictures = made_examples(12, 224 * 96, 3, 20), bands = made_examples(12, 128 * 200, 3, 3);
    EXPECT_GT(accuracy_of(*fitted_on("cuda", "mobilenetv2", parameters, pictures), pictures), 0.6);
    EXPECT_GT(accuracy_of(*fitted_on("cuda", "efficientat", parameters, bands), bands), 0.6);
  }
}

TEST_F(Gpu, ContinuesFromACheckpointOfAnyDevice) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  Stopping stop(70);
  context.progress = &stop;
  const Parameters parameters = {{"epochs", "6"}, {"batch_size", "10"}};
  EXPECT_THROW(fitted_on("cuda", "dense", parameters, examples, context), Interrupted);
  clear_interrupt();
  context.progress = nullptr;
  const Matrix resumed =
      fitted_on("cpu", "dense", parameters, examples, context)->predict_probabilities(examples.values);
  const Matrix whole = fitted_on("cuda", "dense", parameters, examples)->predict_probabilities(examples.values);
  for (std::size_t i = 0; i < whole.values().size(); ++i) EXPECT_NEAR(resumed.values()[i], whole.values()[i], 5e-3);
}

TEST_F(Gpu, ReportsWhichSettingToLowerWhenMemoryRunsOut) {
  // Two thousand inputs, a first layer a hundred times as wide, and very many examples at once: more than 60 GB.
  const Parameters parameters = {{"epochs", "1"}, {"batch_size", "60000"}};
  const Examples examples = made_examples(60000, 2000, 3);
  EXPECT_THAT(error_message([&] { fitted_on("cuda", "cnn1d", parameters, examples); }),
              AllOf(HasSubstr("not enough memory"), HasSubstr("batch_size (now 60000)")));
}

TEST_F(Gpu, TrainsInAGroupOfOneByNccl) {
  const Examples examples = made_examples(60, 12, 3);
  const Parameters parameters = {{"epochs", "3"}, {"batch_size", "10"}};
  FitContext context;
  context.ranks_address = "127.0.0.1:" + std::to_string(free_port());
  context.rank = 0, context.ranks = 1;
  Matrix grouped;
  const std::string problem = error_message([&] {
    grouped = fitted_on("cuda", "dense", parameters, examples, context)->predict_probabilities(examples.values);
  });
  if (problem.find("without NCCL") != std::string::npos) GTEST_SKIP() << problem;
  ASSERT_EQ(problem, "no error");
  const Matrix alone = fitted_on("cuda", "dense", parameters, examples)->predict_probabilities(examples.values);
  for (std::size_t i = 0; i < alone.values().size(); ++i) EXPECT_NEAR(grouped.values()[i], alone.values()[i], 1e-4);
}

}  // namespace
}  // namespace genrewise
