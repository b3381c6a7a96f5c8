#include "genrewise/data_source/row_journal.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>

#include "genrewise/base/error.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using testing::TemporaryFolder;

const std::string kContent(64, 'c');

std::string key(int i) {
  std::string text = std::to_string(i);
  text.resize(RowJournal::kKeyLength, '_');
  return text;
}

std::array<float, 3> row(int i) {
  return {static_cast<float>(i), static_cast<float>(-i), 0.5f};
}

void append_rows(RowJournal& journal, int first, int last) {
  for (int i = first; i < last; ++i) journal.append(key(i), row(i));
}

std::array<float, 3> read(const RowJournal& journal, int i) {
  std::array<float, 3> values{};
  journal.read(key(i), values);
  return values;
}

TEST(RowJournal, KeepsRowsAfterAKill) {
  const TemporaryFolder folder;
  const pid_t child = fork();
  if (child == 0) {
    auto* journal = new RowJournal(folder / "rows", kContent, 3);
    append_rows(*journal, 0, 4);
    _exit(0);  // no destructor runs, as after SIGKILL
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  const RowJournal journal(folder / "rows", kContent, 3);
  EXPECT_EQ(journal.rows(), 4u);
  for (int i = 0; i < 4; ++i) EXPECT_EQ(read(journal, i), row(i));
  EXPECT_FALSE(journal.has(key(4)));
}

TEST(RowJournal, KeepsItsRowsWhenItCannotBeRead) {
  const TemporaryFolder folder;
  {
    RowJournal journal(folder / "rows", kContent, 3);
    append_rows(journal, 0, 4);
  }
  const int next = ::dup(0);
  ::close(next);
  rlimit all{};
  ::getrlimit(RLIMIT_NOFILE, &all);
  const rlimit few{static_cast<rlim_t>(next) + 1, all.rlim_max};
  ::setrlimit(RLIMIT_NOFILE, &few);
  const std::string problem = error_message([&] { RowJournal(folder / "rows", kContent, 3); });
  ::setrlimit(RLIMIT_NOFILE, &all);
  EXPECT_THAT(problem, ::testing::HasSubstr("rows"));
  EXPECT_EQ(RowJournal(folder / "rows", kContent, 3).rows(), 4u);
}

TEST(RowJournal, ContinuesAfterTheLastCompleteRowForAnyTruncation) {
  const TemporaryFolder folder;
  {
    RowJournal journal(folder / "rows", kContent, 3);
    append_rows(journal, 0, 3);
  }
  const std::string whole = read_file(folder / "rows");
  const std::size_t row_bytes = RowJournal::kKeyLength + 3 * sizeof(float) + 16;
  const std::size_t header_bytes = whole.size() - 3 * row_bytes;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    write_file(folder / "rows", whole.substr(0, length));
    RowJournal journal(folder / "rows", kContent, 3);
    const std::size_t rows = length < header_bytes ? 0 : (length - header_bytes) / row_bytes;
    ASSERT_EQ(journal.rows(), rows) << length;
    append_rows(journal, static_cast<int>(rows), 3);
    for (int i = 0; i < 3; ++i) ASSERT_EQ(read(journal, i), row(i)) << length;
  }
  EXPECT_EQ(read_file(folder / "rows"), whole);
}

TEST(RowJournal, DropsADamagedRowAndTheFollowingOnes) {
  const TemporaryFolder folder;
  {
    RowJournal journal(folder / "rows", kContent, 3);
    append_rows(journal, 0, 3);
  }
  std::string bytes = read_file(folder / "rows");
  bytes[bytes.size() - 100] ^= 1;  // in the second row
  write_file(folder / "rows", bytes);
  const RowJournal journal(folder / "rows", kContent, 3);
  EXPECT_EQ(journal.rows(), 1u);
  EXPECT_TRUE(journal.has(key(0)));
}

TEST(RowJournal, StartsOverForOtherContentOrWidth) {
  const TemporaryFolder folder;
  {
    RowJournal journal(folder / "rows", kContent, 3);
    append_rows(journal, 0, 3);
  }
  {
    RowJournal journal(folder / "rows", std::string(64, 'd'), 3);
    EXPECT_EQ(journal.rows(), 0u);
    append_rows(journal, 0, 1);
  }
  {
    RowJournal journal(folder / "rows", std::string(64, 'd'), 4);
    EXPECT_EQ(journal.rows(), 0u);
  }
}

TEST(RowJournal, LeavesNoFileWithoutRowsAndNoneAfterRemove) {
  const TemporaryFolder folder;
  { const RowJournal journal(folder / "rows", kContent, 3); }
  EXPECT_THAT(folder.names(), ElementsAre());
  {
    RowJournal journal(folder / "rows", kContent, 3);
    append_rows(journal, 0, 2);
    journal.remove();
  }
  EXPECT_THAT(folder.names(), ElementsAre());
}

TEST(RowJournal, IsExclusiveToOneProcess) {
  const TemporaryFolder folder;
  {
    RowJournal first(folder / "rows", kContent, 3);
    append_rows(first, 0, 2);
    EXPECT_THAT(error_message([&] { const RowJournal second(folder / "rows", kContent, 3); }),
                ::testing::HasSubstr("another run"));
    EXPECT_EQ(read(first, 1), row(1));
  }
  EXPECT_EQ(RowJournal(folder / "rows", kContent, 3).rows(), 2u);
}

TEST(RowJournal, AcceptsRowsFromManyThreads) {
  const TemporaryFolder folder;
  {
    RowJournal journal(folder / "rows", kContent, 3);
    parallel_for(
        200, [&](std::size_t i, int) { journal.append(key(static_cast<int>(i)), row(static_cast<int>(i))); }, 4);
  }
  const RowJournal journal(folder / "rows", kContent, 3);
  ASSERT_EQ(journal.rows(), 200u);
  for (int i = 0; i < 200; ++i) ASSERT_EQ(read(journal, i), row(i));
}

TEST(RowJournal, ReportsAPathThatCannotBeWritten) {
  const TemporaryFolder folder;
  EXPECT_THROW(RowJournal(folder / "no/folder/rows", kContent, 3), Error);
}

}  // namespace
}  // namespace genrewise
