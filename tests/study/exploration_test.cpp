#include "genrewise/study/exploration.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <numeric>
#include <set>

#include "cli/made_music.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "support/clusters.hpp"
#include "support/every_target.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::clusters;
using testing::TemporaryFolder;

struct Exploration : ::testing::Test {
  Exploration() { write_file(folder / "table.csv", testing::table_csv()); }

  /// Of examples without audio.
  json of(const Examples& examples, const Split& split, const std::vector<std::string>& sets = {}) {
    const DataSource source({.location = folder / "table.csv"});
    return explore(
        source, examples, split, sets, [&](const std::string&) { return clusters(examples.labels, 30, 0.1F, 6).table; },
        42, progress);
  }

  TemporaryFolder folder;
  Progress progress;
};

// scikit-learn 1.9.1: f_classif([[1,2],[2,4],[4,1],[5,3],[9,2],[7,2]], [0,0,1,1,2,2])
TEST(AnovaF, IsThatOfScikitLearn) {
  const Matrix values(6, 2, {1, 2, 2, 4, 4, 1, 5, 3, 9, 2, 7, 2});
  const auto f = anova_f(values, {0, 1, 2, 3, 4, 5}, {0, 0, 1, 1, 2, 2}, 3);
  EXPECT_NEAR(f[0], 127.0 / 6, 1e-9);
  EXPECT_NEAR(f[1], 0.5, 1e-9);
}

TEST(AnovaF, IsZeroForConstantColumnsAndLargeForPerfectSeparation) {
  const Matrix values(4, 2, {3, 0, 3, 0, 3, 1, 3, 1});
  EXPECT_EQ(anova_f(values, {0, 1, 2, 3}, {0, 0, 1, 1}, 3), (std::vector<double>{0, 1e9}));
  EXPECT_EQ(anova_f(values, {0, 2}, {0, 0, 1, 1}, 2), (std::vector<double>{0, 0}));  // undefined: one row per label
  EXPECT_EQ(anova_f(values, {0, 1}, {0, 0, 1, 1}, 2), (std::vector<double>{0, 0}));  // undefined: one label
}

/// Mean distance of points of one cluster over that of all points.
double relative_spread(const Matrix& points, std::size_t labels) {
  double within = 0, all = 0;
  std::size_t pairs = 0, total = 0;
  for (std::size_t i = 0; i < points.rows(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      const double distance = std::hypot(points(i, 0) - points(j, 0), points(i, 1) - points(j, 1));
      all += distance, ++total;
      if (i % labels == j % labels) within += distance, ++pairs;
    }
  }
  return within / static_cast<double>(pairs) / (all / static_cast<double>(total));
}

TEST(Tsne, HasTheSameBitsOnEveryInstructionSet) {
  Rng rng(3);
  Matrix values(90, 3);
  for (float& value : values.values()) value = static_cast<float>(rng.normal());
  Matrix first;
  testing::on_every_target([&] {
    const Matrix placed = tsne(values);
    if (first.empty()) first = placed;
    EXPECT_EQ(placed, first);
  });
}

TEST_ON_EVERY_TARGET(Tsne, SeparatesClustersAndIsTheSameForAnyNumberOfThreads) {
  const Matrix values = clusters({"a", "b", "c"}, 20, 0.05F).table.values;
  Runtime one({.threads = 1}), three({.threads = 3});
  Matrix alone, together;
  {
    const UseRuntime use(one);
    alone = tsne(values);
  }
  {
    const UseRuntime use(three);
    together = tsne(values);
  }
  EXPECT_EQ(alone, together);
  EXPECT_LT(relative_spread(alone, 3), 0.4);
}

TEST(Tsne, SeparatesClustersThatDifferInLaterComponentsThanTheTwoItStartsFrom) {
  const Matrix values = clusters({"a", "b", "c"}, 20, 0.05F).table.values;
  Matrix components(values.rows(), 4);
  Rng rng(3);
  for (std::size_t i = 0; i < values.rows(); ++i) {
    for (std::size_t d = 0; d < 2; ++d) {
      components(i, d) = static_cast<float>(0.05 * rng.normal());
      components(i, 2 + d) = values(i, d);
    }
  }
  EXPECT_GT(relative_spread(components, 3), 0.8);
  EXPECT_LT(relative_spread(tsne(components), 3), 0.4);
}

TEST(Tsne, StaysFiniteForEqualExamples) {
  const Matrix placed = tsne(Matrix(8, 3));
  for (const float value : placed.values()) EXPECT_TRUE(std::isfinite(value));
}

TEST_F(Exploration, UsesTheTrainingPartOnly) {
  Examples examples = clusters({"a", "b", "c"}, 30, 0.5F);
  const Split split = make_split(examples.subjects);
  const json before = of(examples, split);
  for (const Part part : {Part::validation, Part::test}) {
    for (const std::size_t row : split.rows(part)) examples.table.values(row, 0) += 100;
  }
  EXPECT_EQ(of(examples, split), before);
  examples.table.values(split.rows(Part::training).front(), 0) += 100;
  EXPECT_NE(of(examples, split), before);
}

TEST_F(Exploration, ShowsTheColumnsThatDifferMostWithTheirQuantiles) {
  Examples examples = clusters({"a", "b"}, 40, 0.3F, 12);
  const Split split = make_split(examples.subjects);
  examples.table.offsets.assign(12, 1000);
  const json distributions = of(examples, split).at("distributions");
  ASSERT_EQ(distributions.size(), 8u);
  for (std::size_t i = 1; i < 8; ++i) EXPECT_GE(distributions[i - 1].at("f"), distributions[i].at("f"));
  EXPECT_THAT(distributions[0].at("feature"), ::testing::AnyOf("x value 0", "x value 1"));  // where corners differ
  for (const json& genre : distributions[0].at("genres")) {
    const auto quantiles = genre.at("quantiles").get<std::vector<double>>();
    ASSERT_EQ(quantiles.size(), 5u);
    EXPECT_TRUE(std::ranges::is_sorted(quantiles));
    EXPECT_NEAR(quantiles[2], 1000.5, 1.5);  // the offset is added
  }
}

TEST_F(Exploration, ProjectsEveryFeatureSet) {
  const Examples examples = clusters({"a", "b", "c"}, 30, 0.1F, 6);
  const Split split = make_split(examples.subjects);
  const json document = of(examples, split, {"", "other", "other", "table"});
  ASSERT_EQ(document.at("projections").size(), 4u);
  std::set<std::pair<std::string, std::string>> shown;
  for (const json& projection : document.at("projections")) {
    shown.emplace(projection.at("features"), projection.at("method"));
    EXPECT_EQ(projection.at("points").size(), split.rows(Part::training).size());
    EXPECT_EQ(projection.at("axes").size(), 2u);
    for (const json& point : projection.at("points")) EXPECT_LT(point.at(2), 3);
  }
  EXPECT_TRUE(shown.contains({"table", "PCA"}) && shown.contains({"other", "t-SNE"}));
  EXPECT_THAT(document.at("projections")[0].at("axes")[0], ::testing::StartsWith("PC 1 ("));
  EXPECT_EQ(document.at("clips"), json::array());
}

TEST_F(Exploration, LimitsThePointsOfLargeDatasets) {
  const Examples examples = clusters({"a", "b"}, 1500, 0.5F, 3);
  const json projections = of(examples, make_split(examples.subjects)).at("projections");
  EXPECT_EQ(projections[0].at("points").size(), 1500u);
  EXPECT_EQ(projections[1].at("points").size(), 1000u);
}

TEST_F(Exploration, AcceptsOneColumnAndManyGenres) {
  std::vector<std::string> labels;
  for (int i = 0; i < 200; ++i) labels.push_back("genre " + std::to_string(i));
  Examples examples = clusters(labels, 6, 0.5F, 1);
  const json document = of(examples, make_split(examples.subjects));
  EXPECT_EQ(document.at("projections"), json::array());
  ASSERT_EQ(document.at("distributions").size(), 1u);
  EXPECT_EQ(document.at("distributions")[0].at("genres").size(), 200u);
}

/// 440 Hz for a second, then 40 dB less for half of one, then silence.
std::string tone_wav() {
  std::vector<std::int16_t> samples(44100);
  for (std::size_t i = 0; i < 33075; ++i)
    samples[i] = static_cast<std::int16_t>(std::lround(
        (i < 22050 ? 16384 : 163.84) * std::sin(2 * std::numbers::pi * 440 * static_cast<double>(i) / 22050)));
  return testing::wav_of(samples, 1, 22050);
}

TEST_F(Exploration, ShowsATypicalClipOfEachGenre) {
  testing::make_music(folder / "music", 6, 1.0);
  for (int i = 0; i < 6; ++i)
    write_file(folder / "music" / "tones" / ("tones" + std::to_string(i) + ".wav"), tone_wav());
  const DataSource source({.location = folder / "music", .features = "raw10k"});
  Examples examples = source.load(folder / "features.npy", progress).examples;
  const Split split = make_split(examples.subjects, {.scheme = SplitScheme::random});
  const auto explored = [&] { return explore(source, examples, split, {""}, {}, 42, progress).at("clips"); };
  const json clips = explored();
  ASSERT_EQ(clips.size(), 3u);
  EXPECT_EQ(clips, explored());
  const json& tone = clips[2];
  EXPECT_EQ(tone.at("genre"), "tones");
  EXPECT_TRUE(file_exists(tone.at("file").get<std::string>()));
  EXPECT_NEAR(tone.at("duration_s"), 2, 0.01);
  ASSERT_EQ(tone.at("waveform").at("high").size(), 300u);
  EXPECT_NEAR(tone.at("waveform").at("high")[75], 0.5, 0.02);
  EXPECT_NEAR(tone.at("waveform").at("low")[225], 0, 0.01);

  const std::size_t columns = tone.at("mel").at("columns");
  EXPECT_EQ(columns, tone.at("centroid_hz").size());
  const std::string mel = from_base64(tone.at("mel").at("values").get<std::string>());
  ASSERT_EQ(mel.size(), 64 * columns);
  const auto loudest_row = [&](const std::string& image, std::size_t column) {
    std::size_t loudest = 0;
    for (std::size_t row = 0; row < image.size() / columns; ++row) {
      const auto level = [&](std::size_t r) { return static_cast<unsigned char>(image[r * columns + column]); };
      if (level(row) > level(loudest)) loudest = row;
    }
    return loudest;
  };
  const std::size_t middle = columns / 4;
  EXPECT_NEAR(tone.at("centroid_hz")[middle], 440, 30);
  EXPECT_EQ(loudest_row(mel, middle), 8u);  // 440 Hz is mel 6.6 of 50.1; two of 128 bands per row
  EXPECT_EQ(loudest_row(from_base64(tone.at("chroma").at("values").get<std::string>()), middle), 9u);  // A
  EXPECT_EQ(static_cast<unsigned char>(
                *std::ranges::max_element(mel, {}, [](char c) { return static_cast<unsigned char>(c); })),
            255);
  EXPECT_NEAR(static_cast<unsigned char>(mel[8 * columns + 5 * columns / 8]), 127.5, 3);  // 40 of 80 dB below
  EXPECT_EQ(mel[8 * columns + columns - 2], 0);  // silence: 80 dB and more below
}

TEST_F(Exploration, LeavesOutClipsThatCannotBeDecoded) {
  struct Notes : Progress {
    void note(std::string_view text) override { texts.emplace_back(text); }
    std::vector<std::string> texts;
  } notes;
  testing::make_music(folder / "music", 6, 1.0);
  const DataSource source({.location = folder / "music", .features = "raw10k"});
  const Examples examples = source.load(folder / "features.npy", progress).examples;
  for (int i = 0; i < 6; ++i) write_file(folder / "music" / "noise" / ("noise" + std::to_string(i) + ".wav"), "");
  const Split split = make_split(examples.subjects, {.scheme = SplitScheme::random});
  const json clips = explore(source, examples, split, {""}, {}, 42, notes).at("clips");
  ASSERT_EQ(clips.size(), 2u);
  EXPECT_EQ(clips[0].at("genre"), "clicks");
  EXPECT_THAT(notes.texts, ::testing::Contains(::testing::HasSubstr("1 genres have no example clip")));
}

TEST_F(Exploration, StopsOnAnInterrupt) {
  const Examples examples = clusters({"a", "b"}, 30, 0.5F);
  const Split split = make_split(examples.subjects);
  Runtime runtime;
  const UseRuntime use(runtime);
  runtime.request_interrupt();
  EXPECT_THROW(of(examples, split), Interrupted);
}

}  // namespace
}  // namespace genrewise
