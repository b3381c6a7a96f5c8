// Genres from the classes of AudioSet.
#include "genrewise/models/zero_shot.hpp"

#include <gmock/gmock.h>

#include <set>

#include "genrewise/base/error.hpp"
#include "genrewise/models/classifier.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::error_message;
using ::testing::HasSubstr;

constexpr std::size_t kClasses = 527, kJazz = 235, kHeavyMetal = 220, kHipHop = 217;

std::unique_ptr<Classifier> zero_shot_for(const std::string& genres) {
  return make_classifier("zeroshot", {{"genres", genres}}, 1);
}

/// One clip with evidence for that class only.
Matrix only(std::size_t audioset_class) {
  Matrix logits(1, kClasses, std::vector<float>(kClasses, -8));
  logits(0, audioset_class) = 2;
  return logits;
}

std::string refusal(const std::string& genres) {
  return error_message([&] { zero_shot_for(genres); });
}

TEST(ZeroShot, PredictsTheGenreOfTheDetectedClass) {
  const auto zero_shot = zero_shot_for("Metal,Jazz,Hip-Hop");
  EXPECT_EQ(zero_shot->predict(only(kHeavyMetal)), std::vector{0});
  EXPECT_EQ(zero_shot->predict(only(kJazz)), std::vector{1});
  EXPECT_EQ(zero_shot->predict(only(kHipHop)), std::vector{2});
  EXPECT_GT(zero_shot->predict_probabilities(only(kJazz))(0, 1), 0.9f);
}

TEST(ZeroShot, ProbabilitiesSumToOneAlsoWithoutEvidence) {
  const auto zero_shot = zero_shot_for("Metal,Jazz,Hip-Hop");
  const Matrix shares = zero_shot->predict_probabilities(Matrix(1, kClasses, std::vector<float>(kClasses, -100)));
  EXPECT_NEAR(shares(0, 0) + shares(0, 1) + shares(0, 2), 1, 1e-6);
  EXPECT_NEAR(shares(0, 0), 1 / 3.0, 1e-6);
}

TEST(ZeroShot, AcceptsGenresInOtherSpellingsAndByOtherNames) {
  EXPECT_EQ(zero_shot_for("jazz, hip hop")->predict(only(kHipHop)), std::vector{1});
  EXPECT_EQ(zero_shot_for("RAP,Jazz")->predict(only(kHipHop)), std::vector{0});
}

TEST(ZeroShot, CoversTheGenresOfFmaGtzanAndTheTestSet) {
  for (const char* genres : {"Hip-Hop,Pop,Folk,Experimental,Rock,International,Electronic,Instrumental",
                             "blues,classical,country,disco,hiphop,jazz,metal,pop,reggae,rock",
                             "Classical,Country,Electronic,HipHop,Jazz,Metal,Pop,Rock"})
    EXPECT_EQ(refusal(genres), "no error");
}

TEST(ZeroShot, RefusesAnUnknownGenreAndASingleGenre) {
  EXPECT_THAT(refusal("Jazz,Polka"), AllOf(HasSubstr("Polka"), HasSubstr("Reggae")));
  EXPECT_THAT(refusal("Jazz"), HasSubstr("at least two"));
}

TEST(ZeroShot, RefusesFeaturesOfAnotherSet) {
  EXPECT_THROW(zero_shot_for("Jazz,Metal")->predict_probabilities(Matrix(1, 384)), Error);
}

TEST(ZeroShotTable, NamesEachClassOnceForAGenreWithItsIndexInAudioSet) {
  std::set<std::pair<std::string_view, std::size_t>> seen;
  for (const GenreEvidence& one : genre_evidence()) {
    EXPECT_LT(one.audioset_class, kClasses);
    EXPECT_GT(one.weight, 0);
    EXPECT_TRUE(seen.insert({one.genre, one.audioset_class}).second) << one.genre << " " << one.audioset_name;
  }
}

TEST(ZeroShotTable, HasAudioSetsNames) {
  REQUIRE_SHARED(path, "weights/audioset_labels.csv");
  const std::string text = read_file(path);
  for (const GenreEvidence& one : genre_evidence()) {
    const std::string start = "\n" + std::to_string(one.audioset_class) + ",";
    const auto at = text.find(start);
    ASSERT_NE(at, std::string::npos);
    const std::string line = text.substr(at + 1, text.find('\n', at + 1) - at - 1);
    EXPECT_THAT(line, HasSubstr("\"" + std::string(one.audioset_name) + "\""));
  }
}

}  // namespace
}  // namespace genrewise
