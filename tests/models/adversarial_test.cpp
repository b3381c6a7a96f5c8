// Tables that are made to break solvers, and interruptions.
#include <gmock/gmock.h>

#include <cmath>
#include <string>
#include <vector>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/classifier.hpp"
#include "support/classifiers.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

struct Table {
  std::string name;
  Matrix examples;
  std::vector<int> labels;
};

std::vector<Table> adversarial_tables() {
  constexpr std::size_t kRows = 60, kCols = 4;
  Rng rng(11);
  Matrix noise(kRows, kCols), duplicated(kRows, kCols), constant(kRows, kCols), collinear(kRows, kCols),
      outlier(kRows, kCols);
  std::vector<int> labels(kRows), opposite(kRows);
  for (std::size_t i = 0; i < kRows; ++i) {
    labels[i] = static_cast<int>(rng.below(2));
    opposite[i] = i < kRows / 2;
    for (std::size_t j = 0; j < kCols; ++j) {
      noise(i, j) = static_cast<float>(rng.normal());
      duplicated(i, j) = noise(i % (kRows / 2), j);
      constant(i, j) = 3;
      collinear(i, j) = noise(i, 0) * static_cast<float>(j + 1);
      outlier(i, j) = i == 0 ? 1e30f : noise(i, j);
    }
  }
  labels[0] = 0;
  labels[1] = 1;
  const auto scaled = [&](auto factor) {
    Matrix copy = noise;
    for (std::size_t i = 0; i < kRows; ++i)
      for (std::size_t j = 0; j < kCols; ++j) copy(i, j) *= static_cast<float>(factor(j));
    return copy;
  };
  return {
      {"noise", noise, labels},
      {"duplicated rows of opposite labels", duplicated, opposite},
      {"constant columns", constant, labels},
      {"collinear columns", collinear, labels},
      {"one huge row", outlier, labels},
      {"huge values", scaled([](std::size_t) { return 1e30; }), labels},
      {"tiny values", scaled([](std::size_t) { return 1e-30; }), labels},
      {"scales from 1e-30 to 1e30", scaled([](std::size_t j) { return std::pow(10, 20.0 * double(j) - 30); }), labels}};
}

TEST(Adversarial, EveryFitEndsWithProbabilitiesOrAnError) {
  const std::string steps = "20000";  // of the pairwise solver, which converges slowly on noise with a large C
  std::vector<std::pair<std::string, Parameters>> models;
  for (const char* kernel : {"linear", "rbf", "poly", "sigmoid"})
    models.push_back({"svm", {{"kernel", kernel}, {"C", "1e12"}, {"max_iter", steps}}});
  models.push_back({"svm", {{"gamma", "1e9"}, {"C", "1e12"}, {"max_iter", steps}}});
  models.push_back({"svm", {{"gamma", "1e-30"}, {"C", "1e12"}, {"max_iter", steps}}});
  for (const char* c : {"1e12", "1e-12"}) {
    models.push_back({"linearsvc", {{"C", c}, {"max_iter", "100000000"}}});
    models.push_back({"logreg", {{"C", c}, {"max_iter", "100000000"}}});
    models.push_back({"logreg", {{"C", c}, {"max_iter", "100000000"}, {"solver", "liblinear"}}});
  }
  for (const std::string& kind : testing::classical_kinds()) models.push_back({kind, {}});
  for (const Table& table : adversarial_tables()) {
    for (const auto& [kind, parameters] : models) {
      const auto classifier = make_classifier(kind, parameters, 1);
      try {
        classifier->fit({table.examples, table.labels, 2});
        const Matrix probabilities = classifier->predict_probabilities(table.examples);
        for (const float value : probabilities.values())
          ASSERT_TRUE(value >= 0 && value <= 1) << value << " of " << kind << " on " << table.name;
      } catch (const Error& error) {
        EXPECT_FALSE(error.problem().empty()) << kind << " on " << table.name;
      }
    }
  }
}

TEST(Adversarial, AModelWithoutFiniteProbabilitiesIsAnError) {
  for (const Table& table : adversarial_tables()) {
    if (table.name != "huge values") continue;
    const auto classifier = make_classifier("svm", {{"gamma", "1"}}, 1);
    EXPECT_THAT(testing::error_message([&] {
                  classifier->fit({table.examples, table.labels, 2});
                }),
                ::testing::AllOf(::testing::HasSubstr("svm"), ::testing::HasSubstr("not finite")));
  }
}

TEST(Interruption, EndsTheFitOfEveryIterativeClassifierAndTheReadingOfTables) {
  Runtime runtime({.threads = 1});
  const UseRuntime use(runtime);
  runtime.request_interrupt();
  const Table table = adversarial_tables().front();
  for (const char* kind : {"svm", "linearsvc", "logreg", "mlp", "tree", "forest", "adaboost", "lda", "qda"}) {
    const auto classifier = make_classifier(kind, {}, 1);
    EXPECT_THROW(classifier->fit({table.examples, table.labels, 2}), Interrupted) << kind;
  }
  CsvReader reader("a,b\n1,2\n", "table");
  std::vector<std::string_view> fields;
  EXPECT_THROW(reader.next(fields), Interrupted);
}

}  // namespace
}  // namespace genrewise
