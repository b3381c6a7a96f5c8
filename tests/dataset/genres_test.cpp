#include "genrewise/dataset/genres.hpp"

#include <gmock/gmock.h>

#include "dataset_fixture.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

/// Blues: two artists, four files. Rock: one artist, three files. R=B: three artists with one file each.
SplitSubjects collection() {
  SplitSubjects subjects;
  subjects.labels_by_name = {"Blues", "R=B", "Rock"};
  const auto add = [&](int label, const std::string& artist) {
    subjects.ids.push_back(std::to_string(subjects.ids.size()));
    subjects.labels.push_back(label);
    subjects.artists.push_back(artist);
    subjects.albums.emplace_back();
    subjects.tracks.push_back(subjects.ids.back() + ".mp3");
    subjects.official.emplace_back();
  };
  for (const char* artist : {"a", "a", "b", "b"}) add(0, artist);
  for (const char* artist : {"c", "d", "e"}) add(1, artist);
  for (int i = 0; i < 3; ++i) add(2, "f");
  return subjects;
}

TEST(Genres, AreUnchangedWithoutOptions) {
  const GenreSelection selection = select_genres(collection(), {});
  EXPECT_EQ(selection.labels, collection().labels_by_name);
  EXPECT_EQ(selection.label_of, collection().labels);
  EXPECT_TRUE(selection.notes.empty());
}

TEST(Genres, WithTooFewGroupsAreLeftOutAndReported) {
  const GenreSelection selection = select_genres(collection(), {.min_groups = 3});
  EXPECT_THAT(selection.labels, ElementsAre("R=B"));
  EXPECT_THAT(selection.label_of, ElementsAre(-1, -1, -1, -1, 0, 0, 0, -1, -1, -1));
  ASSERT_EQ(selection.notes.size(), 1u);
  EXPECT_THAT(selection.notes[0],
              AllOf(HasSubstr("Blues (2 groups, 4 examples)"), HasSubstr("Rock (1 groups, 3 examples)")));
}

TEST(Genres, AreCountedByFileForARandomSplit) {
  const GenreSelection selection = select_genres(collection(), {.min_groups = 4, .by_artist = false});
  EXPECT_THAT(selection.labels, ElementsAre("Blues"));
}

TEST(Genres, CanBeMergedTogetherWithTheirGroups) {
  const GenreSelection selection = select_genres(collection(), {.merge = {"R=B=Blues", "Rock=Blues"}, .min_groups = 6});
  EXPECT_THAT(selection.labels, ElementsAre("Blues"));
  EXPECT_THAT(selection.label_of, ::testing::Each(0));
  EXPECT_THAT(selection.notes, ElementsAre("3 examples of R=B count as Blues (--merge).",
                                           "3 examples of Rock count as Blues (--merge)."));
}

TEST(Genres, KeepTheirOrderAfterAMerge) {
  const GenreSelection selection = select_genres(collection(), {.merge = {"Blues=Rock"}});
  EXPECT_THAT(selection.labels, ElementsAre("R=B", "Rock"));
  EXPECT_THAT(selection.label_of, ElementsAre(1, 1, 1, 1, 0, 0, 0, 1, 1, 1));
}

TEST(Genres, ThatDoNotExistAreReportedWithTheExistingOnes) {
  const auto error = [](std::vector<std::string> merge) {
    return error_message([&] { select_genres(collection(), {.merge = std::move(merge)}); });
  };
  EXPECT_THAT(error({"Blus=Rock"}), AllOf(HasSubstr("'Blus'"), HasSubstr("Blues, R=B, Rock"), HasSubstr("--merge")));
  EXPECT_THAT(error({"Blues=Rok"}), HasSubstr("'Rok'"));
  EXPECT_THAT(error({"Blues"}), HasSubstr("'Blues'"));
  EXPECT_THAT(error({"Blues=Blues"}), HasSubstr("with itself"));
  EXPECT_THAT(error({"Blues=Rock", "Blues=R=B"}), HasSubstr("both"));
  EXPECT_THAT(error({"Blues=Rock", "Rock=R=B"}), HasSubstr("itself merged into 'R=B'"));
}

TEST(Genres, ThatAreAllLeftOutAreAnError) {
  EXPECT_THAT(error_message([] { select_genres(collection(), {.min_groups = 9}); }),
              AllOf(HasSubstr("--min-groups"), HasSubstr("no genre has 9 groups"), HasSubstr("R=B (3 groups")));
}

TEST(GenreTree, NamesTheTopLevelGenreOfEachLabel) {
  testing::TemporaryFolder folder;
  const std::vector<std::string> labels = {"Home-made", "Punk", "rock", "Techno"};
  EXPECT_TRUE(genre_tree(folder.path(), labels).empty());  // no genres.csv
  std::filesystem::create_directories(folder / "fma_metadata");
  const auto file = folder / "fma_metadata" / "genres.csv";
  write_file(file,
             "genre_id,#tracks,parent,title,top_level\n12,9,0,Rock,12\n25,3,12,Punk,12\n26,1,25,\"Post, Punk\",12\n"
             "15,8,0,Electronic,15\n181,5,15,Techno,15\n");
  using Tree = std::map<std::string, std::string>;
  const Tree expected = {{"Home-made", "Home-made"}, {"Punk", "Rock"}, {"rock", "Rock"}, {"Techno", "Electronic"}};
  EXPECT_EQ(genre_tree(folder.path(), labels), expected);
  EXPECT_EQ(genre_tree(folder / "fma_metadata" / "list.csv", {"Post, Punk"}), (Tree{{"Post, Punk", "Rock"}}));
  EXPECT_TRUE(genre_tree(folder.path(), {"Rock", "Electronic"}).empty());  // nothing is below another
  write_file(file, "genre,colour\nPunk,red\n");
  EXPECT_TRUE(genre_tree(folder.path(), labels).empty());  // another kind of file
}

}  // namespace
}  // namespace genrewise
