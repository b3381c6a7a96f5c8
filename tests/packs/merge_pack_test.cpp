#include "genrewise/packs/merge_pack.hpp"

#include <gmock/gmock.h>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "support/pack_fixture.hpp"
#include "support/stores_of_server.hpp"

namespace genrewise {
namespace {

using ::testing::HasSubstr;
using namespace testing;

class MergePack : public ::testing::Test {
 protected:
  PackConfig config(std::size_t number, std::size_t count) {
    PackConfig config{.shards = 7};
    config.stored_as = StoredAs::float16;  // has a loss, which is merged too
    config.work_folder = folder_ / "work";
    if (count > 0) config.part = JobPart{number, count};
    return config;
  }
  PackJob job() {
    PackJob job = numbered_job(100);
    job.extract = [](std::size_t i, int, std::span<float> out) -> Expected<void> {
      if (i % 10 == 3) return tl::unexpected(Fault{"not audio", "t" + std::to_string(i), ""});
      std::ranges::copy(values_of(i), out.begin());
      return {};
    };
    return job;
  }
  PackResult pack(const std::filesystem::path& to, std::size_t number, std::size_t count) {
    return pack_examples(job(), to, config(number, count), quiet_);
  }

  TemporaryFolder folder_;
  Progress quiet_;
};

TEST_F(MergePack, GivesTheBytesOfOneRunForAnyNumberOfParts) {
  pack(folder_ / "whole", 0, 0);
  for (const std::size_t count : {1, 2, 3, 7}) {
    const auto to = folder_ / std::to_string(count);
    std::size_t examples = 0;
    for (std::size_t number = count; number > 0; --number) examples += pack(to, number, count).examples;
    const PackMerge merged = merge_pack(to, quiet_);
    EXPECT_EQ(merged.shards, 7u);
    EXPECT_EQ(merged.examples, examples);
    EXPECT_EQ(merged.skipped, 10u);
    EXPECT_EQ(contents_of(to), contents_of(folder_ / "whole")) << count;
    EXPECT_EQ(merge_pack(to, quiet_).shards, 0u);
    EXPECT_EQ(pack(to, 1, count).reused, 90u);  // a part that is started again after the merge
  }
}

TEST_F(MergePack, TakesPartsOfDifferentNumbers) {
  pack(folder_ / "whole", 0, 0);
  pack(folder_ / "p", 1, 2);
  EXPECT_EQ(pack(folder_ / "p", 1, 3).examples, pack(folder_ / "p", 1, 3).reused);
  pack(folder_ / "p", 2, 3);
  pack(folder_ / "p", 3, 3);
  merge_pack(folder_ / "p", quiet_);
  EXPECT_EQ(contents_of(folder_ / "p"), contents_of(folder_ / "whole"));
}

TEST_F(MergePack, IsTheSameInAnObjectStoreAndOnSeveralMachines) {
  S3Server server;
  const StoresOfServer stores(server);
  pack(folder_ / "whole", 0, 0);
  const char kLocation[] = "s3://music/packs/p";
  for (const std::size_t number : {1, 2, 3}) {
    const TemporaryFolder machine;
    PackConfig own = config(number, 3);
    own.work_folder = machine.path();
    EXPECT_EQ(pack_examples(job(), kLocation, own, quiet_).reused, 0u);
    EXPECT_TRUE(machine.names().empty());
  }
  // A part on another machine finds that it is done.
  EXPECT_GT(pack(kLocation, 2, 3).reused, 0u);
  merge_pack(kLocation, quiet_);
  const auto expected = contents_of(folder_ / "whole");
  EXPECT_EQ(server.keys().size(), expected.size());
  for (const auto& [name, bytes] : expected) EXPECT_EQ(server.get("packs/p/" + name), bytes) << name;
}

TEST_F(MergePack, ListsUnfinishedShardsAndWritesNothing) {
  pack(folder_ / "p", 1, 3);
  pack(folder_ / "p", 3, 3);
  EXPECT_THAT(error_message([&] { merge_pack(folder_ / "p", quiet_); }),
              HasSubstr("2 of its 7 shards are not finished: 2-3"));
  EXPECT_FALSE(is_pack(folder_ / "p"));
  pack(folder_ / "p", 2, 3);
  const auto shard = list_matching((folder_ / "p" / "*04-*").string());
  ASSERT_EQ(shard.size(), 1u);
  remove_file(shard[0].location);
  EXPECT_THAT(error_message([&] { merge_pack(folder_ / "p", quiet_); }),
              HasSubstr("1 of its 7 shards is not finished: 4"));
}

TEST_F(MergePack, RefusesMorePartsThanShardsAndPartsOfAnotherPack) {
  EXPECT_THAT(error_message([&] { pack(folder_ / "p", 8, 8); }), HasSubstr("more parts (8) than shards (7)"));
  pack(folder_ / "p", 1, 2);
  PackConfig other = config(2, 2);
  other.seed = 5;
  EXPECT_THAT(error_message([&] { pack_examples(job(), folder_ / "p", other, quiet_); }), HasSubstr("of other data"));
}

TEST_F(MergePack, RefusesAPlanWithoutAPlausibleNumberOfShards) {
  pack(folder_ / "p", 1, 2);
  const auto file = folder_ / "p" / ".pack" / "plan";
  const std::string plan = read_file(file);
  for (const char* more : {"x", " 8", "000000000000"}) {
    write_file(file, plan + more);
    EXPECT_THAT(error_message([&] { merge_pack(folder_ / "p", quiet_); }), HasSubstr("the number of shards")) << more;
  }
}

TEST_F(MergePack, SeveralPacksAreOneDataset) {
  packed(folder_ / "packs" / "a" / "x", 20, {.shards = 2});
  packed(folder_ / "packs" / "b" / "y", 30, {.shards = 3});
  const PackManifest all = open_pack(folder_ / "packs" / "*" / "*");
  EXPECT_EQ(all.shards.size(), 5u);
  EXPECT_EQ(all.size(), 50u);
  EXPECT_TRUE(verify_pack(all).empty());
  EXPECT_TRUE(holds_records(folder_ / "packs" / "*" / "*"));
  EXPECT_NE(all.fingerprint, open_pack(folder_ / "packs" / "a" / "x").fingerprint);
  PackConfig other{.shards = 2};
  other.stored_as = StoredAs::float16;
  packed(folder_ / "packs" / "b" / "z", 20, other);
  EXPECT_THAT(error_message([&] { open_pack(folder_ / "packs" / "*" / "*"); }), HasSubstr("another feature set"));
}

TEST_F(MergePack, ShardsHaveLabelsAndIdsByAManifestElsewhere) {
  const PackManifest whole = packed(folder_ / "whole", 40, {.shards = 4});
  make_folders(folder_ / "some");
  for (const std::size_t k : {0, 2})
    write_file(folder_ / "some" / whole.shards[k].file, read_file(folder_ / "whole" / whole.shards[k].file));
  const PackManifest some = open_pack(folder_ / "some", folder_ / "whole" / "manifest.json");
  EXPECT_EQ(some.labels, whole.labels);
  ASSERT_EQ(some.shards.size(), 2u);
  EXPECT_EQ(some.shards[1].records[0].track_id, whole.shards[2].records[0].track_id);
  EXPECT_TRUE(verify_pack(some).empty());
  EXPECT_NE(some.fingerprint, whole.fingerprint);
  write_file(folder_ / "some" / "other.tfrec", "x");
  EXPECT_THAT(error_message([&] { open_pack(folder_ / "some", folder_ / "whole" / "manifest.json"); }),
              HasSubstr("names 2 of the 3 record files"));
}

}  // namespace
}  // namespace genrewise
