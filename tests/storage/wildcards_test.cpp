
#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::TemporaryFolder;

TEST(Wildcards, MatchAsInAShell) {
  EXPECT_TRUE(matches_wildcards("s3://b/p/mel00-12.tfrec", "s3://b/p/*.tfrec"));
  EXPECT_FALSE(matches_wildcards("s3://b/p/q/mel00-12.tfrec", "s3://b/p/*.tfrec"));
  EXPECT_TRUE(matches_wildcards("s3://b/p/q/mel00-12.tfrec", "s3://b/**.tfrec"));
  EXPECT_TRUE(matches_wildcards("s3://b/p/q/x", "s3://b/*/q/?"));
  EXPECT_FALSE(matches_wildcards("s3://b/p/q/", "s3://b/*/q/?"));
  EXPECT_TRUE(matches_wildcards("mel07", "mel0[5-9]"));
  EXPECT_FALSE(matches_wildcards("mel04", "mel0[5-9]"));
  EXPECT_TRUE(matches_wildcards("mel04", "mel0[!5-9]"));
  EXPECT_FALSE(matches_wildcards("a/b", "a[!x]b"));
  EXPECT_TRUE(matches_wildcards("a]b", "a[]]b"));
  EXPECT_TRUE(matches_wildcards("a[b", "a[b"));
  EXPECT_TRUE(matches_wildcards("a*b", "a\\*b"));
  EXPECT_FALSE(matches_wildcards("axb", "a\\*b"));
  EXPECT_TRUE(matches_wildcards("", "*"));
  EXPECT_TRUE(matches_wildcards("", ""));
  EXPECT_FALSE(matches_wildcards("a", ""));
  EXPECT_FALSE(matches_wildcards("", "?"));
  EXPECT_TRUE(matches_wildcards("abab/abc", "a**abc"));
  EXPECT_TRUE(matches_wildcards("aab", "*ab"));
  EXPECT_TRUE(matches_wildcards("x/aab", "**/a*b"));
}

TEST(Wildcards, FailFastOnRepetitivePatterns) {
  EXPECT_FALSE(matches_wildcards(std::string(2'000, 'a'), "*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b"));
  EXPECT_FALSE(matches_wildcards(std::string(2'000, 'a'), "**a*a**a*a**a*a**a*a**a*a**b"));
}

TEST(Wildcards, ListLocalFiles) {
  const TemporaryFolder folder;
  const std::string root = folder.path().string() + "/";
  make_folders(folder / "a/b");
  for (const char* name : {"a/1.tfrec", "a/2.csv", "a/b/3.tfrec"}) write_file(folder / name, "x");
  const auto list = [&](const std::string& pattern) {
    std::vector<std::string> names;
    for (const auto& object : list_matching(root + pattern)) names.push_back(object.location.substr(root.size()));
    return names;
  };
  EXPECT_THAT(list("a/*.tfrec"), ElementsAre("a/1.tfrec"));
  EXPECT_THAT(list("**.tfrec"), ElementsAre("a/1.tfrec", "a/b/3.tfrec"));
  EXPECT_THAT(list("*/*/*"), ElementsAre("a/b/3.tfrec"));
  EXPECT_THAT(list("a"), ElementsAre("a/1.tfrec", "a/2.csv"));
  EXPECT_THAT(list("a/"), ElementsAre("a/1.tfrec", "a/2.csv"));
  EXPECT_THAT(list("a/2.csv"), ElementsAre("a/2.csv"));
  EXPECT_THAT(list("a/none"), IsEmpty());
  EXPECT_THAT(list("x*"), IsEmpty());
}

TEST(Wildcards, ListWhatMayBeReadAndNoteTheRest) {
  const TemporaryFolder folder;
  make_folders(folder / "a/lost+found");
  write_file(folder / "a/1.mp3", "x");
  write_file(folder / "a/lost+found/2.mp3", "x");
  std::filesystem::create_symlink("x", folder / "a/x");
  struct : Progress {
    void note(std::string_view text) override { notes.emplace_back(text); }
    std::vector<std::string> notes;
  } progress;
  Runtime runtime(RuntimeConfig{.progress = &progress});
  const UseRuntime use(runtime);
  const auto list = [&] {
    progress.notes.clear();
    return list_matching((folder / "a/**.mp3").string()).size();
  };
  EXPECT_EQ(list(), 2U);
  EXPECT_THAT(progress.notes, ElementsAre(AllOf(HasSubstr("a/x"), HasSubstr("skipped"))));
  AS_ORDINARY_USER(folder.path());
  std::filesystem::permissions(folder / "a/lost+found", std::filesystem::perms::none);
  EXPECT_EQ(list(), 1U);
  EXPECT_THAT(progress.notes, Contains(AllOf(HasSubstr("a/lost+found"), HasSubstr("Permission denied"))));
  std::filesystem::permissions(folder / "a/lost+found", std::filesystem::perms::owner_all);
}

}  // namespace
}  // namespace genrewise
