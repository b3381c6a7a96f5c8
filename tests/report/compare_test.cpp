#include "genrewise/report/compare.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "genrewise/base/random.hpp"
#include "genrewise/evaluation/metrics.hpp"
#include "genrewise/evaluation/statistics.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/run_document.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::Contains;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

/// Results and predictions of a study as far as a comparison reads them: `count` test examples from number `first` on,
/// three per artist; a model is right at the examples whose number is not divisible by its divisor.
struct StudyFiles {
  std::vector<std::string> labels = {"Jazz", "R&B | \"soul\""};
  std::map<std::string, std::size_t> divisors = {{"knn", 3}, {"svm", 5}};
  std::size_t first = 0, count = 120, relabelled = 0;  // the first so many have the other genre
  std::string dataset = "/music", best = "svm";

  void write(const fs::path& folder) const {
    std::string csv = "track_id,file,artist,genre";
    for (const auto& [name, divisor] : divisors) csv += "," + name;
    csv += "," + divisors.begin()->first + ":Jazz\n";
    std::map<std::string, std::size_t> right;
    for (std::size_t i = first; i < first + count; ++i) {
      csv += fmt_row(i);
      for (const auto& [name, divisor] : divisors) {
        const bool hit = i % divisor != 0;
        right[name] += hit;
        csv += ",\"" + quoted(genre(i + !hit, i)) + "\"";
      }
      csv += ",0.5\n";
    }
    json models = json::array();
    for (const auto& [name, divisor] : divisors)
      models.push_back(
          {{"name", name}, {"title", name}, {"macro_f1", 0.5}, {"accuracy", wilson_score(right[name], count)}});
    make_folders(folder);
    write_file(folder / "predictions.csv", csv);
    write_file(folder / "results.json", document_text({{"format", "genrewise results"},
                                                       {"format_version", 1},
                                                       {"program_version", "0.1.0"},
                                                       {"name", "x"},
                                                       {"seed", 42},
                                                       {"dataset", {{"name", "music"}, {"location", dataset}}},
                                                       {"split", {{"scheme", "grouped"}, {"test", count}}},
                                                       {"labels", labels},
                                                       {"models", models},
                                                       {"best", best}}));
  }

 private:
  const std::string& genre(std::size_t number, std::size_t i) const {
    return labels[(number + (i < first + relabelled)) % labels.size()];
  }
  static std::string quoted(const std::string& text) {
    std::string doubled;
    for (const char c : text) doubled += c == '"' ? std::string("\"\"") : std::string(1, c);
    return doubled;
  }
  std::string fmt_row(std::size_t i) const {
    return "t" + std::to_string(i) + ",f" + std::to_string(i) + ".mp3,artist " + std::to_string(i / 3) + ",\"" +
           quoted(genre(i, i)) + "\"";
  }
};

struct Comparison : ::testing::Test {
  json compare() { return compare_runs({folder / "a", folder / "b"}, kDefaultSeed, progress); }
  std::string refusal() {
    return error_message([&] { compare(); });
  }

  TemporaryFolder folder;
  StudyFiles a, b;
  Progress progress;
};

TEST_F(Comparison, TestsTheBestAndSameNamedModelsOnTheSameExamples) {
  b.divisors = {{"knn", 4}, {"svm", 7}, {"gnb", 2}};
  a.write(folder / "a");
  b.write(folder / "b");
  const json comparison = compare();
  EXPECT_THAT(comparison.at("notes"), IsEmpty());
  ASSERT_EQ(comparison.at("models").size(), 3u);
  ASSERT_EQ(comparison.at("pairs").size(), 2u);  // svm is best in both, and knn
  const json& knn = comparison.at("pairs")[1];
  EXPECT_EQ(knn.at("first"), (json{{"run", 1}, {"model", "knn"}}));
  EXPECT_EQ(knn.at("examples"), 120);
  EXPECT_EQ(knn.at("only_first"), 30);   // divisible by 3, not by 4
  EXPECT_EQ(knn.at("only_second"), 20);  // divisible by 4, not by 3
  EXPECT_NEAR(knn.at("difference"), 10.0 / 120, 1e-12);
  EXPECT_LT(knn.at("low"), 10.0 / 120);
  EXPECT_GT(knn.at("high"), 10.0 / 120);
  EXPECT_NEAR(knn.at("p_value"), 0.2026, 1e-4);  // scipy.stats.binomtest(20, 50).pvalue
  EXPECT_GE(knn.at("p_holm"), knn.at("p_value"));
  for (const json& model : comparison.at("models")) {
    const json& entry = model.at("runs")[1];
    EXPECT_EQ(entry.contains("difference"), model.at("name") != "gnb");
    if (model.at("name") == "knn") {
      EXPECT_EQ(entry.at("difference").at("value"), knn.at("difference"));
    }
    EXPECT_EQ(model.at("runs")[0].is_null(), model.at("name") == "gnb");
  }
}

TEST_F(Comparison, UsesTheSharedTestExamplesAndStatesTheirNumber) {
  b.first = 40;
  a.write(folder / "a");
  b.write(folder / "b");
  const json comparison = compare();
  EXPECT_THAT(comparison.at("notes")[0], HasSubstr("share 80 of 120 and 120"));
  EXPECT_EQ(comparison.at("pairs")[0].at("examples"), 80);
  EXPECT_EQ(comparison.at("pairs")[0].at("p_value"), 1);  // the models are the same
}

TEST_F(Comparison, TestsNothingOnUnrelatedSamples) {
  b.first = 1000;
  a.write(folder / "a");
  b.write(folder / "b");
  const json comparison = compare();
  EXPECT_THAT(comparison.at("pairs"), IsEmpty());
  EXPECT_THAT(comparison.at("notes")[0], HasSubstr("share 0 of 120 and 120"));
  EXPECT_FALSE(comparison.at("models")[1].at("runs")[1].contains("difference"));
}

TEST_F(Comparison, StatesOtherDatasetsAndGenresOfExamples) {
  b.dataset = "/other";
  b.relabelled = 7;
  a.write(folder / "a");
  b.write(folder / "b");
  const json comparison = compare();
  EXPECT_THAT(comparison.at("notes"), Contains(HasSubstr("The datasets differ: /music")));
  EXPECT_THAT(comparison.at("notes"), Contains(HasSubstr("7 test examples have another genre")));
  EXPECT_EQ(comparison.at("pairs")[0].at("examples"), 113);
}

TEST_F(Comparison, TestsNothingBetweenRunsOfOtherGenres) {
  b.labels = {"Jazz", "Folk"};
  a.write(folder / "a");
  b.write(folder / "b");
  const json comparison = compare();
  EXPECT_THAT(comparison.at("notes")[0], AllOf(HasSubstr("other genres"), HasSubstr("Folk")));
  EXPECT_THAT(comparison.at("pairs"), IsEmpty());
  EXPECT_FALSE(comparison.at("models")[0].at("runs")[1].contains("difference"));
  b.labels = {"Folk", "Polka"};
  b.write(folder / "b");
  EXPECT_THAT(refusal(), HasSubstr("no genre in common"));
}

TEST_F(Comparison, ComparesAccuraciesWithoutUsablePredictions) {
  a.write(folder / "a");
  b.write(folder / "b");
  fs::remove(folder / "b" / "predictions.csv");
  json comparison = compare();
  EXPECT_THAT(comparison.at("notes")[0], HasSubstr("predictions.csv cannot be used"));
  EXPECT_THAT(comparison.at("pairs"), IsEmpty());
  EXPECT_TRUE(comparison.at("models")[0].at("runs")[1].contains("accuracy"));
  StudyFiles other = b;
  other.divisors["svm"] = 2;
  other.write(folder / "c");
  fs::copy_file(folder / "c" / "predictions.csv", folder / "b" / "predictions.csv");
  EXPECT_THAT(compare().at("notes")[0], HasSubstr("does not fit results.json"));
  write_file(folder / "b" / "predictions.csv", "track_id,genre,svm\nt1,Jazz,Jazz\n");
  EXPECT_THAT(compare().at("notes")[0], HasSubstr("lacks the model knn"));
}

TEST_F(Comparison, RefusesTheSameRunTwiceAndSearches) {
  a.write(folder / "a");
  EXPECT_THAT(error_message([&] {
                compare_runs({folder / "a", folder / "a" / ""}, 1, progress);
              }),
              HasSubstr("given twice"));
  make_folders(folder / "b");
  write_file(folder / "b" / "tuning.json",
             document_text({{"format", "genrewise tuning"}, {"name", "x"}, {"dataset", {}}}));
  EXPECT_THAT(refusal(), HasSubstr("is a search"));
  fs::remove_all(folder / "b");
  EXPECT_THAT(refusal(), HasSubstr("no such folder"));
}

TEST_F(Comparison, AcceptsFailedModelsAndRunsWithoutABest) {
  a.write(folder / "a");
  b.write(folder / "b");
  json results = json::parse(read_file(folder / "b" / "results.json"));
  results.erase("sha256");
  results["best"] = nullptr;
  for (json& model : results["models"]) model = {{"name", model["name"]}, {"title", "x"}, {"error", "it broke"}};
  write_file(folder / "b" / "results.json", document_text(results));
  const json comparison = compare();
  EXPECT_THAT(comparison.at("pairs"), IsEmpty());
  EXPECT_EQ(comparison_sections(comparison)[0].table.rows[0].cells[2], "failed");
}

TEST_F(Comparison, NamesARunThatLacksFacts) {
  a.write(folder / "a");
  for (const char* fact : {"/split/scheme", "/seed", "/dataset/name", "/models/0/title", "/models/0/accuracy"}) {
    b.write(folder / "b");
    json results = json::parse(read_file(folder / "b" / "results.json"));
    results.erase("sha256");
    const json::json_pointer at(fact);
    results[at.parent_pointer()].erase(at.back());
    write_file(folder / "b" / "results.json", document_text(results));
    EXPECT_THAT(refusal(), AllOf(HasSubstr((folder / "b").string()), HasSubstr("a value is missing"))) << fact;
  }
}

TEST_F(Comparison, TestsTheBestModelsOfEveryTwoOfManyRuns) {
  std::vector<fs::path> runs;
  for (std::size_t i = 0; i < 4; ++i) {
    a.divisors["svm"] = 5 + 2 * i;
    a.write(runs.emplace_back(folder / std::to_string(i)));
  }
  const json comparison = compare_runs(runs, kDefaultSeed, progress);
  EXPECT_EQ(comparison.at("pairs").size(), 6u + 3u);  // svm of every two, and knn of the later three with the first
  double largest = 0;
  for (const json& pair : comparison.at("pairs")) largest = std::max(largest, pair.at("p_holm").get<double>());
  EXPECT_LE(largest, 1);
}

}  // namespace
}  // namespace genrewise
