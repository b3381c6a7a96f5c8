// A frozen body runs once per clip, and the head is trained on the embeddings.
#include <gmock/gmock.h>

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
  Parameters parameters_ = {
      {"epochs", "3"}, {"frozen_epochs", "-1"}, {"batch_size", "3"}, {"schedule", "constant"}, {"warmup_epochs", "0"}};
  std::optional<Environment> weights_;
};

TEST_P(FrozenBody, TrainsTheSameHeadOnStoredEmbeddingsAsThroughTheBody) {
  const Examples examples = images();
  Embedded once, never;
  FitContext context;
  context.progress = &once;
  const Matrix quick = fitted(kind(), parameters_, examples, 2, context)->predict_probabilities(examples.values);
  EXPECT_EQ(once.clips, 6u) << "once, not in each of three epochs";
  Parameters augmented = parameters_;
  augmented["noise"] = "1e-9";  // vanishes in single precision, but every epoch runs the body
  context.progress = &never;
  const Matrix slow = fitted(kind(), augmented, examples, 2, context)->predict_probabilities(examples.values);
  EXPECT_EQ(never.clips, 0u);
  double difference = 0, decided = 0;
  for (std::size_t i = 0; i < quick.values().size(); ++i) {
    difference = std::max(difference, std::abs(static_cast<double>(quick.values()[i] - slow.values()[i])));
    decided = std::max(decided, std::abs(quick.values()[i] - 0.5));
  }
  EXPECT_LT(difference, kTolerance);
  EXPECT_GT(decided, 0.2) << "the head was trained";
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
