// Packing under SIGKILL, and with failing system calls.
#include <gmock/gmock.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "support/ordinary_user.hpp"
#include "support/pack_fixture.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

// Runs in a child; exit code 0, or 1 if it throws.
[[noreturn]] void run_and_exit(const std::function<void()>& action) {
  try {
    action();
  } catch (...) {
    ::_exit(1);
  }
  ::_exit(0);
}

enum class End { killed, finished, failed, not_allowed };

// Runs `action` in a child process and kills it after its n-th system call. Files change only by system calls, so all n
// together cover every moment of a kill except within a write.
End kill_behind_call(int n, const std::function<void()>& action) {
  const pid_t child = ::fork();
  if (child == 0) {
    if (::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) ::_exit(2);
    ::raise(SIGSTOP);
    run_and_exit(action);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  if (WIFEXITED(status)) return End::not_allowed;
  ::ptrace(PTRACE_SETOPTIONS, child, nullptr, PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD);
  for (int stops = 0; stops < 2 * n;) {  // each call stops the child before and after it
    ::ptrace(PTRACE_SYSCALL, child, nullptr, nullptr);
    ::waitpid(child, &status, 0);
    if (WIFEXITED(status)) return WEXITSTATUS(status) == 0 ? End::finished : End::failed;
    if (WIFSTOPPED(status) && WSTOPSIG(status) == (SIGTRAP | 0x80)) ++stops;
  }
  ::kill(child, SIGKILL);
  ::waitpid(child, &status, 0);
  return End::killed;
}

class PackKilled : public ::testing::TestWithParam<std::tuple<StoredAs, Compression, std::size_t>> {};

TEST_P(PackKilled, AfterAnySystemCallContinuesWithoutGapOrDuplicate) {
  const TemporaryFolder folder;
  const auto [stored_as, compression, steps] = GetParam();
  const PackConfig config{
      .shards = 2, .stored_as = stored_as, .compression = compression, .form = {.steps = steps}, .threads = 1};
  auto job = numbered_job(5);
  job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
    if (i == 3) return tl::unexpected(Fault{"damaged", "t3", "cannot"});
    std::ranges::copy(values_of(i), out.begin());
    return {};
  };
  Progress quiet;
  pack_examples(job, folder / "whole", config, quiet);
  const auto whole = contents_of(folder / "whole");
  int calls = 0;
  for (End end = End::killed; end == End::killed;) {
    end = kill_behind_call(++calls, [&] { pack_examples(job, folder / "pack", config, quiet); });
    if (end == End::not_allowed) GTEST_SKIP() << "one process may not trace another here";
    ASSERT_NE(end, End::failed) << calls;
    const auto result = pack_examples(job, folder / "pack", config, quiet);
    ASSERT_EQ(result.examples, 4u) << calls;
    ASSERT_EQ(result.skipped.size(), 1u) << calls;
    ASSERT_EQ(contents_of(folder / "pack"), whole) << calls;
    fs::remove_all(folder / "pack");
  }
  EXPECT_GT(calls, 40);  // otherwise the packer was not killed
}

TEST_P(PackKilled, RepeatedlyStillFinishes) {
  const TemporaryFolder folder;
  const auto [stored_as, compression, steps] = GetParam();
  const PackConfig config{
      .shards = 3, .stored_as = stored_as, .compression = compression, .form = {.steps = steps}, .threads = 1};
  const auto job = numbered_job(20);
  Progress quiet;
  pack_examples(job, folder / "whole", config, quiet);
  int kills = 0;
  for (End end = End::killed; end == End::killed; ++kills) {
    ASSERT_LT(kills, 200);
    // A little later each time: finishing a shard takes several calls, which are repeated.
    end = kill_behind_call(60 + 4 * kills, [&] { pack_examples(job, folder / "pack", config, quiet); });
    if (end == End::not_allowed) GTEST_SKIP() << "one process may not trace another here";
    ASSERT_NE(end, End::failed) << kills;
  }
  EXPECT_GT(kills, 2);
  EXPECT_EQ(contents_of(folder / "pack"), contents_of(folder / "whole"));
}

INSTANTIATE_TEST_SUITE_P(All, PackKilled,
                         ::testing::Values(std::tuple(StoredAs::float32, Compression::none, 0),
                                           std::tuple(StoredAs::uint8, Compression::gzip, 0),
                                           std::tuple(StoredAs::float16, Compression::none, kValues)),
                         [](const auto& each) { return std::string(to_string(std::get<0>(each.param))); });

// A file size limit simulates a full disk without mounting one.
TEST(PackStopped, ByAFileSizeLimitReportsItAndContinuesLater) {
  const TemporaryFolder folder;
  const auto job = numbered_job(100);
  const PackConfig config{.shards = 2, .threads = 1};
  Progress quiet;
  pack_examples(job, folder / "whole", config, quiet);
  for (const rlim_t limit : {100u, 1'000u, 4'321u, 6'000u}) {
    const pid_t child = ::fork();
    if (child == 0) {
      const rlimit small{limit, limit};
      ::signal(SIGXFSZ, SIG_IGN);
      ::setrlimit(RLIMIT_FSIZE, &small);
      const auto problem = error_message([&] { pack_examples(job, folder / "pack", config, quiet); });
      ::_exit(problem.find("cannot write") != std::string::npos ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << limit;
    EXPECT_FALSE(fs::exists(folder / "pack" / "manifest.json")) << limit;
  }
  const auto result = pack_examples(job, folder / "pack", config, quiet);
  EXPECT_GT(result.reused, 30u);
  EXPECT_EQ(contents_of(folder / "pack"), contents_of(folder / "whole"));
}

TEST(PackStopped, ByAReadOnlyFolderReportsIt) {
  const TemporaryFolder folder;
  fs::create_directory(folder / "closed");
  AS_ORDINARY_USER(folder.path());
  fs::permissions(folder / "closed", fs::perms::owner_read | fs::perms::owner_exec);
  Progress quiet;
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(4), folder / "closed", {.shards = 1}, quiet); }),
              HasSubstr("closed"));
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(4), folder / "closed" / "new", {.shards = 1}, quiet); }),
              HasSubstr("closed"));
  fs::permissions(folder / "closed", fs::perms::owner_all);
}

TEST(PackStopped, ByAnotherProcessInTheSameFolderReportsIt) {
  const TemporaryFolder folder;
  int started[2], released[2];
  ASSERT_EQ(::pipe(started), 0);
  ASSERT_EQ(::pipe(released), 0);
  const pid_t child = ::fork();
  if (child == 0) {
    auto job = numbered_job(8);
    job.extract = [&](std::size_t i, int, std::span<float> out) -> Expected<void> {
      char byte = 'x';
      if (i == 2 && (::write(started[1], &byte, 1) != 1 || ::read(released[0], &byte, 1) != 1)) ::_exit(2);
      std::ranges::copy(values_of(i), out.begin());
      return {};
    };
    Progress quiet;
    run_and_exit([&] { pack_examples(job, folder / "pack", {.shards = 2, .threads = 1}, quiet); });
  }
  char byte = 'x';
  ASSERT_EQ(::read(started[0], &byte, 1), 1);
  Progress quiet;
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(8), folder / "pack", {.shards = 2}, quiet); }),
              HasSubstr("another run works in this folder"));
  ASSERT_EQ(::write(released[1], &byte, 1), 1);
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  EXPECT_TRUE(verify_pack(open_pack(folder / "pack")).empty());
  for (const int end : {started[0], started[1], released[0], released[1]}) ::close(end);
}

}  // namespace
}  // namespace genrewise
