// A frozen body runs once per clip, and the head is trained on the embeddings.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <tuple>

#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

using ::testing::HasSubstr;
using namespace testing;

/// Largest difference of a probability after three epochs of training. Engine and libtorch add in different orders
/// (their embeddings agree to 1e-4), and Adam divides small gradients by their own size.
constexpr double kTolerance = 5e-3;

/// Images in dB with a bright band whose height depends on the label.
Examples made_images(std::size_t count, std::size_t rows, std::size_t cols) {
  Rng rng(4);
  Examples images{Matrix(count, rows * cols), {}};
  for (std::size_t i = 0; i < count; ++i) {
    images.labels.push_back(static_cast<int>(i % 2));
    for (std::size_t j = 0; j < rows * cols; ++j) {
      const bool bright = j / cols / (rows / 4) == (i % 2 == 0 ? 1u : 2u);
      images.values(i, j) = static_cast<float>((bright ? -20 : -60) + 5 * rng.normal());
    }
  }
  return images;
}

/// Counts clips that the body embeds, beside Stopping's work.
class Embedded final : public Progress {
 public:
  explicit Embedded(std::uint64_t stop_after = ~std::uint64_t{0}) : stop_after_(stop_after) {}
  void begin(std::string_view task, std::string_view, std::uint64_t, std::uint64_t) override {
    embeds_ = task.starts_with("embedding");
    embeddings_begun += embeds_;
  }
  void advance(std::uint64_t units) override {
    if (embeds_ && (clips += units) >= stop_after_) request_interrupt();
  }
  void note(std::string_view text) override { notes.emplace_back(text); }
  std::uint64_t clips = 0, embeddings_begun = 0;
  std::vector<std::string> notes;

 private:
  std::uint64_t stop_after_;
  bool embeds_ = false;
};

class FrozenBody : public ::testing::TestWithParam<std::tuple<const char*, std::size_t, std::size_t>> {
 protected:
  void SetUp() override {
    REQUIRE_SHARED(folder, "weights");
    weights_.emplace("GENREWISE_WEIGHTS", folder);
  }
  const char* kind() const { return std::get<0>(GetParam()); }
  Examples images(std::size_t count = 6) const {
    return made_images(count, std::get<1>(GetParam()), std::get<2>(GetParam()));
  }
  static double difference_of(const Matrix& a, const Matrix& b) {
    double difference = 0;
    for (std::size_t i = 0; i < a.values().size(); ++i)
      difference = std::max(difference, std::abs(static_cast<double>(a.values()[i] - b.values()[i])));
    return difference;
  }
  static void expect_close(const Matrix& quick, const Matrix& slow) {
    EXPECT_LT(difference_of(quick, slow), kTolerance);
    EXPECT_GT(difference_of(quick, Matrix(quick.rows(), quick.cols(), std::vector<float>(quick.values().size(), 0.5F))),
              0.1)
        << "the head was trained";
  }
  /// Probabilities after training without the engine: the fit ends before the epoch that would train the body.
  Matrix through_body(Parameters parameters, const Examples& examples) const {
    parameters["frozen_epochs"] = parameters["epochs"];
    parameters["epochs"] = "4";
    TrainingCurve curve;
    curve.chosen_epoch = 3;
    curve.learning_rate = 1e-3;
    FitContext context;
    context.follow = &curve;
    return fitted(kind(), parameters, examples, 2, context)->predict_probabilities(examples.values);
  }
  Parameters parameters_ = {{"epochs", "3"},          {"frozen_epochs", "-1"}, {"batch_size", "3"},
                            {"schedule", "constant"}, {"warmup_epochs", "0"},  {"learning_rate", "0.001"}};
  std::optional<Environment> weights_;
};

TEST_P(FrozenBody, TrainsTheSameHeadOnStoredEmbeddingsAsThroughTheBody) {
  Embedded once;
  FitContext context;
  context.progress = &once;
  const Examples examples = images();
  expect_close(fitted(kind(), parameters_, examples, 2, context)->predict_probabilities(examples.values),
               through_body(parameters_, examples));
  EXPECT_EQ(once.clips, 6u) << "once, not in each of three epochs";
}

TEST_P(FrozenBody, TrainsTheSameHeadOnAugmentedClipsAsThroughTheBody) {
  const Examples examples = images();
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  parameters_.insert({{"shift", "40"}, {"time_masks", "2"}, {"time_mask_share", "0.3"}, {"mixup", "0.5"}});
  if (kind() == std::string("efficientat")) parameters_["crop"] = "48";
  const Matrix plain = fitted(kind(), {{"epochs", "3"}, {"frozen_epochs", "-1"}, {"batch_size", "3"}}, examples, 2)
                           ->predict_probabilities(examples.values);
  const Matrix embedded = fitted(kind(), parameters_, examples, 2, context)->predict_probabilities(examples.values);
  EXPECT_THAT(read_file(folder / "run/config.json"), HasSubstr("\"embeddings\"")) << "the engine was used";
  expect_close(embedded, through_body(parameters_, examples));
  EXPECT_GT(difference_of(embedded, plain), kTolerance) << "augmentation has an effect";
}

TEST_P(FrozenBody, EmbedsEachAugmentedCopyOnce) {
  const Examples examples = images();
  parameters_["shift"] = "40";
  parameters_["augmented_copies"] = "1";
  const Matrix one = fitted(kind(), parameters_, examples, 2)->predict_probabilities(examples.values);
  expect_close(one, through_body(parameters_, examples));
  parameters_["augmented_copies"] = "3";  // as many as there are epochs
  const std::string all = state_of(*fitted(kind(), parameters_, examples, 2));
  parameters_["augmented_copies"] = "0";
  EXPECT_EQ(all, state_of(*fitted(kind(), parameters_, examples, 2)));
}

TEST_P(FrozenBody, ContinuesOnAugmentedClipsAfterAnInterruption) {
  const Examples examples = images(12);
  parameters_["shift"] = "9";
  const std::string expected = state_of(*fitted(kind(), parameters_, examples, 2));
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  Stopping stopping(15);
  context.progress = &stopping;
  EXPECT_THROW(fitted(kind(), parameters_, examples, 2, context), Interrupted);
  clear_interrupt();
  context.progress = nullptr;
  EXPECT_EQ(state_of(*fitted(kind(), parameters_, examples, 2, context)), expected);
}

TEST_P(FrozenBody, FindsStoredEmbeddingsAndReplacesDamagedOnes) {
  const Examples examples = images();
  TemporaryFolder folder;
  FitContext context;
  context.embeddings_folder = folder.path();
  const std::string expected = state_of(*fitted(kind(), parameters_, examples, 2, context));
  const auto file = folder / "embeddings.safetensors";
  std::string bytes = read_file(file);
  Embedded again;
  context.progress = &again;
  EXPECT_EQ(state_of(*fitted(kind(), parameters_, examples, 2, context)), expected);
  EXPECT_EQ(read_file(file), bytes);
  bytes[bytes.size() - 3] ^= 4;
  write_file(file, bytes);
  EXPECT_EQ(state_of(*fitted(kind(), parameters_, examples, 2, context)), expected);
  ASSERT_FALSE(again.notes.empty());
  EXPECT_TRUE(std::ranges::any_of(again.notes, [](const std::string& note) {
    return note.find("embeddings are computed again") != std::string::npos;
  }));
  EXPECT_NE(read_file(file), bytes);
}

TEST_P(FrozenBody, ContinuesItsEmbeddingsAfterAnInterruption) {
  const Examples examples = images(40);
  const std::string expected = state_of(*fitted(kind(), parameters_, examples, 2));
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  Embedded stopping(4);
  context.progress = &stopping;
  EXPECT_THROW(fitted(kind(), parameters_, examples, 2, context), Interrupted);
  clear_interrupt();
  const TensorArchive stored = TensorArchive::read(folder / "run/embeddings.safetensors");
  EXPECT_EQ(stored.count("digests"), 32u * 4) << "four integers for each clip of the first batch";
  context.progress = nullptr;
  EXPECT_EQ(state_of(*fitted(kind(), parameters_, examples, 2, context)), expected);
}

INSTANTIATE_TEST_SUITE_P(Networks, FrozenBody,
                         ::testing::Values(std::tuple("mobilenetv2", 224u, 224u), std::tuple("efficientat", 128u, 64u)),
                         [](const auto& one) { return std::string(std::get<0>(one.param)); });

}  // namespace
}  // namespace genrewise
