// Reading objects: ranges, prefetching, and servers that break off or send wrong data.
#include <gmock/gmock.h>

#include <numeric>
#include <thread>

#include "s3_store_fixture.hpp"
#include "support/no_threads.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

class S3ReadingTest : public S3StoreTest {};

TEST_F(S3ReadingTest, ReadsAnyRange) {
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

TEST_F(S3ReadingTest, PrefetchesNeighboursInOneRequest) {
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

TEST_F(S3ReadingTest, PrefetchesWithinItsBudgetAndDropsUnreadRanges) {
  StoreSettings settings = server_.settings();
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
  // The last part does not fit into the budget yet, so the reader fetches it itself.
  std::vector<std::byte> buffer(1'000);
  EXPECT_EQ(reader->read_at(1'999'000, buffer), 1'000u);
  EXPECT_EQ(read_all(*reader, 100'000), bytes);
}

TEST_F(S3ReadingTest, ReturnsBytesBeforeTheRestHasArrived) {
  const std::string bytes = bytes_of(90'000);
  server_.put("x", bytes);
  int responses = 0;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method != "GET") return;
    if (++responses == 1) response.cut_after = 50'000;
    if (responses == 2) response.wait_ms = 60'000;
  };
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  const ByteRange whole{0, bytes.size()};
  reader->prefetch({&whole, 1});
  std::vector<std::byte> buffer(50'000);
  EXPECT_EQ(reader->read_at(0, buffer), 50'000u);
  EXPECT_EQ(std::string_view(reinterpret_cast<const char*>(buffer.data()), 50'000), bytes.substr(0, 50'000));
}

TEST_F(S3ReadingTest, MakesLargerRequestsOnFastConnections) {
  StoreSettings settings = server_.settings();
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
  EXPECT_EQ(requests_for({0, 300'000}), 3u);        // rate not measured yet
  EXPECT_EQ(requests_for({300'000, 600'000}), 2u);  // at most four times as much
}

TEST_F(S3ReadingTest, RequestsAWholeObjectWithoutARange) {
  server_.put("x", bytes_of(80'000));
  EXPECT_EQ(read("x", 80'000), bytes_of(80'000));
  EXPECT_EQ(range_of(server_.requests().back()), "whole");
  EXPECT_EQ(read("x", 79'999), bytes_of(80'000));
  EXPECT_EQ(range_of(server_.requests().back()), "bytes=79999-79999");
}

TEST_F(S3ReadingTest, ReadsPartsOfManyChunksInAnySteps) {
  StoreSettings settings = server_.settings();
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

TEST_F(S3ReadingTest, SharesOneReaderAmongThreads) {
  const std::string bytes = bytes_of(800'000);
  server_.put("x", bytes);
  StoreSettings settings = server_.settings();
  settings.part_bytes = 400'000;  // read by several threads at once
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

TEST_F(S3ReadingTest, ResumesABrokenTransfer) {
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

TEST_F(S3ReadingTest, AsksAgainForWhatCouldNotBeRead) {
  const std::string bytes = bytes_of(90'000);
  server_.put("x", bytes);
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  const ByteRange whole{0, bytes.size()};
  std::string got(bytes.size(), '\0');
  const auto read = [&] { return reader->read_at(0, std::as_writable_bytes(std::span(got))); };
  fail("GET", 1, [](S3Response& response) { response = {.status = 403, .headers = {}, .body = "denied"}; });
  reader->prefetch({&whole, 1});
  EXPECT_THAT(error_message(read), HasSubstr("access is denied"));
  EXPECT_EQ(read(), bytes.size());
  EXPECT_EQ(got, bytes);
}

TEST_F(S3ReadingTest, FetchesByItselfWhatNoThreadCanBeStartedFor) {
  const std::string bytes = bytes_of(250'000);
  server_.put("x", bytes);
  const auto from = store();
  auto reader = from->open(*from->find("s3://music/x"));
  const ByteRange whole{0, bytes.size()};
  const NoThreads none;  // the server goes on with the connection that exists
  reader->prefetch({&whole, 1});
  EXPECT_EQ(read_all(*reader, 70'000), bytes);
  reader->prefetch({&whole, 1});
  reader.reset();
}

TEST_F(S3ReadingTest, SurvivesMoreBreaksThanAttemptsIfEachBringsBytes) {
  const std::string bytes = bytes_of(60'000);
  server_.put("x", bytes);
  fail("GET", 50, [](S3Response& response) {
    response.headers["Content-Length"] = std::to_string(response.body.size());
    response.cut_after = 1'000;
  });
  EXPECT_EQ(read("x", 60'000), bytes);
}

TEST_F(S3ReadingTest, DetectsAWrongContentLength) {
  const std::string bytes = bytes_of(50'000);
  server_.put("x", bytes);
  // Longer than the body: the connection ends too soon.
  fail("GET", 2, [](S3Response& response) {
    response.headers["Content-Length"] = "999999";
    response.cut_after = response.body.size();
  });
  EXPECT_EQ(read("x"), bytes);
  // Shorter: the rest of the body must not be read as the next response.
  fail("GET", 2, [](S3Response& response) {
    response.headers["Content-Length"] = "20000";
    response.cut_after = response.body.size();
  });
  EXPECT_EQ(read("x"), bytes);
  // None at all: the body ends with the connection.
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
  EXPECT_THAT(error_message([&] { read("x"); }), HasSubstr("more than was requested"));
  // More than was requested.
  fail("GET", 1'000, [](S3Response& response) { response.body += "more"; });
  EXPECT_THAT(error_message([&] { read("x"); }), HasSubstr("more than was requested"));
  // Repeatedly empty.
  fail("GET", 1'000, [](S3Response& response) { response.body.clear(); });
  EXPECT_THAT(error_message([&] { read("x"); }), HasSubstr("less than it announced"));
}

TEST_F(S3ReadingTest, NeverMixesTwoVersions) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  reader->read_at(0, buffer);
  server_.put("x", std::string(90'000, 'n'));
  EXPECT_THAT(error_message([&] { reader->read_at(10'000, buffer); }), HasSubstr("was changed while it was read"));
  server_.put("x", "short");
  EXPECT_THAT(error_message([&] { reader->read_at(10'000, buffer); }), HasSubstr("was changed while it was read"));
}

TEST_F(S3ReadingTest, DetectsAChangeEvenIfTheServerIgnoresConditions) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  fail("GET", 1, [](S3Response& response) { response.headers["ETag"] = "\"other\""; });
  EXPECT_THAT(error_message([&] { reader->read_at(0, buffer); }), HasSubstr("was changed while it was read"));
  fail("GET", 1, [](S3Response& response) { response.headers["Content-Range"] = "bytes 0-9999/77"; });
  EXPECT_THAT(error_message([&] { reader->read_at(0, buffer); }), HasSubstr("was changed while it was read"));
}

TEST_F(S3ReadingTest, RefusesAServerThatSendsAnotherRange) {
  server_.put("x", bytes_of(90'000));
  const auto from = store();
  const auto reader = from->open(*from->find("s3://music/x"));
  std::vector<std::byte> buffer(10'000);
  fail("GET", 1, [](S3Response& response) { response.headers["Content-Range"] = "bytes 7-10006/90000"; });
  EXPECT_THAT(error_message([&] { reader->read_at(10, buffer); }), HasSubstr("another range"));
  fail("GET", 1, [](S3Response& response) { response.status = 200; });
  EXPECT_THAT(error_message([&] { reader->read_at(10, buffer); }), HasSubstr("does not support ranges"));
}

}  // namespace
}  // namespace genrewise
