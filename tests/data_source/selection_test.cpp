// Subsets of examples: columns by the names of features, rows by index or id.
#include "genrewise/data_source/selection.hpp"

#include <gmock/gmock.h>

#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;

/// Columns mfcc/01, mfcc/02, zcr/01, tonnetz/01 of three tracks; the value is 10 times the row plus the column.
Examples three_examples() {
  Examples examples;
  examples.name = "little";
  examples.labels = {"Folk", "Jazz", "Rock"};
  examples.notes = {"a note"};
  examples.table = {{"own", 2, "hash"},
                    {{"mfcc", "mean", "01"}, {"mfcc", "mean", "02"}, {"zcr", "mean", "01"}, {"tonnetz", "mean", "01"}},
                    {"a", "b", "c"},
                    Matrix(3, 4)};
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t j = 0; j < 4; ++j) examples.table.values(i, j) = static_cast<float>(10 * i + j);
  }
  examples.subjects = {.ids = {"a", "b", "c"},
                       .labels = {2, 0, 2},
                       .labels_by_name = examples.labels,
                       .artists = {"x", "y", "z"},
                       .albums = {"p", "q", "r"},
                       .tracks = {"a.mp3", "b.mp3", "c.mp3"},
                       .official = {Part::test, {}, Part::training},
                       .by_shard = {Part::test, Part::training, Part::validation}};
  return examples;
}

TEST(SelectedFeatures, AreNamedOnceInTheOrderOfTheTable) {
  EXPECT_THAT(feature_names(three_examples().table.columns), ElementsAre("mfcc", "zcr", "tonnetz"));
}

TEST(SelectedFeatures, AreColumnsInTheOrderOfTheTableHoweverTheyAreJoined) {
  const auto columns = three_examples().table.columns;
  EXPECT_THAT(columns_of(columns, "mfcc"), ElementsAre(0, 1));
  EXPECT_THAT(columns_of(columns, "tonnetz+mfcc"), ElementsAre(0, 1, 3));
  EXPECT_THAT(columns_of(columns, "all"), ElementsAre(0, 1, 2, 3));
  EXPECT_EQ(
      error_message([&] { columns_of(columns, "zcr+chroma"); }),
      "feature groups: the table has no feature \"chroma\"; join some of mfcc, zcr, tonnetz with +, or write all");
  EXPECT_NE(error_message([&] { columns_of(columns, "zcr+"); }), "no error");
  EXPECT_THAT(columns_of({{"a+b", "", ""}, {"a", "", ""}, {"b", "", ""}}, "a+b"), ElementsAre(0));
}

TEST(SelectedFeatures, KeepTheirValuesAndOffsetsUnderARecipeOfTheirOwn) {
  Examples examples = three_examples();
  examples.table.offsets = {100, 200, 300, 400};
  const Examples selected = select_features(examples, "zcr+tonnetz");
  EXPECT_EQ(selected.name, "little");
  EXPECT_EQ(selected.labels, examples.labels);
  EXPECT_EQ(selected.notes, examples.notes);
  EXPECT_EQ(selected.subjects.ids, examples.subjects.ids);
  EXPECT_EQ(selected.table.track_ids, examples.table.track_ids);
  EXPECT_EQ(selected.table.values, Matrix(3, 2, {2, 3, 12, 13, 22, 23}));
  EXPECT_THAT(selected.table.offsets, ElementsAre(300, 400));
  EXPECT_EQ(selected.table.columns.front().feature, "zcr");
  EXPECT_EQ(selected.table.recipe.name, "own/zcr+tonnetz");
  EXPECT_EQ(selected.table.recipe.version, 2);
  EXPECT_NE(selected.table.recipe.hash, examples.table.recipe.hash);
  EXPECT_NE(selected.table.recipe.hash, select_features(examples, "zcr").table.recipe.hash);
  EXPECT_TRUE(select_features(three_examples(), "zcr").table.offsets.empty());
}

TEST(SelectedFeatures, ThatAreAllOfThemAreTheSameTable) {
  const Examples examples = three_examples();
  for (const char* features : {"all", "mfcc+zcr+tonnetz"}) {
    EXPECT_EQ(select_features(examples, features).table.recipe, examples.table.recipe);
    EXPECT_EQ(select_features(examples, features).table.values, examples.table.values);
  }
}

TEST(SelectedExamples, KeepEverythingThatDescribesThem) {
  Examples examples = three_examples();
  examples.table.offsets = {1, 2, 3, 4};
  const Examples selected = select_examples(examples, {2, 0});
  EXPECT_EQ(selected.table.values, examples.table.values.select_rows(std::vector<std::size_t>{2, 0}));
  EXPECT_EQ(selected.table.offsets, examples.table.offsets);
  EXPECT_EQ(selected.table.recipe, examples.table.recipe);
  EXPECT_EQ(selected.table.columns.size(), 4u);
  EXPECT_THAT(selected.table.track_ids, ElementsAre("c", "a"));
  EXPECT_THAT(selected.subjects.ids, ElementsAre("c", "a"));
  EXPECT_THAT(selected.subjects.labels, ElementsAre(2, 2));
  EXPECT_THAT(selected.subjects.artists, ElementsAre("z", "x"));
  EXPECT_THAT(selected.subjects.albums, ElementsAre("r", "p"));
  EXPECT_THAT(selected.subjects.tracks, ElementsAre("c.mp3", "a.mp3"));
  EXPECT_THAT(selected.subjects.official, ElementsAre(Part::training, Part::test));
  EXPECT_THAT(selected.subjects.by_shard, ElementsAre(Part::validation, Part::test));
  EXPECT_EQ(selected.labels, examples.labels);  // a genre without a row stays
  EXPECT_EQ(selected.subjects.labels_by_name, examples.labels);
  EXPECT_EQ(selected.notes, examples.notes);
}

TEST(AbsentGenres, LeaveTheListAndTheOthersKeepTheirOrder) {
  Examples examples = three_examples();
  drop_absent_genres(examples);
  EXPECT_THAT(examples.labels, ElementsAre("Folk", "Rock"));
  EXPECT_EQ(examples.subjects.labels_by_name, examples.labels);
  EXPECT_THAT(examples.subjects.labels, ElementsAre(1, 0, 1));
}

TEST(SelectedTracks, HaveTheOrderOfTheirIdsAndMustExist) {
  const FeatureTable table = three_examples().table;
  const FeatureTable selected = select_tracks(table, {"c", "a"});
  EXPECT_THAT(selected.track_ids, ElementsAre("c", "a"));
  EXPECT_EQ(selected.values, table.values.select_rows(std::vector<std::size_t>{2, 0}));
  EXPECT_EQ(select_tracks(table, table.track_ids).values, table.values);
  EXPECT_EQ(error_message([&] { select_tracks(table, {"a", "d"}); }), "own: has no row for d");
}

}  // namespace
}  // namespace genrewise
