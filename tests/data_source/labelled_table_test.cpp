#include <fmt/format.h>
#include <gmock/gmock.h>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

class LabelledTable : public ::testing::Test {
 protected:
  Examples read(const std::string& text) {
    write_file(folder_ / "table.csv", text);
    return read_labelled_table(folder_ / "table.csv");
  }
  /// Error message of read().
  std::string refusal(const std::string& text) {
    return error_message([&] { read(text); });
  }

  bool looks_like_one(const std::string& text) {
    write_file(folder_ / "maybe.csv", text);
    return is_labelled_table(folder_ / "maybe.csv");
  }
  TemporaryFolder folder_;
};

TEST_F(LabelledTable, UsesNumbersAsFeaturesAndNamedColumnsByTheirMeaning) {
  const Examples examples = read(
      "track_id,tempo,Genre,title,artist,album,energy,split\n"
      "7,120.5,Rock,1999,Prince,1999,-1e-3,training\n"
      "3,90,Jazz,So What,Miles,Kind of Blue,.5,test\n"
      "9,100,Rock,Help,,,0,\n");
  EXPECT_EQ(examples.name, "table.csv");
  EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock"));
  EXPECT_THAT(examples.subjects.labels_by_name, ElementsAre("Jazz", "Rock"));
  EXPECT_THAT(examples.subjects.labels, ElementsAre(1, 0, 1));
  EXPECT_THAT(examples.table.columns, ElementsAre(FeatureColumn{"tempo", "", ""}, FeatureColumn{"energy", "", ""}));
  EXPECT_THAT(examples.table.values.values(), ElementsAre(120.5f, -1e-3f, 90.f, .5f, 100.f, 0.f));
  EXPECT_THAT(examples.table.track_ids, ElementsAre("7", "3", "9"));
  EXPECT_THAT(examples.subjects.ids, ElementsAre("7", "3", "9"));
  EXPECT_THAT(examples.subjects.tracks, ElementsAre("7", "3", "9"));
  EXPECT_THAT(examples.subjects.artists, ElementsAre("Prince", "Miles", ""));
  EXPECT_THAT(examples.subjects.albums, ElementsAre("1999", "Kind of Blue", ""));
  EXPECT_THAT(examples.subjects.official, ElementsAre(Part::training, Part::test, std::nullopt));
}

TEST_F(LabelledTable, DerivesTheRecipeFromTheFeatureNames) {
  const auto recipe = read("label,a,b\nx,1,2\ny,3,4\n").table.recipe;
  EXPECT_EQ(recipe.name, "table");
  EXPECT_EQ(read("a,b,label\n5,6,z\n").table.recipe, recipe);
  EXPECT_NE(read("label,a,c\nx,1,2\n").table.recipe, recipe);
  EXPECT_NE(read("label,b,a\nx,1,2\n").table.recipe, recipe);
}

TEST_F(LabelledTable, FindsColumnsBySynonyms) {
  const Examples examples = read("Id,File Name,Class,Artist_Name,x,title\n7,a,R,P,1,2\n8,b,J,,2,3\n");
  EXPECT_THAT(examples.labels, ElementsAre("J", "R"));
  EXPECT_THAT(examples.subjects.ids, ElementsAre("7", "8"));
  EXPECT_THAT(examples.subjects.tracks, ElementsAre("a", "b"));
  EXPECT_THAT(examples.subjects.artists, ElementsAre("P", ""));
  EXPECT_THAT(examples.table.columns, ElementsAre(FeatureColumn{"x", "", ""}));
}

TEST_F(LabelledTable, IsJoinedWithOthersWhoseColumnsHaveOtherMeans) {
  const Examples joined = join_examples({read("track_id,label,x,y\na,R,1,7\nb,R,2,7\n"),
                                         read("track_id,label,x,y\nc,J,1000000001,7\nd,R,1000000002,7\n"),
                                         read("track_id,label,x,y\ne,J,1000000004,7\nf,R,1000000005,8\n")});
  std::vector<double> values;
  ASSERT_EQ(joined.table.offsets.size(), 2u);
  for (std::size_t i = 2; i < 6; ++i) values.push_back(joined.table.values(i, 0) + joined.table.offsets[0]);
  EXPECT_THAT(values, ElementsAre(1000000001, 1000000002, 1000000004, 1000000005));
  EXPECT_EQ(joined.table.values(5, 1) + joined.table.offsets[1], 8);
}

TEST_F(LabelledTable, NumbersRowsWithoutId) {
  EXPECT_THAT(read("a,label\n1,x\n2,y\n").table.track_ids, ElementsAre("1", "2"));
}

TEST_F(LabelledTable, TakesFilenameAsIdAndKeepsClipsOfOneRecordingTogether) {
  const Examples examples = read(
      "filename,length,label\nblues.00000.0.wav,66149,blues\nblues.00000.1.wav,66149,blues\n"
      "blues.00001.wav,66149,blues\na.b.wav,1,blues\n.wav,1,blues\nplain,1,blues\n");
  EXPECT_EQ(examples.table.track_ids[1], "blues.00000.1.wav");
  EXPECT_THAT(examples.subjects.tracks,
              ElementsAre("blues.00000", "blues.00000", "blues.00001.wav", "a.b.wav", ".wav", "plain"));
}

TEST_F(LabelledTable, LeavesOutTextAndTheRowNumbersOfPandas) {
  const Examples examples = read(",picture,x,genre,Unnamed: 7\n0,a.png,1,A,9\n1,b.png,2,B,9\n");
  EXPECT_THAT(examples.table.columns, ElementsAre(FeatureColumn{"x", "", ""}));
}

TEST_F(LabelledTable, KeepsGenresWithCommasLineBreaksAndMarkup) {
  const Examples examples = read("x,genre\n1,\"Hip-Hop, Rap\"\n2,\"two\nlines\"\n3,<b>&\n4,音楽\n");
  EXPECT_THAT(examples.labels, ElementsAre("<b>&", "Hip-Hop, Rap", "two\nlines", "音楽"));
}

TEST_F(LabelledTable, PrefersGenreToLabelAndUsesNeitherAsFeature) {
  const Examples examples = read("genre,label,x\nRock,1,5\nJazz,0,6\n");
  EXPECT_THAT(examples.labels, ElementsAre("Jazz", "Rock"));
  EXPECT_EQ(examples.table.columns.size(), 1u);
}

TEST_F(LabelledTable, NamesLineAndColumnOfABadCell) {
  EXPECT_THAT(refusal("x,y,genre\n1,2,A\n3,nan,B\n4,5,C\n"),
              AllOf(HasSubstr("table.csv:3"), HasSubstr("'y'"), HasSubstr("nan")));
  EXPECT_THAT(refusal("x,genre\n1,A\n2,B\ninf,C\n"), AllOf(HasSubstr(":4"), HasSubstr("inf")));
  EXPECT_THAT(refusal("x,genre\n1,A\n1e99,C\n"), AllOf(HasSubstr(":3"), HasSubstr("1e99")));
  EXPECT_THAT(refusal("x,genre\n1,A\n2,B\n,C\n"), AllOf(HasSubstr(":4"), HasSubstr("'x'"), HasSubstr("empty")));
  EXPECT_THAT(refusal("x,genre\n1,A\n2,B\ntwo,C\n"), AllOf(HasSubstr(":4"), HasSubstr("two")));
}

TEST_F(LabelledTable, NamesNumbersThatFloat32OrThePointRefuse) {
  EXPECT_THAT(refusal("x,genre\n1,A\n-1e300,B\n2,B\n"),
              AllOf(HasSubstr(":3"), HasSubstr("'-1e300'"), HasSubstr("3.4e38")));
  EXPECT_THAT(refusal("x;genre\n1,5;A\n2,5;B\n"),
              AllOf(HasSubstr(":2"), HasSubstr("'1,5'"), HasSubstr("decimal comma")));
}

TEST_F(LabelledTable, MayBeSeparatedBySemicolonsOrTabsAndEndLinesWithCr) {
  const Examples commas = read("filename,f1,f2,label\na,1.5,-2,x\nb,3,4,y\n");
  for (const char* text :
       {"filename;f1;f2;label\na;1.5;-2;x\nb;3;4;y\n", "filename\tf1\tf2\tlabel\na\t1.5\t-2\tx\nb\t3\t4\ty\n",
        "filename,f1,f2,label\ra,1.5,-2,x\rb,3,4,y\r"}) {
    const Examples examples = read(text);
    EXPECT_EQ(examples.table.values, commas.table.values);
    EXPECT_EQ(examples.table.recipe, commas.table.recipe);
    EXPECT_EQ(examples.subjects.ids, commas.subjects.ids);
    EXPECT_TRUE(looks_like_one(text));
  }
}

TEST_F(LabelledTable, StoresAColumnFarFromZeroWithAnOffset) {
  const Examples near = read("x,y,genre\n0.25,1,A\n0.5,2,B\n-0.125,3,B\n");
  EXPECT_TRUE(near.table.offsets.empty());
  const Examples far = read("x,y,genre\n100000000.25,1,A\n100000000.5,2,B\n99999999.875,3,B\n");
  ASSERT_EQ(far.table.offsets.size(), 2u);
  EXPECT_EQ(far.table.offsets[1], 0);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_NEAR(far.table.values(i, 0) + (far.table.offsets[0] - 1e8), near.table.values(i, 0), 1e-7);
    EXPECT_EQ(far.table.values(i, 1), near.table.values(i, 1));
  }
  EXPECT_TRUE(read("x,y,genre\n1e8,1,A\n1e8,2,B\n").table.offsets.empty());  // a constant column
}

TEST_F(LabelledTable, RefusesIncompleteAndRepeatedRows) {
  EXPECT_THAT(refusal("x,genre\n1,A\n2\n"), AllOf(HasSubstr(":3"), HasSubstr("1 cells")));
  EXPECT_THAT(refusal("x,genre\n1,A\n2,\n"), AllOf(HasSubstr(":3"), HasSubstr("genre")));
  EXPECT_THAT(refusal("track_id,x,genre\n5,1,A\n6,1,A\n5,2,B\n"),
              AllOf(HasSubstr(":4"), HasSubstr("'5'"), HasSubstr("line 2")));
  EXPECT_THAT(refusal("track_id,x,genre\n,1,A\n"), HasSubstr("track_id"));
  EXPECT_THAT(refusal("x,genre,split\n1,A,trainig\n"), AllOf(HasSubstr(":2"), HasSubstr("trainig")));
}

TEST_F(LabelledTable, RefusesATableWithoutRequiredColumns) {
  EXPECT_THAT(refusal(""), HasSubstr("empty"));
  EXPECT_THAT(refusal("x,genre\n"), HasSubstr("no rows"));
  EXPECT_THAT(refusal("x,y\n1,2\n"), HasSubstr("genre or label"));
  EXPECT_THAT(refusal("title,genre\na,A\nb,B\n"), HasSubstr("no column of numbers"));
  EXPECT_THAT(refusal("x,x,genre\n1,2,A\n"), HasSubstr("two columns"));
  EXPECT_THROW(read_labelled_table(folder_ / "missing.csv"), Error);
}

TEST_F(LabelledTable, IsRecognisedByItsHeader) {
  EXPECT_TRUE(looks_like_one("\xef\xbb\xbf\"x\",LABEL\r\n"));
  EXPECT_TRUE(looks_like_one("genre,x"));
  EXPECT_TRUE(looks_like_one("ID;F1;Track Genre\n"));
  EXPECT_TRUE(looks_like_one("filename,label,duration\n"));
  EXPECT_FALSE(looks_like_one("filename,label,duration_s\n"));
  EXPECT_FALSE(looks_like_one("Path,genre,x\n"));
  EXPECT_FALSE(looks_like_one("Filename,Label,Artist\n"));  // no column can be a feature: a list of clips
  EXPECT_FALSE(looks_like_one("feature,mfcc,mfcc\n"));
  EXPECT_FALSE(looks_like_one(""));
  EXPECT_FALSE(looks_like_one("\"genre"));
  EXPECT_FALSE(is_labelled_table(folder_.path()));
  EXPECT_FALSE(is_labelled_table(folder_ / "missing"));
}

TEST_F(LabelledTable, ReadsATableWithTheColumnsOfTheWidelyUsedOneOfGtzan) {
  std::string header = "filename,length", row = "661794";
  for (const char* feature : {"chroma_stft", "rms", "spectral_centroid", "spectral_bandwidth", "rolloff",
                              "zero_crossing_rate", "harmony", "perceptr"})
    header += fmt::format(",{0}_mean,{0}_var", feature);
  header += ",tempo";
  for (int i = 1; i <= 20; ++i) header += fmt::format(",mfcc{0}_mean,mfcc{0}_var", i);
  for (int i = 1; i < 58; ++i) row += i % 2 == 0 ? ",-4.5297241740627214e-05" : ",129774.06452515082";
  const Examples examples =
      read(header + ",label\n" + "blues.00000.au," + row + ",blues\n" + "rock.00099.au," + row + ",rock\n");
  ASSERT_TRUE(is_labelled_table(folder_ / "table.csv"));
  EXPECT_THAT(examples.labels, ElementsAre("blues", "rock"));
  ASSERT_EQ(examples.table.values.rows(), 2u);
  ASSERT_EQ(examples.table.values.cols(), 58u);
  EXPECT_EQ(examples.table.columns[0].feature, "length");
  EXPECT_EQ(examples.table.values(0, 0), 661794.f);
  EXPECT_EQ(examples.table.values(1, 57), 129774.06452515082f);
  EXPECT_EQ(examples.table.track_ids[0], "blues.00000.au");
}

}  // namespace
}  // namespace genrewise
