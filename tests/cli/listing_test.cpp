// genrewise models and genrewise features.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/program.hpp"

namespace genrewise::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

void expect_narrow(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) EXPECT_LE(line.size(), 80u) << line;
}

TEST(Models, AreListedWithinEightyColumnsAndInJson) {
  const Ran table = run_program({"models"});
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, AllOf(HasSubstr("gnb"), HasSubstr("Gaussian naive Bayes"), HasSubstr("voting")));
  expect_narrow(table.out);
  const auto models = nlohmann::json::parse(run_program({"models", "--json"}).out).at("models");
  for (const char* key : {"kind", "title", "summary", "parameters", "searches", "presets", "capabilities"})
    EXPECT_TRUE(models.at(0).contains(key)) << key;
}

TEST(Models, ShowTheParametersOfOneAlsoByTheNameOfAPreset) {
  for (const char* name : {"svm", "svm-rbf"}) {
    const Ran page = run_program({"models", name});
    EXPECT_EQ(page.code, 0);
    EXPECT_THAT(page.out, AllOf(HasSubstr("  kernel=rbf\n"), HasSubstr("one of linear, poly, rbf, sigmoid"),
                                HasSubstr("C=log:-2:3:11")));
    expect_narrow(page.out);
  }
  const auto knn = nlohmann::json::parse(run_program({"models", "knn", "--json"}).out);
  EXPECT_EQ(knn.at("parameters").at(0).at("name"), "n_neighbors");
  EXPECT_EQ(knn.at("parameters").at(0).at("alias"), "k");
  const Ran unknown = run_program({"models", "oracle"});
  EXPECT_NE(unknown.code, 0);
  EXPECT_THAT(unknown.err, HasSubstr("svm-rbf"));
}

TEST(Features, AreListedWithinEightyColumnsAndInJson) {
  const Ran table = run_program({"features"});
  EXPECT_EQ(table.code, 0);
  EXPECT_THAT(table.out, AllOf(HasSubstr("fma518"), HasSubstr("audiotag"), HasSubstr("32000 Hz")));
  expect_narrow(table.out);
  const auto sets = nlohmann::json::parse(run_program({"features", "--json"}).out).at("feature_sets");
  for (const char* key : {"name", "title", "summary", "columns", "shape", "sample_rate_hz", "takes", "weights"})
    EXPECT_TRUE(sets.at(0).contains(key)) << key;
}

TEST(Features, AreDescribedWithoutReadingWeights) {
  const Ran page = run_program({"features", "audiotag"});
  EXPECT_EQ(page.code, 0);
  EXPECT_THAT(page.out, AllOf(HasSubstr("2514"), HasSubstr("efficientat, musicnn_msd")));
  expect_narrow(page.out);
  EXPECT_EQ(nlohmann::json::parse(run_program({"features", "fma518", "--json"}).out).at("columns"), 518);
  EXPECT_NE(run_program({"features", "fma519"}).code, 0);
}

}  // namespace
}  // namespace genrewise::testing
