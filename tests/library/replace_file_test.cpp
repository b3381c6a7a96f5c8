// Replacing a file by a changed copy, and patches. Files are some bytes.
#include "genrewise/library/replace_file.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/storage/files.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using testing::TemporaryFolder;

const auto kNothing = [](std::string_view, std::string_view) {};

Expected<void> write_new(const fs::path&, const fs::path& copy) {
  write_file(copy, "new bytes");
  return {};
}

std::string reason_of(const Expected<void>& done) {
  return done ? "none" : done.error().reason;
}

class ReplaceFile : public ::testing::Test {
 protected:
  ReplaceFile() { write_file(file_, "old bytes"); }
  Expected<void> replace() { return replace_file(file_, write_new, kNothing); }

  TemporaryFolder folder_;
  const fs::path file_ = folder_ / "song.mp3";
};

TEST_F(ReplaceFile, GivesBothContentsBeforeTheRename) {
  std::string seen;
  const auto look = [&](std::string_view before, std::string_view after) {
    seen = std::string(before) + " -> " + std::string(after) + ", " + read_file(file_);
  };
  EXPECT_EQ(reason_of(replace_file(file_, write_new, look)), "none");
  EXPECT_EQ(seen, "old bytes -> new bytes, old bytes");
  EXPECT_EQ(read_file(file_), "new bytes");
  EXPECT_THAT(folder_.names(), ElementsAre("song.mp3"));
}

TEST_F(ReplaceFile, KeepsModeTimesAndOwner) {
  const struct timespec times[] = {{1'000'000'000, 5}, {1'100'000'000, 123'456'789}};
  ASSERT_EQ(::utimensat(AT_FDCWD, file_.c_str(), times, 0), 0);
  ASSERT_EQ(::geteuid() == 0 ? ::chown(file_.c_str(), 12345, 54321) : 0, 0);
  ASSERT_EQ(::chmod(file_.c_str(), 06640), 0);
  struct stat before {
  }, after{};
  ASSERT_EQ(::stat(file_.c_str(), &before), 0);
  EXPECT_EQ(reason_of(replace()), "none");
  ASSERT_EQ(::stat(file_.c_str(), &after), 0);
  EXPECT_NE(after.st_ino, before.st_ino);
  EXPECT_EQ(after.st_mode, before.st_mode);
  EXPECT_EQ(after.st_uid, before.st_uid);
  EXPECT_EQ(after.st_gid, before.st_gid);
  EXPECT_EQ(after.st_mtim.tv_sec, times[1].tv_sec);
  EXPECT_EQ(after.st_mtim.tv_nsec, times[1].tv_nsec);
}

TEST_F(ReplaceFile, KeepsExtendedAttributesAndAccessControlListsAndAddsNone) {
  // Version 2; the owner, user 7, the group, the mask and others, each with tag, permissions and id.
  const auto list = [](unsigned char user) {
    const unsigned char bytes[] = {2, 0,    0,   0,   1,   0,   6,  0, 255, 255, 255, 255, 2,   0,  6,
                                   0, user, 0,   0,   0,   4,   0,  4, 0,   255, 255, 255, 255, 16, 0,
                                   6, 0,    255, 255, 255, 255, 32, 0, 0,   0,   255, 255, 255, 255};
    return std::string(std::begin(bytes), std::end(bytes));
  };
  const std::string value("a\0b", 3), of_file = list(7), of_folder = list(9);
  if (::setxattr(file_.c_str(), "user.rating", value.data(), value.size(), 0) != 0)
    GTEST_SKIP() << "the temporary folder has no extended attributes";
  const bool lists = ::setxattr(file_.c_str(), "system.posix_acl_access", of_file.data(), of_file.size(), 0) == 0;
  ASSERT_EQ(
      lists ? ::setxattr(folder_.path().c_str(), "system.posix_acl_default", of_folder.data(), of_folder.size(), 0) : 0,
      0);
  EXPECT_EQ(reason_of(replace()), "none");
  const auto attribute = [&](const char* name) {
    std::string text(200, '\0');
    text.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::getxattr(file_.c_str(), name, text.data(), text.size()))));
    return text;
  };
  EXPECT_EQ(attribute("user.rating"), value);
  EXPECT_EQ(attribute("system.posix_acl_access"), lists ? of_file : "");
  ASSERT_EQ(lists ? ::removexattr(file_.c_str(), "system.posix_acl_access") : 0, 0);
  EXPECT_EQ(reason_of(replace()), "none");
  EXPECT_EQ(attribute("system.posix_acl_access"), "");
}

TEST_F(ReplaceFile, ReplacesTheFileBehindASymbolicLink) {
  fs::create_directory(folder_ / "links");
  fs::create_symlink("../song.mp3", folder_ / "links/a.mp3");
  EXPECT_EQ(reason_of(replace_file(folder_ / "links/a.mp3", write_new, kNothing)), "none");
  EXPECT_TRUE(fs::is_symlink(folder_ / "links/a.mp3"));
  EXPECT_EQ(read_file(file_), "new bytes");
}

TEST_F(ReplaceFile, RefusesWhatItCannotReplaceWithoutLoss) {
  EXPECT_EQ(reason_of(check_replaceable(folder_ / "none.mp3")), "not found");
  EXPECT_EQ(reason_of(check_replaceable(folder_.path())), "not a regular file");
  fs::create_hard_link(file_, folder_ / "other.mp3");
  EXPECT_EQ(reason_of(replace()), "hard link");
  fs::remove(folder_ / "other.mp3");
  fs::permissions(file_, fs::perms::owner_read);
  EXPECT_EQ(reason_of(replace()), "read-only");
  EXPECT_EQ(read_file(file_), "old bytes");
  ASSERT_EQ(::truncate(file_.c_str(), (std::int64_t{1} << 30) + 1), 0);
  fs::permissions(file_, fs::perms::owner_all);
  EXPECT_EQ(reason_of(check_replaceable(file_)), "too large");
}

TEST_F(ReplaceFile, RefusesFilesOfOthersAndInFoldersThatAreReadOnly) {
  AS_ORDINARY_USER(folder_.path());
  fs::permissions(folder_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_EQ(reason_of(replace()), "read-only");
  fs::permissions(folder_.path(), fs::perms::owner_all);
  EXPECT_EQ(reason_of(replace()), "none");
  EXPECT_EQ(reason_of(check_replaceable("/etc/passwd")), "belongs to another user");
}

TEST_F(ReplaceFile, RefusesAFileThatAnotherProgramHasOpenForWriting) {
  const Descriptor reader(::open(file_.c_str(), O_RDONLY));
  if (::fcntl(reader.get(), F_SETLEASE, F_RDLCK) != 0) GTEST_SKIP() << "the file system has no leases";
  ::fcntl(reader.get(), F_SETLEASE, F_UNLCK);
  Descriptor writer(::open(file_.c_str(), O_WRONLY));
  EXPECT_EQ(reason_of(replace()), "in use");
  EXPECT_THAT(folder_.names(), ElementsAre("song.mp3"));
  writer.reset();
  EXPECT_EQ(reason_of(replace()), "none");
}

TEST_F(ReplaceFile, KeepsAnEditThatHappenedMeanwhile) {
  const auto edit = [&](const fs::path& original, const fs::path& copy) {
    write_file(original, "bytes of another program");
    return write_new(original, copy);
  };
  EXPECT_EQ(reason_of(replace_file(file_, edit, kNothing)), "changed since");
  const auto late_edit = [&](std::string_view, std::string_view) { write_file(file_, "bytes of a third program"); };
  EXPECT_EQ(reason_of(replace_file(file_, write_new, late_edit)), "changed since");
  EXPECT_EQ(read_file(file_), "bytes of a third program");
  EXPECT_THAT(folder_.names(), ElementsAre("song.mp3"));
}

TEST_F(ReplaceFile, LeavesTheOriginalAndNoCopyAfterFaultsAndExceptions) {
  const auto fail = [](const fs::path&, const fs::path& copy) -> Expected<void> {
    write_file(copy, "half");
    return tl::unexpected(Fault{"damaged", "", ""});
  };
  EXPECT_EQ(reason_of(replace_file(file_, fail, kNothing)), "damaged");
  EXPECT_THROW(static_cast<void>(replace_file(file_, write_new, [](auto, auto) { throw Error("the disk is full"); })),
               Error);
  EXPECT_EQ(read_file(file_), "old bytes");
  EXPECT_THAT(folder_.names(), ElementsAre("song.mp3"));
}

TEST_F(ReplaceFile, WorksForTheLongestNamesAndAnyBytes) {
  const std::string long_name = [] {
    std::string name;
    while (name.size() < 251) name += "\u266b";  // three bytes
    return name + ".ogg";
  }();
  ASSERT_EQ(long_name.size(), 256U);
  for (const std::string& name :
       {long_name.substr(3), std::string("new\nline \xff.mp3"), std::string("-"), std::string(255, 'x')}) {
    const fs::path file = folder_ / name;
    write_file(folder_ / "made", "old bytes");
    fs::rename(folder_ / "made", file);
    const auto make = [&](const fs::path& original, const fs::path& copy) -> Expected<void> {
      EXPECT_THAT(copy.filename().string(), ::testing::StartsWith("."));
      write_file(copy, read_file(original));  // by a longer name
      return {};
    };
    EXPECT_EQ(reason_of(replace_file(file, make, kNothing)), "none") << name;
  }
}

TEST_F(ReplaceFile, RemovesCopiesOfKilledProcessesAndNothingElse) {
  for (const char* name : {".song.mp3.genrewise-tag-0123abcd", "..song.mp3.genrewise-tag-0123abcd.123.tmp",
                           "a.genrewise-tag-0123abcd", ".hidden"})
    write_file(folder_ / name, "");
  const FolderLock lock = lock_for_replacing(folder_.path());
  EXPECT_THAT(folder_.names(), ElementsAre(".hidden", "a.genrewise-tag-0123abcd", "song.mp3"));
  EXPECT_THROW(lock_for_replacing(folder_.path()), Error);
}

std::string noise(std::size_t bytes) {
  Rng rng(1);
  std::string text(bytes, '\0');
  for (char& byte : text) byte = static_cast<char>(rng.next());
  return text;
}

TEST(Patch, RestoresAndIsSmallWhereverTheTextsDiffer) {
  const std::string audio = noise(3'000'000);
  std::string renumbered = audio;  // as the pages of an Ogg file
  for (std::size_t at = 0; at < renumbered.size(); at += 4000) renumbered.replace(at, 8, "12345678");
  const std::pair<std::string, std::string> cases[] = {
      {"ID3 old" + audio, "a longer tag" + audio},
      {audio + "tail", audio},
      {audio, "moved" + audio.substr(0, 1'000'000) + "x" + audio.substr(1'000'000)},
      {renumbered, "head" + audio}};
  for (const auto& [before, after] : cases) {
    const std::string patch = make_patch(before, after);
    EXPECT_LT(patch.size(), before == renumbered ? 30'000U : 1'000U);
    EXPECT_EQ(apply_patch(patch, after, before.size()), before);
  }
  for (const auto& [before, after] : {std::pair("", "a"), std::pair("a", ""), std::pair("", "")})
    EXPECT_EQ(apply_patch(make_patch(before, after), after, std::string(before).size()), before);
}

TEST(Patch, GivesNothingWhenDamaged) {
  const std::string patch = make_patch("the old text", "the new text");
  EXPECT_EQ(apply_patch(patch, "the new text", 11), std::nullopt);
  EXPECT_EQ(apply_patch(patch.substr(1), "the new text", 12), std::nullopt);
  EXPECT_EQ(apply_patch("", "the new text", 12), std::nullopt);
}

}  // namespace
}  // namespace genrewise
