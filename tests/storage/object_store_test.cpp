#include "genrewise/storage/object_store.hpp"

#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/local_file.hpp"
#include "genrewise/storage/local_store.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "genrewise/storage/utc.hpp"
#include "support/s3_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::S3Request;
using testing::S3Response;
using testing::S3Server;
using ::testing::SizeIs;
using testing::TemporaryFolder;

std::string bytes_of(std::size_t count) {
  std::string bytes(count, '\0');
  std::uint32_t state = 12345;
  for (char& byte : bytes) byte = static_cast<char>((state = state * 1664525 + 1013904223) >> 24);
  return bytes;
}

std::string read_all(ObjectReader& reader, std::size_t piece) {
  std::string bytes;
  std::vector<std::byte> buffer(piece);
  while (const std::size_t got = reader.read_at(bytes.size(), buffer)) {
    bytes.append(reinterpret_cast<const char*>(buffer.data()), got);
  }
  return bytes;
}

std::string range_of(const S3Request& request) {
  const auto range = request.headers.find("range");
  return range == request.headers.end() ? "whole" : range->second;
}

/// What `work` throws, in words.
template <class Work>
std::string error_of(Work&& work) {
  try {
    work();
  } catch (const Error& error) {
    return error.what();
  }
  ADD_FAILURE() << "no error was thrown";
  return {};
}

class S3StoreTest : public ::testing::Test {
 protected:
  ~S3StoreTest() override { clear_interrupt(); }

  std::shared_ptr<ObjectStore> store() { return make_s3_store(server_.settings()); }
  std::string read(const std::string& key, std::size_t piece = 70'000) {
    const auto from = store();
    const auto found = from->find("s3://music/" + key);
    if (!found) throw Error("is not there", key);
    return read_all(*from->open(*found), piece);
  }
  void write(const std::string& key, std::string_view bytes, std::size_t piece = 33'333) {
    const auto writer = store()->create("s3://music/" + key);
    for (std::size_t at = 0; at < bytes.size(); at += piece) writer->write(bytes.substr(at, piece));
    writer->commit();
  }
  std::vector<std::string> list(const std::string& prefix, bool deep = true) {
    std::vector<std::string> places;
    store()->list(prefix, deep, [&](const ObjectInfo& object) { places.push_back(object.place); });
    return places;
  }
  /// Tampers with the answers to requests of that method for objects' data, as long as `times` lasts.
  void fail(const std::string& method, int times, const std::function<void(S3Response&)>& how) {
    server_.tamper = [=, left = times](const S3Request& request, S3Response& response) mutable {
      if (request.method == method && left-- > 0) how(response);
    };
  }

  S3Server server_;
};

TEST_F(S3StoreTest, WritesAndReadsObjectsOfAnySizeAndName) {
  for (const std::size_t size : {0u, 1u, 99'999u, 100'000u, 100'001u, 250'000u, 1'234'567u}) {
    const std::string key = "dir/Ünï code+&=?#%20 " + std::to_string(size) + "//../~*'()", bytes = bytes_of(size);
    write(key, bytes);
    EXPECT_EQ(server_.get(key), bytes);
    EXPECT_EQ(read(key), bytes) << size;
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_F(S3StoreTest, ReadsAnyRange) {
  const std::string bytes = bytes_of(350'000);
  server_.put("x", bytes);
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  for (const auto& [offset, count] : std::vector<std::pair<std::size_t, std::size_t>>{
           {0, 10}, {349'990, 100}, {100'000, 200'000}, {350'000, 5}, {400'000, 5}, {17, 0}}) {
    std::vector<std::byte> buffer(count);
    const std::size_t got = reader->read_at(offset, buffer);
    const std::string expected = offset < bytes.size() ? bytes.substr(offset, count) : "";
    EXPECT_EQ(std::string(reinterpret_cast<const char*>(buffer.data()), got), expected) << offset;
  }
}

TEST_F(S3StoreTest, PrefetchesNeighboursInOneRequest) {
  const std::string bytes = bytes_of(300'000);
  server_.put("x", bytes);
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<ByteRange> ranges;
  for (std::uint64_t at = 0; at < 300'000; at += 10'000) ranges.push_back({at, 10'000});
  std::ranges::reverse(ranges);
  reader->prefetch(ranges);
  std::vector<std::byte> buffer(10'000);
  for (const auto& range : ranges) {
    ASSERT_EQ(reader->read_at(range.offset, buffer), 10'000u);
    EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), 10'000),
              bytes.substr(range.offset, 10'000));
  }
  EXPECT_EQ(server_.count("GET"), 3u);                 // parts of 100,000 bytes
  ASSERT_EQ(reader->read_at(5'000, buffer), 10'000u);  // read again: fetched again
  EXPECT_EQ(server_.count("GET"), 4u);
}

TEST_F(S3StoreTest, PrefetchesWithinItsMemoryAndForgetsWhatIsNeverRead) {
  S3Settings settings = server_.settings();
  settings.connections = 1;
  const std::string bytes = bytes_of(2'000'000);
  server_.put("x", bytes);
  const auto from = make_s3_store(settings);
  const ByteRange whole{0, bytes.size()};
  {
    const auto unread = from->open(*from->find("s3://music/x"));
    unread->prefetch({&whole, 1});
  }
  const auto reader = from->open(*from->find("s3://music/x"));
  reader->prefetch({&whole, 1});
  // The last part has no room yet: the reader fetches it itself.
  std::vector<std::byte> buffer(1'000);
  EXPECT_EQ(reader->read_at(1'999'000, buffer), 1'000u);
  EXPECT_EQ(read_all(*reader, 100'000), bytes);
}

TEST_F(S3StoreTest, GivesWhatHasArrivedBeforeTheRestHas) {
  const std::string bytes = bytes_of(90'000);
  server_.put("x", bytes);
  int answers = 0;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method != "GET") return;
    if (++answers == 1) response.cut_after = 50'000;
    if (answers == 2) response.wait_ms = 60'000;
  };
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  const ByteRange whole{0, bytes.size()};
  reader->prefetch({&whole, 1});
  std::vector<std::byte> buffer(50'000);
  EXPECT_EQ(reader->read_at(0, buffer), 50'000u);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), 50'000), bytes.substr(0, 50'000));
}

TEST_F(S3StoreTest, AsksForMoreAtOnceWhereConnectionsAreFast) {
  S3Settings settings = server_.settings();
  settings.request_time = std::chrono::hours(1);
  const std::string bytes = bytes_of(900'000);
  server_.put("x", bytes);
  const auto from = make_s3_store(settings);
  const auto reader = from->open(*from->find("s3://music/x"));
  const auto requests_for = [&](ByteRange range) {
    const std::size_t before = server_.count("GET");
    reader->prefetch({&range, 1});
    std::string got(range.bytes, '\0');
    EXPECT_EQ(reader->read_at(range.offset, std::as_writable_bytes(std::span(got))), range.bytes);
    EXPECT_EQ(got, bytes.substr(range.offset, range.bytes));
    return server_.count("GET") - before;
  };
  EXPECT_EQ(requests_for({0, 300'000}), 3u);        // not known yet
  EXPECT_EQ(requests_for({300'000, 600'000}), 2u);  // at most four times as much
}

TEST_F(S3StoreTest, AsksForAWholeObjectWithoutARange) {
  server_.put("x", bytes_of(80'000));
  EXPECT_EQ(read("x", 80'000), bytes_of(80'000));
  EXPECT_EQ(range_of(server_.requests().back()), "whole");
  EXPECT_EQ(read("x", 79'999), bytes_of(80'000));
  EXPECT_EQ(range_of(server_.requests().back()), "bytes=79999-79999");
}

TEST_F(S3StoreTest, ReadsPartsOfManyChunksInAnySteps) {
  S3Settings settings = server_.settings();
  settings.part_bytes = 1'000'000;
  const std::string bytes = bytes_of(2'500'000);
  server_.put("x", bytes);
  const auto from = make_s3_store(settings);
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<ByteRange> ranges;  // with gaps
  for (std::uint64_t at = 0; at < 2'500'000; at += 100'000) ranges.push_back({at, 70'000});
  const auto read_in = [&](std::size_t step) {
    std::string all;
    for (const ByteRange& range : ranges) {
      for (std::size_t at = 0; at < range.bytes; at += step) {
        std::string piece(std::min<std::size_t>(step, range.bytes - at), '\0');
        EXPECT_EQ(reader->read_at(range.offset + at, std::as_writable_bytes(std::span(piece))), piece.size());
        EXPECT_EQ(piece, bytes.substr(range.offset + at, piece.size()));
      }
    }
  };
  for (const std::size_t step : {70'000u, 12'345u, 64'000u}) {
    const std::size_t before = server_.count("GET");
    reader->prefetch(ranges);
    read_in(step);
    EXPECT_EQ(server_.count("GET") - before, 3u) << step;
  }
}

TEST_F(S3StoreTest, SharesOneReaderAmongThreads) {
  const std::string bytes = bytes_of(800'000);
  server_.put("x", bytes);
  S3Settings settings = server_.settings();
  settings.part_bytes = 400'000;  // of which several threads read at once
  const auto from = make_s3_store(settings);
  const auto reader = from->open(*from->find("s3://music/x"));
  const ByteRange whole{0, bytes.size()};
  reader->prefetch({&whole, 1});
  std::vector<std::string> parts(16);
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      threads.emplace_back([&, i] {
        parts[i].resize(50'000);
        EXPECT_EQ(reader->read_at(50'000 * i, std::as_writable_bytes(std::span(parts[i]))), 50'000u);
      });
    }
  }
  EXPECT_EQ(std::accumulate(parts.begin(), parts.end(), std::string()), bytes);
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
  store()->list("s3://music/b", true, [](const ObjectInfo& object) {
    EXPECT_EQ(object.bytes, 3u);
    EXPECT_EQ(object.modified, "2026-11-25T22:15:00Z");
    EXPECT_THAT(object.version, SizeIs(32));
  });
}

TEST_F(S3StoreTest, TellsAMissingObjectFromAMissingBucket) {
  EXPECT_EQ(store()->find("s3://music/none"), std::nullopt);
  EXPECT_THAT(error_of([&] { store()->find("s3://no-bucket/x"); }),
              AllOf(HasSubstr("no such bucket"), HasSubstr("no-bucket")));
  EXPECT_THAT(error_of([&] { store()->create("s3://"); }), HasSubstr("names no bucket"));
  EXPECT_THAT(error_of([&] { store()->create("s3://no-bucket/x")->commit(); }), HasSubstr("no such bucket"));
  EXPECT_THAT(error_of([&] { store()->find("s3://music"); }), HasSubstr("is a bucket"));
  store()->remove("s3://music/none");
}

TEST_F(S3StoreTest, TriesAgainAfterRefusalsThatPass) {
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

TEST_F(S3StoreTest, GivesUpOnAStormThatDoesNotEnd) {
  server_.put("x", "abc");
  fail("GET", 1'000, [](S3Response& response) {
    response = {.status = 503, .headers = {}, .body = "<Error><Code>SlowDown</Code></Error>"};
  });
  EXPECT_THAT(error_of([&] { read("x"); }), AllOf(HasSubstr("503 SlowDown"), HasSubstr("try again later")));
  EXPECT_EQ(server_.count("GET"), 8u);
}

TEST_F(S3StoreTest, GoesOnWhereATransferBroke) {
  const std::string bytes = bytes_of(90'000);
  server_.put("x", bytes);
  fail("GET", 5, [](S3Response& response) {
    response.headers["Content-Length"] = std::to_string(response.body.size());
    response.cut_after = 10'000;
  });
  EXPECT_EQ(read("x", 90'000), bytes);
  std::vector<std::string> ranges;
  for (const auto& request : server_.requests()) {
    if (request.method == "GET") ranges.push_back(range_of(request));
  }
  EXPECT_THAT(ranges, ElementsAre("whole", "bytes=10000-89999", "bytes=20000-89999", "bytes=30000-89999",
                                  "bytes=40000-89999", "bytes=50000-89999"));
}

TEST_F(S3StoreTest, OutlivesMoreCutsThanAttemptsWhenEachBringsSomething) {
  const std::string bytes = bytes_of(60'000);
  server_.put("x", bytes);
  fail("GET", 50, [](S3Response& response) {
    response.headers["Content-Length"] = std::to_string(response.body.size());
    response.cut_after = 1'000;
  });
  EXPECT_EQ(read("x", 60'000), bytes);
}

TEST_F(S3StoreTest, TriesAgainAfterAReset) {
  server_.put("x", "abc");
  fail("GET", 3, [](S3Response& response) { response.reset = true; });
  EXPECT_EQ(read("x"), "abc");
  fail("PUT", 3, [](S3Response& response) { response.reset = true; });
  write("y", "def");
  EXPECT_EQ(server_.get("y"), "def");
  fail("GET", 1'000, [](S3Response& response) { response.reset = true; });
  EXPECT_THAT(error_of([&] { read("x"); }), AllOf(HasSubstr("the transfer failed"), HasSubstr("127.0.0.1")));
}

TEST_F(S3StoreTest, BreaksOffASilentTransfer) {
  server_.put("x", "abc");
  fail("GET", 1, [](S3Response& response) { response.wait_ms = 60'000; });
  S3Settings settings = server_.settings();
  settings.retry.silence = std::chrono::seconds(1);
  const auto from = make_s3_store(settings);
  EXPECT_EQ(read_all(*from->open(*from->find("s3://music/x")), 10), "abc");
}

TEST_F(S3StoreTest, SaysThatNobodyListens) {
  S3Settings settings = server_.settings();
  settings.endpoint = "http://127.0.0.1:1";
  settings.retry.attempts = 2;
  EXPECT_THAT(error_of([&] { make_s3_store(settings)->find("s3://music/x"); }),
              AllOf(HasSubstr("the transfer failed"), HasSubstr("http://127.0.0.1:1")));
}

TEST_F(S3StoreTest, IsNotDeceivedByALyingContentLength) {
  const std::string bytes = bytes_of(50'000);
  server_.put("x", bytes);
  // Longer than the body: the connection ends too soon.
  fail("GET", 2, [](S3Response& response) {
    response.headers["Content-Length"] = "999999";
    response.cut_after = response.body.size();
  });
  EXPECT_EQ(read("x"), bytes);
  // Shorter: what is left of the body must not be taken for the next answer.
  fail("GET", 2, [](S3Response& response) {
    response.headers["Content-Length"] = "20000";
    response.cut_after = response.body.size();
  });
  EXPECT_EQ(read("x"), bytes);
  // None at all: what comes until the end of the connection.
  const auto leave_it_out = [](S3Response& response) {
    response.headers["Content-Length"] = "";
    response.cut_after = response.body.size();
  };
  fail("GET", 2, leave_it_out);
  EXPECT_EQ(read("x"), bytes);
  fail("GET", 1, [&](S3Response& response) {
    response.body += "more";
    leave_it_out(response);
  });
  EXPECT_THAT(error_of([&] { read("x"); }), HasSubstr("more than was asked for"));
  // More than was asked for.
  fail("GET", 1'000, [](S3Response& response) { response.body += "more"; });
  EXPECT_THAT(error_of([&] { read("x"); }), HasSubstr("more than was asked for"));
  // Nothing, again and again.
  fail("GET", 1'000, [](S3Response& response) { response.body.clear(); });
  EXPECT_THAT(error_of([&] { read("x"); }), HasSubstr("less than it said"));
}

TEST_F(S3StoreTest, NeverMixesTwoVersions) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  reader->read_at(0, buffer);
  server_.put("x", std::string(90'000, 'n'));
  EXPECT_THAT(error_of([&] { reader->read_at(10'000, buffer); }), HasSubstr("was changed while it was read"));
  server_.put("x", "short");
  EXPECT_THAT(error_of([&] { reader->read_at(10'000, buffer); }), HasSubstr("was changed while it was read"));
}

TEST_F(S3StoreTest, SeesAChangeAlsoWhereTheServerIgnoresConditions) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  fail("GET", 1, [](S3Response& response) { response.headers["ETag"] = "\"other\""; });
  EXPECT_THAT(error_of([&] { reader->read_at(0, buffer); }), HasSubstr("was changed while it was read"));
  fail("GET", 1, [](S3Response& response) { response.headers["Content-Range"] = "bytes 0-9999/77"; });
  EXPECT_THAT(error_of([&] { reader->read_at(0, buffer); }), HasSubstr("was changed while it was read"));
}

TEST_F(S3StoreTest, RefusesAServerThatSendsAnotherRange) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  fail("GET", 1, [](S3Response& response) { response.headers["Content-Range"] = "bytes 7-10006/90000"; });
  EXPECT_THAT(error_of([&] { reader->read_at(10, buffer); }), HasSubstr("another range"));
  fail("GET", 1, [](S3Response& response) { response.status = 200; });
  EXPECT_THAT(error_of([&] { reader->read_at(10, buffer); }), HasSubstr("does not know ranges"));
}

TEST_F(S3StoreTest, LeavesNothingOfAnUploadThatIsNotCommitted) {
  {
    const auto writer = store()->create("s3://music/x");
    writer->write(bytes_of(450'000));
    EXPECT_EQ(server_.unfinished_uploads(), 1u);
    EXPECT_FALSE(server_.has("x"));
  }
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_THAT(server_.keys(), SizeIs(0));
}

TEST_F(S3StoreTest, TakesAnUploadBackWhenAPartFails) {
  server_.tamper = [](const S3Request& request, S3Response& response) {
    if (request.query.contains("partNumber") && request.query.at("partNumber") == "3") {
      response = {
          .status = 403, .headers = {}, .body = "<Error><Code>AccessDenied</Code><Message>quota</Message></Error>"};
    }
  };
  EXPECT_THAT(error_of([&] { write("x", bytes_of(900'000)); }),
              AllOf(HasSubstr("access is denied"), HasSubstr("quota")));
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
  EXPECT_FALSE(server_.has("x"));
}

TEST_F(S3StoreTest, BelievesACompletionOnlyWhenItSaysNoFault) {
  int left = 2;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method != "POST" || !request.query.contains("uploadId") || left-- <= 0) return;
    // The first time its work is done and the answer lost; then 200 with a fault, as S3 may answer.
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
  EXPECT_THAT(error_of([&] { write("y", bytes); }), HasSubstr("InternalError"));
}

TEST_F(S3StoreTest, RemovesWhatKilledUploadsLeft) {
  const auto from = store();
  const auto ours = from->create("s3://music/a/x"), other = from->create("s3://music/b");
  ours->write(bytes_of(250'000));
  other->write(bytes_of(250'000));
  EXPECT_EQ(server_.unfinished_uploads(), 2u);
  from->remove_unfinished("s3://music/a/");
  EXPECT_EQ(server_.unfinished_uploads(), 1u);
}

TEST_F(S3StoreTest, StopsOnCtrlCAndTakesBackWhatItBegan) {
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
  const auto error_with = [&](const std::function<void(S3Settings&)>& change) {
    S3Settings settings = server_.settings();
    change(settings);
    return error_of([&] { make_s3_store(settings)->find("s3://music/x"); });
  };
  const std::string wrong_key = error_with([](S3Settings& s) { s.credentials.access_key = "AKIDWRONG"; });
  EXPECT_THAT(wrong_key, AllOf(HasSubstr("does not know the access key"), HasSubstr("the test")));
  const std::string wrong_secret = error_with([](S3Settings& s) { s.credentials.secret_key = "geheim"; });
  EXPECT_THAT(wrong_secret, AllOf(HasSubstr("secret key does not belong"), Not(HasSubstr("geheim"))));
  server_.session_token = "ToKeN";
  EXPECT_THAT(error_with([](S3Settings& s) { s.credentials.session_token = "old"; }),
              AllOf(HasSubstr("token"), HasSubstr("expired")));
  // The server repeats the secret in its message.
  server_.session_token = "";
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 403,
                .headers = {},
                .body = "<Error><Code>AccessDenied</Code><Message>for " + std::string(S3Server::kSecretKey) + " and " +
                        S3Server::kAccessKey + "</Message></Error>"};
  });
  const std::string denied = error_of([&] { read("x"); });
  EXPECT_THAT(denied, AllOf(HasSubstr("access is denied"), Not(HasSubstr(S3Server::kSecretKey)),
                            Not(HasSubstr(S3Server::kAccessKey))));
}

TEST_F(S3StoreTest, SendsASessionTokenOrABearerToken) {
  server_.session_token = "ToKeN/+=";
  write("x", "abc");
  EXPECT_EQ(read("x"), "abc");
  server_.bearer_token = "ya29.token";
  S3Settings settings = server_.settings();
  settings.scheme = "gs";
  settings.credentials = {{}, {}, {}, "ya29.token", "the test", false};
  const auto google = make_s3_store(settings);
  const auto writer = google->create("gs://music/y");
  writer->write(bytes_of(250'000));
  writer->commit();
  EXPECT_EQ(google->find("gs://music/y")->bytes, 250'000u);
  settings.credentials.bearer_token = "ya29.old";
  EXPECT_THAT(error_of([&] { make_s3_store(settings)->find("gs://music/y"); }),
              AllOf(HasSubstr("token"), Not(HasSubstr("ya29"))));
}

TEST_F(S3StoreTest, SaysHowFarTheClockIsOff) {
  server_.put("x", "abc");
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 403,
                .headers = {{"Date", "Wed, 25 Nov 2020 22:15:00 GMT"}},
                .body = "<Error><Code>RequestTimeTooSkewed</Code></Error>"};
  });
  EXPECT_THAT(error_of([&] { read("x"); }), AllOf(HasSubstr("clock is"), HasSubstr("min ahead of")));
}

TEST_F(S3StoreTest, NamesTheRegionOfABucketThatLiesElsewhere) {
  server_.put("x", "abc");
  fail("GET", 100, [](S3Response& response) {
    response = {.status = 400,
                .headers = {},
                .body = "<Error><Code>AuthorizationHeaderMalformed</Code><Region>eu-west-3</Region></Error>"};
  });
  EXPECT_THAT(error_of([&] { read("x"); }), AllOf(HasSubstr("eu-west-3"), HasSubstr("AWS_REGION=eu-west-3")));
  // HEAD has no body that could name it; its header, or a GET, does.
  server_.tamper = [](const S3Request&, S3Response& response) {
    response = {.status = 301, .headers = {{"x-amz-bucket-region", "eu-west-3"}}, .body = ""};
  };
  EXPECT_THAT(error_of([&] { read("x"); }), HasSubstr("eu-west-3"));
}

TEST_F(S3StoreTest, DoesNotFollowRedirectionsWithItsCredentials) {
  S3Server elsewhere;
  server_.tamper = [&](const S3Request&, S3Response& response) {
    response = {.status = 307, .headers = {{"Location", elsewhere.endpoint() + "/music/x"}}, .body = ""};
  };
  EXPECT_THROW(store()->find("s3://music/x"), Error);
  EXPECT_THAT(elsewhere.requests(), SizeIs(0));
}

TEST_F(S3StoreTest, RefusesAListThatIsNoneOrNeverEnds) {
  fail("GET", 1, [](S3Response& response) { response.body = "<html>proxy</html>"; });
  EXPECT_THAT(error_of([&] { list("s3://music/"); }), HasSubstr("no list of objects"));
  fail("GET", 100, [](S3Response& response) {
    response.body =
        "<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>t</NextContinuationToken></"
        "ListBucketResult>";
  });
  EXPECT_THAT(error_of([&] { list("s3://music/"); }), HasSubstr("again and again"));
}

/// The whole program's stores, led to the server by the environment.
class RemoteFile : public S3StoreTest {
 protected:
  RemoteFile() {
    ::setenv("AWS_ACCESS_KEY_ID", S3Server::kAccessKey, 1);
    ::setenv("AWS_SECRET_ACCESS_KEY", S3Server::kSecretKey, 1);
    set_object_store_options({.endpoint = server_.endpoint(), .region = "us-east-1", .profile = {}});
  }
  ~RemoteFile() override {
    ::unsetenv("AWS_ACCESS_KEY_ID");
    ::unsetenv("AWS_SECRET_ACCESS_KEY");
    set_object_store_options({});
  }
};

TEST_F(RemoteFile, IsWrittenAndReadLikeALocalOne) {
  write_file("s3://music/models/best.gwm", "model");
  EXPECT_EQ(server_.get("models/best.gwm"), "model");
  EXPECT_EQ(read_file("s3://music/models/best.gwm"), "model");
  EXPECT_THAT(error_of([] { read_file("s3://music/none"); }), HasSubstr("no such object"));
  {
    AtomicFile file("s3://music/half");
    file.write("x");
  }
  EXPECT_FALSE(server_.has("half"));
  make_folders("s3://music/models");
}

TEST_F(RemoteFile, IsUploadedFromALocalOne) {
  const TemporaryFolder folder;
  const std::string bytes = bytes_of(3'000'000);
  write_file(folder / "shard", bytes);
  std::uint64_t told = 0;
  upload_file(folder / "shard", "s3://music/shard", [&](std::uint64_t count) { told += count; });
  EXPECT_EQ(server_.get("shard"), bytes);
  EXPECT_EQ(told, bytes.size());
  EXPECT_TRUE(object_exists("s3://music/shard"));
  EXPECT_THROW(upload_file(folder / "none", "s3://music/none"), Error);
}

TEST(ObjectInfo, TellsTimeInUtc) {
  EXPECT_EQ(utc_text(0), "1970-01-01T00:00:00Z");
  EXPECT_EQ(utc_text(951'827'696), "2000-02-29T12:34:56Z");
  EXPECT_EQ(utc_text(-1), "1969-12-31T23:59:59Z");
}

TEST(LocalStore, ListsFindsReadsWritesAndRemoves) {
  const TemporaryFolder folder;
  const auto here = make_local_store();
  const std::string root = folder.path().string() + "/";
  write_object(root + "a/one.tfrec", "12345");
  write_object(root + "a/b/two.tfrec", "67");
  write_object(root + "c", "");
  std::vector<std::string> deep, flat;
  here->list(root + "a", true, [&](const ObjectInfo& object) { deep.push_back(object.place); });
  here->list(root + "a/", false, [&](const ObjectInfo& object) { flat.push_back(object.place); });
  EXPECT_THAT(deep, ElementsAre(root + "a/b/two.tfrec", root + "a/one.tfrec"));
  EXPECT_THAT(flat, ElementsAre(root + "a/one.tfrec"));
  EXPECT_THROW(here->list(root + "none/x", true, [](const ObjectInfo&) {}), Error);
  const auto found = here->find(root + "a/one.tfrec");
  ASSERT_TRUE(found);
  EXPECT_EQ(found->bytes, 5u);
  EXPECT_EQ(here->find(root + "none"), std::nullopt);
  EXPECT_EQ(here->find(root + "a"), std::nullopt);
  EXPECT_EQ(read_object(root + "a/one.tfrec"), "12345");
  const auto reader = here->open(*found);
  write_object(root + "a/one.tfrec", "54321");  // another file of that name: the open one stays as it was
  EXPECT_EQ(read_all(*reader, 3), "12345");
  here->remove(root + "a/one.tfrec");
  here->remove(root + "a/one.tfrec");
  EXPECT_FALSE(object_exists(root + "a/one.tfrec"));
}

}  // namespace
}  // namespace genrewise
