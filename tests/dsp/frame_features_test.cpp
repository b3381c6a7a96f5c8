// Chroma, spectral shape and contrast, zero crossings, moments.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/dsp/frame_series.hpp"
#include "genrewise/dsp/spectral_shape.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kBins = 1025;

struct Shape {
  AlignedVector<float> centroid = AlignedVector<float>(kTileFrames), bandwidth = centroid, rolloff = centroid,
                       rms = centroid;
};

Shape shape_of(const AlignedVector<float>& tile, int rate_hz) {
  Shape shape;
  spectral_shape(tile.data(), kBins, rate_hz,
                 {shape.centroid.data(), shape.bandwidth.data(), shape.rolloff.data(), shape.rms.data()});
  return shape;
}

TEST_ON_EVERY_TARGET(SpectralShape, EqualsMeanAndDistanceOfTwoSpectralLines) {
  AlignedVector<float> tile(kBins * kTileFrames);
  tile[100 * kTileFrames] = 3;  // lane 0 only
  tile[200 * kTileFrames] = 1;
  const Shape shape = shape_of(tile, 20480);  // 10 Hz from bin to bin
  EXPECT_NEAR(shape.centroid[0], 1250, 1e-3);
  EXPECT_NEAR(shape.bandwidth[0], std::sqrt(0.75 * 250 * 250 + 0.25 * 750 * 750), 1e-3);
  EXPECT_EQ(shape.rolloff[0], 2000);  // three quarters are below 85 %
  EXPECT_NEAR(shape.rms[0], std::sqrt(2 * (9 + 1) / (2048.0 * 2048)), 1e-9);
  EXPECT_EQ(shape.centroid[1], 0);
  EXPECT_EQ(shape.rolloff[1], 0);
  EXPECT_EQ(shape.bandwidth[1], 0);
  EXPECT_EQ(shape.rms[1], 0);
}

// Sums of 1,025 values in float against sums in double, relative.
constexpr double kSumError = 2e-6;

TEST_ON_EVERY_TARGET(SpectralShape, EqualsPlainLoopsInEveryLane) {
  Rng rng(3);
  AlignedVector<float> tile(kBins * kTileFrames);
  for (float& value : tile) value = static_cast<float>(std::pow(rng.uniform(), 4));
  const Shape shape = shape_of(tile, 22050);
  const double bin_hz = 22050 / 2048.0;
  for (std::size_t i = 0; i < kTileFrames; ++i) {
    const auto at = [&](std::size_t k) { return static_cast<double>(tile[k * kTileFrames + i]); };
    double total = 0, weighted = 0, spread = 0, squared = 0;
    for (std::size_t k = 0; k < kBins; ++k) {
      total += at(k);
      weighted += static_cast<double>(k) * at(k);
      squared += (k == 0 || k + 1 == kBins ? 1 : 2) * at(k) * at(k);
    }
    const double centroid = weighted / total;
    for (std::size_t k = 0; k < kBins; ++k) spread += at(k) * std::pow(static_cast<double>(k) - centroid, 2);
    double running = 0;
    std::size_t below = 0;
    for (std::size_t k = 0; k < kBins; ++k) below += (running += at(k)) < 0.85 * total;
    EXPECT_NEAR(shape.centroid[i], centroid * bin_hz, kSumError * centroid * bin_hz);
    EXPECT_NEAR(shape.bandwidth[i], std::sqrt(spread / total) * bin_hz, kSumError * std::sqrt(spread / total) * bin_hz);
    EXPECT_NEAR(shape.rolloff[i], static_cast<double>(below) * bin_hz, 1.01 * bin_hz);  // a sum may round past a bin
    EXPECT_NEAR(shape.rms[i], std::sqrt(squared) / 2048, kSumError * std::sqrt(squared) / 2048);
  }
}

TEST_ON_EVERY_TARGET(SpectralShape, CountsTheEndsOfTheSpectrumOnceForRms) {
  AlignedVector<float> tile(kBins * kTileFrames);
  tile[0] = 2048;                              // a constant of 1
  tile[(kBins - 1) * kTileFrames + 1] = 2048;  // alternating signs
  tile[10 * kTileFrames + 2] = 1024;           // a sine of amplitude 1
  const Shape shape = shape_of(tile, 44100);
  EXPECT_NEAR(shape.rms[0], 1, 1e-6);
  EXPECT_NEAR(shape.rms[1], 1, 1e-6);
  EXPECT_NEAR(shape.rms[2], std::sqrt(0.5), 1e-6);
}

TEST_ON_EVERY_TARGET(SpectralContrast, ComparesTheLoudestAndQuietestBinsOfEachBand) {
  const SpectralContrast contrast(22050, 2048);
  Rng rng(5);
  AlignedVector<float> tile(kBins * kTileFrames), peaks(kContrastBands * kTileFrames), valleys = peaks;
  for (float& value : tile) value = static_cast<float>(rng.uniform());
  contrast.extremes(tile.data(), peaks.data(), valleys.data(), kTileFrames);
  // The last band: from the bin before 6,400 Hz (594) to the end, 2 % of 431 bins.
  for (std::size_t lane = 0; lane < kTileFrames; ++lane) {
    std::vector<float> band;
    for (std::size_t k = 594; k < kBins; ++k) band.push_back(tile[k * kTileFrames + lane]);
    std::ranges::sort(band);
    double low = 0, high = 0;
    for (std::size_t i = 0; i < 9; ++i) {
      low += band[i] / 9;
      high += band[band.size() - 1 - i] / 9;
    }
    EXPECT_NEAR(valleys[6 * kTileFrames + lane], low, 1e-7);
    EXPECT_NEAR(peaks[6 * kTileFrames + lane], high, 1e-6);
  }
}

TEST_ON_EVERY_TARGET(SpectralContrast, LimitsPeaksAndValleysToEightyDecibelsOverTheClip) {
  AlignedVector<float> peaks(kContrastBands * kTileFrames, 1e-3f), valleys(kContrastBands * kTileFrames, 1e-12f);
  peaks[0] = 1;
  valleys[0] = 1e-1f;
  const std::size_t valid = kTileFrames - 1;
  peaks[kTileFrames - 1] = 1e9f;  // behind the last frame: must be ignored
  contrast_in_db(peaks.data(), valleys.data(), kTileFrames, valid);
  EXPECT_NEAR(peaks[0], 10, 1e-4);        // 0 dB over -10 dB
  EXPECT_NEAR(peaks[1], -30 + 90, 1e-4);  // the valley is limited to -10 - 80 dB
  EXPECT_THROW(SpectralContrast(8000, 2048), Error);
}

TEST_ON_EVERY_TARGET(Chroma, IsThePitchClassOfANoteInAnyOctave) {
  const ChromaFilterbank filters({.sample_rate_hz = 22050, .n_fft = 2048, .tuning = 0});
  const std::size_t stride = aligned_stride(kBins);
  for (const double frequency : {440.0, 880.0, 1760.0, 3520.0}) {
    AlignedVector<float> power(stride);
    power[static_cast<std::size_t>(std::lround(frequency * 2048 / 22050))] = 5;
    std::vector<float> chroma(kPitchClasses);
    filters.apply(power.data(), 1, stride, chroma.data(), 1);
    EXPECT_EQ(chroma[9], 1) << frequency;
    EXPECT_EQ(std::ranges::count(chroma, 1.0f), 1) << frequency;
  }
}

TEST_ON_EVERY_TARGET(Chroma, GivesTheSameForManyFramesAsForSingleOnesAndKeepsZeros) {
  const ChromaFilterbank filters({.sample_rate_hz = 22050, .n_fft = 2048, .tuning = -0.3});
  const std::size_t stride = aligned_stride(kBins), frames = 11;
  Rng rng(8);
  AlignedVector<float> power(frames * stride);
  for (std::size_t i = 0; i < frames; ++i) {
    for (std::size_t k = 0; k < kBins && i != 6; ++k) power[i * stride + k] = static_cast<float>(rng.uniform());
  }
  std::vector<float> together(kPitchClasses * frames), alone(kPitchClasses);
  filters.apply(power.data(), frames, stride, together.data(), frames);
  for (std::size_t i = 0; i < frames; ++i) {
    filters.apply(power.data() + i * stride, 1, stride, alone.data(), 1);
    for (std::size_t c = 0; c < kPitchClasses; ++c) EXPECT_EQ(together[c * frames + i], alone[c]);
    EXPECT_EQ(*std::ranges::max_element(alone), i == 6 ? 0 : 1);
  }
}

TEST(Chroma, MovesItsFiltersByTheTuning) {
  const ChromaFilterbank low({.tuning = -0.4}), high({.tuning = 0.4});
  // 440 Hz (bin 40.9) is closer to an A# if the tuning is low.
  EXPECT_GT(low.weight(10, 41), high.weight(10, 41));
  EXPECT_LT(low.weight(8, 41), high.weight(8, 41));
}

// Librosa's definition: pad with the end values, cut frames, count.
std::vector<float> rates_by_definition(const std::vector<float>& samples, std::size_t frame, std::size_t hop) {
  std::vector<float> padded(frame / 2, samples.front());
  padded.insert(padded.end(), samples.begin(), samples.end());
  padded.insert(padded.end(), frame / 2, samples.back());
  std::vector<float> rates;
  for (std::size_t first = 0; first + frame <= padded.size(); first += hop) {
    std::size_t count = 0;
    for (std::size_t i = first + 1; i < first + frame; ++i) {
      count += (padded[i - 1] < -1e-10f) != (padded[i] < -1e-10f);
    }
    rates.push_back(static_cast<float>(count) / static_cast<float>(frame));
  }
  return rates;
}

TEST_ON_EVERY_TARGET(ZeroCrossings, EqualTheDefinitionForEveryLength) {
  Rng rng(2);
  for (std::size_t length = 1; length < 700; length += length < 20 ? 1 : 37) {
    std::vector<float> samples(length);
    for (float& sample : samples) sample = static_cast<float>(rng.normal()) * (rng.below(4) == 0 ? 0 : 1);
    std::vector<float> rates(1 + length / 16);
    zero_crossing_rate(samples, 64, 16, rates);
    EXPECT_EQ(rates, rates_by_definition(samples, 64, 16)) << length;
  }
}

TEST_ON_EVERY_TARGET(ZeroCrossings, CountTinyValuesAsPositive) {
  std::vector<float> samples(200), rates(13);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = i % 2 ? 1e-11f : -1e-11f;
  zero_crossing_rate(samples, 64, 16, rates);
  EXPECT_EQ(*std::ranges::max_element(rates), 0);
}

Moments moments_of(std::vector<float> series) {
  std::vector<std::int32_t> scratch;
  return moments(series, scratch);
}

TEST_ON_EVERY_TARGET(Moments, EqualHandComputedValues) {
  const Moments m = moments_of({1, 2, 3, 10});
  EXPECT_FLOAT_EQ(m.mean, 4);
  EXPECT_FLOAT_EQ(m.std, std::sqrt(12.5f));
  EXPECT_FLOAT_EQ(m.skew, 45 / std::pow(12.5f, 1.5f));        // (-27 - 8 - 1 + 216) / 4
  EXPECT_FLOAT_EQ(m.kurtosis, 348.5f / (12.5f * 12.5f) - 3);  // (81 + 16 + 1 + 1296) / 4
  EXPECT_EQ(m.median, 2.5f);
  EXPECT_EQ(m.min, 1);
  EXPECT_EQ(m.max, 10);
}

TEST_ON_EVERY_TARGET(Moments, HaveTheMiddleOfTheSortedValuesAsMedian) {
  Rng rng(9);
  for (std::size_t length = 1; length < 60; ++length) {
    for (int kind = 0; kind < 3; ++kind) {
      std::vector<float> series(length);
      for (float& value : series) {
        value = kind == 0   ? static_cast<float>(rng.normal())
                : kind == 1 ? static_cast<float>(rng.below(3)) - 1
                            : static_cast<float>(std::exp(80 * rng.normal() / 3)) * (rng.below(2) ? 1.0f : -1.0f);
        if (!std::isfinite(value)) value = 0;
      }
      const float found = moments_of(series).median;
      std::ranges::sort(series);
      const float middle = series[length / 2];
      EXPECT_EQ(found, length % 2 ? middle : (series[length / 2 - 1] + middle) / 2) << length << ' ' << kind;
    }
  }
}

TEST_ON_EVERY_TARGET(Moments, AreFiniteForAConstantSeries) {
  for (const float value : {0.0f, -0.0f, 3.7f, -1e20f}) {
    const Moments m = moments_of(std::vector<float>(100, value));
    EXPECT_EQ(m.mean, value);
    EXPECT_EQ(m.std, 0);
    EXPECT_EQ(m.skew, 0);
    EXPECT_EQ(m.kurtosis, -3);
    EXPECT_EQ(m.median, value);
  }
  EXPECT_EQ(moments_of({5}).max, 5);
}

}  // namespace
}  // namespace genrewise
