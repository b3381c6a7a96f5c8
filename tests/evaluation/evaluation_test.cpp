#include "genrewise/evaluation/evaluation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

// Four examples of each genre, whose one feature is near the genre's number.
Examples examples_of(const std::vector<std::string>& genres) {
  Examples examples;
  examples.name = "made";
  std::vector<std::string> of_rows;
  for (std::size_t i = 0; i < 4 * genres.size(); ++i) of_rows.push_back(genres[i / 4]);
  SplitSubjects& subjects = examples.subjects;
  for (std::size_t i = 0; i < of_rows.size(); ++i) subjects.ids.push_back("t" + std::to_string(i));
  subjects.artists = subjects.albums = std::vector<std::string>(of_rows.size());
  subjects.tracks = subjects.ids;
  subjects.official.resize(of_rows.size());
  set_labels(subjects, of_rows);
  examples.labels = subjects.labels_by_name;
  examples.table = {{"made", 1, "hash"}, {{"x", "mean", "01"}}, subjects.ids, Matrix(of_rows.size(), 1)};
  for (std::size_t i = 0; i < of_rows.size(); ++i)
    examples.table.values(i, 0) = static_cast<float>(i / 4) + 0.01F * static_cast<float>(i % 4);
  return examples;
}

std::vector<std::size_t> all_rows(const Examples& examples) {
  std::vector<std::size_t> rows(examples.subjects.ids.size());
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  return rows;
}

Model model_of(const Examples& examples) {
  Model model;
  model.labels = examples.labels;
  model.recipe = examples.table.recipe;
  model.columns = examples.table.columns;
  model.classifier = make_classifier("gnb", {}, kDefaultSeed);
  model.classifier->fit({examples.table.values, examples.subjects.labels, static_cast<int>(model.labels.size())});
  return model;
}

TEST(Evaluate, CountsExamplesOfTheModelsGenresAndNamesTheOthers) {
  const Model model = model_of(examples_of({"Blues", "Rock"}));
  const Examples examples = examples_of({"Blues", "Rock", "Zouk"});
  const Evaluation evaluation = evaluate(model, examples, all_rows(examples), kDefaultSeed);
  EXPECT_EQ(evaluation.metrics.accuracy.n, 8u);
  EXPECT_EQ(evaluation.metrics.accuracy.value, 1);
  ASSERT_EQ(evaluation.skipped.size(), 4u);
  EXPECT_EQ(evaluation.skipped[0].where, "t8");
  EXPECT_EQ(evaluation.skipped[0].detail, "Zouk");
  const Evaluation some = evaluate(model, examples, {1, 4, 5}, kDefaultSeed);
  EXPECT_EQ(some.metrics.accuracy.n, 3u);
  EXPECT_TRUE(some.skipped.empty());
}

TEST(Evaluate, RefusesExamplesWithoutAGenreOfTheModelOrWithOtherFeatures) {
  const Model model = model_of(examples_of({"Blues", "Rock"}));
  Examples examples = examples_of({"Blues", "Rock", "Zouk"});
  const auto problem = [&](const std::vector<std::size_t>& rows) {
    return testing::error_message([&] { evaluate(model, examples, rows, kDefaultSeed); });
  };
  EXPECT_THAT(problem({8, 9}), HasSubstr("genres: Blues, Rock"));
  examples.table.recipe.version = 2;
  EXPECT_THAT(problem({0, 1}), HasSubstr("version 2"));
}

TEST(Evaluate, RecognisesTheTrainingExamplesByTheirNumbers) {
  const Examples examples = examples_of({"Blues", "Rock"});
  Model model = model_of(examples);
  model.facts = {{"trained_on", row_fingerprints(examples.table, {0, 1, 4, 5})}};
  EXPECT_THAT(unseen_rows(model, examples), ElementsAre(2, 3, 6, 7));
  EXPECT_EQ(evaluate(model, examples, all_rows(examples), kDefaultSeed).trained_on, 4u);
  EXPECT_EQ(evaluate(model, examples, {2, 3, 4}, kDefaultSeed).trained_on, 1u);
}

}  // namespace
}  // namespace genrewise
