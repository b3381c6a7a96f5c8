#include <gtest/gtest.h>

#include <atomic>
#include <bit>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/half.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/matrix.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/progress.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/base/runtime.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

TEST(ErrorText, JoinsLocationProblemAndRemedy) {
  EXPECT_STREQ(Error("is broken", "a.mp3", "mend it").what(), "a.mp3: is broken; mend it");
  EXPECT_STREQ(Error("is broken").what(), "is broken");
  EXPECT_STREQ(Error("is broken", std::string("\0a\0", 3)).what(), " a : is broken");  // a C string would end there
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
  Runtime runtime;
  runtime.set_threads(1);
  EXPECT_EQ(runtime.threads(), 1);
  EXPECT_THROW(Runtime::current().set_threads(0), Error);
}

TEST(Matrix, SelectsRowsInTheGivenOrder) {
  Matrix matrix(3, 2);
  std::iota(matrix.values().begin(), matrix.values().end(), 0.0f);
  const std::size_t rows[] = {2, 0};
  EXPECT_EQ(matrix.select_rows(rows), Matrix(2, 2, {4, 5, 0, 1}));
}

TEST(Matrix, BorrowsValuesWithoutACopyAndCopiesThemWhenItIsCopied) {
  const std::vector<float> values = {1, 2, 3, 4, 5, 6};
  const Matrix borrowed = Matrix::borrow(values.data(), 2, 3);
  EXPECT_EQ(borrowed.data(), values.data());
  EXPECT_EQ(borrowed.values().size(), 6u);
  EXPECT_EQ(borrowed.row(1)[0], 4);
  EXPECT_EQ(borrowed(1, 2), 6);
  EXPECT_EQ(borrowed, Matrix(2, 3, values));
  Matrix copied = borrowed;
  copied(0, 0) = 7;
  EXPECT_EQ(values[0], 1);
  Matrix moved = std::move(copied);
  EXPECT_EQ(std::as_const(moved)(0, 0), 7);
  EXPECT_TRUE(copied.empty());  // NOLINT: what remains is defined
  copied = moved;
  EXPECT_NE(std::as_const(copied).data(), std::as_const(moved).data());
  EXPECT_EQ(copied, moved);
}

TEST(Hash, MatchesTheExamplesOfTheStandard) {
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  Hasher sha1(HashKind::sha1);
  sha1.update("a");
  sha1.update("bc");
  EXPECT_EQ(sha1.hex(), "a9993e364706816aba3e25717850c26c9cd0d89d");
}

TEST(Hash, OfAMessageWithAKeyMatchesTheExampleOfTheStandard) {
  // RFC 4231, test case 2.
  EXPECT_EQ(to_hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  // Test case 6: a key that is longer than a block.
  EXPECT_EQ(to_hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
  EXPECT_EQ(to_hex(std::string_view("\x00\x0f\xf0\xff", 4)), "000ff0ff");
  Hasher md5(HashKind::md5);
  md5.update("a");
  EXPECT_EQ(md5.hex(), "0cc175b9c0f1b6a831c399e269772661");
}

TEST(ErrorText, OfAFailedAccessNamesBothPathsItsReasonAndTheRemedy) {
  const auto missing = std::make_error_code(std::errc::no_such_file_or_directory);
  const Error error = to_error(std::filesystem::filesystem_error("", "a", "b", missing));
  EXPECT_EQ(error.where(), "a -> b");
  EXPECT_EQ(error.problem(), "cannot be accessed (No such file or directory)");
  EXPECT_EQ(error.remedy(), "check the path");
  EXPECT_EQ(to_error(std::filesystem::filesystem_error("", "a", missing)).where(), "a");
  const std::error_code generic(ENOENT, std::generic_category()), of_streams(ENOENT, std::iostream_category());
  EXPECT_EQ(to_error(std::filesystem::filesystem_error("", "a", generic)).remedy(), "check the path");
  EXPECT_EQ(to_error(std::filesystem::filesystem_error("", "a", of_streams)).remedy(), "");
}

TEST(ErrorText, HasARemedyForEachUsualReason) {
  const auto remedy = [](int code) {
    try {
      errno = code;
      throw_system_error("cannot be opened", "x");
    } catch (const Error& error) {
      return error.remedy();
    }
  };
  EXPECT_NE(remedy(EDQUOT).find("disk is full"), std::string::npos);
  for (const int code : {EACCES, EPERM}) EXPECT_NE(remedy(code).find("permissions"), std::string::npos);
  for (const int code : {ENOENT, ENOTDIR, EISDIR, ENAMETOOLONG, ELOOP}) EXPECT_EQ(remedy(code), "check the path");
  EXPECT_NE(remedy(EFBIG).find("ulimit -f"), std::string::npos);
  EXPECT_NE(remedy(EROFS).find("read-only"), std::string::npos);
  EXPECT_NE(remedy(EMFILE).find("ulimit -n"), std::string::npos);
  EXPECT_EQ(remedy(EIO), "");
  EXPECT_EQ(to_string(Fault{"truncated", "", ""}), "truncated");
}

TEST(Faults, AreCountedByReasonTheMostFrequentFirst) {
  const std::vector<Fault> faults = {{"truncated", "a", ""}, {"empty file", "b", ""}, {"truncated", "c", ""}};
  EXPECT_EQ(counts_text(faults), "2 truncated, 1 empty file");
  EXPECT_EQ(counts_text({}), "");
  const nlohmann::json document = Fault{"truncated", "a", "1 of 2 s"};
  EXPECT_EQ(document, nlohmann::json({{"where", "a"}, {"reason", "truncated"}, {"detail", "1 of 2 s"}}));
  EXPECT_EQ(to_string(document.get<Fault>()), "a: truncated (1 of 2 s)");
}

TEST(Sleep, LastsAtLeastAsLongAsAskedAndEndsAtAnInterrupt) {
  const auto start = std::chrono::steady_clock::now();
  sleep_unless_interrupted(std::chrono::milliseconds(120));
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(120));
  request_interrupt();
  EXPECT_THROW(sleep_unless_interrupted(std::chrono::hours(1)), Interrupted);
  clear_interrupt();
}

TEST(ParallelFor, UsesWorkersFromZeroUpToTheNumberOfThreads) {
  // Every item waits until all threads have one, so each worker gets exactly one.
  for (const std::size_t items : {2, 3}) {
    std::atomic<std::size_t> started{0};
    std::vector<std::atomic<int>> of_worker(items);
    parallel_for(
        items,
        [&](std::size_t, int worker) {
          ++of_worker[static_cast<std::size_t>(worker)];
          for (++started; started < items;) std::this_thread::yield();
        },
        static_cast<int>(items));
    for (const auto& count : of_worker) EXPECT_EQ(count, 1);
  }
}

TEST(ParallelFor, UsesTheThreadsOfTheRuntimeUnlessANumberIsGiven) {
  Runtime runtime({.threads = 3});
  const UseRuntime use(runtime);
  std::atomic<int> started{0};
  parallel_for(3, [&](std::size_t, int) {
    for (++started; started < 3;) std::this_thread::yield();
  });
  const auto caller = std::this_thread::get_id();
  parallel_for(
      20,
      [&](std::size_t, int) {
        EXPECT_EQ(std::this_thread::get_id(), caller);
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      },
      1);
}

TEST(ParallelFor, StartsNoFurtherItemsAfterAFailure) {
  std::atomic<std::size_t> done{0};
  EXPECT_THROW(parallel_for(
                   1000,
                   [&](std::size_t, int) {
                     const std::size_t own = ++done;
                     if (own == 3) throw Error("no");
                     if (own > 3) std::this_thread::sleep_for(std::chrono::milliseconds(1));
                   },
                   2),
               Error);
  EXPECT_LT(done, 1000u);
  parallel_for(
      3, [&](std::size_t, int worker) { EXPECT_EQ(worker, 0); }, 1);
  parallel_for(0, [](std::size_t, int) { FAIL(); });
}

TEST(Interrupts, StopALoopOfOneThreadBetweenItems) {
  int done = 0;
  EXPECT_THROW(parallel_for(
                   10, [&](std::size_t, int) { ++done, request_interrupt(); }, 1),
               Interrupted);
  clear_interrupt();
  EXPECT_EQ(done, 1);
}

TEST(InOrder, PassesResultsOnByIndexWhateverTheOrderOfArrival) {
  std::vector<std::size_t> taken;
  InOrder<int> in_order(3, [&](std::size_t i, int& result) {
    EXPECT_EQ(result, static_cast<int>(10 * i));
    taken.push_back(i);
  });
  in_order.put(2, 20);
  in_order.put(1, 10);
  EXPECT_TRUE(taken.empty());
  in_order.put(0, 0);
  EXPECT_EQ(taken, (std::vector<std::size_t>{0, 1, 2}));
  in_order.put(3, 30);
  EXPECT_EQ(taken.size(), 4u);
}

TEST(InOrder, LetsItemsWaitThatAreAsFarAheadAsAllowed) {
  InOrder<int> in_order(2, [](std::size_t, int&) {});
  EXPECT_TRUE(in_order.wait_for_turn(1));
  request_interrupt();
  EXPECT_TRUE(in_order.wait_for_turn(0));
  EXPECT_THROW(in_order.wait_for_turn(2), Interrupted);
  clear_interrupt();
  std::atomic<bool> waited{false};
  std::jthread later([&] { waited = in_order.wait_for_turn(2); });
  in_order.put(0, 0);
  later.join();
  EXPECT_TRUE(waited);
  in_order.stop();
  EXPECT_FALSE(in_order.wait_for_turn(1));
  EXPECT_FALSE(in_order.wait_for_turn(100));
}

TEST(InOrder, PassesNothingOnAfterAStop) {
  std::vector<std::size_t> taken;
  InOrder<int> in_order(9, [&](std::size_t i, int&) {
    taken.push_back(i);
    in_order.stop();
  });
  in_order.put(1, 0);
  in_order.put(0, 0);
  EXPECT_EQ(taken, std::vector<std::size_t>{0});
}

TEST(PartProgress, ShowsItsTasksAsPartsOfTheWholeOnlyWhileTheyRun) {
  struct Recorder : Progress {
    void begin_part(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
      lines.push_back(std::string(task) + " " + std::string(unit) + " " + std::to_string(total) + " " +
                      std::to_string(done));
    }
    void finish_part() override { lines.emplace_back("finished"); }
    void advance(std::uint64_t units) override { lines.push_back("+" + std::to_string(units)); }
    void detail(std::string_view text) override { lines.emplace_back(text); }
    void note(std::string_view text) override { lines.emplace_back(text); }
    std::vector<std::string> lines;
  } whole;
  {
    PartProgress part(whole, "svm");
    part.advance(1);
    part.detail("dropped");
    part.finish();
    part.note("a note");
    part.begin("fit", "rows", 9, 2);
    part.advance(3);
    part.detail("loss 1");
    part.begin("test", "rows", 4, 0);
  }
  EXPECT_EQ(whole.lines, (std::vector<std::string>{"a note", "svm: fit rows 9 2", "+3", "loss 1", "finished",
                                                   "svm: test rows 4 0", "finished"}));
}

TEST(HalfPrecision, KeepsEveryValueThatItCanRepresent) {
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {
    const auto half = static_cast<std::uint16_t>(bits);
    const float value = from_half(half);
    if ((half & 0x7fff) < 0x7c00) {
      EXPECT_EQ(to_half(value), half);
    }
  }
  EXPECT_EQ(from_half(0x3c00), 1.0f);
  EXPECT_EQ(from_half(0x0001), 0x1p-24f);
  EXPECT_EQ(from_half(0x0400), 0x1p-14f);
  EXPECT_EQ(from_half(0xc000), -2.0f);
  EXPECT_EQ(from_half(0x7bff), 65504.0f);
  EXPECT_TRUE(std::isinf(from_half(0x7c00)) && std::isinf(from_half(0xfc00)) && std::isnan(from_half(0x7e00)));
  EXPECT_TRUE(std::isnan(from_half(0x7c01)));
}

TEST(HalfPrecision, RoundsToTheNearestAndTiesToEven) {
  EXPECT_EQ(to_half(1.0f + 0x1p-11f), 0x3c00);      // a tie, down to even
  EXPECT_EQ(to_half(1.0f + 3 * 0x1p-11f), 0x3c02);  // a tie, up to even
  EXPECT_EQ(to_half(1.0f + 0x1.01p-11f), 0x3c01);
  EXPECT_EQ(to_half(1.0f + 0x0.ffp-11f), 0x3c00);
  EXPECT_EQ(to_half(-1.0f - 0x1.01p-11f), 0xbc01);
  EXPECT_EQ(to_half(0x1.8p-25f), 0x0001);
  EXPECT_EQ(to_half(0x1p-25f), 0x0000);
}

TEST(FolderEntries, AreAllOfAFolderAndAMissingOneIsAnError) {
  const testing::TemporaryFolder folder;
  EXPECT_TRUE(entries_of(folder.path()).empty());
  std::ofstream(folder / ".hidden") << "x";
  std::ofstream(folder / "b") << "four";
  EXPECT_EQ(entries_of(folder.path()).size(), 2u);
  std::error_code code;
  EXPECT_TRUE(entries_of(folder / "absent", code).empty());
  EXPECT_EQ(code, std::errc::no_such_file_or_directory);
  EXPECT_THROW(entries_of(folder / "absent"), Error);
  EXPECT_EQ(bytes_of_file(folder / "b"), 4u);
  EXPECT_TRUE(path_exists(folder / "b") && is_file(folder / "b") && !is_folder(folder / "b"));
  rename_path(folder / "b", folder / "c");
  EXPECT_FALSE(path_exists(folder / "b"));
  remove_path(folder / "c");
  EXPECT_FALSE(path_exists(folder / "c"));
  EXPECT_THROW(bytes_of_file(folder / "c"), Error);
  EXPECT_TRUE(absolute_path("c").is_absolute());
}

}  // namespace
}  // namespace genrewise
