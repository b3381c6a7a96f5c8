#include "genrewise/features/clip_extractor.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "audio/wav_writer.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;

/// Feature set of two numbers: sample rate and number of samples.
class FakeSet : public FeatureSet {
 public:
  const FeatureRecipe& recipe() const override { return recipe_; }
  const std::vector<FeatureColumn>& columns() const override { return columns_; }
  int sample_rate_hz() const override { return 4000; }
  std::unique_ptr<Scratch> make_scratch() const override {
    ++scratches;
    return std::make_unique<Scratch>();
  }
  Expected<void> extract(const Waveform& clip, std::span<float> out, Scratch&) const override {
    if (clip.samples.size() < 1000) return tl::unexpected(Fault{"too short", "", ""});
    out[0] = static_cast<float>(clip.sample_rate_hz);
    out[1] = static_cast<float>(clip.samples.size());
    return {};
  }
  mutable std::atomic<int> scratches = 0;

 private:
  FeatureRecipe recipe_{"fake", 1, ""};
  std::vector<FeatureColumn> columns_{{"rate", "", ""}, {"length", "", ""}};
};

struct ClipExtractorTest : ::testing::Test {
  ClipExtractorTest() { write_file(folder / "a.wav", wave); }
  const std::string wave = testing::wav_of(std::vector<float>(8000, 0.25f), 1, 8000);
  TemporaryFolder folder;
  FakeSet set;
  ClipExtractor extractor{set};
  std::vector<float> row = std::vector<float>(2);
};

TEST_F(ClipExtractorTest, DecodesTheClipAtTheRateOfTheSet) {
  ASSERT_TRUE(extractor.extract(folder / "a.wav", {.start_s = 0.5, .duration_s = 0.4}, row));
  EXPECT_EQ(row, (std::vector<float>{4000, 1600}));
}

TEST_F(ClipExtractorTest, GivesTheSameResultForAFileInMemory) {
  ASSERT_TRUE(extractor.extract(std::as_bytes(std::span(wave)), "a.wav", {}, row));
  EXPECT_EQ(row, (std::vector<float>{4000, 4000}));
}

TEST_F(ClipExtractorTest, AddsTheLocationToFaultsOfDecoderAndFeatureSet) {
  const auto too_short = extractor.extract(folder / "a.wav", {.duration_s = 0.1}, row);
  EXPECT_EQ(too_short.error().reason, "too short");
  EXPECT_EQ(too_short.error().where, folder / "a.wav");
  const auto unreadable = extractor.extract(std::as_bytes(std::span("no audio", 8)), "text.mp3", {}, row);
  EXPECT_EQ(unreadable.error().where, "text.mp3");
}

TEST_F(ClipExtractorTest, ReusesOneScratchPerConcurrentThread) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      std::vector<float> mine(2);
      for (int k = 0; k < 20; ++k) EXPECT_TRUE(extractor.extract(folder / "a.wav", {}, mine));
    });
  }
  threads.clear();
  EXPECT_LE(set.scratches, 3);
}

}  // namespace
}  // namespace genrewise
