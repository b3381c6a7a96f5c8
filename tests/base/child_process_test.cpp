#include "genrewise/base/child_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <span>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/message.hpp"
#include "genrewise/base/text.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

ChildEnd end_of(const std::string& script, ChildConfig config = {}) {
  config.command = {"sh", "-c", script};
  return ChildProcess(config).wait();
}

TEST(ChildProcess, ReportsExitCodesAndSignals) {
  EXPECT_EQ(to_string(end_of("exit 7")), "ended with exit code 7");
  EXPECT_THAT(to_string(end_of("kill -9 $$")), HasSubstr("signal 9"));
  EXPECT_THAT(error_message([] { ChildProcess({.command = {"/no/such/program"}}); }), HasSubstr("/no/such/program"));
}

TEST(ChildProcess, InheritsNoOpenFilesAndTheVariablesItIsGiven) {
  const int open = ::open("/dev/null", O_RDONLY);  // without O_CLOEXEC
  EXPECT_EQ(end_of("test ! -e /proc/self/fd/" + std::to_string(open)).exit_code, 0);
  ::close(open);
  EXPECT_EQ(end_of("test \"$GIVEN\" = 'a b' && test -n \"$PATH\"", {.environment = {"GIVEN=a b"}}).exit_code, 0);
  EXPECT_EQ(end_of("test $(pwd) = /", {.folder = "/"}).exit_code, 0);
}

TEST(ChildProcess, IsKilledAfterTheGrace) {
  ChildProcess child({.command = {"sleep", "1000"}});
  EXPECT_GT(child.id(), 0);
  EXPECT_EQ(child.wait(std::chrono::milliseconds(1)).signal, SIGKILL);
  EXPECT_EQ(child.id(), -1);
}

TEST(Messages, ArriveAsTheyWereSentAndLargerOnesThanAllowedAreRefused) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends.data()), 0);
  Descriptor reader(ends[0]), writer(ends[1]);
  const auto wait = [](short) {};
  const auto read = [&](std::span<std::byte> bytes) {
    if (!receive_all(reader.get(), bytes, wait)) throw Error("closed");
  };
  const std::vector<float> numbers{1, 2.5f};
  const auto send = [&](std::uint8_t protocol) {
    const std::string head = message_head({{"type", "test"}}, numbers.size(), protocol);
    ASSERT_TRUE(send_all(writer.get(), std::as_bytes(std::span(head)), wait));
    ASSERT_TRUE(send_all(writer.get(), std::as_bytes(std::span(numbers)), wait));
  };
  send(1);
  const Message message = read_message(read, {});
  EXPECT_EQ(message.type(), "test");
  EXPECT_EQ(message.numbers, numbers);
  send(1);
  EXPECT_THAT(error_message([&] { read_message(read, {.numbers = 1}); }), HasSubstr("not a message"));
  writer.reset();
  EXPECT_THAT(error_message([&] {
                for (;;) read_message(read, {});
              }),
              ::testing::Not(HasSubstr("no error")));
  EXPECT_EQ(as_bytes(as_numbers("seven b"), 7), "seven b");
  EXPECT_THAT(error_message([] { as_bytes({}, 5); }), HasSubstr("less than it announced"));
}

TEST(ChildProcess, WritesToTheStreamsThatItIsGivenAndElseToNowhere) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  Descriptor reader(ends[0]), writer(ends[1]);
  const ChildEnd end =
      end_of("cat; echo out; echo error >&2; test -c /dev/stdin && test ! -t 0", {.streams = {-1, writer.get(), -1}});
  writer.reset();
  EXPECT_EQ(end.exit_code, 0);
  std::string text(100, '\0');
  text.resize(static_cast<std::size_t>(::read(reader.get(), text.data(), text.size())));
  EXPECT_EQ(text, "out\n");
}

TEST(ChildProcess, TakesAGivenVariableInPlaceOfItsOwnAndKeepsThoseWithALongerName) {
  ::setenv("GIVEN", "mine", 1);
  ::setenv("GIVEN_TOO", "kept", 1);
  EXPECT_EQ(end_of("test \"$(env | grep -c ^GIVEN=)\" = 1 && test $GIVEN = new && test $GIVEN_TOO = kept",
                   {.environment = {"GIVEN=new"}})
                .exit_code,
            0);
  ::unsetenv("GIVEN");
  ::unsetenv("GIVEN_TOO");
}

TEST(ChildProcess, StartsWithoutBlockedSignals) {
  sigset_t blocked, before;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGTERM);
  ASSERT_EQ(::pthread_sigmask(SIG_BLOCK, &blocked, &before), 0);
  const ChildEnd end = end_of("kill -TERM $$; exit 3");
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  EXPECT_EQ(end.signal, SIGTERM);
}

TEST(ChildProcess, ReceivesSignalsUntilItHasEnded) {
  ChildProcess child({.command = {"sleep", "1000"}});
  child.send_signal(SIGTERM);
  const ChildEnd end = child.wait(std::chrono::minutes(1));
  EXPECT_EQ(end.signal, SIGTERM);  // not killed although the grace is long
  EXPECT_EQ(end.exit_code, 0);
  child.send_signal(SIGTERM);  // to nobody
}

TEST(Descriptors, AreClosedWhenTheyAreReplacedOrDestroyed) {
  const auto is_open = [](int number) { return ::fcntl(number, F_GETFD) >= 0; };
  const int first = ::open("/dev/null", O_RDONLY), second = ::open("/dev/null", O_RDONLY);
  {
    Descriptor descriptor(first);
    descriptor.reset(second);
    EXPECT_FALSE(is_open(first));
    EXPECT_TRUE(is_open(second));
  }
  EXPECT_FALSE(is_open(second));
}

TEST(Programs, AreSearchedInTheFoldersOfPathWithoutItsEmptyEntries) {
  const TemporaryFolder folder;
  const auto program = folder / "a-program", text = folder / "a-text", path = std::filesystem::path(folder.path());
  std::ofstream(program) << "#!/bin/sh\n";
  std::ofstream(text) << "#!/bin/sh\n";
  ASSERT_EQ(::chmod(program.c_str(), 0755), 0);
  EXPECT_TRUE(is_executable(program));
  for (const auto& other : {text, path, folder / "missing"}) EXPECT_FALSE(is_executable(other)) << other;
  const std::string before = environment_variable("PATH");
  ::setenv("PATH", ("/nonexistent:" + path.string()).c_str(), 1);
  EXPECT_EQ(find_program("a-program"), program);
  EXPECT_EQ(find_program("a-text"), "");
  EXPECT_EQ(find_own_program("a-program", "A_PROGRAM"), program);
  ::setenv("A_PROGRAM", "", 1);
  EXPECT_EQ(find_own_program("a-program", "A_PROGRAM"), program);
  ::setenv("A_PROGRAM", "/bin/sh", 1);
  EXPECT_EQ(find_own_program("a-program", "A_PROGRAM"), "/bin/sh");
  ::setenv("A_PROGRAM", text.c_str(), 1);
  EXPECT_THAT(error_message([] { find_own_program("a-program", "A_PROGRAM"); }), HasSubstr("A_PROGRAM is not"));
  ::unsetenv("A_PROGRAM");
  const auto here = std::filesystem::read_symlink("/proc/self/exe");
  EXPECT_EQ(find_own_program(here.filename(), "A_PROGRAM"), here);
  const auto current = std::filesystem::current_path();
  ASSERT_EQ(::chdir(path.c_str()), 0);
  ::setenv("PATH", ":/nonexistent", 1);
  EXPECT_EQ(find_program("a-program"), "");
  ASSERT_EQ(::chdir(current.c_str()), 0);
  ::unsetenv("PATH");
  EXPECT_NE(find_program("sh"), "");
  ::setenv("PATH", before.c_str(), 1);
}

TEST(RunProcess, PassesOnAllOutputAndReturnsHowTheProgramEnded) {
  std::string output;
  const auto run = [&](const std::string& script, const std::filesystem::path& folder = {}) {
    output.clear();
    return run_process({"sh", "-c", script}, folder, [&](std::string_view text) { output += text; });
  };
  EXPECT_EQ(run("echo out; echo error >&2; exit 3"), 3);
  EXPECT_EQ(output, "out\nerror\n");
  EXPECT_EQ(run("kill -9 $$"), 128 + 9);
  EXPECT_EQ(run("cat; pwd; echo $LC_ALL", "/"), 0);
  EXPECT_EQ(output, "/\nC.UTF-8\n");
  EXPECT_EQ(run("head -c 300000 /dev/zero; sleep 0.3; echo end"), 0);
  EXPECT_EQ(output.size(), 300'004u);
  EXPECT_THAT(error_message([] { run_process({"/no/such/program"}, {}, {}); }), HasSubstr("/no/such/program"));
}

TEST(RunProcess, EndsTheProgramAtAnInterrupt) {
  pid_t child = 0;
  EXPECT_THROW(run_process({"sh", "-c", "echo $$; exec sleep 1000"}, {},
                           [&](std::string_view text) {
                             child = std::stoi(std::string(text));
                             request_interrupt();
                           }),
               Interrupted);
  clear_interrupt();
  ASSERT_GT(child, 0);
  EXPECT_NE(::kill(child, 0), 0);
}

TEST(StandardStreams, ThatAreClosedAreOpenedAndOthersStay) {
  EXPECT_EXIT(
      {
        const auto mode = [](int number) { return ::fcntl(number, F_GETFL) & O_ACCMODE; };
        const int null = ::open("/dev/null", O_RDWR);
        ::dup2(null, 1);
        for (const int number : {0, 2, null}) ::close(number);
        open_standard_streams();
        const bool right = mode(0) == O_RDONLY && mode(1) == O_RDWR && mode(2) == O_WRONLY;
        ::close(1);
        open_standard_streams();
        std::_Exit(right && mode(1) == O_RDONLY && ::fcntl(null, F_GETFL) < 0 ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(Limits, OfMemoryMakeALargerAllocationFailAndASmallerOneSucceed) {
#ifdef __SANITIZE_THREAD__
  GTEST_SKIP() << "the thread sanitizer ends the process where its own allocator reaches a limit";
#endif
  constexpr std::size_t kAllowed = std::size_t{64} << 20;
  EXPECT_EXIT(
      {
        limit_memory(kAllowed);
        rlimit core{};
        ::getrlimit(RLIMIT_CORE, &core);
        rlimit data{};
        ::getrlimit(RLIMIT_DATA, &data);
        void* small = ::malloc(kAllowed / 2);
        void* large = ::malloc(kAllowed * 2);
        const bool fits = core.rlim_max == 0 && small != nullptr && large == nullptr && data.rlim_cur > kAllowed;
        std::_Exit(fits ? 0 : 1);
      },
      ::testing::ExitedWithCode(0), "");
}

TEST(Limits, OfProcessorTimeAreCountedFromNowAndEndTheProcess) {
  const auto limit_after = [](double more_s) {
    rlimit before{}, limit{};
    ::getrlimit(RLIMIT_CPU, &before);
    limit_processor_time(more_s);
    ::getrlimit(RLIMIT_CPU, &limit);
    EXPECT_EQ(limit.rlim_max, before.rlim_max);  // the hard limit stays, so that a later call can allow more
    ::setrlimit(RLIMIT_CPU, &before);
    rusage used{};
    ::getrusage(RUSAGE_SELF, &used);
    return static_cast<double>(limit.rlim_cur) - static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec);
  };
  EXPECT_GE(limit_after(10), 11);  // a second may have passed meanwhile
  EXPECT_LE(limit_after(10), 12);
  EXPECT_GE(limit_after(10.5), 12);  // rounded up
  EXPECT_LE(limit_after(1e300), 1e9);
}

TEST(Messages, OfAnotherProtocolOrWithoutATypeAreRefused) {
  const auto refusal = [](const std::string& bytes, const MessageLimits& limits = {}) {
    return error_message([&] {
      std::string_view rest = bytes;
      read_message(
          [&](std::span<std::byte> into) {
            if (into.size() > rest.size()) throw Error("closed");
            std::ranges::copy(std::as_bytes(std::span(rest)).first(into.size()), into.begin());
            rest.remove_prefix(into.size());
          },
          limits);
    });
  };
  const nlohmann::json header = {{"type", "x"}};
  const std::string text = header.dump();
  EXPECT_EQ(refusal(message_head(header, 0, 2), {.other = "worker"}),
            "worker: the other program uses version 2 of the protocol, and this one 1; use programs of the same "
            "installation");
  EXPECT_EQ(refusal(message_head(header, 0, 3), {.protocol = 3}), "no error");
  EXPECT_THAT(refusal(message_head({{"kind", "x"}}, 0, 1)), HasSubstr("without a type"));
  EXPECT_THAT(refusal(message_head({{"type", 1}}, 0, 1)), HasSubstr("without a type"));
  EXPECT_THAT(refusal(message_head({1, 2}, 0, 1)), HasSubstr("without a type"));
  std::string damaged = message_head(header, 0, 1);
  damaged.back() = '{';
  EXPECT_THAT(refusal(damaged), HasSubstr("without a type"));
  EXPECT_THAT(refusal("GWX" + message_head(header, 0, 1).substr(3)), HasSubstr("not a message"));
  const auto length = static_cast<std::uint32_t>(text.size());
  EXPECT_EQ(refusal(message_head(header, 0, 1), {.header_bytes = length}), "no error");
  EXPECT_THAT(refusal(message_head(header, 0, 1), {.header_bytes = length - 1}), HasSubstr("not a message"));
  EXPECT_EQ(refusal(message_head(header, 1, 1) + "four", {.numbers = 1}), "no error");
  EXPECT_THAT(refusal(message_head(header, 2, 1) + "four", {.numbers = 1}), HasSubstr("not a message"));
}

TEST(Messages, AreMadeOfABinaryPrefixAndAHeaderInWhichInvalidTextIsReplaced) {
  using namespace std::string_literals;
  EXPECT_EQ(message_head({{"type", "x"}}, 258, 7), "GWN\x07\x0c\0\0\0\x02\x01\0\0\0\0\0\0{\"type\":\"x\"}"s);
  EXPECT_THAT(message_head({{"type", "\xff"}}, 0, 1), HasSubstr("\xef\xbf\xbd"));
}

TEST(Messages, CarryBytesInAsManyNumbersAsTheyFill) {
  EXPECT_EQ(as_numbers("").size(), 0u);
  EXPECT_EQ(as_numbers("1234").size(), 1u);
  EXPECT_EQ(as_numbers("12345").size(), 2u);
  EXPECT_EQ(as_bytes(as_numbers("12345678"), 8), "12345678");
  EXPECT_THAT(error_message([] { as_bytes(as_numbers("12345678"), 9); }), HasSubstr("less than it announced"));
}

TEST(Sockets, WaitForTheOtherEndAndReportThatItIsClosed) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends.data()), 0);
  Descriptor reader(ends[0]), writer(ends[1]);
  std::vector<std::byte> sent(std::size_t{8} << 20, std::byte{7}), got(sent.size());
  sent.back() = std::byte{9};
  int waits = 0;
  std::jthread other([&] {
    ASSERT_TRUE(send_all(writer.get(), sent, [&](short events) {
      EXPECT_EQ(events, POLLOUT);
      pollfd one{writer.get(), events, 0};
      ::poll(&one, 1, -1);
    }));
  });
  ASSERT_TRUE(receive_all(reader.get(), got, [&](short events) {
    ++waits;
    EXPECT_EQ(events, POLLIN);
    pollfd one{reader.get(), events, 0};
    ::poll(&one, 1, -1);
  }));
  other.join();
  EXPECT_EQ(got, sent);
  std::byte one{};
  EXPECT_THROW(receive_all(reader.get(), std::span(&one, 1), [](short) { throw Error("gave up"); }), Error);
  writer.reset();
  EXPECT_FALSE(receive_all(reader.get(), std::span(&one, 1), [](short) { throw Error("gave up"); }));
  EXPECT_FALSE(send_all(reader.get(), sent, [](short) {}));
}

}  // namespace
}  // namespace genrewise
