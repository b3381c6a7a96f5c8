#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/examples.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

Track track(const std::string& id, int label, const std::string& artist, std::optional<Part> part = {}) {
  Track track;
  track.id = id;
  track.path = "music/" + id + ".mp3";
  track.label = label;
  track.artist = artist;
  track.official_part = part;
  return track;
}

Dataset three_tracks() {
  Dataset dataset;
  dataset.name = "little";
  dataset.labels = {"Folk", "Jazz", "Rock"};
  dataset.tracks = {track("1", 2, "a", Part::test), track("2", 1, "b"), track("10", 0, "c")};
  return dataset;
}

FeatureTable table_of(std::vector<std::string> ids) {
  FeatureTable table{{"fake", 1, "hash"}, {{"x", "mean", "01"}, {"y", "mean", "01"}}, ids, Matrix(ids.size(), 2)};
  for (std::size_t i = 0; i < ids.size(); ++i) table.values(i, 0) = table.values(i, 1) = std::stof(ids[i]);
  return table;
}

TEST(Join, KeepsTheDatasetsOrderAndTheCommonTracks) {
  const Examples examples = join(three_tracks(), table_of({"10", "99", "1"}));
  EXPECT_EQ(examples.name, "little");
  EXPECT_EQ(examples.table.recipe, (FeatureRecipe{"fake", 1, "hash"}));
  EXPECT_THAT(examples.table.track_ids, ElementsAre("1", "10"));
  EXPECT_THAT(examples.table.values.values(), ElementsAre(1.f, 1.f, 10.f, 10.f));
  EXPECT_THAT(examples.subjects.ids, ElementsAre("1", "10"));
  EXPECT_THAT(examples.subjects.artists, ElementsAre("a", "c"));
  EXPECT_THAT(examples.subjects.official, ElementsAre(Part::test, std::nullopt));
  EXPECT_EQ(examples.subjects.tracks.size(), 2u);
}

TEST(Join, DropsAGenreWithoutRows) {
  const Examples examples = join(three_tracks(), table_of({"1", "10"}));
  EXPECT_THAT(examples.labels, ElementsAre("Folk", "Rock"));
  EXPECT_THAT(examples.subjects.labels, ElementsAre(1, 0));
  EXPECT_EQ(examples.subjects.labels_by_name, examples.labels);
}

TEST(Join, RefusesATableOfOtherTracks) {
  try {
    join(three_tracks(), table_of({"77"}));
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("little"));
    EXPECT_FALSE(error.remedy().empty());
  }
}

TEST(Join, RefusesATableWithATrackTwice) {
  EXPECT_THROW(join(three_tracks(), table_of({"1", "2", "1"})), Error);
}

}  // namespace
}  // namespace genrewise
