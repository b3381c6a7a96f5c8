
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "genrewise/base/hash.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/storage/files.hpp"
#include "support/study_in_folder.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

struct ModelCard : ::testing::Test {
  ModelCard() : made(folder / "run") {
    StudyContext context;
    context.name = "a|b <script>";
    results = results_json(made.examples, made.split, made.config, made.result, context);
    for (json& model : results["models"]) model["features"] = "fma518";
  }
  TemporaryFolder folder;
  testing::StudyInFolder made;
  json results;
};

TEST_F(ModelCard, IsWrittenBesideTheBestModelWithItsChecksum) {
  write_study(made.run, made.examples, made.split, made.result, results);
  const std::string card = read_file(folder / "run" / "best.md");
  EXPECT_THAT(card, HasSubstr(sha256_hex(read_file(folder / "run" / "best.gwm"))));
  EXPECT_EQ(card, model_card(results, sha256_hex(read_file(folder / "run" / "best.gwm"))));
}

TEST_F(ModelCard, StatesTrainingScoresLimitsAndUse) {
  const std::string card = model_card(results, "00");
  const Metrics& test = made.result.models[*made.result.best].test;
  EXPECT_THAT(card, HasSubstr(std::to_string(made.split.rows(Part::training).size()) + " training and"));
  EXPECT_THAT(card, HasSubstr("- Accuracy: " + std::to_string(static_cast<int>(100 * test.accuracy.value))));
  EXPECT_THAT(card, AllOf(HasSubstr("Intended use and limits"), HasSubstr("genrewise predict --model best.gwm"),
                          HasSubstr("Licence\n\nNot stated"), HasSubstr("R&amp;B {{name}}")));
  for (const json& note : results.at("notes")) EXPECT_THAT(card, HasSubstr(note.get<std::string>().substr(0, 10)));
  EXPECT_THAT(card, Not(HasSubstr("<script>")));
}

TEST_F(ModelCard, LeavesOutWhatEarlierVersionsLackAndPredictionFromTables) {
  for (json& model : results["models"]) model.erase("calibration");
  results["models"][0]["features"] = results["models"][1]["features"] = "table";
  const std::string card = model_card(results, "00");
  EXPECT_THAT(card, AllOf(Not(HasSubstr("calibration error")), Not(HasSubstr("genrewise predict"))));
}

}  // namespace
}  // namespace genrewise
