#include "genrewise/study/held_out.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/study/study.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::clusters;
using ::testing::HasSubstr;

std::vector<std::size_t> first_rows(std::size_t count) {
  std::vector<std::size_t> rows(count);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

Model model_of(const Examples& examples, const std::vector<std::size_t>& rows, const Parameters& parameters = {},
               const std::string& kind = "gnb", PreprocessingConfig preprocessing = {}) {
  const auto make = [&] { return make_classifier(kind, parameters, kDefaultSeed); };
  Model model = fit_model(examples, rows, make(), preprocessing);
  struct : Progress {
    void advance(std::uint64_t count) override {
      EXPECT_LT(count, 100u);
      units += count;
    }
    std::uint64_t units = 0;
  } progress;
  add_confidence(model, examples, rows, make, preprocessing, kDefaultSeed, progress);
  EXPECT_EQ(progress.units, confidence_folds(rows.size()));
  return model;
}

std::string absent(const Model& model) {
  EXPECT_EQ(model.confidence.held_out, 0u);
  EXPECT_FALSE(model.novelty.is_fitted());
  return model.facts.at("confidence").at("absent");
}

TEST(HeldOut, GivesAModelATemperatureAThresholdAndANoveltyScore) {
  const Examples examples = clusters({"Blues", "Jazz", "Rock"}, 120, 0.4F),
                 others = clusters({"A", "B", "C"}, 50, 0.4F, 4, 9);
  const Model model = model_of(examples, first_rows(360));
  EXPECT_EQ(model.confidence.held_out, 360u);
  EXPECT_EQ(model.facts.at("confidence").at("held_out"), 360);
  const auto threshold = model.confidence.threshold(0.05);
  ASSERT_TRUE(threshold);
  EXPECT_LT(threshold->coverage, 1);
  EXPECT_GE(threshold->accuracy, 0.95);
  const auto predicted = model.predict_with_probabilities(others.table.values);
  std::size_t kept = 0, errors = 0;
  for (std::size_t i = 0; i < predicted.labels.size(); ++i) {
    const auto label = static_cast<std::size_t>(predicted.labels[i]);
    if (predicted.probabilities(i, label) < threshold->threshold) continue;
    ++kept;
    errors += predicted.labels[i] != others.subjects.labels[i];
  }
  EXPECT_NEAR(static_cast<double>(kept) / 150, threshold->coverage, 0.15);
  EXPECT_LE(errors, kept / 10);
  Matrix far = others.table.values;
  for (float& value : far.values()) value += 8;
  const auto near = model.novelty.distances(others.table.values), beyond = model.novelty.distances(far);
  EXPECT_LE(std::ranges::count_if(near, [](double distance) { return distance > 1; }), 8);
  EXPECT_EQ(std::ranges::count_if(beyond, [](double distance) { return distance > 1; }), 150);
}

TEST(HeldOut, DependsOnNoExampleThatTheModelWasNotFittedOn) {
  Examples examples = clusters({"Blues", "Jazz"}, 40, 0.4F);
  const Model model = model_of(examples, first_rows(60));
  for (std::size_t i = 60; i < 80; ++i)
    for (float& value : examples.table.values.row(i)) value = -1000;
  const Model same = model_of(examples, first_rows(60));
  EXPECT_EQ(to_json(model.confidence), to_json(same.confidence));
  EXPECT_EQ(model.novelty.distances(examples.table.values), same.novelty.distances(examples.table.values));
}

TEST(HeldOut, KeepsExamplesOfOneArtistOnOneSide) {
  // Each artist has both genres' look, so that only a model that was fitted on the same artist is right.
  Examples examples = clusters({"Blues", "Rock"}, 100, 0.0F, 20);
  Rng rng(1);
  for (std::size_t artist = 0; artist < 50; ++artist)
    for (std::size_t label = 0; label < 2; ++label) {
      const std::size_t first = artist * 4 + label, second = first + 2;
      for (float& value : examples.table.values.row(first)) value = static_cast<float>(rng.normal());
      std::ranges::copy(examples.table.values.row(first), examples.table.values.row(second).begin());
    }
  ASSERT_EQ(examples.subjects.artists[0], examples.subjects.artists[2]);
  const Parameters one = {{"n_neighbors", "1"}};
  EXPECT_LT(model_of(examples, first_rows(200), one, "knn").confidence.curve.back().accuracy, 0.7);
  for (std::size_t i = 0; i < 200; ++i) examples.subjects.artists[i].clear();  // then files are the groups
  EXPECT_GT(model_of(examples, first_rows(200), one, "knn").confidence.curve.back().accuracy, 0.7);
}

TEST(HeldOut, WorksWithAGenreOfThreeClipsAndWithConstantFeatures) {
  Examples examples = clusters({"Blues", "Rock"}, 20, 0.2F);
  std::ranges::fill(examples.subjects.artists, "");
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < 40; ++i)
    if (i % 2 == 0 || i < 6) rows.push_back(i);
  EXPECT_EQ(model_of(examples, rows).confidence.held_out, 23u);
  std::ranges::fill(examples.table.values.values(), 1.0F);
  const Model constant = model_of(examples, first_rows(40));
  EXPECT_EQ(constant.confidence.curve.size(), 1u);
  EXPECT_FALSE(constant.confidence.threshold());
  EXPECT_LT(constant.novelty.distances(examples.table.values)[0], 1.01);
}

TEST(HeldOut, LeavesTheModelWithoutWhereFoldsAreImpossibleAndStatesWhy) {
  Examples examples = clusters({"Blues", "Rock"}, 20, 0.2F);
  EXPECT_THAT(absent(model_of(examples, first_rows(40), {{"n_neighbors", "35"}}, "knn")),
              HasSubstr("n_neighbors = 35"));
  EXPECT_THAT(
      absent(model_of(clusters({"Blues", "Rock"}, 8, 0.2F, 20), first_rows(16), {}, "gnb", {.pca_components = 15})),
      HasSubstr("principal components"));
  for (std::size_t i = 0; i < 40; i += 2) examples.subjects.artists[i] = "one";
  EXPECT_THAT(absent(model_of(examples, first_rows(40))), HasSubstr("Blues"));
}

TEST(HeldOut, OfAPartIsStatedAndMissingWithoutOne) {
  const Examples examples = clusters({"Blues", "Rock"}, 20, 0.2F);
  Model model = fit_model(examples, first_rows(20), make_classifier("gnb", {}, kDefaultSeed), {});
  add_confidence(model, {}, {});
  EXPECT_THAT(absent(model), HasSubstr("no part"));
  add_confidence(model, model.predict_probabilities(examples.table.values), examples.subjects.labels);
  EXPECT_EQ(model.confidence.held_out, 40u);
}

TEST(HeldOut, StopsWhenInterrupted) {
  const Examples examples = clusters({"Blues", "Rock"}, 20, 0.2F);
  request_interrupt();
  EXPECT_THROW(model_of(examples, first_rows(40)), Interrupted);
  clear_interrupt();
}

TEST(HeldOut, CalibratesTheTestProbabilitiesOfAStudyIfItIsRequested) {
  const Examples examples = clusters({"Blues", "Jazz", "Rock"}, 60, 0.9F);
  const Split split = make_split(examples.subjects);
  StudyConfig config;
  config.models = parse_models({"knn:n_neighbors=3"});
  Progress quiet;
  std::optional<Model> kept;
  StudyStore store;
  store.keep = [&](const ModelSpec&, const ModelResult&, const Model& model) {
    kept.emplace();
    kept->confidence = model.confidence;
  };
  const ModelResult raw = run_study(examples, split, config, quiet, store).models.front();
  EXPECT_EQ(kept->confidence.held_out, 0u);
  EXPECT_TRUE(raw.confidence.is_null());
  config.confidence = true;
  const ModelResult calibrated = run_study(examples, split, config, quiet, store).models.front();
  EXPECT_EQ(kept->confidence.held_out, split.rows_except(Part::test).size());
  EXPECT_EQ(calibrated.confidence.at("held_out"), kept->confidence.held_out);
  EXPECT_EQ(calibrated.test_labels, raw.test_labels);
  EXPECT_LT(calibrated.test.log_loss, raw.test.log_loss);  // three neighbours often predict 0 for the truth
  Matrix expected = raw.test_probabilities;
  kept->confidence.calibrate(expected);
  EXPECT_EQ(calibrated.test_probabilities, expected);
}

}  // namespace
}  // namespace genrewise
