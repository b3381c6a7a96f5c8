// Conditional writes, local and in a store: create only if absent, replace only if unchanged.
#include <gmock/gmock.h>

#include <atomic>
#include <thread>
#include <vector>

#include "genrewise/storage/folder_lock.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/mirrored_folder.hpp"
#include "s3_store_fixture.hpp"
#include "support/environment.hpp"
#include "support/stores_of_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::SizeIs;
using namespace testing;

/// Runs each test in a local folder and in folders of both kinds of stores.
class ConditionalWrite : public ::testing::TestWithParam<const char*> {
 protected:
  bool is(std::string_view kind) const { return kind == GetParam(); }
  bool remote() const { return !is("machine"); }
  std::string at(const std::string& name) const {
    return remote() ? (is("google") ? "gs" : "s3") + ("://music/folder/" + name) : (folder_ / name).string();
  }
  std::vector<std::string> names() {
    std::vector<std::string> found;
    for (const FileInfo& file : list_files(at(""))) found.emplace_back(last_name(file.location));
    return found;
  }

  TemporaryFolder folder_, cache_;
  Environment caches_{"XDG_CACHE_HOME", cache_.path().c_str()};
  S3Server server_;
  GcsServer google_;
  StoresOfServer stores_{is("google") ? static_cast<StoreServer&>(google_) : server_};
};

TEST_P(ConditionalWrite, CreatesAFileOnlyIfThereIsNone) {
  EXPECT_TRUE(write_file_if(WriteCondition::absent(), at("x"), "first"));
  EXPECT_FALSE(write_file_if(WriteCondition::absent(), at("x"), "second"));
  EXPECT_EQ(read_file(at("x")), "first");
  EXPECT_THAT(names(), ElementsAre("x"));
  remove_file(at("x"));
  EXPECT_TRUE(write_file_if(WriteCondition::absent(), at("x"), "third"));
}

TEST_P(ConditionalWrite, ReplacesAFileOnlyIfItIsUnchanged) {
  write_file(at("x"), "one");
  const FileContents read = read_file_and_version(at("x"));
  EXPECT_EQ(read.bytes, "one");
  write_file(at("x"), "another");
  EXPECT_FALSE(write_file_if(WriteCondition::unchanged(read.version), at("x"), "two"));
  EXPECT_EQ(read_file(at("x")), "another");
  EXPECT_TRUE(write_file_if(WriteCondition::unchanged(read_file_and_version(at("x")).version), at("x"), "two"));
  EXPECT_EQ(read_file(at("x")), "two");
  EXPECT_THAT(names(), ElementsAre("x"));
  remove_file(at("x"));
  EXPECT_FALSE(write_file_if(WriteCondition::unchanged(read.version), at("x"), "three"));
  EXPECT_FALSE(file_exists(at("x")));
}

TEST_P(ConditionalWrite, ReturnsTheVersionThatItWrote) {
  for (const std::size_t size : {10u, 9'000'000u}) {  // at once, and in parts
    const auto writer = create_file(at("x"));
    writer->write(bytes_of(size));
    const std::string version = writer->commit();
    EXPECT_EQ(version, find_file(at("x"))->version) << size;
    EXPECT_TRUE(write_file_if(WriteCondition::unchanged(version), at("x"), "next"));
  }
}

TEST_P(ConditionalWrite, ChecksItsConditionsForLargeFiles) {
  const std::string large = bytes_of(9'000'000);
  EXPECT_TRUE(write_file_if(WriteCondition::absent(), at("x"), large));
  EXPECT_FALSE(write_file_if(WriteCondition::absent(), at("x"), std::string(9'000'000, 'y')));
  EXPECT_EQ(read_file(at("x")), large);
  EXPECT_EQ(server_.unfinished_uploads(), 0u);
}

TEST_P(ConditionalWrite, SucceedsForOneOfSeveralWriters) {
  std::atomic<int> created{0};
  write_file(at("counter"), "");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) {
      threads.emplace_back([&, i] {
        created += write_file_if(WriteCondition::absent(), at("x"), std::to_string(i));
        for (bool added = false; !added;) {
          const FileContents now = read_file_and_version(at("counter"));
          added = write_file_if(WriteCondition::unchanged(now.version), at("counter"), now.bytes + '+');
        }
      });
    }
  }
  EXPECT_EQ(created, 1);
  EXPECT_EQ(read_file(at("counter")), "++++++++");
  EXPECT_THAT(names(), ElementsAre("counter", "x"));
}

TEST_P(ConditionalWrite, LocksAFolderForOneHolderAtATime) {
  {
    const FolderLock lock(at(""));
    EXPECT_THAT(error_message([&] { FolderLock(at("")); }), HasSubstr("another run works in this folder"));
    EXPECT_TRUE(is_locked(at("")));
  }
  EXPECT_FALSE(is_locked(at("")));
  const FolderLock again(at(""));
}

TEST_P(ConditionalWrite, KeepsAMirroredFolder) {
  const auto here = [](const MirroredFolder& folder, const char* name) { return folder.path() / name; };
  {
    MirroredFolder run(at("run/"));
    EXPECT_FALSE(std::filesystem::exists(run.path()));
    make_folders(here(run, "models"));
    for (const char* name : {"config.json", "models/a.gwm", "old"}) write_file(here(run, name), "first");
    run.synchronise();
    EXPECT_EQ(read_file(at("run/models/a.gwm")), "first");
    if (remote()) {
      EXPECT_THAT(error_message([&] { MirroredFolder(at("run")); }), HasSubstr("another run works"));
    }
    write_file(here(run, "config.json"), "second");
    remove_file(here(run, "old"));
  }
  EXPECT_EQ(read_file(at("run/config.json")), "second");
  EXPECT_FALSE(file_exists(at("run/old")));
  const TemporaryFolder elsewhere;
  const Environment another_machine("XDG_CACHE_HOME", elsewhere.path().c_str());
  const MirroredFolder again(at("run"));
  EXPECT_EQ(read_file(here(again, "config.json")), "second");
  EXPECT_EQ(read_file(here(again, "models/a.gwm")), "first");
  EXPECT_FALSE(file_exists(here(again, "old")));
}

TEST_P(ConditionalWrite, RefusesToMirrorNamesThatLeaveTheFolder) {
  if (!remote()) GTEST_SKIP() << "there is nothing to copy";
  write_file(at("run/../../x"), "outside");
  EXPECT_THAT(error_message([&] { MirroredFolder(at("run")); }), HasSubstr("no name of a file in a folder"));
}

TEST_P(ConditionalWrite, ListsFilesAndDetectsFolders) {
  EXPECT_THAT(list_files(at("none")), SizeIs(0));
  EXPECT_FALSE(folder_exists(at("none")));
  make_folders(at("a/b"));
  write_file(at("a/b/y"), "2");
  write_file(at("a/x"), "1");
  EXPECT_THAT(list_files(at("a")), ElementsAre(::testing::Field(&FileInfo::location, at("a/x"))));
  EXPECT_TRUE(folder_exists(at("a")));
  EXPECT_TRUE(folder_exists(at("a/b")));
  EXPECT_FALSE(folder_exists(at("a/x")));
  EXPECT_FALSE(file_exists(at("a")));
  EXPECT_FALSE(file_exists(at("a/")));
  EXPECT_FALSE(try_open_file(at("a")));
  EXPECT_EQ(try_open_file(at("a/none")).error().reason, "cannot be opened");
}

INSTANTIATE_TEST_SUITE_P(Stores, ConditionalWrite, ::testing::Values("machine", "store", "google"),
                         [](const auto& kind) { return std::string(kind.param); });

class StoreCondition : public S3StoreTest {
 protected:
  TemporaryFolder cache_;
  Environment caches_{"XDG_CACHE_HOME", cache_.path().c_str()};
  StoresOfServer stores_{server_};
};

TEST_F(StoreCondition, HoldsAlthoughTheResponseToASuccessfulWriteIsLost) {
  fail("PUT", 1, [](S3Response& response) { response.reset = true; });
  const auto writer = store()->create("s3://music/x", {.condition = WriteCondition::absent()});
  writer->write("mine");
  writer->commit();  // the second attempt finds what the first wrote
  EXPECT_EQ(server_.get("x"), "mine");
  fail("PUT", 1, [](S3Response& response) { response.reset = true; });
  const auto late = store()->create("s3://music/x", {.condition = WriteCondition::absent()});
  late->write("yours");
  EXPECT_THROW(late->commit(), WriteConflict);
}

TEST_F(StoreCondition, IsRetriedAfterAConflictOfConcurrentWriters) {
  fail("PUT", 2, [&](S3Response& response) {
    response = {.status = 409, .headers = {}, .body = "<Error><Code>ConditionalRequestConflict</Code></Error>"};
  });
  server_.put("x", "old");
  const auto writer =
      store()->create("s3://music/x", {.condition = WriteCondition::unchanged(store()->find("s3://music/x")->version)});
  writer->write("old");
  writer->commit();
  EXPECT_EQ(server_.count("PUT"), 3u);
}

TEST_F(StoreCondition, TakesOverALockOfAKilledProcessOnTheSameMachineOnly) {
  const std::string lock = "s3://music/run/.lock";
  std::string ours;
  {
    const FolderLock held("s3://music/run");
    ours = read_file(lock);
  }
  EXPECT_FALSE(file_exists(lock));
  write_file(lock, ours);  // as a killed process leaves it
  { const FolderLock held("s3://music/run"); }
  EXPECT_FALSE(file_exists(lock));
  write_file(lock, "0123\nfar-away, since 2026-11-25T22:15:00Z\n7\n");
  EXPECT_THAT(error_message([] { FolderLock("s3://music/run"); }),
              AllOf(HasSubstr("far-away, since 2026"), HasSubstr(lock)));
  EXPECT_TRUE(file_exists(lock));
}

TEST_F(StoreCondition, ShowsWhetherAFolderIsLockedWithoutWriting) {
  const std::string lock = "s3://music/run/.lock";
  EXPECT_FALSE(is_locked("s3://music/run"));
  std::string ours;
  {
    const FolderLock held("s3://music/run");
    EXPECT_TRUE(is_locked("s3://music/run"));
    ours = read_file(lock);
  }
  const std::size_t written = server_.count("PUT");
  EXPECT_FALSE(is_locked("s3://music/run"));
  EXPECT_EQ(server_.count("PUT"), written);
  write_file(lock, ours);  // as a killed process leaves it
  EXPECT_FALSE(is_locked("s3://music/run"));
  write_file(lock, "0123\nfar-away, since 2026-11-25T22:15:00Z\n7\n");
  EXPECT_TRUE(is_locked("s3://music/run"));
  server_.tamper = [](const S3Request&, S3Response& response) {
    response = {.status = 403, .headers = {}, .body = ""};
  };
  EXPECT_THAT(error_message([] { is_locked("s3://music/run"); }), HasSubstr("access is denied"));
}

TEST(LocalFile, GivesAnErrorIfItChangesWhileItIsRead) {
  const TemporaryFolder folder;
  write_file(folder / "x", "12345");
  const auto reader = open_file(folder / "x");
  std::filesystem::resize_file(folder / "x", 3);
  std::vector<std::byte> buffer(5);
  EXPECT_THROW(reader->read_at(0, buffer), FileError);
}

TEST(LocalFile, RemovesOnlyItsOwnTemporaryFiles) {
  const TemporaryFolder folder;
  for (const char* name : {".x.csv.12.tmp", ".x.csv.json.3.tmp", ".y.csv.4.tmp", ".z.tmp", "x.csv"})
    write_file(folder / name, "");
  remove_unfinished(folder / "x.csv");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{".x.csv.json.3.tmp", ".y.csv.4.tmp", ".z.tmp", "x.csv"}));
  remove_unfinished(folder.path() / "");
  EXPECT_EQ(folder.names(), (std::vector<std::string>{".z.tmp", "x.csv"}));
}

TEST(Location, IsResolvedInLocalAndRemoteFolders) {
  EXPECT_EQ(resolve_location("/data", "a/../b.mp3"), "/data/b.mp3");
  EXPECT_EQ(resolve_location("/data", "/other/b.mp3"), "/other/b.mp3");
  EXPECT_EQ(resolve_location("/data", "s3://b/k"), "s3://b/k");
  EXPECT_EQ(resolve_location("s3://b/data", "a//../x"), "s3://b/data/a//../x");
  EXPECT_EQ(absolute_location("s3://b//k"), "s3://b//k");
  EXPECT_EQ(canonical_location("s3://b//k"), "s3://b//k");
  EXPECT_EQ(local_work_path("here/x"), "here/x");
  EXPECT_TRUE(local_work_path("s3://b/k").is_absolute());
  EXPECT_TRUE(check_file("s3://b/none"));
  EXPECT_EQ(check_file("/none").error().reason, "missing file");
}

}  // namespace
}  // namespace genrewise
