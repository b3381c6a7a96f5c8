// Tracks, groups and segments as JSON.
#include "genrewise/library/track_json.hpp"

#include "catalogue_fixture.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::CatalogueTest;

TEST_F(CatalogueTest, ShowsATrackWithItsProbabilitiesByLabelAndItsSegments) {
  CatalogueTrack track = this->track("/music/a.mp3", {0.25F, 0, 0.75F});
  track.tags.artist = "Björk";
  track.segments = {{0, 30, {0.25F, 0.5F, 0.25F}}, {30.5, 20, {0, 0, 1}}};
  const TrackLabels labels(*catalogue_);
  const json document = track_json(track, labels);
  EXPECT_EQ(document.at("probabilities"), json({{"Jazz", 0.25}, {"Pop", 0}, {"Rock", 0.75}}));
  EXPECT_EQ(document.at("genre"), "Rock");
  EXPECT_EQ(document.at("confidence"), 0.75);
  EXPECT_EQ(document.at("artist"), "Björk");
  EXPECT_TRUE(document.at("novelty").is_null());
  track.novelty = 0.5;
  EXPECT_EQ(short_track_json(track).at("novelty"), 0.5);
  EXPECT_FALSE(short_track_json(track).contains("probabilities"));
  const json segments = {{{"start_s", 0.0}, {"end_s", 30.0}, {"genre", "Pop"}, {"confidence", 0.5}},
                         {{"start_s", 30.5}, {"end_s", 50.5}, {"genre", "Rock"}, {"confidence", 1.0}}};
  EXPECT_EQ(segments_json(track, labels), segments);
  track.model = 99;  // forgotten since: its labels are not known
  EXPECT_EQ(track_json(track, labels).at("probabilities"), json::object());
  EXPECT_EQ(segments_json(track, labels), json::array());
  const CatalogueTrack plain = this->track("/music/b.mp3");
  EXPECT_TRUE(short_track_json(plain).at("confidence").is_null());
  EXPECT_EQ(track_json(plain, labels).at("probabilities"), json::object());
}

TEST_F(CatalogueTest, ShowsAGroupWithItsMostProbableGenreAndItsOutliers) {
  TrackGroup group;
  group.artist = "A";
  group.folder = "/music";
  group.tracks = {track("/a", {0, 0, 1}), track("/b", {1, 0, 0})};
  group.tracks[0].id = 3;
  group.tracks[1].id = 5;
  EXPECT_EQ(to_json(group).at("genre"), "");
  group.genres = {{"Rock", 0.75}, {"Jazz", 0.25}};
  group.outliers = {1};
  const json document = to_json(group);
  EXPECT_EQ(document.at("genre"), "Rock");
  EXPECT_EQ(document.at("confidence"), 0.75);
  EXPECT_EQ(document.at("folder"), "/music");
  EXPECT_EQ(document.at("tracks"), 2);
  EXPECT_EQ(document.at("ids"), json({3, 5}));
  EXPECT_EQ(document.at("probabilities"), json({{"Rock", 0.75}, {"Jazz", 0.25}}));
  ASSERT_EQ(document.at("outliers").size(), 1u);
  EXPECT_EQ(document["outliers"][0]["id"], 5);
  EXPECT_EQ(document["outliers"][0]["genre"], "Jazz");
}

}  // namespace
}  // namespace genrewise
