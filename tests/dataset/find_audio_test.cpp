#include <gmock/gmock.h>
#include <unistd.h>

#include "genrewise/dataset/find_audio.hpp"
#include "genrewise/storage/files.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

class FindAudio : public ::testing::Test {
 protected:
  void touch(const std::string& name) {
    make_folders((folder_ / name).parent_path());
    write_file(folder_ / name, "");
  }
  /// Found paths, relative to the folder.
  std::vector<std::string> find(const std::vector<fs::path>& locations) {
    faults_.clear();
    std::vector<std::string> names;
    for (const fs::path& path : find_audio(locations, faults_))
      names.push_back(path.lexically_relative(folder_.path()));
    return names;
  }
  TemporaryFolder folder_;
  std::vector<Fault> faults_;
};

TEST_F(FindAudio, WalksFoldersInOrderAndReturnsOnlyAudioNames) {
  for (const char* name :
       {"b/2.MP3", "b/1.flac", "a/x/y/ö 音.ogg", "a/cover.jpg", "z.wav", ".hidden/1.mp3", "a/._1.mp3"})
    touch(name);
  EXPECT_THAT(find({folder_.path()}), ElementsAre("a/x/y/ö 音.ogg", "b/1.flac", "b/2.MP3", "z.wav"));
  EXPECT_THAT(faults_, IsEmpty());
}

TEST_F(FindAudio, ReturnsAGivenFileRegardlessOfItsName) {
  touch("song");
  touch(".hidden.mp3");
  EXPECT_THAT(find({folder_ / "song", folder_ / ".hidden.mp3"}), ElementsAre("song", ".hidden.mp3"));
}

TEST_F(FindAudio, TerminatesOnCircularLinksAndFollowsLinksOnce) {
  touch("a/1.mp3");
  fs::create_directory_symlink(folder_.path(), folder_ / "a/up");
  fs::create_directory_symlink(folder_ / "b", folder_ / "b");
  fs::create_directory_symlink(folder_ / "a", folder_ / "c");
  EXPECT_THAT(find({folder_.path()}), ElementsAre("a/1.mp3"));
  EXPECT_THAT(find({folder_ / "c"}), ElementsAre("c/1.mp3"));
}

TEST_F(FindAudio, ReportsLocationsWithoutAudio) {
  touch("empty/readme.txt");
  touch("full/1.mp3");
  EXPECT_THAT(find({folder_ / "nowhere", folder_ / "empty", folder_ / "full"}), ElementsAre("full/1.mp3"));
  ASSERT_EQ(faults_.size(), 2u);
  EXPECT_EQ(faults_[0].reason, "not found");
  EXPECT_EQ(faults_[1].reason, "no audio in it");
  EXPECT_EQ(faults_[1].where, folder_ / "empty");
}

TEST_F(FindAudio, ContinuesAfterAFolderThatCannotBeRead) {
  touch("a/1.mp3");
  touch("b/2.mp3");
  AS_ORDINARY_USER(folder_.path());
  fs::permissions(folder_ / "a", fs::perms::none);
  EXPECT_THAT(find({folder_.path()}), ElementsAre("b/2.mp3"));
  fs::permissions(folder_ / "a", fs::perms::owner_all);
  ASSERT_EQ(faults_.size(), 1u);
  EXPECT_EQ(faults_[0].reason, "folder cannot be read");
}

}  // namespace
}  // namespace genrewise
