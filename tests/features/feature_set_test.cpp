#include "genrewise/features/feature_set.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>
#include <thread>
#include <tuple>

#include "genrewise/base/random.hpp"
#include "genrewise/features/feature_list.hpp"
#include "genrewise/pretrained/feature_sets.hpp"

namespace genrewise {
namespace {

std::vector<std::string> engineered_names() {
  std::vector<std::string> names;
  for (const FeatureSetDescriptor& set : listed_feature_sets()) names.push_back(set.name);
  return names;
}

Waveform clip_of(std::size_t samples, int rate_hz, const std::function<double(std::size_t)>& sample) {
  Waveform clip{std::vector<float>(samples), rate_hz};
  for (std::size_t i = 0; i < samples; ++i) clip.samples[i] = static_cast<float>(sample(i));
  return clip;
}

Waveform noise(std::size_t samples, int rate_hz, double level = 0.1) {
  Rng rng(1);
  return clip_of(samples, rate_hz, [&](std::size_t) { return level * rng.normal(); });
}

Waveform sine(double frequency_hz, std::size_t samples, int rate_hz) {
  return clip_of(samples, rate_hz, [&](std::size_t i) {
    return 0.5 * std::sin(2 * std::numbers::pi * frequency_hz * static_cast<double>(i) / rate_hz);
  });
}

Expected<std::vector<float>> extract(const std::string& name, const Waveform& clip) {
  const auto set = make_feature_set(name);
  std::vector<float> values(set->size(), std::nanf(""));
  const auto done = set->extract(clip, values);
  if (!done) return tl::unexpected(done.error());
  return values;
}

std::string reason(const std::string& name, const Waveform& clip) {
  const auto values = extract(name, clip);
  return values ? "" : values.error().reason;
}

TEST(FeatureSet, EveryNameMakesASetWithUniqueRecipeAndColumns) {
  std::set<std::string> hashes;
  for (const std::string& name : engineered_names()) {
    const auto set = make_feature_set(name);
    EXPECT_EQ(set->recipe().name, name);
    EXPECT_GE(set->recipe().version, 1);
    EXPECT_EQ(set->recipe().hash.size(), 64u);
    EXPECT_TRUE(hashes.insert(set->recipe().hash).second) << name;
    std::set<std::array<std::string, 3>> columns;
    for (const FeatureColumn& c : set->columns()) columns.insert({c.feature, c.statistic, c.number});
    EXPECT_EQ(columns.size(), set->size()) << name << " has a column twice";
    EXPECT_EQ(make_feature_set(name)->recipe(), set->recipe());
  }
}

TEST(FeatureSet, HasTheSizesOfTheStudy) {
  EXPECT_EQ(make_feature_set("fma518")->size(), 518u);
  EXPECT_EQ(make_feature_set("frames")->size(), 90370u);
  EXPECT_EQ(make_feature_set("frames_by_coefficient")->size(), 90370u);
  EXPECT_EQ(make_feature_set("mel224")->size(), 50176u);
  EXPECT_EQ(make_feature_set("raw10k")->size(), 10000u);
}

TEST(FeatureSet, AnUnknownNameListsTheAvailableOnes) {
  try {
    make_feature_set("fma519");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), ::testing::HasSubstr("fma519"));
    EXPECT_THAT(error.what(), ::testing::HasSubstr("fma518, frames"));
  }
}

TEST(FeatureSet, GivesFiniteNumbersForUnusualClips) {
  const std::size_t frames_clip = 2581 * 512 + 7;
  for (const std::string& name : engineered_names()) {
    const int rate = make_feature_set(name)->sample_rate_hz() == 0 ? 44100 : make_feature_set(name)->sample_rate_hz();
    const std::size_t samples = name.starts_with("frames") ? frames_clip : name == "raw10k" ? 10000 : 30000;
    const Waveform clips[] = {clip_of(samples, rate, [](std::size_t) { return 0.0; }),
                              clip_of(samples, rate, [](std::size_t) { return 0.25; }),
                              clip_of(samples, rate, [](std::size_t) { return -1e-20; }),
                              clip_of(samples, rate, [](std::size_t i) { return i == 5000 ? 1.0 : 0.0; }),
                              clip_of(samples, rate, [](std::size_t i) { return i % 2 ? 1.0 : -1.0; })};
    for (std::size_t c = 0; c < std::size(clips); ++c) {
      const auto values = extract(name, clips[c]);
      ASSERT_TRUE(values) << name << " clip " << c << ": " << to_string(values.error());
      for (const float value : *values) ASSERT_TRUE(std::isfinite(value)) << name << " clip " << c;
    }
  }
}

TEST(FeatureSet, GivesFiniteNumbersForClipsShorterThanAFrame) {
  for (const std::size_t samples : {1, 2, 511, 512, 2047, 2048, 2049}) {
    for (const char* name : {"fma518", "mel224"}) {
      const auto values = extract(name, noise(samples, 22050));
      ASSERT_TRUE(values) << name << ' ' << samples;
      for (const float value : *values) ASSERT_TRUE(std::isfinite(value)) << name << ' ' << samples;
    }
  }
}

TEST(FeatureSet, ClipsThatAreTooShortAreFaults) {
  EXPECT_EQ(reason("fma518", {{}, 44100}), "too short");
  EXPECT_EQ(reason("mel224", {{}, 22050}), "too short");
  EXPECT_EQ(reason("raw10k", noise(9999, 44100)), "too short");
  EXPECT_EQ(reason("raw10k", noise(10000, 44100)), "");
  EXPECT_EQ(reason("frames", noise(2499 * 512 - 1, 44100)), "too short");
  EXPECT_EQ(reason("frames", noise(2499 * 512, 44100)), "");
  const auto fault = extract("raw10k", noise(4410, 44100));
  EXPECT_EQ(fault.error().detail, "4410 samples (0.10 s), but at least 10000 are needed (0.23 s)");
}

TEST(FeatureSet, WrongSampleRatesAreFaults) {
  EXPECT_EQ(reason("fma518", noise(30000, 8485)), "wrong sample rate");
  EXPECT_TRUE(extract("fma518", noise(30000, 8486)));
  EXPECT_EQ(reason("fma518", noise(30000, 11025)), "");
}

TEST(FeatureSet, AnAnalysisKeepsNothingFromThePreviousClip) {
  for (const std::string& name : engineered_names()) {
    const auto set = make_feature_set(name);
    const int rate = set->sample_rate_hz() == 0 ? 44100 : set->sample_rate_hz();
    const std::size_t samples = name.starts_with("frames") ? 2500 * 512 : 20000;
    const Waveform clip = sine(440, samples, rate), other = noise(samples + 9000, rate);
    std::vector<float> fresh(set->size()), used(set->size());
    ASSERT_TRUE(set->extract(clip, fresh));
    ClipAnalysis analysis(other);
    ASSERT_TRUE(set->extract(analysis, used));
    analysis.begin(clip);
    ASSERT_TRUE(set->extract(analysis, used));
    EXPECT_EQ(fresh, used) << name;
  }
}

TEST(FeatureSet, NumbersDoNotDependOnTheSetsThatWereExtractedBefore) {
  const Waveform clip = noise(2590 * 512, 44100), before = sine(440, 2500 * 512, 48000);
  std::vector<std::string> names = engineered_names();
  std::vector<std::vector<float>> alone;
  for (const std::string& name : names) alone.push_back(extract(name, clip).value());
  for (int order = 0; order < 4; ++order) {
    ClipAnalysis analysis(before);
    for (int used = 0; used < 2; ++used, analysis.begin(clip))
      for (std::size_t k = 0; k < names.size(); ++k) {
        const std::size_t i = (order % 2 == 0 ? k : names.size() - 1 - k) * (order < 2 ? 1 : 3) % names.size();
        std::vector<float> row(alone[i].size(), std::nanf(""));
        ASSERT_TRUE(make_feature_set(names[i])->extract(analysis, row));
        if (used == 1) {
          EXPECT_TRUE(row == alone[i]) << names[i] << ", order " << order;
        }
      }
  }
}

TEST(FeatureSet, OneObjectServesThreadsWithClipsOfDifferentRates) {
  const auto set = make_feature_set("fma518");
  const int rates[] = {44100, 48000, 22050, 44100};
  std::vector<std::vector<float>> alone(4, std::vector<float>(518)), together = alone;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto own = make_feature_set("fma518");
    ASSERT_TRUE(own->extract(sine(330, 30000, rates[i]), alone[i]));
  }
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < 4; ++i) {
      threads.emplace_back([&, i] { (void)set->extract(sine(330, 30000, rates[i]), together[i]); });
    }
  }
  EXPECT_EQ(together, alone);
}

float value_of(const std::vector<float>& row, const std::string& feature, const std::string& statistic,
               const std::string& number = "01") {
  const auto set = make_feature_set("fma518");
  for (std::size_t i = 0; i < row.size(); ++i) {
    if (set->columns()[i] == FeatureColumn{feature, statistic, number}) return row[i];
  }
  ADD_FAILURE() << "no column " << feature << ' ' << statistic << ' ' << number;
  return 0;
}

TEST(Fma518, HasTheColumnOrderOfFeaturesCsv) {
  const auto set = make_feature_set("fma518");
  const auto& columns = set->columns();
  EXPECT_EQ(columns.front(), (FeatureColumn{"chroma_cens", "kurtosis", "01"}));
  EXPECT_EQ(columns[11], (FeatureColumn{"chroma_cens", "kurtosis", "12"}));
  EXPECT_EQ(columns[12], (FeatureColumn{"chroma_cens", "max", "01"}));
  EXPECT_EQ(columns.back(), (FeatureColumn{"zcr", "std", "01"}));
  EXPECT_TRUE(std::ranges::is_sorted(
      columns, {}, [](const FeatureColumn& c) { return std::tie(c.feature, c.statistic, c.number); }));
}

TEST(Frames, NamesItsColumnsByFrameAndRow) {
  const auto set = make_feature_set("frames");
  EXPECT_EQ(set->columns().front(), (FeatureColumn{"mfcc", "frame0001", "01"}));
  EXPECT_EQ(set->columns()[1], (FeatureColumn{"mfcc", "frame0002", "01"}));
}

TEST(Mfcc, IsTheMfccPartOfFma518) {
  const Waveform clip = noise(100000, 44100);
  const auto all = extract("fma518", clip), own = extract("mfcc", clip);
  ASSERT_TRUE(all && own);
  std::vector<float> part;
  const auto whole = make_feature_set("fma518"), set = make_feature_set("mfcc");
  std::vector<FeatureColumn> columns;
  for (std::size_t i = 0; i < whole->size(); ++i) {
    if (whole->columns()[i].feature != "mfcc") continue;
    part.push_back((*all)[i]);
    columns.push_back(whole->columns()[i]);
  }
  EXPECT_EQ(part.size(), 140u);
  EXPECT_EQ(columns, set->columns());
  EXPECT_EQ(part, *own);
  EXPECT_TRUE(extract("mfcc", noise(3000, 4000))) << "without the constant-Q transform any rate is valid";
}

TEST(Fma518, DescribesASine) {
  // 882 Hz at 44,100 Hz: the spectral features assume 22,050 Hz and therefore measure 441 Hz.
  const auto row = extract("fma518", sine(882, 88200, 44100));
  ASSERT_TRUE(row);
  EXPECT_NEAR(value_of(*row, "spectral_centroid", "median"), 441, 1);
  EXPECT_NEAR(value_of(*row, "spectral_rolloff", "median"), 441, 2 * 22050.0 / 2048);
  EXPECT_LT(value_of(*row, "spectral_bandwidth", "median"), 20);
  EXPECT_NEAR(value_of(*row, "rmse", "median"), 0.5 / std::numbers::sqrt2 * std::sqrt(3.0 / 8), 1e-3);  // Hann window
  EXPECT_NEAR(value_of(*row, "zcr", "median"), 2 * 882.0 / 44100, 1e-3);
  EXPECT_EQ(value_of(*row, "chroma_stft", "median", "10"), 1);  // an A
}

TEST(Fma518, SilenceHasDocumentedStatistics) {
  const auto row = extract("fma518", clip_of(44100, 44100, [](std::size_t) { return 0.0; }));
  ASSERT_TRUE(row);
  for (const char* feature : {"rmse", "zcr", "spectral_centroid", "spectral_rolloff", "chroma_stft"}) {
    EXPECT_EQ(value_of(*row, feature, "mean"), 0) << feature;
    EXPECT_EQ(value_of(*row, feature, "std"), 0) << feature;
    EXPECT_EQ(value_of(*row, feature, "skew"), 0) << feature;
    EXPECT_EQ(value_of(*row, feature, "kurtosis"), -3) << feature;
  }
}

TEST(Frames, StandardisesMfccWithinAFrameOrOverTimeByRecipe) {
  const Waveform clip = noise(2600 * 512, 44100);
  constexpr std::size_t kFrames = 2582;
  const auto within = extract("frames", clip), over = extract("frames_by_coefficient", clip);
  ASSERT_TRUE(within && over);
  double sum_within = 0, sum_over = 0, squares_within = 0, squares_over = 0;
  for (std::size_t row = 0; row < 20; ++row) {
    sum_within += (*within)[row * kFrames + 100];
    squares_within += std::pow((*within)[row * kFrames + 100], 2);
  }
  for (std::size_t frame = 0; frame < kFrames; ++frame) {
    sum_over += (*over)[3 * kFrames + frame];
    squares_over += std::pow((*over)[3 * kFrames + frame], 2);
  }
  EXPECT_NEAR(sum_within / 20, 0, 1e-5);
  EXPECT_NEAR(squares_within / 20, 1, 1e-4);
  EXPECT_NEAR(sum_over / kFrames, 0, 1e-5);
  EXPECT_NEAR(squares_over / kFrames, 1, 1e-4);
  // Both standardise the last three rows over time.
  EXPECT_TRUE(std::equal(within->end() - 3 * kFrames, within->end(), over->end() - 3 * kFrames));
}

TEST(Frames, FillsShortClipsWithZeros) {
  const auto values = extract("frames_by_coefficient", noise(2499 * 512, 44100));
  ASSERT_TRUE(values);
  for (std::size_t row = 0; row < 35; ++row) {
    EXPECT_NE((*values)[row * 2582 + 2499], 0) << row;
    EXPECT_EQ((*values)[row * 2582 + 2500], 0) << row;
    EXPECT_EQ((*values)[row * 2582 + 2581], 0) << row;
  }
}

TEST(Mel224, ShowsASineAsOneBrightRow) {
  const auto image = extract("mel224", sine(1000, 30 * 22050, 22050));
  ASSERT_TRUE(image);
  // 1,000 Hz is 15 mel; the 224 filters' centres are spaced by mel(11,025 Hz) / 225 = 0.2218: number 67 (from 0).
  for (std::size_t t = 4; t < 220; ++t) {
    std::size_t brightest = 0;
    for (std::size_t m = 1; m < 224; ++m) {
      if ((*image)[m * 224 + t] > (*image)[brightest * 224 + t]) brightest = m;
    }
    ASSERT_NEAR(static_cast<double>(brightest), 66.6, 1);
    ASSERT_GT((*image)[brightest * 224 + t], -0.5f);
  }
  EXPECT_EQ(*std::ranges::max_element(*image), 0);
  EXPECT_EQ(*std::ranges::min_element(*image), -80);
}

TEST(Mel224, CutsLongClipsAndPadsShortOnesWithSilence) {
  const auto whole = extract("mel224", noise(60 * 22050, 22050));
  const auto half = extract("mel224", noise(15 * 22050, 22050));
  ASSERT_TRUE(whole && half);
  EXPECT_GT((*whole)[100 * 224 + 223], -60);
  EXPECT_GT((*half)[100 * 224 + 110], -60);
  EXPECT_EQ((*half)[100 * 224 + 113], -80);  // 1 + 330,750 / 2,960 = 112 frames
}

TEST(Raw10k, IsTheFirstSamplesUnchanged) {
  const Waveform clip = noise(12000, 44100);
  const auto values = extract("raw10k", clip);
  ASSERT_TRUE(values);
  EXPECT_TRUE(std::equal(values->begin(), values->end(), clip.samples.begin()));
}

}  // namespace
}  // namespace genrewise
