#include "genrewise/dsp/cqt.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <thread>

#include "cqt_golden.hpp"
#include "genrewise/audio/decode.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "support/every_target.hpp"
#include "support/test_music.hpp"

namespace genrewise {
namespace {

using testing::CqtGolden;
using testing::CqtGoldenFrame;

// Relative to the largest magnitude of the clip. Away from the ends, the differences to librosa come from the stop
// bands of the rate-halving filters (measured: at most 6e-4 on music, 1.2e-3 on noise and 2e-3 on clicks, which have as
// much energy above the octaves as in them); the golden figures have five digits.
constexpr float kCqtTolerance = 2.5e-3F;
// Each frame of a chroma is divided by its own maximum, which amplifies differences in quiet frames.
constexpr float kChromaTolerance = 1e-2F;
// CENS quantises: a share near a limit changes one of the 41 frames in the window by 0.25.
constexpr float kCensTolerance = 2e-2F;

Matrix transform(const std::vector<float>& samples, int sample_rate_hz, double tuning) {
  Cqt::Scratch scratch;
  Matrix magnitude;
  Cqt(CqtConfig{.sample_rate_hz = sample_rate_hz}).process(samples, tuning, magnitude, scratch);
  return magnitude;
}

std::vector<float> sine(double frequency_hz, int sample_rate_hz, std::size_t count) {
  std::vector<float> samples(count);
  for (std::size_t i = 0; i < count; ++i)
    samples[i] =
        static_cast<float>(std::sin(2 * std::numbers::pi * frequency_hz * static_cast<double>(i) / sample_rate_hz));
  return samples;
}

float largest_difference(std::span<const float> a, std::span<const float> b) {
  float largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

struct Tunings {
  double of_magnitudes, of_powers;
};

Tunings tunings(const std::vector<float>& samples, int sample_rate_hz) {
  const Stft stft;
  Stft::Scratch scratch;
  TuningEstimator by_magnitude(sample_rate_hz, stft.bins()), by_power(22050, stft.bins());
  AlignedVector<float> frame(aligned_stride(stft.bins()));
  for (std::size_t t = 0; t < stft.frames(samples.size()); ++t) {
    stft.power(samples, t, 1, frame.data(), frame.size(), scratch);
    by_power.add_frame({frame.data(), stft.bins()});
    for (float& value : frame) value = std::sqrt(value);
    by_magnitude.add_frame({frame.data(), stft.bins()});
  }
  return {by_magnitude.estimate(), by_power.estimate()};
}

void expect_golden(const CqtGolden& golden, const std::vector<float>& samples) {
  SCOPED_TRACE(golden.name);
  ASSERT_EQ(samples.size(), golden.samples);
  const Tunings tuning = tunings(samples, golden.sample_rate_hz);
  // The spectrum of a click is flat; librosa's peaks in it are rounding errors.
  if (golden.name != "clicks") {
    EXPECT_NEAR(tuning.of_magnitudes, golden.tuning, 1e-9);
    EXPECT_NEAR(tuning.of_powers, golden.power_tuning, 1e-9);
  }

  const Matrix magnitude = transform(samples, golden.sample_rate_hz, golden.tuning);
  ASSERT_EQ(magnitude.rows(), golden.frames);
  ASSERT_EQ(magnitude.cols(), 84U);
  Matrix chroma, chroma_by_12, cens, centroid;
  chroma_cqt(magnitude, 36, chroma);
  chroma_cqt(magnitude, 12, chroma_by_12);
  chroma_cens(magnitude, 36, cens);
  tonnetz(cens, centroid);
  for (const CqtGoldenFrame& row : golden.rows) {
    SCOPED_TRACE("frame " + std::to_string(row.frame));
    EXPECT_LE(largest_difference(magnitude.row(row.frame), row.cqt), kCqtTolerance * golden.largest);
    // If a sound is above all octaves (the end of a chirp), a frame contains only leakage.
    if (*std::max_element(row.cqt.begin(), row.cqt.end()) < 0.01F * golden.largest) continue;
    EXPECT_LE(largest_difference(chroma.row(row.frame), row.chroma), kChromaTolerance);
    EXPECT_LE(largest_difference(chroma_by_12.row(row.frame), row.chroma_by_12), kChromaTolerance);
    EXPECT_LE(largest_difference(cens.row(row.frame), row.cens), kCensTolerance);
    EXPECT_LE(largest_difference(centroid.row(row.frame), row.tonnetz), kCensTolerance);
  }
}

TEST_ON_EVERY_TARGET(Cqt, EqualsLibrosaOnAnalyticSignals) {
  const auto all = testing::read_cqt_golden(testing::golden_path("cqt/cqt.txt"));
  EXPECT_EQ(all.size(), 14U);
  for (const CqtGolden& golden : all) expect_golden(golden, testing::cqt_signal(golden));
}

TEST(Cqt, EqualsLibrosaOnRealClips) {
  REQUIRE_TEST_MUSIC(music);
  for (const CqtGolden& golden : testing::read_cqt_golden(testing::golden_path("cqt/real.txt"))) {
    const auto clip = decode_file(music / golden.name);
    ASSERT_TRUE(clip) << to_string(clip.error());
    const auto begin = clip->samples.begin() + 5 * clip->sample_rate_hz;
    expect_golden(golden, {begin, begin + static_cast<std::ptrdiff_t>(golden.samples)});
  }
}

TEST_ON_EVERY_TARGET(Cqt, FindsANoteInItsBinAtAnyRate) {
  for (const int rate_hz : {8486, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 192000})
    for (const std::size_t bin : {3U, 45U, 83U}) {
      const auto samples =
          sine(kC1Hz * std::exp2(static_cast<double>(bin) / 12), rate_hz, static_cast<std::size_t>(2 * rate_hz));
      const Matrix magnitude = transform(samples, rate_hz, 0);
      const auto row = magnitude.row(magnitude.rows() / 2);
      EXPECT_EQ(std::max_element(row.begin(), row.end()) - row.begin(), static_cast<std::ptrdiff_t>(bin)) << rate_hz;
    }
}

TEST(Cqt, FindsANoteBetweenSemitonesAmongThirtySixBinsPerOctave) {
  const Cqt transform_36({.sample_rate_hz = 22050, .bins_per_octave = 36});
  ASSERT_EQ(transform_36.bins(), 7U * 36);
  Cqt::Scratch scratch;
  Matrix magnitude;
  for (const std::size_t bin : {40U, 73U, 110U, 143U, 215U, 250U}) {
    const double frequency_hz = kC1Hz * std::exp2(static_cast<double>(bin) / 36);
    transform_36.process(sine(frequency_hz, 22050, 88200), 0, magnitude, scratch);
    const auto middle = magnitude.row(magnitude.rows() / 2);
    EXPECT_EQ(std::max_element(middle.begin(), middle.end()) - middle.begin(), static_cast<std::ptrdiff_t>(bin));
  }
  EXPECT_THROW(Cqt({.sample_rate_hz = 22050, .bins_per_octave = 18}), Error);
}

TEST(Cqt, ShiftsItsBinsByTheTuning) {
  const auto samples = sine(440 * std::exp2(0.4 / 12), 44100, 44100);
  const Matrix flat = transform(samples, 44100, 0), tuned = transform(samples, 44100, 0.4);
  EXPECT_GT(tuned(43, 45), 1.05F * flat(43, 45));
  EXPECT_NEAR(tuned(43, 44), tuned(43, 46), 0.05F * tuned(43, 45));
}

TEST_ON_EVERY_TARGET(Cqt, IsLinearInTheSignal) {
  auto samples = testing::lcg_noise(20000);
  const Matrix once = transform(samples, 44100, 0.1);
  for (float& sample : samples) sample *= 4;
  const Matrix four_times = transform(samples, 44100, 0.1);
  for (std::size_t i = 0; i < once.values().size(); ++i)
    ASSERT_NEAR(four_times.values()[i], 4 * once.values()[i], 1e-5F);
}

TEST_ON_EVERY_TARGET(Cqt, GivesFiniteNumbersForAnyLength) {
  const auto noise = testing::lcg_noise(6000);
  for (std::size_t samples = 0; samples <= 6000; samples = samples < 20 ? samples + 1 : samples * 21 / 20)
    for (const int rate_hz : {11025, 44100, 96000}) {
      const Matrix magnitude =
          transform({noise.begin(), noise.begin() + static_cast<std::ptrdiff_t>(samples)}, rate_hz, -0.5);
      ASSERT_GE(magnitude.rows(), 1U);
      ASSERT_EQ(magnitude.rows(), Cqt(CqtConfig{.sample_rate_hz = rate_hz}).frames(samples, -0.5));
      for (const float value : magnitude.values()) ASSERT_TRUE(std::isfinite(value)) << samples;
    }
}

TEST(Cqt, IsZeroForSilence) {
  const Matrix magnitude = transform(std::vector<float>(50000), 44100, 0);
  for (const float value : magnitude.values()) ASSERT_EQ(value, 0);
}

TEST_ON_EVERY_TARGET(Cqt, HasNoTransientBetweenItsTwoFilters) {
  // A steady high note is in one octave; in all others it must stay as quiet as in the middle of the clip.
  const Matrix magnitude = transform(sine(9000, 44100, 441000), 44100, 0);
  for (std::size_t t = 70; t + 70 < magnitude.rows(); ++t)
    for (std::size_t bin = 0; bin < 60; ++bin) ASSERT_LT(magnitude(t, bin), 1e-3F) << "frame " << t << " bin " << bin;
}

TEST(Cqt, IsBitIdenticalOnAllThreadsAndWithAReusedScratch) {
  const auto noise = testing::lcg_noise(100000);
  const Cqt cqt(CqtConfig{.sample_rate_hz = 44100});
  const Matrix expected = transform(noise, 44100, 0.2);
  std::vector<std::thread> threads;
  std::vector<Matrix> results(4);
  for (Matrix& result : results)
    threads.emplace_back([&] {
      Cqt::Scratch scratch;
      cqt.process(std::span(noise).first(5000), -0.3, result, scratch);
      cqt.process(noise, 0.2, result, scratch);
    });
  for (std::thread& thread : threads) thread.join();
  for (const Matrix& result : results) EXPECT_EQ(result, expected);
}

TEST_ON_EVERY_TARGET(Cqt, GivesTheSameBitsInParts) {
  const auto noise = testing::lcg_noise(1'000'003);
  for (const int rate_hz : {11025, 44100, 96000}) {
    Matrix parts;
    Cqt::Scratch scratch;
    Cqt(CqtConfig{.sample_rate_hz = rate_hz, .part_frames = 300}).process(noise, 0.2, parts, scratch);
    EXPECT_EQ(parts, transform(noise, rate_hz, 0.2)) << rate_hz;
  }
}

TEST(Cqt, RefusesTooLowSamplingRatesAndHopsThatCannotBeHalved) {
  EXPECT_EQ(Cqt::minimum_sample_rate_hz(), 8486);
  EXPECT_THROW(Cqt(CqtConfig{.sample_rate_hz = 8000}), Error);
  EXPECT_NO_THROW(Cqt(CqtConfig{.sample_rate_hz = 8000, .octaves = 6}));
  EXPECT_THROW(Cqt(CqtConfig{.sample_rate_hz = 44100, .hop_samples = 500}), Error);
  EXPECT_THROW(Cqt(CqtConfig{.sample_rate_hz = 44100, .hop_samples = 0}), Error);
  EXPECT_THROW(Cqt(CqtConfig{.sample_rate_hz = 44100, .octaves = 0}), Error);
}

}  // namespace
}  // namespace genrewise
