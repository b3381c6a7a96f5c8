// Onset strength, tempogram, tempo and delta.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "cqt_golden.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/tempogram.hpp"
#include "music_golden.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

using ::testing::Each;
using testing::expect_golden;
using testing::lcg_noise;

// Sums of up to a thousand floats in another order than in librosa; the golden figures have seven digits.
constexpr float kRounding = 2e-6F;

std::vector<float> golden_envelope() {
  auto envelope = lcg_noise(500);
  for (float& value : envelope) value = (value + 1) * (value + 1);
  for (std::size_t i = 0; i < envelope.size(); i += 43) envelope[i] += 6;
  return envelope;
}

std::vector<float> column_means(const Matrix& matrix) {
  std::vector<float> means(matrix.cols());
  for (std::size_t j = 0; j < matrix.cols(); ++j) {
    double sum = 0;
    for (std::size_t i = 0; i < matrix.rows(); ++i) sum += matrix(i, j);
    means[j] = static_cast<float>(sum / static_cast<double>(matrix.rows()));
  }
  return means;
}

TEST_ON_EVERY_TARGET(OnsetStrength, EqualsLibrosa) {
  auto mel_db = lcg_noise(128 * 60);
  for (float& value : mel_db) value *= 40;
  std::vector<float> envelope(60);
  onset_strength(mel_db.data(), 128, 60, -30, envelope);
  expect_golden("onset", envelope, 10 * kRounding);
}

TEST_ON_EVERY_TARGET(OnsetStrength, IsPositiveWhereSoundBeginsButNotWhereItEnds) {
  std::vector<float> mel_db(4 * 20, -80.0F), envelope(20);
  for (std::size_t band = 0; band < 2; ++band)
    for (std::size_t t = 8; t < 12; ++t) mel_db[band * 20 + t] = 0;
  onset_strength(mel_db.data(), 4, 20, -60, envelope);
  for (std::size_t t = 0; t < 20; ++t) EXPECT_EQ(envelope[t], t == 10 ? 30 : 0) << t;
}

TEST(OnsetStrength, IsZeroForTooFewFrames) {
  for (std::size_t frames = 0; frames <= 3; ++frames) {
    const auto mel_db = lcg_noise(4 * 3);
    std::vector<float> envelope(frames, 7.0F);
    onset_strength(mel_db.data(), 4, 3, -80, envelope);
    EXPECT_THAT(envelope, Each(0.0F));
  }
}

TEST(Tempogram, EqualsLibrosa) {
  const auto envelope = golden_envelope();
  Tempogram::Scratch scratch;
  Matrix tempogram;
  Tempogram().process(envelope, tempogram, scratch);
  ASSERT_EQ(tempogram.rows(), 500U);
  for (const std::size_t t : {0U, 17U, 250U, 499U})
    expect_golden("tempogram_" + std::to_string(t), tempogram.row(t), kRounding, 9);
  Matrix odd;
  Tempogram({.window_frames = 345}).process(envelope, odd, scratch);
  expect_golden("tempogram_345", column_means(odd), kRounding, 9);
  EXPECT_NEAR(estimate_tempo(column_means(odd), 43 * 100 / 60.0).bpm, testing::music_golden("tempo").at(0), 1e-9);
}

TEST(Tempogram, ComputesEveryStepThFrame) {
  const auto envelope = golden_envelope();
  Tempogram::Scratch scratch;
  Matrix all, few;
  Tempogram().process(envelope, all, scratch);
  Tempogram({.step_frames = 7}).process(envelope, few, scratch);
  ASSERT_EQ(few.rows(), 72U);
  for (std::size_t i = 0; i < few.rows(); ++i)
    for (std::size_t lag = 0; lag < few.cols(); ++lag) ASSERT_EQ(few(i, lag), all(7 * i, lag));
}

TEST(Tempogram, IsZeroForSilenceAndFiniteForOneFrame) {
  Tempogram::Scratch scratch;
  Matrix tempogram;
  Tempogram().process(std::vector<float>(100), tempogram, scratch);
  EXPECT_THAT(tempogram.values(), Each(0.0F));
  Tempogram().process(std::vector<float>{3}, tempogram, scratch);
  ASSERT_EQ(tempogram.rows(), 1U);
  EXPECT_EQ(tempogram(0, 0), 1);
  for (const float value : tempogram.values()) EXPECT_TRUE(std::isfinite(value));
  EXPECT_THROW(Tempogram({.window_frames = 0}), Error);
  EXPECT_THROW(Tempogram({.step_frames = 0}), Error);
}

TEST(Tempo, EqualsTheRateOfAPulse) {
  const double frames_per_second = 44100 / 512.0;
  for (const double bpm : {70.0, 100.0, 128.0}) {
    std::vector<float> envelope(2584);
    const double period = 60 * frames_per_second / bpm;
    for (double t = 10; t < 2583; t += period) envelope[static_cast<std::size_t>(std::lround(t))] = 1;
    // Pulses at whole frames jitter by one frame; onsets are broader.
    for (std::size_t t = 2583; t > 0; --t) envelope[t] += 0.7F * envelope[t - 1];
    Tempogram::Scratch scratch;
    Matrix tempogram;
    Tempogram({.window_frames = 689, .step_frames = 16}).process(envelope, tempogram, scratch);
    const Tempo tempo = estimate_tempo(column_means(tempogram), frames_per_second);
    EXPECT_NEAR(tempo.bpm, bpm, 0.02 * bpm);
    EXPECT_GT(tempo.strength, 0.5);
    const auto pattern = metric_pattern(column_means(tempogram), tempo.lag_frames);
    EXPECT_NEAR(pattern[6], tempo.strength, 1e-6);
    EXPECT_GT(pattern[9], 0.4F);  // two beats
    EXPECT_LT(pattern[8], 0.2F);  // four thirds of a beat
  }
}

TEST(Tempo, FollowsThePriorWithoutRepetition) {
  const Tempo tempo = estimate_tempo(std::vector<float>(689), 44100 / 512.0);
  EXPECT_NEAR(tempo.bpm, 120, 2);
  EXPECT_EQ(tempo.strength, 0);
  EXPECT_THROW(estimate_tempo(std::vector<float>(10), 44100 / 512.0), Error);
  EXPECT_THROW(estimate_tempo({}, 86), Error);
  EXPECT_THAT(metric_pattern(std::vector<float>(5), 40), Each(0.0F));
}

TEST(Delta, EqualsLibrosa) {
  std::vector<float> slope(40);
  delta(lcg_noise(40), slope);
  expect_golden("delta", slope, kRounding);
}

TEST(Delta, IsTheSlopeOfALineAndZeroForAShortSeries) {
  std::vector<float> line(20), slope(20);
  for (std::size_t t = 0; t < 20; ++t) line[t] = 3 + 0.5F * static_cast<float>(t);
  delta(line, slope);
  EXPECT_THAT(slope, Each(::testing::FloatNear(0.5F, 1e-6F)));
  for (std::size_t count = 0; count < 9; ++count) {
    std::vector<float> few(count, 5.0F);
    delta(std::span(line).first(count), few);
    EXPECT_THAT(few, Each(0.0F));
  }
}

}  // namespace
}  // namespace genrewise
