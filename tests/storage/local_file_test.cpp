#include "genrewise/base/filesystem.hpp"
#include "genrewise/storage/files.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/work_folder.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;

TEST(LocalFile, WritesAndReadsBackAnyBytes) {
  const TemporaryFolder folder;
  const std::string bytes("a\0b\n\xff", 5);
  write_file(folder / "Ünïcode 音楽.bin", bytes);
  EXPECT_EQ(read_file(folder / "Ünïcode 音楽.bin"), bytes);
}

TEST(LocalFile, WritesMoreThanItsBuffer) {
  const TemporaryFolder folder;
  const auto file = create_file(folder / "big");
  std::string expected;
  for (int i = 0; i < 5; ++i) {
    const std::string piece(700'000, static_cast<char>('a' + i));
    file->write(piece);
    expected += piece;
  }
  file->write(std::string(3'000'000, 'z'));
  expected += std::string(3'000'000, 'z');
  file->commit();
  EXPECT_EQ(read_file(folder / "big"), expected);
}

TEST(LocalFile, LeavesNoFilesWithoutCommit) {
  const TemporaryFolder folder;
  write_file(folder / "kept", "old");
  {
    const auto file = create_file(folder / "kept");
    file->write("new");
    EXPECT_EQ(folder.names().size(), 2u);
  }
  EXPECT_EQ(folder.names(), std::vector<std::string>{"kept"});
  EXPECT_EQ(read_file(folder / "kept"), "old");
}

TEST(LocalFile, RemovesWhatAKilledWriterOfTheSameNameLeftButNothingElse) {
  const TemporaryFolder folder;
  write_file(folder / ".a.txt.123.tmp", "left by a killed process");
  write_file(folder / ".b.txt.123.tmp", "of another file");
  write_file(folder / ".a.txt.mine.tmp", "not a writer's");
  const auto alive = create_file(folder / "a.txt");
  alive->write("alive");
  write_file(folder / "a.txt", "other");
  EXPECT_FALSE(std::filesystem::exists(folder / ".a.txt.123.tmp"));
  EXPECT_TRUE(std::filesystem::exists(folder / ".b.txt.123.tmp"));
  EXPECT_TRUE(std::filesystem::exists(folder / ".a.txt.mine.tmp"));
  EXPECT_EQ(read_file(folder / "a.txt"), "other");
  alive->commit();
  EXPECT_EQ(read_file(folder / "a.txt"), "alive");
}

TEST(LocalFile, ReportsPathAndRemedyIfItCannotBeWritten) {
  const TemporaryFolder folder;
  try {
    write_file(folder / "no/such/folder/file", "x");
    FAIL();
  } catch (const Error& error) {
    EXPECT_THAT(error.where(), ::testing::HasSubstr("no/such/folder/file"));
    EXPECT_FALSE(error.remedy().empty());
  }
  EXPECT_THROW(create_file(folder.path() / ""), Error);
}

TEST(LocalFile, MayHaveTheLongestName) {
  const TemporaryFolder folder;
  const std::string name = std::string(253, 'n') + "\u00fc", left = "." + std::string(239, 'n') + ".4711.tmp";
  write_file(folder / left, "left by a killed process");
  write_file(folder / name, "x");
  EXPECT_EQ(folder.names(), std::vector<std::string>{name});
}

TEST(LocalFile, ReplacesNoPipeDeviceOrFolder) {
  const TemporaryFolder folder;
  const std::filesystem::path pipe = folder / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  for (const auto& path : {pipe, folder.path()})
    EXPECT_THAT(testing::error_message([&] { write_file(path, "x"); }), ::testing::HasSubstr("not a regular file"));
  EXPECT_TRUE(std::filesystem::is_fifo(pipe));
  EXPECT_EQ(folder.names(), std::vector<std::string>{"pipe"});
}

TEST(LocalFile, RefusesToReadAFolderOrAMissingFile) {
  const TemporaryFolder folder;
  EXPECT_THROW(read_file(folder.path()), Error);
  EXPECT_THROW(read_file(folder / "missing"), Error);
}

TEST(LocalFile, ThatCannotBeOpenedSinceTooManyAreOpenIsNoFaultOfTheFile) {
#if defined(__SANITIZE_ADDRESS__) && defined(__clang__)
  GTEST_SKIP() << "Clang's check of types needs a descriptor";
#endif
  const TemporaryFolder folder;
  write_file(folder / "f", "x");
  const FileInfo info = *find_file(folder / "f");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_NOFILE, &before), 0);
  const rlimit none{0, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &none), 0);
  const std::string tried = testing::error_message([&] { (void)try_open_file(folder / "f"); });
  std::string opened = "no error";
  try {
    open_file(info);
  } catch (const FileError&) {
    opened = "a fault of the file";
  } catch (const Error& error) {
    opened = error.what();
  }
  ASSERT_EQ(::setrlimit(RLIMIT_NOFILE, &before), 0);
  EXPECT_THAT(tried, ::testing::HasSubstr("too many open files"));
  EXPECT_THAT(opened, ::testing::HasSubstr("too many open files"));
  EXPECT_EQ(read_file(folder / "f"), "x");
}

TEST(CheckedFilesystem, ReportsFailuresAsErrorWithThePath) {
  const TemporaryFolder folder;
  const std::filesystem::path loop = folder / "loop", missing = folder / "missing";
  std::filesystem::create_symlink(loop, loop);
  const auto names = [](const std::filesystem::path& path) { return ::testing::HasSubstr(path.string()); };
  EXPECT_THAT(testing::error_message([&] { path_exists(loop); }), names(loop));
  EXPECT_THAT(testing::error_message([&] { is_folder(loop); }), names(loop));
  EXPECT_THAT(testing::error_message([&] { entries_of(missing); }), names(missing));
  EXPECT_THAT(testing::error_message([&] { bytes_of_file(missing); }), names(missing));
  EXPECT_THAT(testing::error_message([&] { rename_path(missing, loop); }), names(missing));
  EXPECT_FALSE(path_exists(missing));
  EXPECT_FALSE(is_file(missing));
  EXPECT_THAT(entries_of(folder / ""), ::testing::ElementsAre(loop));
}

TEST(TemporaryFolderOfTheSystem, IsNamedWhenItIsMissing) {
  const TemporaryFolder folder;
  EXPECT_FALSE(temporary_folder().empty());
  const testing::Environment missing("TMPDIR", (folder / "missing").string());
  EXPECT_THAT(testing::error_message([] { temporary_folder(); }),
              ::testing::HasSubstr("TMPDIR=" + (folder / "missing").string()));
}

TEST(WorkFolder, IsEmptyAndOfOneRunAtATime) {
  const TemporaryFolder folder;
  make_folders(folder / "work/left");
  write_file(folder / "work/left/file", "of a killed run");
  {
    const WorkFolder work(folder / "work");
    EXPECT_TRUE(std::filesystem::is_empty(work.path()));
    write_file(work.path() / "file", "mine");
    EXPECT_THAT(testing::error_message([&] { WorkFolder(folder / "work"); }),
                ::testing::HasSubstr("another run works in this folder"));
    EXPECT_EQ(read_file(work.path() / "file"), "mine");
  }
  EXPECT_TRUE(folder.names().empty());
}

TEST(WorkFolder, DeletesNothingThroughALink) {
  const TemporaryFolder folder;
  make_folders(folder / "kept");
  write_file(folder / "kept/file", "kept");
  std::filesystem::create_directory_symlink(folder / "kept", folder / "work");
  EXPECT_THROW(WorkFolder(folder / "work"), Error);
  EXPECT_EQ(read_file(folder / "kept/file"), "kept");
}

TEST(RemoveTree, RemovesAFolderWithItsContentButNotTheTargetsOfLinks) {
  const TemporaryFolder folder;
  make_folders(folder / "kept");
  make_folders(folder / "a/b/Ünïcode 音楽");
  write_file(folder / "kept/file", "kept");
  write_file(folder / "a/b/Ünïcode 音楽/file", "removed");
  std::filesystem::create_directory_symlink(folder / "kept", folder / "a/b/link");
  std::filesystem::create_symlink("nowhere", folder / "a/dangling");
  remove_tree(folder / "a");
  EXPECT_EQ(folder.names(), std::vector<std::string>{"kept"});
  EXPECT_EQ(read_file(folder / "kept/file"), "kept");
  remove_tree(folder / "a");  // does not exist any longer
  remove_tree(folder / "kept/file");
  EXPECT_FALSE(path_exists(folder / "kept/file"));
}

TEST(RemoveTree, WhatCannotBeRemovedIsAnErrorWithItsReason) {
  std::error_code code;
  remove_tree("/proc/self/fdinfo", code);
  EXPECT_TRUE(code);
  EXPECT_THAT(testing::error_message([] { remove_tree("/proc/self/fdinfo"); }),
              ::testing::HasSubstr("/proc/self/fdinfo"));
}

}  // namespace
}  // namespace genrewise
