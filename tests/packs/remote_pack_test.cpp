#include <gmock/gmock.h>

#include <cmath>

#include "genrewise/base/interrupt.hpp"
#include "genrewise/packs/batches.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "support/pack_fixture.hpp"
#include "support/stores_of_server.hpp"

namespace genrewise {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using namespace testing;

constexpr char kLocation[] = "s3://music/packs/a b";

/// Redirects the object stores to a test server.
class RemotePackTest : public ::testing::Test {
 protected:
  ~RemotePackTest() override { clear_interrupt(); }

  PackConfig config(int shards = 4) {
    PackConfig config{.shards = shards};
    config.work_folder = folder_ / "work";
    return config;
  }
  PackResult pack(const PackJob& job, int shards = 4) { return pack_examples(job, kLocation, config(shards), quiet_); }
  /// The same pack on the local disk.
  std::filesystem::path local(std::size_t count, PackConfig like = {.shards = 4}) {
    pack_examples(numbered_job(count), folder_ / "local", like, quiet_);
    return folder_ / "local";
  }
  std::vector<std::size_t> order(const std::filesystem::path& location, BatchConfig how) {
    BatchReader reader(open_pack(location), how);
    std::vector<std::size_t> numbers;
    for (Batch batch; reader.next(batch);) {
      for (std::size_t i = 0; i < batch.size; ++i) {
        numbers.push_back(static_cast<std::size_t>(std::lround(batch.row(i)[0])));
        EXPECT_TRUE(std::ranges::equal(batch.row(i), values_of(numbers.back())));
      }
    }
    return numbers;
  }

  S3Server server_;
  StoresOfServer stores_{server_};
  TemporaryFolder folder_;
  Progress quiet_;
};

TEST_F(RemotePackTest, IsTheSameAsALocalPack) {
  for (const auto compression : {Compression::none, Compression::gzip}) {
    PackConfig how = config();
    how.compression = compression;
    how.prefix = std::string(to_string(compression)) + "-";
    const std::string location = std::string(kLocation) + to_string(compression).data();
    pack_examples(numbered_job(50), location, how, quiet_);
    std::filesystem::remove_all(folder_ / "local");
    for (const auto& entry : std::filesystem::directory_iterator(local(50, how))) {
      const std::string name = entry.path().filename().string();
      EXPECT_EQ(read_file(join_location(location, name)), read_file(entry.path())) << name;
    }
    EXPECT_THAT(verify_pack(open_pack(location)), IsEmpty());
  }
  EXPECT_THAT(server_.keys(), Not(Contains(HasSubstr(".pack"))));
  EXPECT_TRUE(std::filesystem::is_empty(folder_ / "work"));
}

TEST_F(RemotePackTest, GivesTheSameBatchesAsALocalPack) {
  pack(numbered_job(200));
  const auto here = local(200);
  for (const std::size_t shuffle : {0u, 64u, 1000u}) {
    for (const int workers : {0, 2}) {
      // Constructed in each iteration: GCC 12 reports a copy of its empty position as uninitialised under sanitizers.
      const auto order_of = [&](const std::filesystem::path& location) {
        return order(location, {.batch_size = 7, .shuffle_records = shuffle, .epochs = 2, .workers = workers});
      };
      EXPECT_EQ(order_of(kLocation), order_of(here)) << shuffle << " " << workers;
    }
  }
  const BatchConfig part{.batch_size = 8, .part = Part::validation, .cache_bytes = 1 << 20};
  EXPECT_EQ(order(kLocation, part), order(here, part));
}

TEST_F(RemotePackTest, UploadsTheManifestLast) {
  std::vector<std::string> put;
  server_.tamper = [&](const S3Request& request, S3Response&) {
    if (request.method == "PUT") put.push_back(request.key);
  };
  pack(numbered_job(20), 2);
  EXPECT_THAT(put, ElementsAre("packs/a b/.pack/plan", "packs/a b/numbers-00-10.tfrec", "packs/a b/numbers-01-10.tfrec",
                               "packs/a b/manifest.json"));
}

TEST_F(RemotePackTest, ContinuesAfterAnInterruption) {
  PackJob job = numbered_job(40);
  const auto extract = job.extract;
  std::atomic<int> calls{0};
  job.extract = [&](std::size_t i, int worker, std::span<float> out) {
    if (++calls == 25) request_interrupt();
    return extract(i, worker, out);
  };
  EXPECT_THROW(pack(job), Interrupted);
  clear_interrupt();
  EXPECT_THAT(server_.keys(), Not(Contains(HasSubstr("manifest"))));
  EXPECT_THAT(error_message([] { open_pack(kLocation); }), HasSubstr("is an unfinished pack"));
  calls = 100;
  const PackResult result = pack(job);
  EXPECT_EQ(result.examples, 40u);
  EXPECT_GE(result.reused, 10u);
  EXPECT_EQ(calls - 100, static_cast<int>(40 - result.reused));
  for (const auto& entry : std::filesystem::directory_iterator(local(40))) {
    const std::string name = entry.path().filename().string();
    EXPECT_EQ(read_file(join_location(kLocation, name)), read_file(entry.path())) << name;
  }
}

TEST_F(RemotePackTest, UploadsNoShardTwiceAfterAServerFailure) {
  int puts = 0;
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method == "PUT" && request.key.ends_with(".tfrec") && ++puts == 3) {
      response = {
          .status = 403, .headers = {}, .body = "<Error><Code>AccessDenied</Code><Message>quota</Message></Error>"};
    }
  };
  EXPECT_THAT(error_message([&] { pack(numbered_job(40)); }), HasSubstr("quota"));
  const PackResult result = pack(numbered_job(40));
  EXPECT_EQ(result.examples, 40u);
  // The server stores the upload that it reports as failed, and the client lists the files: two uploads before, one or
  // two after.
  EXPECT_LE(puts, 5);
  EXPECT_THAT(verify_pack(open_pack(kLocation)), IsEmpty());
}

TEST_F(RemotePackTest, LeavesAFinishedPackUnchangedAndRefusesAnother) {
  pack(numbered_job(40));
  const auto before = server_.count("PUT");
  EXPECT_EQ(pack(numbered_job(40)).reused, 40u);
  EXPECT_EQ(server_.count("PUT"), before);
  EXPECT_THAT(error_message([&] { pack(numbered_job(41)); }), HasSubstr("contains another pack"));
  server_.put("other/x.tfrec", "another file");
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(8), "s3://music/other", config(), quiet_); }),
              HasSubstr("contains record files already"));
  server_.put("third/.pack/plan", "of another pack");
  EXPECT_THAT(error_message([&] { pack_examples(numbered_job(8), "s3://music/third", config(), quiet_); }),
              HasSubstr("unfinished pack of other data"));
}

TEST_F(RemotePackTest, FailsIfAnotherPackReplacedItsPlan) {
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method == "GET" && request.key.ends_with("plan")) {
      for (char& c : response.body) c = 'x';
    }
  };
  EXPECT_THAT(error_message([&] { pack(numbered_job(20)); }), HasSubstr("another run has packed into this location"));
  EXPECT_THAT(server_.keys(), Not(Contains(HasSubstr("manifest"))));
}

TEST_F(RemotePackTest, AllowsOnlyOneOfTwoSimultaneousRuns) {
  // The other run writes its plan between the check and the plan of this one.
  server_.tamper = [&](const S3Request& request, S3Response& response) {
    if (request.method == "HEAD" && request.key.ends_with("plan") && response.status == 404) {
      server_.put_unlocked("packs/a b/.pack/plan", "of another pack");
    }
  };
  EXPECT_THAT(error_message([&] { pack(numbered_job(20)); }), HasSubstr("unfinished pack of other data"));
  EXPECT_EQ(server_.get("packs/a b/.pack/plan"), "of another pack");
}

TEST_F(RemotePackTest, LeavesNoFilesIfNothingCouldBePacked) {
  PackJob job = numbered_job(8);
  job.extract = [](std::size_t, int, std::span<float>) -> Expected<void> {
    return tl::unexpected(Fault{"not audio", "x", ""});
  };
  EXPECT_THAT(error_message([&] { pack(job); }), HasSubstr("none of the 8 examples"));
  EXPECT_THAT(server_.keys(), IsEmpty());
}

TEST_F(RemotePackTest, ReportsMissingAndDamagedShards) {
  pack(numbered_job(40));
  const auto manifest = open_pack(kLocation);
  std::string bytes = server_.get("packs/a b/" + manifest.shards[1].file);
  bytes[40] ^= 1;
  server_.put("packs/a b/" + manifest.shards[1].file, bytes);
  EXPECT_EQ(verify_pack(manifest).size(), 3u);  // SHA-256, one record checksum, one missing record
  const auto read_with = [&](double budget) {
    BatchReader reader(manifest, {.batch_size = 10, .damage_budget = budget});
    for (Batch batch; reader.next(batch);) {
    }
    return reader.damage();
  };
  const auto damage = read_with(0.5);
  ASSERT_EQ(damage.size(), 1u);
  EXPECT_THAT(damage[0].where, HasSubstr("s3://music/packs/a b/numbers-01-10.tfrec @ 0"));
  remove_file(join_location(kLocation, manifest.shards[2].file));
  EXPECT_THAT(error_message([&] { read_with(0.01); }), HasSubstr("missing shard"));
  EXPECT_EQ(read_with(0.5).size(), 11u);
}

TEST_F(RemotePackTest, ReadsShardsWithoutAManifest) {
  pack(numbered_job(40));
  remove_file(join_location(kLocation, kManifestName));
  const auto folder = open_pack(kLocation);
  EXPECT_EQ(folder.size(), 40u);
  EXPECT_EQ(folder.folder, kLocation);
  EXPECT_EQ(open_pack(join_location(kLocation, folder.shards[0].file)).size(), 10u);
  EXPECT_THAT(error_message([] { open_pack("s3://music/none"); }), HasSubstr("is not a pack"));
}

}  // namespace
}  // namespace genrewise
