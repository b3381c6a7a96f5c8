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
  /// A square wave of 500 Hz.
  static std::string square_wave(std::size_t samples, float offset = 0, float amplitude = 0.25f) {
    std::vector<float> values(samples);
    for (std::size_t i = 0; i < samples; ++i) values[i] = offset + (i / 8 % 2 == 0 ? amplitude : -amplitude);
    return testing::wav_of(values, 1, 8000);
  }
  Expected<void> extract(const std::string& bytes) {
    return extractor.extract(std::as_bytes(std::span(bytes)), "x.wav", {}, row);
  }

  const std::string wave = square_wave(8000);
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

TEST_F(ClipExtractorTest, RefusesClipsOfLessThanAQuarterOfASecond) {
  EXPECT_TRUE(extract(square_wave(2000)));
  const auto shorter = extract(square_wave(1900));
  ASSERT_FALSE(shorter);
  EXPECT_EQ(shorter.error().reason, "too short");
  EXPECT_EQ(shorter.error().where, "x.wav");
  EXPECT_EQ(extract(square_wave(1)).error().reason, "too short");
}

TEST_F(ClipExtractorTest, RefusesDigitalSilenceWithDitherAndWithAConstantOffset) {
  EXPECT_EQ(extract(square_wave(8000, 0, 0)).error().reason, "silent");
  EXPECT_EQ(extract(square_wave(8000, -1.0f / 128, 0)).error().reason, "silent");  // 8 bits, one step too low
  EXPECT_EQ(extract(square_wave(8000, 0.5f, 0)).error().reason, "silent");
  EXPECT_EQ(extract(square_wave(8000, 0, 1.0f / 32768)).error().reason, "silent");
  EXPECT_TRUE(extract(square_wave(8000, 0, 8.0f / 32768)));
  EXPECT_TRUE(extract(square_wave(8000, 0.5f, 8.0f / 32768)));
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
