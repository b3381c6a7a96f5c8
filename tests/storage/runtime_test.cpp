// Two Runtimes in one process, each with its own stores.
#include <gmock/gmock.h>

#include <thread>

#include "genrewise/base/runtime.hpp"
#include "s3_store_fixture.hpp"
#include "support/environment.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using namespace testing;

class StoresOfRuntimes : public ::testing::Test {
 protected:
  static void use_server(S3Server& server) {
    set_store_options({.endpoint = server.endpoint(), .region = "us-east-1", .profile = {}});
  }

  Environment key_{"AWS_ACCESS_KEY_ID", S3Server::kAccessKey}, secret_{"AWS_SECRET_ACCESS_KEY", S3Server::kSecretKey};
  S3Server first_server_, second_server_;
  Runtime first_, second_;
};

TEST_F(StoresOfRuntimes, UseDifferentServersAtTheSameTime) {
  const std::string large = bytes_of(20'000'000);  // uploaded in parts, read ahead: by threads of the stores
  const auto work = [&](Runtime& runtime, S3Server& server, const std::string& name) {
    const UseRuntime use(runtime);
    use_server(server);
    write_file("s3://music/large", large);
    for (int i = 0; i < 20; ++i) {
      write_file("s3://music/" + name, name + std::to_string(i));
      EXPECT_EQ(read_file("s3://music/" + name), name + std::to_string(i));
    }
    EXPECT_EQ(read_file("s3://music/large"), large);
  };
  {
    std::jthread other([&] { work(second_, second_server_, "second"); });
    work(first_, first_server_, "first");
  }
  EXPECT_THAT(first_server_.keys(), ElementsAre("first", "large"));
  EXPECT_THAT(second_server_.keys(), ElementsAre("large", "second"));
}

TEST_F(StoresOfRuntimes, AreInterruptedSeparately) {
  for (S3Server* server : {&first_server_, &second_server_}) server->put("x", bytes_of(1'000'000));
  const auto read = [&](Runtime& runtime, S3Server& server) {
    const UseRuntime use(runtime);
    use_server(server);
    const auto file = open_file("s3://music/x");
    const ByteRange whole{0, file->size()};
    file->prefetch({&whole, 1});  // read by a thread of the store, which must notice the interrupt of its runtime
    std::string bytes(1'000'000, '\0');
    file->read_at(0, std::as_writable_bytes(std::span(bytes)));
    return bytes;
  };
  first_server_.tamper = [](const S3Request& request, S3Response& response) {
    if (request.method == "GET") response.wait_ms = 60'000;
  };
  std::jthread later([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    first_.request_interrupt();
  });
  EXPECT_THROW(read(first_, first_server_), Interrupted);
  EXPECT_EQ(read(second_, second_server_), bytes_of(1'000'000));
}

}  // namespace
}  // namespace genrewise
