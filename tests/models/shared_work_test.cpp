// Classifiers that share intermediate results: bitwise equal predictions, and each result computed once.
#include "genrewise/models/shared_work.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"

namespace genrewise {
namespace {

using testing::Clusters;
using testing::make_clusters;

std::size_t size_of(const int& /*value*/) {
  return 100;
}

TEST(SharedWork, ComputesAValueOnceForAllThreadsThatRequestIt) {
  SharedWork work;
  std::atomic<int> made{0};
  std::atomic<int> sum{0};
  parallel_for(
      64,
      [&](std::size_t, int) {
        sum += *work.get<int>(
            "seven", [&] { return ++made, 7; }, size_of);
      },
      4);
  EXPECT_EQ(made, 1);
  EXPECT_EQ(sum, 64 * 7);
}

TEST(SharedWork, RecomputesAnInsufficientValueAndKeepsTheNewOne) {
  SharedWork work;
  const auto at_least = [&](int least) {
    return *work.get<int>(
        "k", [&] { return least; }, size_of, [&](const int& kept) { return kept >= least; });
  };
  EXPECT_EQ(at_least(3), 3);
  EXPECT_EQ(at_least(9), 9);
  EXPECT_EQ(at_least(3), 9);
}

TEST(SharedWork, DropsTheLeastRecentlyUsedValueThatNoCallerHolds) {
  SharedWork work(250);
  int made = 0;
  const auto value = [&](const std::string& key) {
    return work.get<int>(
        key, [&] { return ++made; }, size_of);
  };
  const auto held = value("a");
  value("b");
  value("a");
  value("c");  // drops b
  EXPECT_EQ(made, 3);
  EXPECT_EQ(*value("a"), 1);
  value("b");
  EXPECT_EQ(made, 4);
  EXPECT_EQ(*held, 1);
}

TEST(SharedWork, KeepsNoFailedOrOversizedValues) {
  SharedWork work(50);
  int made = 0;
  const auto ask = [&](bool fail) {
    return *work.get<int>(
        "x",
        [&] {
          ++made;
          if (fail) throw std::runtime_error("no");
          return 5;
        },
        size_of);
  };
  EXPECT_THROW(ask(true), std::runtime_error);
  EXPECT_EQ(ask(false), 5);
  EXPECT_EQ(ask(false), 5);
  EXPECT_EQ(made, 3);
}

TEST(SharedWork, NamesOnlyTablesThatWereAdded) {
  SharedWork work;
  const Matrix a(2, 2), b(2, 2);
  work.add(a);
  EXPECT_TRUE(work.name_of(a).has_value());
  EXPECT_FALSE(work.name_of(b).has_value());
}

struct Grid {
  std::string kind;
  std::vector<Parameters> points;
};

void PrintTo(const Grid& grid, std::ostream* out) {
  *out << grid.kind << " with " << grid.points.size() << " points";
}

class SharedGrids : public ::testing::TestWithParam<Grid> {};

INSTANTIATE_TEST_SUITE_P(Kinds, SharedGrids,
                         ::testing::Values(Grid{"knn",
                                                {{{"n_neighbors", "1"}},
                                                 {{"n_neighbors", "40"}, {"weights", "distance"}},
                                                 {{"n_neighbors", "7"}, {"weights", "distance"}},
                                                 {{"n_neighbors", "7"}, {"metric", "cosine"}},
                                                 {{"n_neighbors", "9"}, {"metric", "manhattan"}},
                                                 {{"n_neighbors", "12"}, {"metric", "minkowski"}, {"p", "3"}}}},
                                           Grid{"svm",
                                                {{{"C", "0.1"}},
                                                 {{"C", "10"}, {"gamma", "0.05"}},
                                                 {{"C", "10"}, {"gamma", "auto"}},
                                                 {{"kernel", "linear"}},
                                                 {{"kernel", "poly"}, {"degree", "2"}},
                                                 {{"kernel", "sigmoid"}, {"probability", "false"}}}},
                                           Grid{"logreg", {{{"C", "0.01"}}, {{"C", "1"}}, {{"solver", "liblinear"}}}},
                                           Grid{"linearsvc", {{{"C", "0.01"}}, {{"C", "1"}}}},
                                           Grid{"voting", {{{"estimators", "knn,svm"}}, {{"estimators", "gnb,knn"}}}}),
                         [](const auto& param) { return param.param.kind; });

TEST_P(SharedGrids, PredictBitwiseTheSameAsEachPointAlone) {
  const Clusters training = make_clusters(330, 9, 3, 0.5), held_out = make_clusters(75, 9, 3, 0.5, 2);
  auto work = std::make_shared<SharedWork>();
  work->add(training.examples);
  work->add(held_out.examples);
  std::vector<std::unique_ptr<Classifier>> sharing;
  for (const Parameters& point : GetParam().points) {
    sharing.push_back(make_classifier(GetParam().kind, point, 1));
    sharing.back()->announce(*work);
  }
  parallel_for(
      sharing.size(),
      [&](std::size_t i, int) {
        sharing[i]->fit({training.examples, training.labels, 3}, {.work = work});
      },
      2);
  for (std::size_t i = 0; i < sharing.size(); ++i) {
    auto alone = make_classifier(GetParam().kind, GetParam().points[i], 1);
    alone->fit({training.examples, training.labels, 3});
    const Predictions predictions = sharing[i]->predict_with_probabilities(held_out.examples);
    EXPECT_EQ(predictions.labels, alone->predict(held_out.examples)) << i;
    EXPECT_EQ(predictions.probabilities, alone->predict_probabilities(held_out.examples)) << i;
    EXPECT_EQ(sharing[i]->predict(held_out.examples), predictions.labels) << i;
    EXPECT_EQ(sharing[i]->predict_probabilities(held_out.examples), predictions.probabilities) << i;
  }
}

TEST_P(SharedGrids, PredictForATableThatIsNotSharedAndAfterTheWorkIsGone) {
  const Clusters training = make_clusters(330, 9, 3, 0.5), held_out = make_clusters(75, 9, 3, 0.5, 2);
  auto work = std::make_shared<SharedWork>();
  work->add(training.examples);
  const Parameters& point = GetParam().points.front();
  auto sharing = make_classifier(GetParam().kind, point, 1), alone = make_classifier(GetParam().kind, point, 1);
  sharing->announce(*work);
  sharing->fit({training.examples, training.labels, 3}, {.work = work});
  alone->fit({training.examples, training.labels, 3});
  const Matrix expected = alone->predict_probabilities(held_out.examples);
  EXPECT_EQ(sharing->predict_probabilities(held_out.examples), expected);
  work.reset();
  EXPECT_EQ(sharing->predict_probabilities(held_out.examples), expected);
}

TEST(SharedGrids, DoNotMixUpLabelsOfTheSameTable) {
  const Clusters data = make_clusters(120, 4, 2, 0.8);
  std::vector<int> others = data.labels;
  std::ranges::reverse(others);
  others[0] = 1 - others[0];
  auto work = std::make_shared<SharedWork>();
  work->add(data.examples);
  for (const std::vector<int>& labels : {data.labels, others}) {
    auto sharing = make_classifier("svm", {}, 1), alone = make_classifier("svm", {}, 1);
    sharing->announce(*work);
    sharing->fit({data.examples, labels, 2}, {.work = work});
    alone->fit({data.examples, labels, 2});
    EXPECT_EQ(sharing->predict_probabilities(data.examples), alone->predict_probabilities(data.examples));
  }
}

TEST(SharedGrids, ThrowAsWithoutSharingForUnsuitableData) {
  const Clusters data = make_clusters(30, 4, 2, 0.8);
  auto work = std::make_shared<SharedWork>();
  work->add(data.examples);
  auto most = make_classifier("knn", {{"n_neighbors", "31"}}, 1), few = make_classifier("knn", {}, 1);
  most->announce(*work);
  few->announce(*work);
  EXPECT_THROW(most->fit({data.examples, data.labels, 2}, {.work = work}), Error);
  few->fit({data.examples, data.labels, 2}, {.work = work});
  EXPECT_EQ(few->predict(data.examples).size(), 30);  // its search does not request 31 of 30
}

}  // namespace
}  // namespace genrewise
