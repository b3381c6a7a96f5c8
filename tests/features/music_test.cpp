#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "genrewise/base/random.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

constexpr int kRateHz = 44100;

class Music : public ::testing::Test {
 protected:
  std::vector<float> extract(const Waveform& clip) {
    std::vector<float> values(set_->size(), std::nanf(""));
    const auto done = set_->extract(clip, values);
    EXPECT_TRUE(done) << (done ? "" : to_string(done.error()));
    return values;
  }
  float value(const std::vector<float>& values, const FeatureColumn& column) const {
    for (std::size_t i = 0; i < set_->size(); ++i)
      if (set_->columns()[i] == column) return values[i];
    ADD_FAILURE() << "no column " << column.feature << " " << column.statistic << " " << column.number;
    return 0;
  }

  std::unique_ptr<FeatureSet> set_ = make_feature_set("music");
};

// Decaying A minor triads at the given tempo.
Waveform struck_chords(double bpm, double seconds) {
  Waveform clip{std::vector<float>(static_cast<std::size_t>(seconds * kRateHz)), kRateHz};
  const double beat_s = 60 / bpm;
  for (std::size_t i = 0; i < clip.samples.size(); ++i) {
    const double t = static_cast<double>(i) / kRateHz, since = std::fmod(t, beat_s);
    double sum = 0;
    for (const double f : {220.0, 261.63, 329.63, 440.0}) sum += std::sin(2 * std::numbers::pi * f * t);
    clip.samples[i] = static_cast<float>(0.1 * sum * std::exp(-6 * since));
  }
  return clip;
}

Waveform noise(std::size_t samples, int rate_hz, float level = 0.1F) {
  Waveform clip{std::vector<float>(samples), rate_hz};
  Rng rng(3);
  for (float& sample : clip.samples) sample = level * static_cast<float>(rng.normal());
  return clip;
}

TEST_F(Music, HasNoOnsetsMoreThan80DecibelsBelowTheLoudest) {
  Waveform silent_first = struck_chords(120, 8);
  std::fill_n(silent_first.samples.begin(), 4 * kRateHz, 0.0F);
  Waveform with_noise = silent_first;
  const Waveform quiet = noise(with_noise.samples.size(), kRateHz, 3e-5F);
  for (std::size_t i = 0; i < quiet.samples.size(); ++i) with_noise.samples[i] += quiet.samples[i];
  const auto expected = extract(silent_first), found = extract(with_noise);
  for (std::size_t i = 0; i < set_->size(); ++i) {
    if (set_->columns()[i].feature != "onset_strength") continue;
    EXPECT_NEAR(found[i], expected[i], 1e-3 + 1e-3 * std::abs(expected[i])) << set_->columns()[i].statistic;
  }
}

TEST_F(Music, NamesEachColumnOnce) {
  EXPECT_EQ(set_->size(), 553U);
  for (std::size_t i = 0; i < set_->size(); ++i)
    for (std::size_t j = 0; j < i; ++j) ASSERT_FALSE(set_->columns()[i] == set_->columns()[j]) << i;
}

TEST_F(Music, EstimatesTempoKeyAndLoudness) {
  const auto values = extract(struck_chords(100, 20));
  EXPECT_NEAR(value(values, {"clip", "tempo_bpm", "01"}), 100, 2);
  EXPECT_GT(value(values, {"clip", "tempo_strength", "01"}), 0.5F);
  EXPECT_LT(value(values, {"clip", "key_mode", "01"}), 0);            // minor
  EXPECT_NEAR(value(values, {"clip", "key_chroma", "01"}), 1, 0.05);  // the tonic, A
  EXPECT_GT(value(values, {"clip", "key_chroma", "04"}), 0.3F);       // its minor third
  EXPECT_GT(value(values, {"clip", "key_chroma", "04"}), 1.2F * value(values, {"clip", "key_chroma", "05"}));
  EXPECT_NEAR(value(values, {"clip", "loudness_integrated", "01"}), -26, 3);
  EXPECT_GT(value(values, {"clip", "peak_to_loudness", "01"}), 8);
}

TEST_F(Music, SeparatesTonesFromNoise) {
  const auto tones = extract(struck_chords(60, 10)), hiss = extract(noise(10 * kRateHz, kRateHz));
  EXPECT_LT(value(tones, {"spectral_flatness", "mean", "01"}), 0.01F);
  EXPECT_GT(value(hiss, {"spectral_flatness", "mean", "01"}), 0.4F);
  EXPECT_GT(value(tones, {"harmonic_share", "mean", "01"}), value(hiss, {"harmonic_share", "mean", "01"}) + 0.1F);
  EXPECT_LT(value(hiss, {"clip", "tempo_strength", "01"}), 0.5F * value(tones, {"clip", "tempo_strength", "01"}));
}

TEST_F(Music, MeasuresFlatnessThroughoutTheClip) {
  Waveform both = struck_chords(60, 10);
  const Waveform hiss = noise(5 * kRateHz, kRateHz);
  std::ranges::copy(hiss.samples, both.samples.begin() + 5 * kRateHz);
  const float tones = value(extract(struck_chords(60, 10)), {"spectral_flatness", "mean", "01"}),
              alone = value(extract(hiss), {"spectral_flatness", "mean", "01"});
  EXPECT_NEAR(value(extract(both), {"spectral_flatness", "mean", "01"}), (tones + alone) / 2, 0.02);
}

TEST_F(Music, GivesFiniteNumbersForAnyLengthRateAndSilence) {
  for (const int rate_hz : {16000, 22050, 48000, 96000})
    for (const std::size_t samples : {1U, 300U, 2048U, 9000U, 60000U})
      for (const float level : {0.0F, 0.3F}) {
        const auto values = extract(noise(samples, rate_hz, level));
        for (std::size_t i = 0; i < values.size(); ++i)
          ASSERT_TRUE(std::isfinite(values[i])) << rate_hz << " Hz, " << samples << " samples, column " << i;
      }
}

TEST_F(Music, GivesTheSameNumbersWithAReusedAnalysis) {
  std::vector<float> other(set_->size()), values(set_->size());
  const Waveform first = noise(100000, 48000), second = struck_chords(90, 3);
  ClipAnalysis analysis(first);
  ASSERT_TRUE(set_->extract(analysis, other));
  analysis.begin(second);
  ASSERT_TRUE(set_->extract(analysis, values));
  EXPECT_EQ(values, extract(struck_chords(90, 3)));
}

TEST_F(Music, RefusesEmptyClipsAndLowRates) {
  std::vector<float> values(set_->size());
  EXPECT_EQ(set_->extract({{}, kRateHz}, values).error().reason, "too short");
  EXPECT_EQ(set_->extract(noise(8000, 15999), values).error().reason, "wrong sample rate");
  EXPECT_TRUE(set_->extract(noise(8000, 16000), values));
}

}  // namespace
}  // namespace genrewise
