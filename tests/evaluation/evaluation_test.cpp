#include "genrewise/evaluation/evaluation.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
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
  model.facts.erase("trained_on");  // as of a model that was trained on records
  EXPECT_EQ(evaluate(model, examples, {2, 3, 4}, kDefaultSeed).trained_on, std::nullopt);
  EXPECT_THAT(testing::error_message([&] { unseen_rows(model, examples); }), HasSubstr("--part all"));
}

/// Two columns a and b, of a labelled table of another program.
Examples table_of(const std::vector<std::string>& columns, Matrix values, std::vector<double> offsets = {}) {
  Examples examples;
  examples.name = "t.csv";
  for (const std::string& name : columns) examples.table.columns.push_back({name, "", ""});
  examples.table.recipe = {"table", 1, "hash of " + columns.front() + columns.back()};
  for (std::size_t i = 0; i < values.rows(); ++i) examples.table.track_ids.push_back("row " + std::to_string(i));
  examples.table.values = std::move(values);
  examples.table.offsets = std::move(offsets);
  return examples;
}

TEST(ArrangedColumns, OfAnotherProgramsTableAreMatchedByNameWithTheirOffsets) {
  Model model;
  model.recipe = {"table", 1, "hash of ab"};
  model.columns = {{"a", "", ""}, {"b", "", ""}};
  const Examples given = table_of({"b", "c", "a"}, Matrix(2, 3, {1, 2, 3, 4, 5, 6}), {10, 20, 30});
  const FeatureTable arranged = arrange_columns(model, given).table;
  EXPECT_EQ(arranged.values, Matrix(2, 2, {3, 1, 6, 4}));
  EXPECT_THAT(arranged.offsets, ElementsAre(30, 10));
  EXPECT_EQ(arranged.columns, model.columns);
  EXPECT_EQ(arranged.recipe, model.recipe);
  EXPECT_THAT(arranged.track_ids, ElementsAre("row 0", "row 1"));
  EXPECT_TRUE(arrange_columns(model, table_of({"b", "a"}, Matrix(1, 2, {1, 2}))).table.offsets.empty());
  // Tables of the model's own recipe, and features of this program, stay as they are.
  EXPECT_EQ(arrange_columns(model, table_of({"a", "b"}, Matrix(1, 2, {1, 2}))).table.values, Matrix(1, 2, {1, 2}));
  Examples own = given;
  own.table.recipe.name = "fma518";
  EXPECT_EQ(arrange_columns(model, own).table.values, given.table.values);
  model.recipe.name = "fma518";
  EXPECT_EQ(arrange_columns(model, given).table.values, given.table.values);
}

TEST(ArrangedColumns, NameUpToTenThatAreMissing) {
  Model model;
  model.recipe = {"table", 1, "other"};
  model.columns = {{"a", "", ""}};
  const auto problem = [&] {
    return testing::error_message([&] { arrange_columns(model, table_of({"a"}, Matrix(1, 1))); });
  };
  std::string names;
  for (int i = 0; i < 10; ++i) {
    model.columns.push_back({"m" + std::to_string(i), "", ""});
    names += (i > 0 ? ", m" : "m") + std::to_string(i);
  }
  EXPECT_THAT(problem(), HasSubstr("t.csv: lacks 10 of the 11 columns that the model was trained on: " + names + ";"));
  model.columns.push_back({"m10", "", ""});
  EXPECT_THAT(problem(), HasSubstr("lacks 11 of the 12 columns that the model was trained on: " + names + ", ...;"));
}

TEST(Evaluate, OfBatchesEqualsThatOfTheirExamplesTogether) {
  const Examples examples = examples_of({"Blues", "Rock"});
  const Model model = model_of(examples);
  struct Batches : BatchStream {
    bool next(Batch& batch) override {
      const std::size_t begin = 3 * made++, end = std::min<std::size_t>(begin + 3, 8);
      if (begin >= end) return false;
      batch.size = end - begin;
      batch.values = 1;
      batch.features.assign(5, 9);  // longer than needed
      batch.labels.clear();
      for (std::size_t i = begin; i < end; ++i) {
        batch.features[i - begin] = table->values(i, 0);
        batch.labels.push_back(i < 5 ? 0 : 1);  // one is wrong
      }
      return true;
    }
    BatchPosition position() const override { return {}; }
    const FeatureTable* table = nullptr;
    std::size_t made = 0;
  } batches;
  batches.table = &examples.table;
  const Metrics metrics = evaluate(model, batches, kDefaultSeed);
  EXPECT_EQ(metrics.accuracy.n, 8u);
  EXPECT_EQ(metrics.confusion, (std::vector<std::vector<std::size_t>>{{4, 1}, {0, 3}}));
  const auto expected = model.predict_with_probabilities(examples.table.values);
  EXPECT_EQ(metrics.log_loss, measure(std::vector<int>{0, 0, 0, 0, 0, 1, 1, 1}, expected, {}, kDefaultSeed).log_loss);
}

TEST(RowFingerprints, AreOfTheNumbersWithTheirOffsets) {
  const Examples plain = table_of({"a", "b"}, Matrix(2, 2, {1, 2, 3, 4})),
                 offset = table_of({"a", "b"}, Matrix(1, 2, {-7, 4}), {10, 0});
  const auto prints = row_fingerprints(plain.table, {1, 0});
  ASSERT_EQ(prints.size(), 2u);
  EXPECT_EQ(prints[0].size(), 12u);
  EXPECT_NE(prints[0], prints[1]);
  EXPECT_THAT(row_fingerprints(offset.table, {0}), ElementsAre(prints[0]));
}

}  // namespace
}  // namespace genrewise
