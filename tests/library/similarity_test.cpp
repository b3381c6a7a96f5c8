#include "genrewise/library/similarity.hpp"

#include <cmath>
#include <limits>

#include "catalogue_fixture.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::CatalogueTest;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

class Similarity : public CatalogueTest {
 protected:
  static constexpr std::size_t kColumns = 20;
  Similarity() { recipe_ = recipe_id(catalogue_->database(), {"made", 1, "h"}, kColumns); }
  std::vector<float> random_row() {
    std::vector<float> row(kColumns);
    for (std::size_t i = 0; i < kColumns; ++i)
      row[i] = 10 * static_cast<float>(i) + 3 * static_cast<float>(rng_.normal());
    return row;
  }
  std::int64_t add(const std::string& path, const std::vector<float>& row, double duration_s = 200,
                   const std::string& fingerprint = "") {
    CatalogueTrack track = this->track(path);
    track.duration_s = duration_s;
    track.fingerprint = fingerprint.empty() ? path : fingerprint;
    track.id = write_track(catalogue_->database(), track);
    write_features(catalogue_->database(), track.id, recipe_, row);
    return track.id;
  }
  std::vector<float> near(std::vector<float> row, float distance) {
    for (float& value : row) value += distance * static_cast<float>(rng_.normal());
    return row;
  }
  Rng rng_{3};
  std::int64_t recipe_ = 0;
};

TEST_F(Similarity, FindsTheNearestOfManyTracksInOrder) {
  const std::vector<float> row = random_row();
  std::int64_t self = 0;
  for (int i = 0; i < 500; ++i) {
    add("/far" + std::to_string(i), random_row());
    if (i == 100) self = add("/self", row);
    if (i == 200) add("/b", near(row, 1.5f));
    if (i == 300) add("/a", near(row, 0.3f));
    if (i == 400) add("/copy", row, 200, "/self");
  }
  CatalogueTrack missing = *catalogue_->track(add("/missing", near(row, 0.1f)));
  missing.missing = true;
  write_track(catalogue_->database(), missing);
  for (const int threads : {1, 3}) {
    Runtime runtime({.threads = threads});
    const UseRuntime use(runtime);
    const auto similar = similar_tracks(*catalogue_, self, 5);
    ASSERT_EQ(similar.size(), 5u);
    EXPECT_EQ(similar[0].track.path, "/a");
    EXPECT_EQ(similar[1].track.path, "/b");
    EXPECT_GT(similar[0].similarity, 0.95);
    for (std::size_t i = 1; i < similar.size(); ++i) EXPECT_LE(similar[i].similarity, similar[i - 1].similarity);
  }
  const auto of_row = similar_tracks(*catalogue_, row, 2);
  EXPECT_NEAR(of_row[0].similarity, 1, 1e-4);  // stored as float16
  EXPECT_EQ(similar_tracks(*catalogue_, self, 10000).size(), 502u);
  EXPECT_THAT(similar_tracks(*catalogue_, self, 0), IsEmpty());
}

TEST_F(Similarity, RefusesTracksWithoutFeatures) {
  EXPECT_THAT(error_message([&] { similar_tracks(*catalogue_, 1, 5); }), HasSubstr("no track has features"));
  add("/a", random_row());
  const std::int64_t without = write_track(catalogue_->database(), track("/b"));
  EXPECT_THAT(error_message([&] { similar_tracks(*catalogue_, without, 5); }),
              AllOf(HasSubstr("/b"), HasSubstr("genrewise library scan")));
  EXPECT_THAT(error_message([&] { similar_tracks(*catalogue_, std::vector<float>(3), 5); }), HasSubstr("3 numbers"));
}

TEST_F(Similarity, RefusesImpossibleNumbersInADamagedCatalogue) {
  for (int i = 0; i < 3; ++i) add("/" + std::to_string(i), random_row());
  catalogue_->database().run("UPDATE features SET rowid = ? WHERE rowid = 3", std::numeric_limits<std::int64_t>::max());
  EXPECT_EQ(similar_tracks(*catalogue_, random_row(), 5).size(), 2u);
  for (const std::int64_t columns : {std::int64_t{0}, std::int64_t{-1}, std::int64_t{1} << 40}) {
    catalogue_->database().run("UPDATE recipes SET columns = ?", columns);
    EXPECT_THAT(error_message([&] { load_embeddings(*catalogue_); }), HasSubstr("columns of features")) << columns;
  }
}

TEST_F(Similarity, LoadsEmbeddingsOfLengthOne) {
  std::vector<std::int64_t> ids;
  for (int i = 0; i < 30; ++i) ids.push_back(add("/" + std::to_string(i), random_row()));
  const Embeddings all = load_embeddings(*catalogue_);
  EXPECT_EQ(all.tracks, ids);
  EXPECT_EQ(all.recipe.name, "made");
  for (std::size_t i = 0; i < all.rows.rows(); ++i) {
    double squares = 0;
    for (const float value : all.rows.row(i)) squares += value * value;
    EXPECT_NEAR(squares, 1, 1e-5);
  }
  const Embeddings two = load_embeddings(*catalogue_, std::vector{ids[7], std::int64_t{9999}, ids[3]});
  EXPECT_THAT(two.tracks, ElementsAre(ids[7], ids[3]));
}

TEST_F(Similarity, FindsDuplicatesWithTheirEvidence) {
  for (int i = 0; i < 200; ++i) add("/far" + std::to_string(i), random_row(), 200 + 0.01 * i);
  const std::vector<float> row = random_row(), other = random_row();
  const std::int64_t flac = add("/song.flac", near(row, 0.05f), 200.1);
  add("/song.mp3", near(row, 0.05f), 200);
  add("/long version.mp3", near(row, 0.05f), 210);
  add("/x/one", other, 100, "same");
  add("/y/one", other, 100, "same");
  CatalogueTrack best = *catalogue_->track(flac);
  best.bytes = 30'000'000;
  write_track(catalogue_->database(), best);
  const auto groups = find_duplicates(*catalogue_);
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_FALSE(groups[0].same_audio);
  EXPECT_EQ(groups[0].tracks[0].path, "/song.flac");
  EXPECT_EQ(groups[0].tracks[1].path, "/song.mp3");
  EXPECT_GT(groups[0].least_similarity, kDuplicateSimilarity);
  EXPECT_NEAR(groups[0].duration_difference_s, 0.1, 1e-9);
  EXPECT_TRUE(groups[1].same_audio);
  EXPECT_EQ(groups[1].least_similarity, 1);
}

TEST_F(Similarity, ACatalogueWithoutFeaturesHasDuplicatesByFingerprintOnly) {
  for (const char* path : {"/a", "/b", "/c"}) {
    CatalogueTrack track = this->track(path);
    track.duration_s = 10;
    track.fingerprint = path[1] == 'c' ? "other" : "same";
    write_track(catalogue_->database(), track);
  }
  const auto groups = find_duplicates(*catalogue_);
  ASSERT_EQ(groups.size(), 1u);
  EXPECT_EQ(groups[0].tracks.size(), 2u);
}

TEST_F(Similarity, MapsTracksToAPlaneWhereGroupsStayApart) {
  EXPECT_THAT(map_tracks(*catalogue_).tracks, IsEmpty());
  const std::vector<float> one = random_row(), other = random_row();
  for (int i = 0; i < 40; ++i) {
    CatalogueTrack track = *catalogue_->track(add("/" + std::to_string(i), near(i % 2 == 0 ? one : other, 0.2f)));
    if (i % 4 > 0) track.correction = i % 2 == 0 ? "Jazz" : "Pop";
    track.missing = i == 39;
    write_track(catalogue_->database(), track);
  }
  const LibraryMap map = map_tracks(*catalogue_);
  ASSERT_EQ(map.tracks.size(), 39u);
  EXPECT_THAT(map.genres, ElementsAre("Jazz", "Pop"));
  float largest = 0;
  for (std::size_t i = 0; i < map.tracks.size(); ++i) {
    largest = std::max({largest, std::fabs(map.x[i]), std::fabs(map.y[i])});
    EXPECT_EQ(map.x[i] > 0, map.x[i % 2] > 0) << i;  // the first component separates the two groups
    EXPECT_EQ(map.genre[i], i % 4 == 0 ? -1 : static_cast<int>(i % 2)) << i;
  }
  EXPECT_NE(map.x[0] > 0, map.x[1] > 0);
  EXPECT_FLOAT_EQ(largest, 1);
}

}  // namespace
}  // namespace genrewise
