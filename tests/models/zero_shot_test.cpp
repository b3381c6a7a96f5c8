// Genres from the classes of AudioSet and from tags.
#include "genrewise/models/zero_shot.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <cmath>
#include <nlohmann/json.hpp>
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

constexpr std::size_t kClasses = 527, kJazz = 235, kHeavyMetal = 220, kHipHop = 217, kBlues = 251;
constexpr std::size_t kTags = 100, kTagOfJazz = 9, kTagOfMetal = 11, kTagOfBlues = 26;

std::unique_ptr<Classifier> zero_shot_for(const std::string& genres) {
  return make_classifier("zeroshot", {{"genres", genres}}, 1);
}

/// One clip with evidence for that class only.
Matrix only(std::size_t audioset_class) {
  Matrix logits(1, kClasses, std::vector<float>(kClasses, -8));
  logits(0, audioset_class) = 2;
  return logits;
}

std::unique_ptr<Classifier> zero_shot_by_tags(const std::string& genres) {
  return make_classifier("zeroshot", {{"network", "musicnn"}, {"genres", genres}}, 1);
}

/// One clip with these probabilities of tags.
Matrix tagged(std::initializer_list<std::pair<std::size_t, float>> tags) {
  Matrix probabilities(1, kTags, std::vector<float>(kTags, 0.01f));
  for (const auto& [tag, probability] : tags) probabilities(0, tag) = probability;
  return probabilities;
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
  EXPECT_THAT(refusal("Jazz,Jazz"), HasSubstr("\"Jazz\" is named twice"));
  EXPECT_THAT(refusal("Hip Hop,Jazz,Rap"), HasSubstr("\"Rap\" is named twice"));
}

TEST(ZeroShot, RefusesFeaturesOfAnotherSet) {
  EXPECT_THROW(zero_shot_for("Jazz,Metal")->predict_probabilities(Matrix(1, 384)), Error);
}

TEST(ZeroShot, DividesTheProbabilityOfATagByItsFrequency) {
  const auto by_tags = zero_shot_by_tags("Jazz,Blues");
  const Matrix shares = by_tags->predict_probabilities(tagged({{kTagOfJazz, 0.4f}, {kTagOfBlues, 0.4f}}));
  const double jazz = std::pow(kTagOfJazz + 1.0, 0.56), blues = std::pow(kTagOfBlues + 1.0, 0.56);
  EXPECT_NEAR(shares(0, 0), jazz / (jazz + blues), 1e-3);
  EXPECT_NEAR(shares(0, 0) + shares(0, 1), 1, 1e-6);
}

TEST(ZeroShot, DoesNotPreferAGenreForItsNumberOfClasses) {
  const auto zero_shot = zero_shot_for("Rock,Blues");
  Matrix logits(1, kClasses, std::vector<float>(kClasses, -2));
  EXPECT_NEAR(zero_shot->predict_probabilities(logits)(0, 0), 0.5, 1e-6);
  logits(0, kBlues) = 0;
  EXPECT_EQ(zero_shot->predict(logits), std::vector{1});
}

TEST(ZeroShot, CombinesBothNetworksByTheGeometricMeanOfTheirShares) {
  const std::string genres = "Jazz,Metal,Reggae";
  const auto with = [&](const std::string& network, const std::string& of) {
    return make_classifier("zeroshot", {{"network", network}, {"genres", of}}, 1);
  };
  const Matrix classes = only(kJazz), tags = tagged({{kTagOfJazz, 0.6f}, {kTagOfMetal, 0.3f}});
  Matrix both(1, kClasses + kTags);
  std::ranges::copy(classes.row(0), both.row(0).begin());
  std::ranges::copy(tags.row(0), both.row(0).begin() + kClasses);
  const Matrix by_classes = with("efficientat", genres)->predict_probabilities(classes);
  const Matrix by_tags = with("musicnn", "Jazz,Metal")->predict_probabilities(tags);  // no tag for Reggae
  const double share[] = {2 / 3.0 * by_tags(0, 0), 2 / 3.0 * by_tags(0, 1), 1 / 3.0};
  double product[3], sum = 0;
  for (std::size_t i = 0; i < 3; ++i) sum += product[i] = std::sqrt(by_classes(0, i) * share[i]);
  const Matrix combined = with("both", genres)->predict_probabilities(both);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(combined(0, i), product[i] / sum, 2e-3) << i;
}

TEST(ZeroShot, ChoosesAmongAllGenresOfTheNetworkUnlessTheyAreGiven) {
  for (const auto& [network, columns] :
       {std::pair{ZeroShotNetwork::efficientat, kClasses}, std::pair{ZeroShotNetwork::musicnn, kTags},
        std::pair{ZeroShotNetwork::both, kClasses + kTags}}) {
    const auto all = make_classifier("zeroshot", {{"network", std::string(to_string(network))}}, 1);
    EXPECT_EQ(all->predict_probabilities(Matrix(1, columns)).cols(), zero_shot_genres(network).size());
  }
}

TEST(ZeroShot, ByTagsNamesTheNetworkThatHasAMissingGenre) {
  EXPECT_THAT(error_message([] { zero_shot_by_tags("Jazz,Reggae"); }),
              AllOf(HasSubstr("Reggae"), HasSubstr("genrewise fetch weights efficientat"), HasSubstr("Country")));
  EXPECT_THAT(error_message([] { zero_shot_by_tags("Jazz,Polka"); }),
              AllOf(HasSubstr("Polka"), ::testing::Not(HasSubstr("fetch"))));
  EXPECT_THROW(zero_shot_by_tags("Jazz,Metal")->predict_probabilities(Matrix(1, kClasses)), Error);
}

TEST(ZeroShotTable, NamesEachOutputOnceForAGenreWithItsColumn) {
  for (const auto network : {ZeroShotNetwork::efficientat, ZeroShotNetwork::musicnn}) {
    std::set<std::pair<std::string_view, std::size_t>> seen;
    for (const GenreEvidence& one : genre_evidence(network)) {
      EXPECT_LT(one.column, network == ZeroShotNetwork::musicnn ? kTags : kClasses);
      EXPECT_GT(one.weight, 0);
      EXPECT_TRUE(seen.insert({one.genre, one.column}).second) << one.genre << " " << one.name;
    }
  }
}

TEST(ZeroShotTable, HasTheNamesOfTheNetworksOutputs) {
  const auto names = nlohmann::json::parse(read_file(testing::golden_path("neural/outputs.json")));
  ASSERT_EQ(names.at("audioset").size(), kClasses);
  ASSERT_EQ(names.at("musicnn").size(), kTags);
  for (const GenreEvidence& one : genre_evidence(ZeroShotNetwork::efficientat))
    EXPECT_THAT(names.at("audioset").at(one.column).get<std::string>(), HasSubstr(one.name));
  for (const GenreEvidence& one : genre_evidence(ZeroShotNetwork::musicnn))
    EXPECT_EQ(names.at("musicnn").at(one.column), one.name);
}

}  // namespace
}  // namespace genrewise
