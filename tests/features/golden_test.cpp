// Compares features with librosa's, computed by tests/golden/features/generate.py from the same formulas and clips.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <numbers>
#include <optional>

#include "genrewise/audio/decode.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/dsp/cqt.hpp"
#include "genrewise/dsp/tile.hpp"
#include "genrewise/dsp/tonality.hpp"
#include "genrewise/features/feature_set.hpp"
#include "genrewise/features/fma_columns.hpp"
#include "genrewise/features/frame_analysis.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_music.hpp"

namespace genrewise {
namespace {

// Relative to a feature's range over the clip. STFT features use the same precision and formulas; librosa's sums in
// single precision remain (measured: 2.5e-6). Constant-Q features have the transform's tolerance of 1e-3; CENS
// quantises, so a value near a step may fall to either side (one step of one frame: 0.006).
constexpr double kStftTolerance = 1e-5, kChromaCqtTolerance = 1e-3, kQuantisedTolerance = 2e-2;
// Of the contrast in real clips: two decoders of Vorbis agree within 6e-7, and the valley of a low band, the quietest
// of ten bins, depends on that where loud bins nearly cancel in it (measured between librosa on both decoders' samples,
// as here: 4.5e-4). That frame dominates the kurtosis.
constexpr double kDecodedContrastTolerance = 1e-3, kDecodedContrastShapeTolerance = 2e-2;
// Skew and kurtosis, relative to 1 + |value|, for the same three groups.
constexpr double kStftShapeTolerance = 5e-4, kChromaCqtShapeTolerance = 5e-3, kQuantisedShapeTolerance = 5e-2;
// Relative to the largest value of a feature: rounding of nearly constant features and of small sums of large values
// (MFCC).
constexpr double kRounding = 2e-6;

enum class Kind { stft, chroma_cqt, quantised };

Kind kind_of(const std::string& feature) {
  if (feature == "chroma_cqt") return Kind::chroma_cqt;
  return feature == "chroma_cens" || feature == "tonnetz" ? Kind::quantised : Kind::stft;
}

bool is_real(const std::string& signal) {
  return signal.find('@') != std::string::npos;
}

double tolerance(const std::string& feature, const std::string& signal) {
  if (feature == "spectral_contrast" && is_real(signal)) return kDecodedContrastTolerance;
  const Kind kind = kind_of(feature);
  return kind == Kind::stft ? kStftTolerance : kind == Kind::chroma_cqt ? kChromaCqtTolerance : kQuantisedTolerance;
}

double shape_tolerance(const std::string& feature, const std::string& signal) {
  if (feature == "spectral_contrast" && is_real(signal)) return kDecodedContrastShapeTolerance;
  const Kind kind = kind_of(feature);
  return kind == Kind::stft         ? kStftShapeTolerance
         : kind == Kind::chroma_cqt ? kChromaCqtShapeTolerance
                                    : kQuantisedShapeTolerance;
}

struct Golden {
  std::string kind, what;
  std::vector<double> values;
};

// Constant-Q features divide each frame by its maximum, which amplifies rounding in empty octaves. They are compared on
// signals that fill all octaves; tests/dsp/cqt_test.cpp checks the others before the division.
bool is_comparable(const std::string& feature, const std::string& signal) {
  return kind_of(feature) == Kind::stft || signal == "noise" || is_real(signal);
}

// The rows of one file, by signal.
std::map<std::string, std::vector<Golden>> read_golden(const std::string& name) {
  const auto path = testing::golden_path("features/" + name);
  const std::string text = read_file(path);
  CsvReader reader(text, path.string());
  std::map<std::string, std::vector<Golden>> signals;
  std::vector<std::string_view> fields;
  while (reader.next(fields)) {
    Golden golden{std::string(fields[0]), std::string(fields[2]), {}};
    for (std::size_t i = 3; i < fields.size(); ++i) {
      EXPECT_TRUE(parse_number(fields[i], golden.values.emplace_back())) << reader.line();
    }
    signals[std::string(fields[1])].push_back(std::move(golden));
  }
  return signals;
}

std::vector<double> lcg(std::size_t count) {
  std::vector<double> values(count);
  std::uint64_t state = 42;
  for (double& value : values) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    value = static_cast<double>(state >> 40) / 8388608 - 1;
  }
  return values;
}

Waveform analytic(const std::string& name) {
  constexpr double kTwoPi = 2 * std::numbers::pi;
  const auto clip = [](double seconds, int rate, const std::function<double(double t, std::size_t i)>& f) {
    Waveform wave{std::vector<float>(static_cast<std::size_t>(seconds * rate)), rate};
    for (std::size_t i = 0; i < wave.samples.size(); ++i) {
      wave.samples[i] = static_cast<float>(f(static_cast<double>(i) / rate, i));
    }
    return wave;
  };
  const std::vector<double> noise = lcg(72000);
  if (name == "sine") return clip(2, 44100, [](double t, std::size_t) { return 0.5 * std::sin(kTwoPi * 440 * t); });
  if (name == "chirp") {
    return clip(2, 44100, [](double t, std::size_t) { return 0.4 * std::sin(kTwoPi * (100 * t + 2000 * t * t)); });
  }
  if (name == "chord") {
    return clip(2, 44100, [](double t, std::size_t) {
      double sum = 0;
      for (const double f : {261.6256, 329.6276, 391.9954}) {
        sum += 0.2 * std::sin(kTwoPi * f * std::pow(2, 0.3 / 12) * t);
      }
      return sum;
    });
  }
  if (name == "clicks") {
    return clip(2, 22050, [](double, std::size_t i) {
      const auto n = static_cast<double>(i % 5000);
      return 0.9 * std::exp(-n / 400) * std::cos(0.3 * n);
    });
  }
  if (name == "noise") return clip(1.5, 48000, [&](double, std::size_t i) { return 0.1 * noise[i]; });
  if (name == "quiet") return clip(1, 44100, [&](double, std::size_t i) { return 1e-5 * noise[i] + 0.02; });
  if (name == "half_silence") {
    return clip(1.5, 44100, [](double t, std::size_t) { return t < 0.75 ? 0.0 : 0.3 * std::sin(kTwoPi * 1000 * t); });
  }
  Waveform wave{std::vector<float>(1500), 44100};
  for (std::size_t i = 0; i < 1500; ++i) wave.samples[i] = static_cast<float>(0.3 * noise[i]);
  return wave;
}

std::vector<float> extract(const std::string& set_name, const Waveform& clip) {
  const auto set = make_feature_set(set_name);
  std::vector<float> values(set->size());
  const auto done = set->extract(clip, values);
  EXPECT_TRUE(done) << to_string(done.error());
  return values;
}

// Index of another statistic of the same feature and number.
std::size_t column(const std::string& feature, const std::string& statistic, const std::string& number) {
  const auto& columns = fma_columns();
  return static_cast<std::size_t>(std::ranges::find(columns, FeatureColumn{feature, statistic, number}) -
                                  columns.begin());
}

// Largest magnitude in any row of a feature.
double largest(const std::string& feature, const std::vector<double>& row) {
  double result = 0;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const FeatureColumn& c = fma_columns()[i];
    if (c.feature == feature && (c.statistic == "max" || c.statistic == "min")) {
      result = std::max(result, std::abs(row[i]));
    }
  }
  return result;
}

void check_fma518(const Waveform& clip, const std::vector<double>& expected, const std::string& signal) {
  const std::vector<float> row = extract("fma518", clip);
  ASSERT_EQ(expected.size(), row.size());
  for (std::size_t i = 0; i < row.size(); ++i) {
    const auto& [feature, statistic, number] = fma_columns()[i];
    if (!is_comparable(feature, signal)) continue;
    const auto golden = [&](const char* name) { return expected[column(feature, name, number)]; };
    const double range = golden("max") - golden("min"), size = largest(feature, expected);
    const std::string what = signal + ' ' + feature + ' ' + statistic + ' ' + number;
    if (statistic == "skew" || statistic == "kurtosis") {
      if (std::isnan(expected[i])) {  // constant
        EXPECT_EQ(row[i], statistic == "skew" ? 0 : -3) << what;
      } else if (golden("std") >
                 1e-4 * std::max(std::abs(golden("max")),
                                 std::abs(golden("min")))) {  // otherwise the shape is that of rounding errors
        EXPECT_NEAR(row[i], expected[i], shape_tolerance(feature, signal) * (1 + std::abs(expected[i]))) << what;
      }
    } else {
      EXPECT_NEAR(row[i], expected[i], tolerance(feature, signal) * range + kRounding * size) << what;
    }
  }
}

// Values of each feature over time: name -> (rows, frames x rows).
struct Analysed {
  ClipAnalysis clip;
  FrameFeatures frames;
  Matrix chroma_cqt, chroma_cens, tonnetz;

  explicit Analysed(const Waveform& wave) : clip(wave), frames(FrameAnalysis({.pitch_rate_hz = 22050}).process(clip)) {
    const Matrix& magnitudes = constant_q(clip, frames.cqt_tuning);
    genrewise::chroma_cqt(magnitudes, 36, chroma_cqt);
    genrewise::chroma_cens(magnitudes, 36, chroma_cens);
    genrewise::tonnetz(chroma_cens, tonnetz);
  }

  // Range over the clip, and value in the frame.
  std::pair<double, double> value(const std::string& feature, std::size_t row, std::size_t frame) {
    static const std::map<std::string, std::size_t> kRows = {{"chroma_stft", FrameAnalysis::kChroma},
                                                             {"mfcc", FrameAnalysis::kMfcc},
                                                             {"rmse", FrameAnalysis::kRms},
                                                             {"spectral_bandwidth", FrameAnalysis::kBandwidth},
                                                             {"spectral_centroid", FrameAnalysis::kCentroid},
                                                             {"spectral_contrast", FrameAnalysis::kContrast},
                                                             {"spectral_rolloff", FrameAnalysis::kRolloff},
                                                             {"zcr", FrameAnalysis::kZcr}};
    std::vector<float> series;
    if (const auto found = kRows.find(feature); found != kRows.end()) {
      const auto values = frames.series.row(found->second + row);
      series.assign(values.begin(), values.end());
    } else {
      const Matrix& matrix = feature == "tonnetz" ? tonnetz : feature == "chroma_cqt" ? chroma_cqt : chroma_cens;
      for (std::size_t i = 0; i < matrix.rows(); ++i) series.push_back(matrix(i, row));
    }
    const auto [least, most] = std::ranges::minmax(series);
    return {most - least, series[frame]};
  }
};

void check_frame(Analysed& analysed, const Golden& golden, const std::string& signal) {
  const std::size_t colon = golden.what.find(':');
  const std::string feature = golden.what.substr(0, colon);
  if (!is_comparable(feature, signal)) return;
  const std::size_t frame = std::stoul(golden.what.substr(colon + 1));
  double size = 0;
  for (const double value : golden.values) size = std::max(size, std::abs(value));
  for (std::size_t row = 0; row < golden.values.size(); ++row) {
    const auto [range, value] = analysed.value(feature, row, frame);
    EXPECT_NEAR(value, golden.values[row], tolerance(feature, signal) * range + kRounding * size)
        << signal << ' ' << golden.what << " row " << row;
  }
}

// Relative to the 80 dB range of the image.
constexpr double kMelToleranceDb = 1e-5 * 80;
// In standard deviations: MFCC and the others agree within 1e-5 of their range, about ten standard deviations.
constexpr double kStandardisedTolerance = 1e-4;

void check(const Waveform& clip, const std::vector<Golden>& goldens, const std::string& signal) {
  std::optional<Analysed> analysed;
  std::map<std::string, std::vector<float>> flat;
  for (const Golden& golden : goldens) {
    if (golden.kind == "fma518") {
      check_fma518(clip, golden.values, signal);
    } else if (golden.kind == "frame") {
      if (!analysed) analysed.emplace(clip);
      check_frame(*analysed, golden, signal);
    } else {
      const std::size_t frames = golden.kind == "mel224" ? 224 : 2582, frame = std::stoul(golden.what);
      auto& values = flat[golden.kind];
      // The samples are declared as 22,050 Hz, here and in the generator.
      if (values.empty()) {
        values = extract(golden.kind, golden.kind == "mel224" ? Waveform{clip.samples, 22050} : clip);
      }
      for (std::size_t row = 0; row < golden.values.size(); ++row) {
        EXPECT_NEAR(values[row * frames + frame], golden.values[row],
                    golden.kind == "mel224" ? kMelToleranceDb : kStandardisedTolerance)
            << signal << ' ' << golden.kind << " frame " << frame << " row " << row;
      }
    }
  }
}

TEST(FrameAnalysis, GivesTheSameBitsWhetherPowerSpectraAreKeptOrNot) {
  Waveform wave{{}, 44100};
  for (const double value : lcg(50'001)) wave.samples.push_back(static_cast<float>(value));
  ClipAnalysis kept(wave), again(wave);
  for (const int pitch_rate_hz : {22050, 0}) {  // the second analysis takes the first one's spectra
    FrameAnalysisConfig config{.pitch_rate_hz = pitch_rate_hz, .rolloff_offset = 0.5F};
    const FrameAnalysis keeping(config);
    config.kept_frames = 0;
    const FrameAnalysis computing(config);
    Series &expected = keeping.process(kept).series, &series = computing.process(again).series;
    for (std::size_t row = 0; row < FrameAnalysis::kRows; ++row)
      EXPECT_TRUE(std::ranges::equal(series.row(row), expected.row(row))) << row;
    for (std::size_t first = 0; first < expected.frames(); first += kTileFrames) {
      const std::size_t count = kTileFrames * aligned_stride(keeping.bins());
      EXPECT_TRUE(std::ranges::equal(std::span(computing.powers(again, first), count),
                                     std::span(keeping.powers(kept, first), count)));
    }
  }
}

TEST(FrameAnalysis, GivesTheRolloffOfTheSignalWithTheOffset) {
  Waveform wave{{}, 44100}, with_offset{{}, 44100};
  for (const double value : lcg(40'001)) {
    wave.samples.push_back(static_cast<float>(0.01 * value));
    with_offset.samples.push_back(wave.samples.back() + 0.5F);
  }
  ClipAnalysis clip(wave), other(with_offset);
  Series& offset = FrameAnalysis({.rolloff_offset = 0.5F}).process(clip).series;
  Series& expected = FrameAnalysis({}).process(other).series;
  ASSERT_GT(offset.frames(), 3 * kTileFrames);
  for (std::size_t frame = 0; frame < offset.frames(); ++frame)
    EXPECT_NEAR(offset.row(FrameAnalysis::kOffsetRolloff)[frame], expected.row(FrameAnalysis::kRolloff)[frame],
                1.5 * 44100 / 2048)
        << frame;
}

TEST(Golden, AnalyticSignalsEqualLibrosa) {
  const auto signals = read_golden("analytic.csv");
  ASSERT_EQ(signals.size(), 8u);
  for (const auto& [name, goldens] : signals) check(analytic(name), goldens, name);
}

TEST(Golden, RealClipsEqualLibrosa) {
  REQUIRE_TEST_MUSIC(music);
  const auto clips = read_golden("real_clips.csv");
  ASSERT_EQ(clips.size(), 7u);
  for (const auto& [name, goldens] : clips) {
    const std::size_t at = name.rfind('@');
    const int rate = std::stoi(name.substr(at + 1));
    DecodeOptions options;
    options.clip.start_s = 10;
    options.clip.duration_s = 30;
    if (rate > 0) options.sample_rate_hz = rate;
    auto clip = decode_file(music / name.substr(0, at), options);
    ASSERT_TRUE(clip) << to_string(clip.error());
    // Decoders of Vorbis agree within 6e-7, which is all that is left in frequencies that the encoder removed.
    const std::vector<double> noise = lcg(clip->samples.size());
    for (std::size_t i = 0; i < noise.size(); ++i) clip->samples[i] += static_cast<float>(0.01 * noise[i]);
    check(*clip, goldens, name);
  }
}

}  // namespace
}  // namespace genrewise
