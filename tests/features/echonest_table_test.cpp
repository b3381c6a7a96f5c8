// FMA's echonest.csv.
#include <gmock/gmock.h>

#include "genrewise/features/feature_table.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

/// The real file's layout with some of its 249 columns.
std::string echonest_csv(const std::string& rows) {
  return ",echonest,echonest,echonest,echonest,echonest,echonest\n"
         ",audio_features,audio_features,metadata,ranks,social_features,temporal_features\n"
         ",acousticness,tempo,release,artist_discovery_rank,artist_hotttnesss,000\n"
         "track_id,,,,,,\n" +
         rows;
}

FeatureTable read(const std::string& rows) {
  const TemporaryFolder folder;
  write_file(folder / "echonest.csv", echonest_csv(rows));
  return read_feature_table(folder / "echonest.csv");
}

TEST(EchonestTable, GivesTheNumbersOfTheSoundAndOfTheArtistWithoutMetadataAndRanks) {
  const FeatureTable table = read(
      "2,0.4166752327,165.9220000000,Constant Hitmaker,,0.4,6.1e1\n3,1e-3,80,\"A \"\"Way\"\",\nof "
      "life\",12.0,0.5,-7\n");
  EXPECT_EQ(table.recipe.name, "echonest");
  EXPECT_EQ(table.recipe.version, 0);
  EXPECT_THAT(table.track_ids, ElementsAre("2", "3"));
  EXPECT_THAT(table.columns, ElementsAre(FeatureColumn{"audio_features", "acousticness", ""},
                                         FeatureColumn{"audio_features", "tempo", ""},
                                         FeatureColumn{"social_features", "artist_hotttnesss", ""},
                                         FeatureColumn{"temporal_features", "000", ""}));
  EXPECT_EQ(table.values, Matrix(2, 4, {0.4166752327f, 165.922f, 0.4f, 61, 0.001f, 80, 0.5f, -7}));
}

TEST(EchonestTable, WithACellThatIsNoNumberOrAnIncompleteRowIsRefused) {
  EXPECT_THAT(error_message([] { read("2,0.4,,x,,0.4,1\n"); }),
              AllOf(HasSubstr("echonest.csv:5"), HasSubstr("column 3 (audio_features tempo)")));
  EXPECT_THAT(error_message([] { read("2,0.4,1,x,,0.4,1\n3,0.4,nan,x,,0.4,1\n"); }),
              AllOf(HasSubstr("echonest.csv:6"), HasSubstr("\"nan\"")));
  EXPECT_THAT(error_message([] { read("2,0.4,1\n"); }), HasSubstr("3 cells, and the header has 7"));
}

TEST(EchonestTable, WithoutItsHeaderRowsIsRefused) {
  const TemporaryFolder folder;
  write_file(folder / "echonest.csv", ",echonest,echonest\n,metadata,ranks\n,release,x\ntrack_id,,\n2,a,b\n");
  EXPECT_THAT(error_message([&] { read_feature_table(folder / "echonest.csv"); }), HasSubstr("no columns of"));
  write_file(folder / "echonest.csv", ",echonest,echonest\n,audio_features,ranks\n2,a,b\n");
  EXPECT_THAT(error_message([&] { read_feature_table(folder / "echonest.csv"); }),
              AllOf(HasSubstr("header row"), HasSubstr("echonest.csv:3")));
}

}  // namespace
}  // namespace genrewise
