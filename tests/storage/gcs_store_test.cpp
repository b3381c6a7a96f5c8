// Google Cloud Storage: reading, listing, resumable uploads, preconditions and errors. Conditional writes of both kinds
// of stores are in conditional_write_test.cpp.
#include "genrewise/storage/gcs_store.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "s3_store_fixture.hpp"
#include "support/gcs_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::SizeIs;
using namespace testing;

constexpr std::size_t kPart = 512 << 10, kUnit = 256 << 10;  // the server keeps multiples of the latter

bool is_part(const StoreRequest& request) {
  return request.method == "PUT" && !request.headers.at("content-range").starts_with("bytes */");
}

class GcsStoreTest : public ::testing::Test {
 protected:
  ~GcsStoreTest() override { clear_interrupt(); }

  std::shared_ptr<FileStore> store() { return make_gcs_store(server_.settings()); }
  std::string read(const std::string& key) {
    const auto from = store();
    const auto found = from->find("gs://music/" + key);
    if (!found) throw Error("is not there", key);
    return read_all(*from->open(*found), 70'000);
  }
  void write(const std::string& key, std::string_view bytes, WriteOptions options = {}) {
    const auto writer = store()->create("gs://music/" + key, std::move(options));
    for (std::size_t at = 0; at < bytes.size(); at += 33'333) writer->write(bytes.substr(at, 33'333));
    writer->commit();
  }
  std::vector<std::string> list(const std::string& prefix, bool deep = true) {
    std::vector<std::string> locations;
    store()->list(prefix, deep, [&](const FileInfo& object) { locations.push_back(object.location); });
    return locations;
  }
  /// Changes the responses to the next `times` requests that `which` accepts.
  void fail(const std::function<bool(const StoreRequest&)>& which, int times,
            const std::function<void(StoreResponse&)>& how) {
    server_.tamper = [=, left = times](const StoreRequest& request, StoreResponse& response) mutable {
      if (which(request) && left > 0) --left, how(response);
    };
  }

  GcsServer server_;
};

TEST_F(GcsStoreTest, WritesAndReadsObjectsOfAnySizeAndName) {
  for (const std::size_t size : {std::size_t{0}, std::size_t{1}, kPart - 1, kPart, kPart + 1, 3 * kPart, 1'234'567ul}) {
    const std::string key = "dir/Ünï code+&=?#%20 " + std::to_string(size) + "//../~*'()", bytes = bytes_of(size);
    write(key, bytes);
    EXPECT_EQ(server_.get(key), bytes);
    EXPECT_EQ(read(key), bytes) << size;
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(GcsStoreTest, ListsPageByPage) {
  server_.page_size = 3;
  for (const char* key : {"a/1 +%.wav", "a/2.wav", "a/b/3.wav", "a/b/4", "a/ü", "b"}) server_.put(key, "xyz");
  EXPECT_THAT(list("gs://music/a/"), ElementsAre("gs://music/a/1 +%.wav", "gs://music/a/2.wav", "gs://music/a/b/3.wav",
                                                 "gs://music/a/b/4", "gs://music/a/ü"));
  EXPECT_THAT(list("gs://music/a/", false),
              ElementsAre("gs://music/a/1 +%.wav", "gs://music/a/2.wav", "gs://music/a/ü"));
  EXPECT_THAT(list("gs://music"), SizeIs(6));
  EXPECT_THAT(list("gs://music/none/"), SizeIs(0));
  EXPECT_TRUE(store()->has_folder("gs://music/a/b"));
  EXPECT_FALSE(store()->has_folder("gs://music/a/1"));
  store()->list("gs://music/b", true, [](const FileInfo& object) {
    EXPECT_EQ(object.bytes, 3u);
    EXPECT_EQ(object.modified, "2026-11-25T22:15:00Z");
    EXPECT_THAT(object.version, SizeIs(16));
  });
}

TEST_F(GcsStoreTest, DistinguishesAMissingObjectFromAMissingBucket) {
  EXPECT_EQ(store()->find("gs://music/none"), std::nullopt);
  EXPECT_THAT(error_message([&] { store()->find("gs://no-bucket/x"); }),
              AllOf(HasSubstr("no such bucket"), HasSubstr("no-bucket")));
  EXPECT_THAT(error_message([&] { store()->find("gs://music"); }), HasSubstr("is a bucket"));
  store()->remove("gs://music/none");
  server_.put("x", "abc");
  store()->remove("gs://music/x");
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(GcsStoreTest, ReadsOnlyTheVersionThatWasOpened) {
  server_.put("x", bytes_of(400'000));
  const auto from = store();
  const auto reader = from->open(*from->find("gs://music/x"));
  server_.put("x", bytes_of(400'000));
  std::vector<std::byte> buffer(100);
  EXPECT_THROW(reader->read_at(0, buffer), FileError);
  for (const StoreRequest& request : server_.requests())
    if (request.query.contains("alt")) {
      EXPECT_EQ(request.headers.at("accept-encoding"), "gzip");
    }
}

TEST_F(GcsStoreTest, ContinuesABrokenDownload) {
  const std::string bytes = bytes_of(200'000);
  server_.put("x", bytes);
  fail([](const StoreRequest& request) { return request.query.contains("alt"); }, 3,
       [](StoreResponse& response) { response.cut_after = 1000; });
  EXPECT_EQ(read("x"), bytes);
}

TEST_F(GcsStoreTest, ContinuesAnUploadWhereTheServerSays) {
  const std::string bytes = bytes_of(3 * kPart + 5000);
  server_.most_per_request = kUnit;  // the server may keep less than it was sent
  write("x", bytes);
  EXPECT_EQ(server_.get("x"), bytes);
  server_.most_per_request = ~std::size_t{0};
  const auto ways = std::vector<std::function<void(StoreResponse&)>>{
      [](StoreResponse& response) { response.reset = true; },  // after the server has stored the part
      [](StoreResponse& response) { response = {.status = 503, .headers = {}, .body = "storm"}; },
      [&](StoreResponse& response) {  // half of it was lost
        server_.shorten_uploads_unlocked(kUnit);
        response.reset = true;
      }};
  for (std::size_t way = 0; way < ways.size(); ++way) {
    fail(is_part, way == 2 ? 1 : 4, ways[way]);
    const std::string key = "y" + std::to_string(way);
    write(key, bytes);
    EXPECT_EQ(server_.get(key), bytes);
    EXPECT_GT(server_.count("PUT"), 4u);
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(GcsStoreTest, GivesUpAnUploadThatTheServerForgot) {
  fail(is_part, 1, [&](StoreResponse& response) { response = {.status = 410, .headers = {}, .body = ""}; });
  EXPECT_THAT(error_message([&] { write("x", bytes_of(2 * kPart)); }),
              AllOf(HasSubstr("ended the upload"), HasSubstr("run the same command again"), Not(HasSubstr("session"))));
  // It has fewer bytes than it has confirmed.
  int parts = 0;
  server_.tamper = [&](const StoreRequest& request, StoreResponse& response) {
    if (!is_part(request) || ++parts != 2) return;
    server_.shorten_uploads_unlocked(kUnit);
    response = {.status = 503, .headers = {}, .body = ""};
  };
  EXPECT_THAT(error_message([&] { write("x", bytes_of(3 * kPart)); }), HasSubstr("the server has 262144 bytes"));
  server_.tamper = [](const StoreRequest& request, StoreResponse& response) {  // it has all but does not end
    if (request.method == "PUT" && response.status == 200)
      response = {.status = 308, .headers = {{"Range", "bytes=0-1048575"}}, .body = ""};
  };
  EXPECT_THAT(error_message([&] { write("z", bytes_of(2 * kPart)); }), HasSubstr("takes no bytes"));
  server_.tamper = nullptr;
  server_.most_per_request = 0;
  EXPECT_THAT(error_message([&] { write("x", bytes_of(2 * kPart)); }), HasSubstr("takes no bytes"));
  EXPECT_EQ(server_.unfinished_uploads(), 1u);  // the first, which it claims to have forgotten
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(GcsStoreTest, RetriesA503StormAndReportsOneThatDoesNotEnd) {
  fail([](const StoreRequest&) { return true; }, 7,
       [](StoreResponse& response) { response = {.status = 503, .headers = {}, .body = ""}; });
  write("x", "abc");
  EXPECT_EQ(server_.get("x"), "abc");
  fail([](const StoreRequest&) { return true; }, 1000,
       [](StoreResponse& response) {
         response = {.status = 503, .headers = {}, .body = R"({"error":{"code":503,"message":"Backend Error"}})"};
       });
  EXPECT_THAT(error_message([&] { write("y", "abc"); }),
              AllOf(HasSubstr("503: Backend Error"), HasSubstr("gs://music/y")));
}

TEST_F(GcsStoreTest, RemovesTheUploadWithoutCommitAndAfterCtrlC) {
  {
    const auto writer = store()->create("gs://music/x");
    writer->write(bytes_of(2 * kPart));
    EXPECT_EQ(server_.unfinished_uploads(), 1u);
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  {
    const auto writer = store()->create("gs://music/x");
    writer->write(bytes_of(2 * kPart));
    request_interrupt();
    EXPECT_THROW(writer->commit(), Interrupted);
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(GcsStoreTest, HoldsAConditionAlthoughTheResponseToASuccessfulWriteIsLost) {
  for (const std::size_t size : {std::size_t{4}, 2 * kPart}) {
    const std::string key = std::to_string(size);
    const auto last = [=](const StoreRequest& request) {
      return request.method == "POST" ? size == 4
                                      : is_part(request) && !request.headers.at("content-range").ends_with("*");
    };
    fail(last, 1, [](StoreResponse& response) { response.reset = true; });
    write(key, bytes_of(size), {.condition = WriteCondition::absent()});
    fail(last, 1, [](StoreResponse& response) { response.reset = true; });
    std::string other = bytes_of(size);
    other[0] ^= 1;
    EXPECT_THROW(write(key, other, {.condition = WriteCondition::absent()}), WriteConflict);
    EXPECT_EQ(server_.get(key), bytes_of(size));
  }
}

TEST_F(GcsStoreTest, ReportsAnObjectThatHasOtherBytesThanWereSent) {
  server_.tamper = [&](const StoreRequest& request, StoreResponse& response) {
    if (request.method != "POST") return;
    const std::size_t at = response.body.find("\"size\":\"3\"");
    response.body.replace(at, 10, "\"size\":\"4\"");
  };
  EXPECT_THAT(error_message([&] { write("x", "abc"); }), HasSubstr("other bytes than were sent (4 of 3"));
}

TEST_F(GcsStoreTest, FetchesATokenAgainThatTheServerNoLongerAccepts) {
  StoreSettings settings = server_.settings();
  int fetched = 0;
  settings.credentials = std::make_shared<CredentialSource>(
      [&] { return Credentials{.token = "token " + std::to_string(++fetched)}; }, "the test");
  const auto to = make_gcs_store(settings);
  server_.token = "token 1";
  const auto writer = to->create("gs://music/x");
  writer->write(bytes_of(2 * kPart + 1));
  server_.token = "token 2";  // in the middle of an upload, whose session needs none
  writer->commit();
  EXPECT_EQ(read_all(*to->open(*to->find("gs://music/x")), 50'000), bytes_of(2 * kPart + 1));
  EXPECT_EQ(fetched, 2);
  server_.token = "another";
  EXPECT_THAT(error_message([&] { to->find("gs://music/x"); }),
              AllOf(HasSubstr("does not accept the token"), HasSubstr("the test"), Not(HasSubstr("token 3"))));
}

TEST_F(GcsStoreTest, NamesTheCredentialsThatAreNotAllowedWithoutShowingThem) {
  server_.put("x", "abc");
  fail([](const StoreRequest&) { return true; }, 100,
       [](StoreResponse& response) {
         response = {
             .status = 403,
             .headers = {},
             .body = R"({"error":{"code":403,"message":"me@x does not have storage.objects.get access, ya29.test"}})"};
       });
  EXPECT_THAT(error_message([&] { read("x"); }),
              AllOf(HasSubstr("access is denied (me@x does not have storage.objects.get"), HasSubstr("the test"),
                    Not(HasSubstr("ya29"))));
}

TEST_F(GcsStoreTest, RefusesServersOfAnotherKind) {
  server_.tamper = [](const StoreRequest&, StoreResponse& response) {
    response = {.status = 200, .headers = {}, .body = "<html>Welcome</html>"};
  };
  EXPECT_THAT(error_message([&] { store()->find("gs://music/x"); }), HasSubstr("check that the endpoint"));
  EXPECT_THAT(error_message([&] { list("gs://music/"); }), HasSubstr("not a list of objects"));
  EXPECT_THAT(error_message([&] { write("x", bytes_of(2 * kPart)); }), HasSubstr("did not start an upload"));
}

}  // namespace
}  // namespace genrewise
