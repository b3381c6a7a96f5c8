// The preset `ensemble` on data as people have them.
#include <gmock/gmock.h>

#include <algorithm>
#include <limits>

#include "genrewise/base/error.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/models/point.hpp"
#include "genrewise/study/study.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::clusters;
using testing::error_message;
using ::testing::HasSubstr;

const std::vector<std::string> kThree = {"Blues", "Jazz", "Rock"};

Model fitted(const Examples& examples, const std::vector<std::size_t>& rows, const std::string& model = "ensemble") {
  const ModelSpec spec = parse_model(model);
  const Point point(spec.parameters);
  return fit_model(examples, rows, make_classifier(spec.kind, point.classifier, 1), preprocessing_of(point, {}));
}

std::vector<std::size_t> all_rows(const Examples& examples) {
  std::vector<std::size_t> rows(examples.subjects.ids.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return rows;
}

double share_correct(const Model& model, const Examples& examples) {
  const std::vector<int> labels = model.predict(examples.table.values);
  std::size_t correct = 0;
  for (std::size_t i = 0; i < labels.size(); ++i) correct += labels[i] == examples.subjects.labels[i] ? 1 : 0;
  return static_cast<double>(correct) / static_cast<double>(labels.size());
}

TEST(Ensemble, PredictsExamplesOfOtherArtists) {
  const Model model = fitted(clusters(kThree, 40, 0.3F, 6, 1), all_rows(clusters(kThree, 40, 0.3F, 6, 1)));
  EXPECT_GT(share_correct(model, clusters(kThree, 40, 0.3F, 6, 2)), 0.85);
}

TEST(Ensemble, FitsTwoThousandColumnsOfFortyRows) {
  Examples examples = clusters({"Jazz", "Rock"}, 20, 1.0F, 2000);
  for (std::size_t i = 0; i < 40; ++i)
    for (std::size_t j = 0; j < 200; ++j) examples.table.values(i, j) += i % 2 == 0 ? 1.0F : 0.0F;
  const Model model = fitted(examples, all_rows(examples));
  EXPECT_LT(model.preprocessor.output_columns(), 40u);
  EXPECT_EQ(share_correct(model, examples), 1);
}

TEST(Ensemble, FitsGenresOfThreeClips) {
  const Examples examples = clusters(kThree, 3, 0.05F);
  EXPECT_EQ(share_correct(fitted(examples, all_rows(examples)), examples), 1);
}

TEST(Ensemble, AGenreThatTheTrainingPartLacksHasProbabilityZero) {
  const Examples examples = clusters(kThree, 20, 0.1F);
  std::vector<std::size_t> rows = all_rows(examples);
  std::erase_if(rows, [&](std::size_t i) { return examples.subjects.labels[i] == 1; });
  const Matrix shares = fitted(examples, rows).predict_probabilities(examples.table.values);
  ASSERT_EQ(shares.cols(), 3u);
  for (std::size_t i = 0; i < shares.rows(); ++i) {
    EXPECT_EQ(shares(i, 1), 0);
    EXPECT_NEAR(shares(i, 0) + shares(i, 2), 1, 1e-5);
  }
}

TEST(Ensemble, AStudyOfGenresWithOneArtistEachReportsWhyItCannotSplitThem) {
  Examples examples = clusters(kThree, 10, 0.1F);
  for (std::size_t i = 0; i < 30; ++i) examples.subjects.artists[i] = "artist " + std::to_string(i % 3);
  EXPECT_THAT(error_message([&] {
                const Split split = make_split(examples.subjects, {.scheme = SplitScheme::grouped});
                StudyConfig config;
                config.models = {parse_model("ensemble")};
                Progress silent;
                run_study(examples, split, config, silent);
              }),
              AllOf(HasSubstr("genre"), HasSubstr("artist")));
}

TEST(Ensemble, EqualEmbeddingsOfAllClipsGiveTheSharesOfTheGenres) {
  Examples examples = clusters(kThree, 10, 0.1F);
  std::ranges::fill(examples.table.values.values(), 0.5F);
  const Matrix shares = fitted(examples, all_rows(examples)).predict_probabilities(examples.table.values);
  for (const float share : shares.values()) EXPECT_NEAR(share, 1.0 / 3, 1e-4);
}

TEST(Ensemble, ANumberThatIsNotFiniteIsAnErrorThatNamesItsPlace) {
  Examples examples = clusters(kThree, 10, 0.1F);
  examples.table.values(7, 2) = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THAT(error_message([&] { fitted(examples, all_rows(examples)); }), AllOf(HasSubstr("7"), HasSubstr("2")));
  const Model model = fitted(clusters(kThree, 10, 0.1F), all_rows(examples));
  EXPECT_THAT(error_message([&] { model.predict(examples.table.values); }), HasSubstr("not a finite number"));
}

TEST(Ensemble, ARequestedNumberOfComponentsReplacesItsShareOfTheVariance) {
  const Examples examples = clusters(kThree, 10, 0.5F);
  EXPECT_EQ(fitted(examples, all_rows(examples), "ensemble:pca_components=2").preprocessor.output_columns(), 2u);
  EXPECT_THAT(error_message([] { parse_model("ensemble:pca_variance=0.5:pca_variance=0.6"); }),
              HasSubstr("given twice"));
  // A study's --pca is for the models without a choice of their own.
  const Point point(parse_model("ensemble").parameters);
  const PreprocessingConfig config = preprocessing_of(point, {.pca_components = 3});
  EXPECT_EQ(config.pca_components, 0u);
  EXPECT_EQ(config.pca_variance, 0.99);
}

}  // namespace
}  // namespace genrewise
