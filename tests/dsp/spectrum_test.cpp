// Tiles, STFT, mel filters, decibels and cepstra.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <numeric>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/dsp/mel.hpp"
#include "genrewise/dsp/stft.hpp"
#include "genrewise/dsp/tile.hpp"
#include "support/every_target.hpp"

namespace genrewise {
namespace {

std::vector<float> power_of(const Stft& stft, std::span<const float> samples) {
  Stft::Scratch scratch;
  std::vector<float> power(stft.frames(samples.size()) * stft.bins());
  stft.power(samples, 0, stft.frames(samples.size()), power.data(), stft.bins(), scratch);
  return power;
}

std::vector<float> noise(std::size_t count) {
  Rng rng(11);
  std::vector<float> samples(count);
  for (float& sample : samples) sample = static_cast<float>(rng.normal());
  return samples;
}

// Highway's log10 is a logarithm of at most 2 units in the last place times a constant.
constexpr double kLog10Error = 3e-7;
// Sums of up to 1,025 products in float against sums in double, relative to the sum of magnitudes.
constexpr double kSumError = 1e-6;

TEST_ON_EVERY_TARGET(Tile, TransposeMovesEachRowIntoItsColumn) {
  const std::size_t rows = 2 * kTileFrames;
  for (std::size_t columns = 1; columns < 38; ++columns) {
    const std::size_t stride = columns + 7;
    std::vector<float> from(rows * stride + 4), to(columns * (rows + 3), -1.0f);
    std::iota(from.begin(), from.end(), 0.0f);
    transpose(from.data(), stride, rows, columns, to.data(), rows + 3);
    for (std::size_t k = 0; k < columns; ++k)
      for (std::size_t i = 0; i < rows + 3; ++i)
        ASSERT_EQ(to[k * (rows + 3) + i], i < rows ? from[i * stride + k] : -1.0f) << columns << ' ' << k << ' ' << i;
  }
}

TEST_ON_EVERY_TARGET(Tile, ElementwiseLoopsEqualPlainOnesForAnyCount) {
  const auto values = noise(70);
  for (std::size_t count = 1; count < values.size(); ++count) {
    std::vector<float> in(values.begin() + 1, values.begin() + 1 + static_cast<std::ptrdiff_t>(count)), out(count);
    EXPECT_EQ(maximum(in), *std::ranges::max_element(in));
    std::vector<float> squares = in;
    square(squares);
    square_root(squares, out.data());
    for (std::size_t i = 0; i < count; ++i) {
      EXPECT_EQ(squares[i], in[i] * in[i]);
      EXPECT_EQ(out[i], std::sqrt(squares[i]));
    }
  }
}

TEST_ON_EVERY_TARGET(Tile, Log10IsExactToSinglePrecisionOverTheWholeRangeAndAtAnyPosition) {
  std::vector<float> values;
  for (double x = 1.2e-38; x < 3e38; x *= 1.0173) values.push_back(static_cast<float>(x));
  std::vector<float> logs(values.size()), single(1);
  log10(values, 1, 0, logs.data());
  for (std::size_t i = 0; i < values.size(); ++i) {
    const double exact = std::log10(static_cast<double>(values[i]));
    EXPECT_NEAR(logs[i], exact, kLog10Error * std::max(1.0, std::abs(exact))) << values[i];
    log10(std::span(values).subspan(i, 1), 1, 0, single.data());
    EXPECT_EQ(single[0], logs[i]);
  }
  log10(std::vector<float>{0, 1.125f}, 8, 1, logs.data());
  EXPECT_EQ(logs[0], 0);
  EXPECT_NEAR(logs[1], 1, kLog10Error);
}

TEST(Stft, HasOneFramePerHopAndOneMore) {
  const Stft stft;
  EXPECT_EQ(stft.frames(0), 0u);
  EXPECT_EQ(stft.frames(1), 1u);
  EXPECT_EQ(stft.frames(511), 1u);
  EXPECT_EQ(stft.frames(512), 2u);
  EXPECT_EQ(stft.frames(1323000), 2584u);  // 30 s at 44.1 kHz
  EXPECT_THROW(Stft({.n_fft = 2048, .hop_samples = 0}), Error);
}

TEST_ON_EVERY_TARGET(Stft, IsAQuarterOfTheFrameTimesTheAmplitudeForASineAtTheCentreOfABin) {
  const Stft stft;
  std::vector<float> samples(20480);
  for (std::size_t i = 0; i < samples.size(); ++i) {
    samples[i] = static_cast<float>(0.5 * std::cos(2 * std::numbers::pi * 100 * static_cast<double>(i) / 2048));
  }
  const auto power = power_of(stft, samples);
  const float* frame = power.data() + 10 * stft.bins();
  EXPECT_NEAR(std::sqrt(frame[100]), 0.5 * 2048 / 4, 1e-3);
  EXPECT_NEAR(std::sqrt(frame[99]), 0.5 * 2048 / 8, 1e-3);
  // Elsewhere only rounding errors of the float samples remain.
  EXPECT_LT(std::sqrt(frame[300]), 1e-4);
}

TEST_ON_EVERY_TARGET(Stft, CentresItsFirstFrameOnTheFirstSampleWithZerosBefore) {
  const Stft stft({.n_fft = 64, .hop_samples = 16});
  std::vector<float> impulse(200, 0.0f);
  impulse[0] = 1;
  const auto power = power_of(stft, impulse);
  const auto window = hann_window(64);
  // In frame i the impulse is at position 32 - 16 i of the window; every bin of an impulse is that weight.
  for (std::size_t i = 0; i < 5; ++i) {
    const double weight = i <= 2 ? window[32 - 16 * i] : 0;
    for (std::size_t k = 0; k < stft.bins(); ++k) {
      EXPECT_NEAR(power[i * stft.bins() + k], weight * weight, 1e-7) << i << ' ' << k;
    }
  }
}

TEST_ON_EVERY_TARGET(Stft, GivesTheSameForAnyRangeOfFrames) {
  const Stft stft;
  const auto samples = noise(5000);
  const auto whole = power_of(stft, samples);
  Stft::Scratch scratch;
  for (std::size_t first = 0; first < stft.frames(samples.size()); ++first) {
    std::vector<float> one(stft.bins());
    stft.power(samples, first, 1, one.data(), stft.bins(), scratch);
    EXPECT_TRUE(std::equal(one.begin(), one.end(), whole.begin() + static_cast<std::ptrdiff_t>(first * stft.bins())));
  }
}

TEST_ON_EVERY_TARGET(Stft, FulfilsParsevalsTheoremForShortSignals) {
  for (const std::size_t count : {1, 7, 1023, 1024, 1025, 2048, 3000}) {
    const Stft stft;
    const auto samples = noise(count);
    const auto power = power_of(stft, samples);
    const auto window = hann_window(2048);
    for (std::size_t i = 0; i < stft.frames(count); ++i) {
      double expected = 0, sum = 0;
      for (std::size_t n = 0; n < 2048; ++n) {
        const auto at = static_cast<std::ptrdiff_t>(i * 512 + n) - 1024;
        if (at < 0 || at >= static_cast<std::ptrdiff_t>(count)) continue;
        expected += std::pow(window[n] * samples[static_cast<std::size_t>(at)], 2);
      }
      for (std::size_t k = 0; k < 1025; ++k) sum += (k == 0 || k == 1024 ? 1 : 2) * power[i * 1025 + k] / 2048.0;
      EXPECT_NEAR(sum, expected, 1e-5 * expected) << count << " frame " << i;
    }
  }
}

TEST(Mel, ScaleIsLinearBelowAndLogarithmicAboveOneKilohertz) {
  EXPECT_DOUBLE_EQ(hz_to_mel(500), 7.5);
  EXPECT_DOUBLE_EQ(hz_to_mel(1000), 15);
  EXPECT_NEAR(hz_to_mel(6400), 42, 1e-12);
  for (double hz = 1; hz < 20000; hz *= 1.5) EXPECT_NEAR(mel_to_hz(hz_to_mel(hz)), hz, 1e-9 * hz);
}

TEST(Mel, FiltersHaveUnitAreaInHertz) {
  const MelFilterbank filters({.sample_rate_hz = 22050, .n_fft = 8192, .n_mels = 40});
  AlignedVector<float> tile(4097 * kTileFrames, 1.0f), out(40 * kTileFrames);
  filters.apply(tile.data(), out.data(), kTileFrames);
  // Bins are 2.7 Hz apart; the narrowest of these triangles is about 95 Hz wide.
  for (std::size_t m = 0; m < 40; ++m) EXPECT_NEAR(out[m * kTileFrames] * 22050 / 8192, 1, 0.01) << m;
}

/// Weight of each filter (row) at each bin.
std::vector<std::vector<double>> weights_of(const MelFilterbank& filters, std::size_t n_mels, std::size_t bins) {
  std::vector<std::vector<double>> weights(n_mels, std::vector<double>(bins));
  AlignedVector<float> tile(bins * kTileFrames), out(n_mels * kTileFrames);
  for (std::size_t k = 0; k < bins; ++k) {
    tile[k * kTileFrames + 2] = 1;
    filters.apply(tile.data(), out.data(), kTileFrames);
    for (std::size_t m = 0; m < n_mels; ++m) weights[m][k] = static_cast<double>(out[m * kTileFrames + 2]);
    tile[k * kTileFrames + 2] = 0;
  }
  return weights;
}

TEST(Mel, FiltersAreTrianglesBetweenTheirNeighboursCentres) {
  const auto triangle = [](double at, double left, double centre, double right) {
    return std::max(0.0, at < centre ? (at - left) / (centre - left) : (right - at) / (right - centre));
  };
  struct Case {
    int rate_hz;
    std::size_t n_fft, n_mels;
    double fmin_hz, fmax_hz;
  };
  for (const Case& one : {Case{44100, 1024, 4, 0, 0}, Case{22050, 512, 10, 300, 5000}, Case{32000, 1024, 128, 0, 15000},
                          Case{16000, 256, 1, 50, 8000}}) {
    const std::size_t bins = one.n_fft / 2 + 1;
    const double top_hz = one.fmax_hz > 0 ? one.fmax_hz : one.rate_hz / 2.0;
    MelConfig config{.sample_rate_hz = one.rate_hz, .n_fft = one.n_fft, .n_mels = one.n_mels};
    config.fmin_hz = one.fmin_hz;
    config.fmax_hz = one.fmax_hz;
    config.scale = MelScale::slaney;
    const auto slaney = weights_of(MelFilterbank(config), one.n_mels, bins);
    config.scale = MelScale::kaldi;
    const auto kaldi = weights_of(MelFilterbank(config), one.n_mels, bins);
    const auto kaldi_mel = [](double hz) { return 1127 * std::log(1 + hz / 700); };
    for (std::size_t m = 0; m < one.n_mels; ++m) {
      const auto corner = [&](std::size_t i, double low, double high) {
        return low + (high - low) * static_cast<double>(m + i) / static_cast<double>(one.n_mels + 1);
      };
      double hz[3], mel[3];
      for (std::size_t i = 0; i < 3; ++i) {
        hz[i] = mel_to_hz(corner(i, hz_to_mel(one.fmin_hz), hz_to_mel(top_hz)));
        mel[i] = corner(i, kaldi_mel(one.fmin_hz), kaldi_mel(top_hz));
      }
      for (std::size_t k = 0; k < bins; ++k) {
        const double at_hz = static_cast<double>(k) * one.rate_hz / static_cast<double>(one.n_fft);
        const double expected = 2 / (hz[2] - hz[0]) * triangle(at_hz, hz[0], hz[1], hz[2]);
        EXPECT_NEAR(slaney[m][k], expected, 1e-6 * 2 / (hz[2] - hz[0]))
            << one.n_mels << " filter " << m << " bin " << k;
        // Kaldi leaves out the last bin.
        const double height = k + 1 == bins ? 0 : triangle(kaldi_mel(at_hz), mel[0], mel[1], mel[2]);
        EXPECT_NEAR(kaldi[m][k], height, 1e-6) << one.n_mels << " filter " << m << " bin " << k;
      }
    }
  }
}

TEST(Mel, KeepsLanesSeparate) {
  const MelFilterbank filters({.sample_rate_hz = 44100, .n_fft = 512, .n_mels = 20});
  AlignedVector<float> tile(257 * kTileFrames), out(20 * kTileFrames);
  for (std::size_t k = 0; k < 257; ++k) tile[k * kTileFrames + 1] = 1;
  filters.apply(tile.data(), out.data(), kTileFrames);
  EXPECT_GT(out[10 * kTileFrames + 1], 0);
  EXPECT_EQ(out[10 * kTileFrames], 0);
  EXPECT_EQ(out[10 * kTileFrames + 2], 0);
}

TEST_ON_EVERY_TARGET(Mel, FiltersAndCosinesEqualPlainLoops) {
  const std::size_t bins = 257, bands = 26;
  const MelFilterbank filters({.sample_rate_hz = 16000, .n_fft = 2 * (bins - 1), .n_mels = bands});
  const auto weights = weights_of(filters, bands, bins);
  AlignedVector<float> tile(bins * kTileFrames), mel(bands * kTileFrames), cepstra = mel;
  std::ranges::transform(noise(tile.size()), tile.begin(), [](float x) { return x * x; });
  filters.apply(tile.data(), mel.data(), kTileFrames);
  for (std::size_t m = 0; m < bands; ++m)
    for (std::size_t i = 0; i < kTileFrames; ++i) {
      double sum = 0;
      for (std::size_t k = 0; k < bins; ++k) sum += weights[m][k] * static_cast<double>(tile[k * kTileFrames + i]);
      EXPECT_NEAR(mel[m * kTileFrames + i], sum, kSumError * sum);
    }
  for (const std::size_t n_out : {1, 10, 13, 26}) {
    Dct(bands, n_out).apply(mel.data(), kTileFrames, 1e-3f, cepstra.data(), kTileFrames);
    for (std::size_t j = 0; j < n_out; ++j)
      for (std::size_t i = 0; i < kTileFrames; ++i) {
        double sum = 0, magnitudes = 0;
        for (std::size_t m = 0; m < bands; ++m) {
          const double angle = std::numbers::pi * static_cast<double>(j * (2 * m + 1)) / (2.0 * bands);
          const double value = std::max(mel[m * kTileFrames + i], 1e-3f) * std::sqrt((j == 0 ? 1.0 : 2.0) / bands);
          sum += value * std::cos(angle);
          magnitudes += value;
        }
        EXPECT_NEAR(cepstra[j * kTileFrames + i], sum, kSumError * magnitudes) << n_out << ' ' << j;
      }
  }
}

TEST(Mel, RefusesInvalidConfigurations) {
  EXPECT_THROW(MelFilterbank({.n_mels = 0}), Error);
  EXPECT_THROW(MelFilterbank({.n_fft = 0}), Error);
  EXPECT_THROW(MelFilterbank({.fmin_hz = -1}), Error);
  EXPECT_THROW(MelFilterbank({.fmin_hz = 4000, .fmax_hz = 4000}), Error);
  EXPECT_THROW(MelFilterbank({.sample_rate_hz = 0}), Error);
  EXPECT_THROW(MelFilterbank({.fmin_hz = 5000, .fmax_hz = 4000}), Error);
}

TEST_ON_EVERY_TARGET(Cepstrum, PowerToDbIsLimitedAtTheMinimum) {
  AlignedVector<float> values(2 * kTileFrames, 0.0f);
  values[0] = 1;
  values[1] = 100;
  values[2] = 1e-12f;
  power_to_db(values);
  EXPECT_EQ(values[0], 0);
  EXPECT_NEAR(values[1], 20, 1e-5);
  EXPECT_NEAR(values[2], -100, 1e-4);
  EXPECT_NEAR(values[2 * kTileFrames - 1], -100, 1e-4);
}

TEST_ON_EVERY_TARGET(Cepstrum, DctIsOrthonormal) {
  const std::size_t n = 23;
  const Dct dct(n, n);
  // Unit impulses give the columns of the matrix; their scalar products are those of unit vectors.
  std::vector<AlignedVector<float>> columns;
  for (std::size_t i = 0; i < n; ++i) {
    AlignedVector<float> in(n * kTileFrames), out(n * kTileFrames);
    in[i * kTileFrames] = 1;
    dct.apply(in.data(), kTileFrames, -1e9f, out.data(), kTileFrames);
    columns.push_back(out);
  }
  for (std::size_t a = 0; a < n; ++a) {
    for (std::size_t b = 0; b < n; ++b) {
      double product = 0;
      for (std::size_t j = 0; j < n; ++j)
        product += static_cast<double>(columns[a][j * kTileFrames]) * columns[b][j * kTileFrames];
      EXPECT_NEAR(product, a == b ? 1 : 0, 1e-6);
    }
  }
}

TEST_ON_EVERY_TARGET(Cepstrum, DctRaisesValuesToTheFloor) {
  const Dct dct(4, 1);
  AlignedVector<float> in(4 * kTileFrames, -200.0f), out(kTileFrames);
  dct.apply(in.data(), kTileFrames, -80, out.data(), kTileFrames);
  EXPECT_NEAR(out[0], -160, 1e-4);  // 4 * -80 / sqrt(4)
  EXPECT_THROW(Dct(4, 5), Error);
  EXPECT_THROW(Dct(4, 0), Error);
}

}  // namespace
}  // namespace genrewise
