#include <gtest/gtest.h>

#include <atomic>
#include <cerrno>
#include <cmath>
#include <numeric>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"

namespace genrewise {
namespace {

TEST(ErrorText, JoinsLocationProblemAndRemedy) {
  EXPECT_STREQ(Error("is broken", "a.mp3", "mend it").what(), "a.mp3: is broken; mend it");
  EXPECT_STREQ(Error("is broken").what(), "is broken");
  EXPECT_EQ(to_string(Fault{"truncated", "a.mp3", "12 of 30 s"}), "a.mp3: truncated (12 of 30 s)");
}

TEST(ErrorText, HasARemedyForAFullDisk) {
  try {
    errno = ENOSPC;
    throw_system_error("cannot write", "x");
  } catch (const Error& error) {
    EXPECT_NE(error.remedy().find("disk is full"), std::string::npos);
  }
}

TEST(Random, ReproducesTheReferenceSequence) {
  // The sequence of xoshiro256** seeded with splitmix64(42), from the authors' C code.
  Rng rng(42);
  const std::uint64_t first = rng.next();
  EXPECT_EQ(first, 1546998764402558742u);
  EXPECT_EQ(rng.next(), 6990951692964543102u);
}

TEST(Random, DerivesIntegersUniformAndNormalNumbersAsDocumented) {
  // By the methods that random.hpp names, computed with Python's integers and doubles. Saved splits, models and results
  // depend on these numbers.
  Rng integers(42), rejecting(42), uniform(42), normal(42);
  for (const std::uint64_t expected : {0, 3, 6, 9, 9, 7, 7, 8}) EXPECT_EQ(integers.below(10), expected);
  for (const std::uint64_t expected : {9147776489032658738u, 7099593415032875292u, 6633989454467100377u})
    EXPECT_EQ(rejecting.below((std::uint64_t{1} << 63) + 1), expected);
  for (const double expected : {0.083862971059882163, 0.37898025066266861, 0.68004341102813937})
    EXPECT_EQ(uniform.uniform(), expected);
  for (const double expected : {-0.72621913824478568, -0.21119691823195985, 0.22162270150359331, 0.52277168775601457})
    EXPECT_NEAR(normal.normal(), expected, 1e-15);
  EXPECT_EQ(derive_seed(42, "split"), 11380159506012374609u);
}

TEST(Random, StaysBelowTheBoundAndIsUniform) {
  Rng rng(1);
  std::vector<int> counts(7);
  for (int i = 0; i < 70000; ++i) ++counts[rng.below(7)];
  for (int count : counts) EXPECT_NEAR(count, 10000, 500);  // five standard deviations
}

TEST(Random, NormalHasMeanZeroAndVarianceOne) {
  Rng rng(2);
  double sum = 0, squares = 0;
  for (int i = 0; i < 100000; ++i) {
    const double x = rng.normal();
    sum += x;
    squares += x * x;
  }
  EXPECT_NEAR(sum / 1e5, 0, 0.016);
  EXPECT_NEAR(squares / 1e5, 1, 0.023);
}

TEST(Random, DerivesDifferentSeedsForDifferentPurposes) {
  EXPECT_NE(derive_seed(42, "split"), derive_seed(42, "folds"));
  EXPECT_NE(derive_seed(42, "split"), derive_seed(43, "split"));
  EXPECT_EQ(derive_seed(42, "split"), derive_seed(42, "split"));
}

TEST(ParallelFor, VisitsEveryIndexOnceForAnyNumberOfThreads) {
  for (int threads : {1, 2, 7}) {
    std::vector<std::atomic<int>> visits(1000);
    parallel_for(
        visits.size(),
        [&](std::size_t i, int worker) {
          EXPECT_LT(worker, threads);
          ++visits[i];
        },
        threads);
    for (const auto& visit : visits) ASSERT_EQ(visit, 1);
  }
}

TEST(ParallelFor, RethrowsTheFirstException) {
  EXPECT_THROW(parallel_for(
                   100,
                   [](std::size_t i, int) {
                     if (i == 3) throw Error("no");
                   },
                   4),
               Error);
}

TEST(ParallelFor, RunsANestedLoopOnTheCallingThread) {
  std::atomic<int> inner{0};
  parallel_for(
      4,
      [&](std::size_t, int) {
        EXPECT_TRUE(inside_parallel_for());
        parallel_for(
            5, [&](std::size_t, int worker) { inner += worker == 0; }, 3);
      },
      2);
  EXPECT_EQ(inner, 20);
  EXPECT_FALSE(inside_parallel_for());
}

TEST(ParallelFor, StopsBetweenItemsWhenInterrupted) {
  std::atomic<int> done{0};
  EXPECT_THROW(parallel_for(
                   1000,
                   [&](std::size_t, int) {
                     if (++done == 5) request_interrupt();
                   },
                   2),
               Interrupted);
  clear_interrupt();
  EXPECT_LT(done, 1000);
}

TEST(Runtime, RefusesLessThanOneThread) {
  EXPECT_THROW(Runtime::current().set_threads(0), Error);
}

TEST(Matrix, SelectsRowsInTheGivenOrder) {
  Matrix matrix(3, 2);
  std::iota(matrix.values().begin(), matrix.values().end(), 0.0f);
  const std::size_t rows[] = {2, 0};
  EXPECT_EQ(matrix.select_rows(rows), Matrix(2, 2, {4, 5, 0, 1}));
}

TEST(Hash, MatchesTheExamplesOfTheStandard) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Hasher sha1(HashKind::sha1);
  sha1.update("a");
  sha1.update("bc");
  EXPECT_EQ(sha1.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

}  // namespace
}  // namespace genrewise
