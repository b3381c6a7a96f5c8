#include "genrewise/base/child_process.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <csignal>

#include "genrewise/base/error.hpp"
#include "genrewise/base/message.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;

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

}  // namespace
}  // namespace genrewise
