#include "genrewise/features/clip_extractor.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <cmath>
#include <mutex>
#include <set>
#include <thread>

#include "audio/wav_writer.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;

/// Work memory of FakeSet; counts how often a result that fake sets share is computed.
struct Shared {
  int computed = 0;
};

/// Feature set of two numbers: sample rate and number of samples.
class FakeSet : public StoredFeatureSet {
 public:
  explicit FakeSet(int sample_rate_hz = 4000, std::size_t least_samples = 1000)
      : StoredFeatureSet({"fake", 1, ""}, {{"rate", "", ""}, {"length", "", ""}}, sample_rate_hz),
        least_samples_(least_samples) {}
  Expected<void> extract(ClipAnalysis& clip, std::span<float> out) const override {
    const Waveform& wave = clip.at_rate(sample_rate_hz());
    if (wave.samples.size() < least_samples_) return tl::unexpected(Fault{"too short", "", ""});
    Shared& shared = clip.once<Shared>("shared", [](Shared& counted) { ++counted.computed; });
    computed = shared.computed;
    {
      const std::lock_guard lock(mutex);
      analyses.insert(&clip);
    }
    out[0] = static_cast<float>(wave.sample_rate_hz);
    out[1] = static_cast<float>(wave.samples.size());
    return {};
  }
  mutable std::atomic<int> computed = 0;
  mutable std::mutex mutex;
  mutable std::set<const ClipAnalysis*> analyses;

 private:
  std::size_t least_samples_;
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

TEST_F(ClipExtractorTest, ReusesOneAnalysisPerConcurrentThread) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&] {
      std::vector<float> mine(2);
      for (int k = 0; k < 20; ++k) EXPECT_TRUE(extractor.extract(folder / "a.wav", {}, mine));
    });
  }
  threads.clear();
  EXPECT_LE(set.analyses.size(), 3u);
}

TEST_F(ClipExtractorTest, GivesEachOfSeveralSetsItsRateAndOwnFault) {
  const FakeSet native(0), demanding(8000, 9000);
  const ClipExtractor all({&set, &native, &demanding});
  std::vector<float> first(2), second(2), third(2);
  const auto done = all.extract(folder / "a.wav", {}, {first, second, third});
  ASSERT_TRUE(done[0] && done[1]);
  EXPECT_EQ(first, (std::vector<float>{4000, 4000}));
  EXPECT_EQ(second, (std::vector<float>{8000, 8000}));
  ASSERT_FALSE(done[2]);
  EXPECT_EQ(done[2].error().reason, "too short");
  EXPECT_EQ(done[2].error().where, folder / "a.wav");
  const auto missing = all.extract(folder / "none.wav", {}, {first, second, third});
  for (const auto& outcome : missing) EXPECT_EQ(outcome.error().reason, "cannot be opened");
}

TEST_F(ClipExtractorTest, ComputesSharedResultsOncePerClip) {
  const FakeSet other;
  const ClipExtractor both({&set, &other});
  std::vector<float> first(2), second(2);
  for (int clip = 1; clip <= 3; ++clip) {
    both.extract(folder / "a.wav", {}, {first, second});
    EXPECT_EQ(set.computed, clip);
    EXPECT_EQ(other.computed, clip);
  }
}

TEST_F(ClipExtractorTest, LeavesOutWhatIsNotWanted) {
  const FakeSet other(0);
  const ClipExtractor both({&set, &other});
  std::vector<float> second(2);
  const auto done = both.extract(folder / "a.wav", {}, {{}, second});
  EXPECT_TRUE(done[0] && done[1]);
  EXPECT_EQ(second, (std::vector<float>{8000, 8000}));
  EXPECT_EQ(set.computed, 0);
}

TEST_F(ClipExtractorTest, RefusesSamplesSoLargeThatAFeatureIsNotFinite) {
  std::vector<float> large(44100);
  for (std::size_t i = 0; i < large.size(); ++i) large[i] = (i / 8 % 2 == 0 ? 1e25f : -1e25f);
  write_file(folder / "large.wav", testing::wav_of(large, 1, 22050));
  for (const char* name : {"fma518", "mel224"}) {
    const auto spectral = make_feature_set(name);
    std::vector<float> features(spectral->size());
    const auto done = ClipExtractor(*spectral).extract(folder / "large.wav", {}, features);
    ASSERT_FALSE(done) << name;
    EXPECT_EQ(done.error().reason, "not finite");
  }
}

TEST_F(ClipExtractorTest, RefusesSamplesSoLargeThatTheyOverflowAtAnyRate) {
  std::vector<float> huge(8000);
  for (std::size_t i = 0; i < huge.size(); ++i) huge[i] = (i / 8 % 2 == 0 ? 3e38f : -3e38f);
  write_file(folder / "huge.wav", testing::wav_of(huge, 1, 8000));
  const FakeSet native(0);
  const ClipExtractor both({&set, &native});
  std::vector<float> first(2), second(2);
  const auto done = both.extract(folder / "huge.wav", {}, {first, second});
  for (const auto& one : done) {
    ASSERT_FALSE(one);
    EXPECT_EQ(one.error().reason, "not finite");
  }
}

}  // namespace
}  // namespace genrewise
