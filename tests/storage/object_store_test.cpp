#include "genrewise/storage/files.hpp"

#include <gmock/gmock.h>

#include <thread>

#include "genrewise/base/stopwatch.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/file_store.hpp"
#include "s3_store_fixture.hpp"
#include "support/no_threads.hpp"
#include "support/stores_of_server.hpp"
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

TEST_F(S3StoreTest, WritesAndReadsObjectsOfAnySizeAndName) {
  for (const std::size_t size : {0u, 1u, 99'999u, 100'000u, 100'001u, 250'000u, 1'234'567u}) {
    const std::string key = "dir/Ünï code+&=?#%20 " + std::to_string(size) + "//../~*'()", bytes = bytes_of(size);
    write(key, bytes);
    EXPECT_EQ(server_.get(key), bytes);
    EXPECT_EQ(read(key), bytes) << size;
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(S3StoreTest, SplitsUploadsIntoAtMostTenThousandParts) {
  StoreSettings settings = server_.settings();
  settings.part_bytes = 1;
  const auto writer = make_s3_store(settings)->create("s3://music/x", {.expected_bytes = 20'000});
  writer->write("123456");
  writer->commit();
  EXPECT_THAT(server_.requests(), SizeIs(4));  // the beginning, parts of three bytes, the end
  EXPECT_EQ(server_.get("x"), "123456");
}

TEST_F(S3StoreTest, ListsPageByPage) {
  server_.page_size = 3;
  for (const char* key : {"a/1 +%.tfrec", "a/2.tfrec", "a/b/3.tfrec", "a/b/4", "a/ü", "b"}) server_.put(key, "xyz");
  EXPECT_THAT(list("s3://music/a/"), ElementsAre("s3://music/a/1 +%.tfrec", "s3://music/a/2.tfrec",
                                                 "s3://music/a/b/3.tfrec", "s3://music/a/b/4", "s3://music/a/ü"));
  EXPECT_THAT(list("s3://music/a/", false),
              ElementsAre("s3://music/a/1 +%.tfrec", "s3://music/a/2.tfrec", "s3://music/a/ü"));
  EXPECT_THAT(list("s3://music/a/b"), SizeIs(2));
  EXPECT_THAT(list("s3://music"), SizeIs(6));
  EXPECT_THAT(list("s3://music/none/"), SizeIs(0));
  EXPECT_EQ(server_.count("GET", "continuation-token"), 2u);
  store()->list("s3://music/b", true, [](const FileInfo& object) {
    EXPECT_EQ(object.bytes, 3u);
    EXPECT_EQ(object.modified, "2026-11-25T22:15:00Z");
    EXPECT_THAT(object.version, SizeIs(32));
  });
}

TEST_F(S3StoreTest, DistinguishesAMissingObjectFromAMissingBucket) {
  EXPECT_EQ(store()->find("s3://music/none"), std::nullopt);
  EXPECT_THAT(error_message([&] { store()->find("s3://no-bucket/x"); }),
              AllOf(HasSubstr("no such bucket"), HasSubstr("no-bucket")));
  EXPECT_THAT(error_message([&] { store()->create("s3://"); }), HasSubstr("names no bucket"));
  EXPECT_THAT(error_message([&] { store()->create("s3://no-bucket/x")->commit(); }), HasSubstr("no such bucket"));
  EXPECT_THAT(error_message([&] { store()->find("s3://music"); }), HasSubstr("is a bucket"));
  store()->remove("s3://music/none");
}

TEST_F(S3StoreTest, RetriesAfterTransientErrors) {
  const std::string bytes = bytes_of(250'000);
  server_.put("x", bytes);
  for (const int status : {408, 429, 500, 502, 503, 504}) {
    fail("GET", 3, [=](S3Response& response) {
      response = {.status = status, .headers = {{"Retry-After", "1"}}, .body = "busy"};
    });
    EXPECT_EQ(read("x"), bytes) << status;
    fail("PUT", 3, [=](S3Response& response) { response = {.status = status, .headers = {}, .body = "busy"}; });
    write("y", bytes);
    EXPECT_EQ(server_.get("y"), bytes);
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(S3StoreTest, RetriesWhatS3CallsTransientWithAnotherStatus) {
  server_.put("x", "abc");
  const auto requests = [&](int status, const std::string& code) {
    const std::size_t before = server_.count("GET");
    fail("GET", 1, [=](S3Response& response) {
      response = {.status = status, .headers = {}, .body = "<Error><Code>" + code + "</Code></Error>"};
    });
    error_message([&] { read("x", 3); });
    return server_.count("GET") - before;
  };
  for (const int status : {400, 409})
    for (const char* code : {"RequestTimeout", "SlowDown", "ConditionalRequestConflict"})
      EXPECT_EQ(requests(status, code), 2u) << status << code;
  EXPECT_EQ(requests(400, "InvalidRequest"), 1u);
  EXPECT_EQ(requests(405, "SlowDown"), 1u);
}

TEST_F(S3StoreTest, WaitsAsLongAsTheServerAsksUpToItsOwnLimit) {
  server_.put("x", "abc");
  StoreSettings settings = server_.settings();
  settings.retry.longest_wait = std::chrono::milliseconds(300);
  const auto from = make_s3_store(settings);
  fail("GET", 1, [](S3Response& response) {
    response = {.status = 503, .headers = {{"Retry-After", "60"}}, .body = "busy"};
  });
  const Stopwatch watch;
  EXPECT_EQ(read_all(*from->open(*from->find("s3://music/x")), 10), "abc");
  EXPECT_GE(watch.seconds(), 0.3);
}

TEST_F(S3StoreTest, GivesUpWhenTheServerStaysBusy) {
  server_.put("x", "abc");
  fail("GET", 1'000, [](S3Response& response) {
    response = {.status = 503, .headers = {}, .body = "<Error><Code>SlowDown</Code></Error>"};
  });
  EXPECT_THAT(error_message([&] { read("x"); }), AllOf(HasSubstr("503 SlowDown"), HasSubstr("try again later")));
  EXPECT_EQ(server_.count("GET"), 8u);
}

TEST_F(S3StoreTest, RetriesAfterAConnectionReset) {
  server_.put("x", "abc");
  fail("GET", 3, [](S3Response& response) { response.reset = true; });
  EXPECT_EQ(read("x"), "abc");
  fail("PUT", 3, [](S3Response& response) { response.reset = true; });
  write("y", "def");
  EXPECT_EQ(server_.get("y"), "def");
  fail("GET", 1'000, [](S3Response& response) { response.reset = true; });
  EXPECT_THAT(error_message([&] { read("x"); }), AllOf(HasSubstr("the transfer failed"), HasSubstr("127.0.0.1")));
}

TEST_F(S3StoreTest, CancelsATransferWithoutData) {
  server_.put("x", "abc");
  fail("GET", 1, [](S3Response& response) { response.wait_ms = 60'000; });
  StoreSettings settings = server_.settings();
  settings.retry.silence = std::chrono::seconds(1);
  const auto from = make_s3_store(settings);
  EXPECT_EQ(read_all(*from->open(*from->find("s3://music/x")), 10), "abc");
}

TEST_F(S3StoreTest, ReportsAnUnreachableServer) {
  StoreSettings settings = server_.settings();
  settings.endpoint = "http://127.0.0.1:1";
  settings.retry.attempts = 2;
  EXPECT_THAT(error_message([&] { make_s3_store(settings)->find("s3://music/x"); }),
              AllOf(HasSubstr("the transfer failed"), HasSubstr("http://127.0.0.1:1")));
}

TEST_F(S3StoreTest, LeavesNoPartsOfAnUploadWithoutCommit) {
  {
    const auto writer = store()->create("s3://music/x");
    writer->write(bytes_of(450'000));
    EXPECT_EQ(server_.unfinished_uploads(), 1u);
    EXPECT_FALSE(server_.has("x"));
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_THAT(server_.keys(), SizeIs(0));
}

TEST_F(S3StoreTest, AbortsAnUploadForWhichNoThreadCanBeStarted) {
  const auto to = store();
  to->find("s3://music/x");  // makes the connection, for which the server needs a thread
  {
    const NoThreads none;
    const auto writer = to->create("s3://music/x");
    EXPECT_THAT(error_message([&] { writer->write(bytes_of(450'000)); }), HasSubstr("cannot start a thread"));
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(S3StoreTest, UploadsNothingAfterAnAnswerThatIsCut) {
  server_.tamper = [](const S3Request& request, S3Response& response) {
    if (request.method == "POST" && request.query.contains("uploads")) response.body.pop_back();
  };
  EXPECT_THAT(error_message([&] { write("x", bytes_of(450'000)); }),
              HasSubstr("the server did not start a multipart upload"));
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(S3StoreTest, AbortsAnUploadWhenAPartFails) {
  server_.tamper = [](const S3Request& request, S3Response& response) {
    if (request.query.contains("partNumber") && request.query.at("partNumber") == "3") {
      response = {
          .status = 403, .headers = {}, .body = "<Error><Code>AccessDenied</Code><Message>quota</Message></Error>"};
    }
  };
  EXPECT_THAT(error_message([&] { write("x", bytes_of(900'000)); }),
              AllOf(HasSubstr("access is denied"), HasSubstr("quota")));
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(S3StoreTest, AcceptsACompletionOnlyWithoutAnErrorInItsBody) {
  int left = 2;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method != "POST" || !request.query.contains("uploadId") || left-- <= 0) return;
    // First the work is done and the response lost; later status 200 with an error, as S3 may respond.
    if (left == 1) response.reset = true;
  };
  const std::string bytes = bytes_of(450'000);
  write("x", bytes);
  EXPECT_EQ(server_.get("x"), bytes);
  server_.tamper = [](const S3Request& request, S3Response& response) {
    if (request.method == "POST" && request.query.contains("uploadId")) {
      response = {
          .status = 200, .headers = {}, .body = "<Error><Code>InternalError</Code><Message>m</Message></Error>"};
    }
  };
  EXPECT_THAT(error_message([&] { write("y", bytes); }), HasSubstr("InternalError"));
}

TEST_F(S3StoreTest, RemovesLeftoversOfKilledUploads) {
  const auto from = store();
  const auto ours = from->create("s3://music/a/x"), other = from->create("s3://music/b");
  ours->write(bytes_of(250'000));
  other->write(bytes_of(250'000));
  EXPECT_EQ(server_.unfinished_uploads(), 2u);
  from->remove_unfinished("s3://music/a/");
  EXPECT_EQ(server_.unfinished_uploads(), 1u);
}

TEST_F(S3StoreTest, StopsOnCtrlCAndRemovesUnfinishedUploads) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  fail("GET", 1'000, [](S3Response& response) { response.wait_ms = 60'000; });
  {
    std::jthread later([] {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
      request_interrupt();
    });
    std::vector<std::byte> buffer(90'000);
    EXPECT_THROW(reader->read_at(0, buffer), Interrupted);
  }
  clear_interrupt();
  {
    const auto writer = store()->create("s3://music/y");
    writer->write(bytes_of(450'000));
    request_interrupt();
    EXPECT_THROW(writer->commit(), Interrupted);
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_FALSE(server_.has("y"));
}

TEST_F(S3StoreTest, ExplainsBadCredentialsWithoutShowingThem) {
  server_.put("x", "abc");
  const auto error_with = [&](Credentials credentials) {
    StoreSettings settings = server_.settings();
    settings.credentials = std::make_shared<CredentialSource>(std::move(credentials), "the test");
    return error_message([&] { make_s3_store(settings)->find("s3://music/x"); });
  };
  const std::string wrong_key = error_with({.access_key = "AKIDWRONG", .secret_key = S3Server::kSecretKey});
  EXPECT_THAT(wrong_key, AllOf(HasSubstr("does not accept the access key"), HasSubstr("the test")));
  const std::string wrong_secret = error_with({.access_key = S3Server::kAccessKey, .secret_key = "geheim"});
  EXPECT_THAT(wrong_secret, AllOf(HasSubstr("secret key does not belong"), Not(HasSubstr("geheim"))));
  server_.session_token = "ToKeN";
  EXPECT_THAT(error_with({.access_key = S3Server::kAccessKey, .secret_key = S3Server::kSecretKey, .token = "old"}),
              AllOf(HasSubstr("token"), HasSubstr("expired")));
  // The server repeats the secret in its message.
  server_.session_token = "";
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 403,
                .headers = {},
                .body = "<Error><Code>AccessDenied</Code><Message>for " + std::string(S3Server::kSecretKey) + " and " +
                        S3Server::kAccessKey + "</Message></Error>"};
  });
  const std::string denied = error_message([&] { read("x"); });
  EXPECT_THAT(denied, AllOf(HasSubstr("access is denied"), Not(HasSubstr(S3Server::kSecretKey)),
                            Not(HasSubstr(S3Server::kAccessKey))));
}

TEST_F(S3StoreTest, SendsASessionToken) {
  server_.session_token = "ToKeN/+=";
  write("x", "abc");
  EXPECT_EQ(read("x"), "abc");
}

TEST_F(S3StoreTest, FetchesCredentialsAgainThatTheServerNoLongerAccepts) {
  server_.put("x", "abc");
  server_.session_token = "first";
  StoreSettings settings = server_.settings();
  int fetched = 0;
  settings.credentials = std::make_shared<CredentialSource>(
      [&] {
        return Credentials{.access_key = S3Server::kAccessKey,
                           .secret_key = S3Server::kSecretKey,
                           .token = ++fetched == 1 ? "first" : "second"};
      },
      "the test");
  const auto from = make_s3_store(settings);
  EXPECT_TRUE(from->find("s3://music/x"));
  server_.session_token = "second";
  EXPECT_TRUE(from->find("s3://music/x"));  // a response to HEAD states no reason
  EXPECT_EQ(fetched, 2);
  server_.session_token = "third";
  EXPECT_THAT(error_message([&] { from->find("s3://music/x"); }), AllOf(HasSubstr("token"), Not(HasSubstr("second"))));
}

TEST_F(S3StoreTest, ReportsTheClockDifference) {
  server_.put("x", "abc");
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 403,
                .headers = {{"Date", "Wed, 25 Nov 2020 22:15:00 GMT"}},
                .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>"};
  });
  EXPECT_THAT(error_message([&] { read("x"); }), AllOf(HasSubstr("clock is"), HasSubstr("min ahead of")));
}

TEST_F(S3StoreTest, NamesTheRegionOfABucketInAnotherRegion) {
  server_.put("x", "abc");
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 400,
                .headers = {},
                .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>"};
  });
  EXPECT_THAT(error_message([&] { read("x"); }), AllOf(HasSubstr("eu-west-3"), HasSubstr("AWS_REGION=eu-west-3")));
  // A response to HEAD has no body; the region is in its header or in the response to a GET.
  server_.tamper = [](const S3Request&, S3Response& response) {
    response = {.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-3"}}, .body = ""};
  };
  EXPECT_THAT(error_message([&] { read("x"); }), HasSubstr("eu-west-3"));
}

TEST_F(S3StoreTest, DoesNotFollowRedirectsWithItsCredentials) {
  S3Server elsewhere;
  server_.tamper = [&](const S3Request&, S3Response& response) {
    response = {.status = 307, .headers = {{"Location", elsewhere.endpoint() + "/music/x"}}, .body = ""};
  };
  EXPECT_THROW(store()->find("s3://music/x"), Error);
  EXPECT_THAT(elsewhere.requests(), SizeIs(0));
}

TEST_F(S3StoreTest, RefusesAListThatIsInvalidOrEndless) {
  fail("GET", 1, [](S3Response& response) { response.body = "<html>proxy</html>"; });
  EXPECT_THAT(error_message([&] { list("s3://music/"); }), HasSubstr("not a list of objects"));
  fail("GET", 100, [](S3Response& response) {
    response.body =
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></"
        "ListBucketResult>";
  });
  EXPECT_THAT(error_message([&] { list("s3://music/"); }), HasSubstr("repeats the same page"));
  int pages = 0;
  fail("GET", 100, [&](S3Response& response) {
    response.body = std::string("<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>") +
                    (pages++ % 2 == 0 ? "A" : "B") + "</NextContinuationToken></ListBucketResult>";
  });
  EXPECT_THAT(error_message([&] { list("s3://music/"); }), HasSubstr("repeats the same page"));
  EXPECT_EQ(pages, 3);
  fail("GET", 100, [](S3Response& response) {
    response.body = "<ListBucketResult><Marker/><IsTruncated>true</IsTruncated></ListBucketResult>";
  });
  EXPECT_THAT(error_message([&] { list("s3://music/"); }), HasSubstr("only the first page"));
  fail("GET", 100, [](S3Response& response) {
    response.body =
        "<ListBucketResult><IsTruncated>true</IsTruncated><Contents><Key>a/b</Key><Size>1</Size></Contents></"
        "ListBucketResult>";
  });
  EXPECT_TRUE(store()->has_folder("s3://music/a"));
  fail("GET", 100, [](S3Response& response) {
    response.body = "<ListBucketResult><Contents><Key>a/b</Key></Contents></ListBucketResult>";
  });
  EXPECT_THAT(error_message([&] { list("s3://music/"); }), HasSubstr("does not state the size of a/b"));
}

TEST(ShortText, HasNeitherControlCharactersNorPartsOfCharacters) {
  EXPECT_EQ(short_text("a\r\nb"), "a  b");
  EXPECT_EQ(short_text(std::string(298, 'a') + "ü"), std::string(298, 'a') + "ü");
  EXPECT_EQ(short_text(std::string(299, 'a') + "ü"), std::string(299, 'a'));
  EXPECT_EQ(short_text(std::string(299, 'a') + "bü"), std::string(299, 'a') + "b");
}

class RemoteFile : public S3StoreTest {
 protected:
  testing::StoresOfServer stores_{server_};
};

TEST_F(RemoteFile, OfAWrongSizeOrOfNoneIsAnErrorThatTakesNoMemory) {
  server_.put("x", "abc");
  fail("HEAD", 1'000, [](S3Response& response) { response.headers["Content-Length"] = "9223372036854775807"; });
  EXPECT_THAT(error_message([] { read_file("s3://music/x"); }), HasSubstr("was changed while it was read"));
  fail("HEAD", 1, [](S3Response& response) { response.headers["Content-Length"] = ""; });
  EXPECT_THAT(error_message([] { read_file("s3://music/x"); }), HasSubstr("does not state the object's size"));
}

TEST_F(RemoteFile, IsWrittenAndReadLikeALocalOne) {
  write_file("s3://music/models/best.gwm", "model");
  EXPECT_EQ(server_.get("models/best.gwm"), "model");
  EXPECT_EQ(read_file("s3://music/models/best.gwm"), "model");
  EXPECT_THAT(error_message([] { read_file("s3://music/none"); }), HasSubstr("no such object"));
  {
    const auto file = create_file("s3://music/half");
    file->write("x");
  }
  EXPECT_FALSE(server_.has("half"));
  make_folders("s3://music/models");
}

TEST_F(RemoteFile, IsUploadedFromALocalOne) {
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(3'000'000);
  write_file(folder / "shard", bytes);
  upload_file(folder / "shard", "s3://music/shard");
  EXPECT_EQ(server_.get("shard"), bytes);
  EXPECT_TRUE(file_exists("s3://music/shard"));
  EXPECT_THROW(upload_file(folder / "none", "s3://music/none"), Error);
}

TEST(FileInfo, StatesTimeInUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(951'827'696), "2000-02-29T12:34:56Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59Z");
}

TEST(LocalStore, ListsFindsReadsWritesAndRemoves) {
  const TemporaryFolder folder;
  const auto here = make_local_store();
  const std::string root = folder.path().string() + "/";
  make_folders(root + "a/b");
  write_file(root + "a/one.tfrec", "12345");
  write_file(root + "a/b/two.tfrec", "67");
  write_file(root + "c", "");
  std::vector<std::string> deep, flat;
  here->list(root + "a", true, [&](const FileInfo& object) { deep.push_back(object.location); });
  here->list(root + "a/", false, [&](const FileInfo& object) { flat.push_back(object.location); });
  EXPECT_THAT(deep, ElementsAre(root + "a/b/two.tfrec", root + "a/one.tfrec"));
  EXPECT_THAT(flat, ElementsAre(root + "a/one.tfrec"));
  EXPECT_THROW(here->list(root + "none/x", true, [](const FileInfo&) {}), Error);
  const auto found = here->find(root + "a/one.tfrec");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->bytes, 5u);
  EXPECT_EQ(here->find(root + "none"), std::nullopt);
  EXPECT_EQ(here->find(root + "a"), std::nullopt);
  EXPECT_EQ(read_file(root + "a/one.tfrec"), "12345");
  const auto reader = here->open(*found);
  write_file(root + "a/one.tfrec", "54321");  // another file of that name: the open one stays as it was
  EXPECT_EQ(read_all(*reader, 3), "12345");
  here->remove(root + "a/one.tfrec");
  here->remove(root + "a/one.tfrec");
  EXPECT_FALSE(file_exists(root + "a/one.tfrec"));
}

}  // namespace
}  // namespace genrewise
