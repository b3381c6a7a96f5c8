#include "genrewise/storage/download.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <fstream>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "http_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::HttpRequest;
using testing::HttpResponse;
using testing::HttpServer;
using testing::serve_file;
using testing::TemporaryFolder;

std::string random_bytes(std::size_t count) {
  Rng rng(7);
  std::string bytes(count, '\0');
  for (char& c : bytes) c = static_cast<char>(rng.next());
  return bytes;
}

const std::string kContent = random_bytes(300'000);

class Download : public ::testing::Test {
 protected:
  ~Download() override { clear_interrupt(); }

  DownloadRequest request(const HttpServer& server) const {
    return {.url = server.url("/file.zip"),
            .target = folder_ / "file.zip",
            .checksum = Checksum{HashKind::sha256, sha256_hex(kContent)},
            .attempts = 3,
            .first_wait = std::chrono::milliseconds(1)};
  }
  void get(const HttpServer& server) {
    Progress quiet;
    download(request(server), quiet);
  }
  std::string error(const HttpServer& server) {
    return error_message([&] { get(server); });
  }

  void expect_only_the_file() const {
    EXPECT_THAT(folder_.names(), ElementsAre("file.zip"));
    EXPECT_EQ(read_file(folder_ / "file.zip"), kContent);
  }
  TemporaryFolder folder_;
};

std::string range_of(const HttpRequest& request) {
  const auto found = request.headers.find("range");
  return found == request.headers.end() ? "" : found->second;
}

TEST_F(Download, DownloadsAFileAndVerifiesIt) {
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent); });
  get(server);
  expect_only_the_file();
  get(server);  // exists already: verified, not requested again
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_EQ(server.requests()[0].path, "/file.zip");
}

TEST_F(Download, ResumesAfterABrokenConnection) {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest& r) {
    HttpResponse response = serve_file(r, kContent, "\"v1\"");
    if (++count < 5) response.cut_after = 60'000;  // more breaks than attempts, but each brings bytes
    return response;
  });
  get(server);
  expect_only_the_file();
  ASSERT_EQ(server.requests().size(), 5u);
  EXPECT_EQ(range_of(server.requests()[0]), "");
  EXPECT_EQ(range_of(server.requests()[1]), "bytes=60000-");
  EXPECT_EQ(server.requests()[1].headers.at("if-range"), "\"v1\"");
}

TEST_F(Download, KeepsReceivedBytesForALaterCall) {
  {
    std::atomic<int> count{0};
    HttpServer server([&](const HttpRequest& r) {
      HttpResponse response = serve_file(r, kContent);
      response.cut_after = count++ == 0 ? 100'000 : 0;
      return response;
    });
    EXPECT_THAT(error(server), HasSubstr("run the same command again"));
    EXPECT_EQ(server.requests().size(), 4u);  // one with bytes, then three without
    EXPECT_THAT(folder_.names(), ElementsAre("file.zip.partial", "file.zip.partial.tag"));
  }
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent); });
  get(server);
  EXPECT_EQ(range_of(server.requests()[0]), "bytes=100000-");
  expect_only_the_file();
}

TEST_F(Download, AcceptsACompletePartialFileWithoutFurtherData) {
  write_file(folder_ / "file.zip.partial", kContent);
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent); });
  get(server);  // the server returns 416: no bytes follow
  expect_only_the_file();
}

TEST_F(Download, StartsOverIfTheServerIgnoresTheRange) {
  write_file(folder_ / "file.zip.partial", kContent.substr(0, 1000));
  HttpServer server([](const HttpRequest&) { return HttpResponse{.status = 200, .headers = {}, .body = kContent}; });
  get(server);
  expect_only_the_file();
}

TEST_F(Download, StartsOverIfTheFileOnTheServerHasChanged) {
  write_file(folder_ / "file.zip.partial", std::string(1000, 'x'));
  write_file(folder_ / "file.zip.partial.tag", "\"old\"");
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent, "\"new\""); });
  get(server);
  EXPECT_EQ(server.requests().size(), 1u);
  expect_only_the_file();
}

TEST_F(Download, StartsOverIfThePartialFileIsDamagedOrTooLong) {
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent); });
  const std::string one_byte(1, static_cast<char>(kContent[0] ^ 1));
  for (const std::string& partial : {std::string(1000, 'x'), one_byte, kContent + "more"}) {  // the checksum detects it
    std::filesystem::remove(folder_ / "file.zip");
    write_file(folder_ / "file.zip.partial", partial);
    get(server);
    expect_only_the_file();
  }
}

TEST_F(Download, AsksForTheRestOfWhatAServerSendsInPieces) {
  write_file(folder_ / "file.zip.partial", kContent.substr(0, 1000));
  HttpServer server([](const HttpRequest& r) {
    HttpResponse response = serve_file(r, kContent);
    if (response.status == 206) {
      const std::size_t from = kContent.size() - response.body.size();
      response.body.resize(std::min<std::size_t>(response.body.size(), 100'000));
      response.headers["Content-Range"] =
          "bytes " + std::to_string(from) + "-" + std::to_string(from + response.body.size() - 1) + "/300000";
    }
    return response;
  });
  get(server);
  expect_only_the_file();
  ASSERT_EQ(server.requests().size(), 3u);
  EXPECT_EQ(range_of(server.requests()[2]), "bytes=201000-");
}

TEST_F(Download, ReplacesATargetWithAWrongChecksum) {
  write_file(folder_ / "file.zip", "damaged");
  HttpServer server([](const HttpRequest& r) { return serve_file(r, kContent); });
  get(server);
  expect_only_the_file();
}

TEST_F(Download, RetriesWhenTheServerIsBusy) {
  std::atomic<int> count{0};
  HttpServer server([&](const HttpRequest& r) {
    if (++count < 3) return HttpResponse{.status = count == 1 ? 503 : 429, .headers = {}, .body = "busy"};
    return serve_file(r, kContent);
  });
  get(server);
  expect_only_the_file();
}

TEST_F(Download, GivesUpOnAServerThatStaysBusyAndLeavesNoFiles) {
  HttpServer server([](const HttpRequest&) { return HttpResponse{.status = 503, .headers = {}, .body = "busy"}; });
  EXPECT_THAT(error(server), AllOf(HasSubstr("503"), HasSubstr("/file.zip")));
  EXPECT_EQ(server.requests().size(), 3u);
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Download, ReportsAMissingFileWithoutRetrying) {
  HttpServer server(
      [](const HttpRequest&) { return HttpResponse{.status = 404, .headers = {}, .body = "no such thing"}; });
  EXPECT_THAT(error(server), AllOf(HasSubstr("404"), HasSubstr("no such thing")));
  EXPECT_EQ(server.requests().size(), 1u);
  EXPECT_TRUE(folder_.names().empty());
  HttpServer always_416([](const HttpRequest&) { return HttpResponse{.status = 416, .headers = {}, .body = ""}; });
  EXPECT_THAT(error(always_416), HasSubstr("416"));
}

TEST_F(Download, RefusesAFreshFileWithAWrongChecksum) {
  HttpServer server([](const HttpRequest& r) { return serve_file(r, "something else"); });
  EXPECT_THAT(error(server), HasSubstr("checksum"));
  EXPECT_TRUE(folder_.names().empty());
}

TEST_F(Download, RefusesABodyShorterThanTheAnnouncedLength) {
  HttpServer server([](const HttpRequest&) {
    return HttpResponse{.status = 200, .headers = {{"Content-Length", "400000"}}, .body = kContent};
  });
  EXPECT_THROW(get(server), Error);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "file.zip"));
}

TEST_F(Download, ChecksDiskSpaceBeforeItStarts) {
  HttpServer server([](const HttpRequest&) {
    return HttpResponse{.status = 200, .headers = {{"Content-Length", "900000000000000000"}}, .body = kContent};
  });
  EXPECT_THAT(error(server), HasSubstr("are needed on this disk"));
  EXPECT_EQ(server.requests().size(), 1u);
}

TEST_F(Download, FollowsRedirectionsToHttpOnly) {
  HttpServer server([](const HttpRequest& r) {
    if (r.path == "/file.zip") return HttpResponse{.status = 302, .headers = {{"Location", "/moved"}}, .body = "moved"};
    return serve_file(r, kContent);
  });
  get(server);
  expect_only_the_file();
  std::filesystem::remove(folder_ / "file.zip");
  for (const char* location : {"file:///etc/hostname", "ftp://127.0.0.1:1/file.zip"}) {
    HttpServer evil([&](const HttpRequest&) {
      return HttpResponse{.status = 302, .headers = {{"Location", location}}, .body = ""};
    });
    EXPECT_THAT(error(evil), HasSubstr("rotocol")) << location;
  }
}

TEST_F(Download, StopsWhenInterruptedAndResumesLater) {
  HttpServer server([&](const HttpRequest& r) {
    if (range_of(r).empty()) request_interrupt();
    return serve_file(r, kContent);
  });
  EXPECT_THROW(get(server), Interrupted);
  EXPECT_FALSE(std::filesystem::exists(folder_ / "file.zip"));
  clear_interrupt();
  write_file(folder_ / "file.zip.partial", kContent.substr(0, 10));
  get(server);
  expect_only_the_file();
}

TEST_F(Download, RefusesASecondDownloadOfTheSameTarget) {
  std::string second;
  HttpServer server([&](const HttpRequest& r) {
    if (second.empty()) {
      second = "pending";
      Progress quiet;
      try {
        download({.url = "http://127.0.0.1:1/", .target = folder_ / "file.zip", .checksum = {}}, quiet);
      } catch (const Error& error) {
        second = error.what();
      }
    }
    return serve_file(r, kContent);
  });
  get(server);
  EXPECT_THAT(second, HasSubstr("another process"));
}

TEST_F(Download, RefusesAnInvalidAddress) {
  Progress quiet;
  for (const char* url : {"ftp://127.0.0.1/x", "nonsense://x", ""}) {
    EXPECT_THROW(download({.url = url, .target = folder_ / "x", .checksum = {}, .attempts = 1}, quiet), Error) << url;
  }
  EXPECT_TRUE(folder_.names().empty());
}

}  // namespace
}  // namespace genrewise
