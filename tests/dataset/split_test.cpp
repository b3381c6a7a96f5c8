#include "genrewise/dataset/split.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <set>

#include "dataset_fixture.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::TemporaryFolder;

void add(SplitSubjects& subjects, int label, const std::string& artist, const std::string& album = "",
         const std::string& track = "", std::optional<Part> official = {}) {
  const std::string id = std::to_string(subjects.ids.size() + 1);
  subjects.ids.push_back(id);
  subjects.labels.push_back(label);
  subjects.artists.push_back(artist);
  subjects.albums.push_back(album);
  subjects.tracks.push_back(track.empty() ? id + ".mp3" : track);
  subjects.official.push_back(official);
}

/// Genres of unequal size, artists (some unknown) with 1 to 12 tracks of up to two genres, a few albums by many
/// artists, some tracks with several clips.
SplitSubjects made_collection(std::uint64_t seed, int artist_count = 200) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"a", "b", "c", "d"};
  Rng rng(seed);
  for (int artist = 0; artist < artist_count; ++artist) {
    const int genre = static_cast<int>(std::min<std::uint64_t>(rng.below(6), 3));
    const std::string name = rng.below(10) == 0 ? "" : "artist " + std::to_string(artist);
    for (std::uint64_t track = 0, tracks = 1 + rng.below(12); track < tracks; ++track) {
      const bool compilation = rng.below(100) == 0;
      const std::string album = compilation ? "compilation " + std::to_string(rng.below(8)) : "";
      const int label = rng.below(8) == 0 ? (genre + 1) % 4 : genre;
      const std::string file = std::to_string(artist) + "/" + std::to_string(track);
      for (std::uint64_t clip = 0; clip < 1 + rng.below(2); ++clip) add(subjects, label, name, album, file);
    }
  }
  return subjects;
}

template <class T>
void permute(std::vector<T>& values, const std::vector<std::size_t>& order) {
  std::vector<T> permuted;
  for (const std::size_t i : order) permuted.push_back(values[i]);
  values = permuted;
}

SplitSubjects permuted(SplitSubjects subjects, const std::vector<std::size_t>& order) {
  permute(subjects.ids, order), permute(subjects.labels, order), permute(subjects.artists, order);
  permute(subjects.albums, order), permute(subjects.tracks, order), permute(subjects.official, order);
  return subjects;
}

std::vector<std::size_t> crossings(const SplitSubjects& subjects, const Split& split) {
  std::vector<std::size_t> counts;
  for (const auto& crossing : check_leakage(subjects, split).crossings) counts.push_back(crossing.groups);
  return counts;  // artist, album, track
}

class SplitProperties : public ::testing::TestWithParam<std::uint64_t> {};
INSTANTIATE_TEST_SUITE_P(Seeds, SplitProperties, ::testing::Range<std::uint64_t>(0, 20));

TEST_P(SplitProperties, GroupedNeverCrossesArtistAlbumOrTrack) {
  const SplitSubjects subjects = made_collection(GetParam());
  const Split split = make_split(subjects, {.scheme = SplitScheme::grouped, .seed = GetParam()});
  EXPECT_THAT(crossings(subjects, split), ::testing::Each(0u));
  const Split random = make_split(subjects, {.scheme = SplitScheme::random, .seed = GetParam()});
  EXPECT_EQ(crossings(subjects, random)[2], 0u);
  EXPECT_GT(crossings(subjects, random)[0], 0u);  // so that the check above can fail
}

TEST_P(SplitProperties, PartsMatchTheirSharesInEveryGenre) {
  const SplitSubjects subjects = made_collection(GetParam());
  for (const SplitScheme scheme : {SplitScheme::grouped, SplitScheme::random}) {
    const Split split = make_split(subjects, {.scheme = scheme, .seed = GetParam()});
    const std::map<Part, double> shares{{Part::training, 0.64}, {Part::validation, 0.16}, {Part::test, 0.20}};
    for (const auto& [part, share] : shares) {
      const auto rows = split.rows(part);
      EXPECT_NEAR(static_cast<double>(rows.size()) / static_cast<double>(subjects.ids.size()), share, 0.03);
      for (int label = 0; label < 4; ++label) {
        const auto of_part = std::ranges::count_if(rows, [&](std::size_t i) { return subjects.labels[i] == label; });
        const auto of_all = std::ranges::count(subjects.labels, label);
        // A genre has some hundred examples; one group of two dozen shifts its share by up to 0.1.
        EXPECT_NEAR(static_cast<double>(of_part) / static_cast<double>(of_all), share, 0.1) << label;
      }
    }
  }
}

TEST_P(SplitProperties, TheSameSeedGivesTheSameSplitForAnyOrderOfInput) {
  const SplitSubjects subjects = made_collection(1);
  std::vector<std::size_t> order(subjects.ids.size());
  std::iota(order.begin(), order.end(), 0u);
  Rng(GetParam()).shuffle(std::span(order));
  for (const SplitScheme scheme : {SplitScheme::grouped, SplitScheme::random}) {
    Split split = make_split(subjects, {.scheme = scheme, .seed = 5});
    permute(split.parts, order);
    EXPECT_EQ(make_split(permuted(subjects, order), {.scheme = scheme, .seed = 5}).parts, split.parts);
  }
}

TEST_P(SplitProperties, FoldsKeepGroupsWholeAndGenresSpread) {
  const SplitSubjects subjects = made_collection(GetParam());
  const std::vector<int> folds = make_folds(subjects, SplitScheme::grouped, 5, GetParam());
  std::map<std::string, std::set<int>> folds_of_artist;
  std::map<std::pair<int, int>, double> counts;
  for (std::size_t i = 0; i < folds.size(); ++i) {
    if (!subjects.artists[i].empty()) folds_of_artist[subjects.artists[i]].insert(folds[i]);
    ++counts[{subjects.labels[i], folds[i]}];
  }
  for (const auto& [artist, seen] : folds_of_artist) EXPECT_EQ(seen.size(), 1u) << artist;
  for (int label = 0; label < 4; ++label) {
    const auto total = static_cast<double>(std::ranges::count(subjects.labels, label));
    for (int fold = 0; fold < 5; ++fold) EXPECT_NEAR((counts[{label, fold}]) / total, 0.2, 0.1);
  }
}

TEST(Split, IsTheSameOnEveryMachine) {
  // The checksum changes if any example of this collection changes its part.
  const SplitSubjects subjects = made_collection(3, 40);
  const Split split = make_split(subjects, {.scheme = SplitScheme::grouped});
  std::uint64_t sum = 0;
  for (const Part part : split.parts) sum = sum * 3 + static_cast<std::uint64_t>(part);
  EXPECT_EQ(sum, 1291342131512992586u);
}

TEST(Split, DependsOnTheSeed) {
  const SplitSubjects subjects = made_collection(3);
  EXPECT_NE(make_split(subjects, {.scheme = SplitScheme::grouped, .seed = 1}).parts,
            make_split(subjects, {.scheme = SplitScheme::grouped, .seed = 2}).parts);
}

TEST(Split, FollowsLinksThroughOtherArtistsAndAlbums) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  for (int i = 0; i < 30; ++i) add(subjects, 0, "solo " + std::to_string(i));
  for (int i = 0; i < 5; ++i) {  // a chain: artist i is on albums i and i+1
    add(subjects, 0, "chain " + std::to_string(i), "album " + std::to_string(i));
    add(subjects, 0, "chain " + std::to_string(i), "album " + std::to_string(i + 1));
  }
  const Split split = make_split(subjects, {.scheme = SplitScheme::grouped});
  EXPECT_EQ(std::set<Part>(split.parts.begin() + 30, split.parts.end()).size(), 1u);
}

TEST(Split, PutsAGenreOfThreeArtistsIntoAllThreeParts) {
  SplitSubjects subjects = made_collection(3);
  subjects.labels_by_name.push_back("rare");
  for (int i = 0; i < 3; ++i) add(subjects, 4, "rare " + std::to_string(i));
  const Split split = make_split(subjects, {.scheme = SplitScheme::grouped});
  EXPECT_EQ(std::set<Part>(split.parts.end() - 3, split.parts.end()).size(), 3u);
}

TEST(Split, RefusesAGenreWithFewerGroupsThanParts) {
  SplitSubjects subjects = made_collection(3);
  subjects.labels_by_name.push_back("Polka, \"fast\"");
  for (int i = 0; i < 10; ++i) add(subjects, 4, i < 5 ? "one" : "two");
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::grouped}); }),
              AllOf(HasSubstr("Polka, \"fast\""), HasSubstr("2 groups"), HasSubstr("random")));
  EXPECT_EQ(make_split(subjects, {.scheme = SplitScheme::random}).parts.size(), subjects.ids.size());
  // Without a validation part two groups are enough.
  const Split split =
      make_split(subjects, {.scheme = SplitScheme::grouped, .seed = 1, .validation_share = 0, .test_share = 0.3});
  EXPECT_TRUE(split.rows(Part::validation).empty());
}

TEST(Split, RefusesOneTrackPerGenre) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x", "y"};
  add(subjects, 0, ""), add(subjects, 1, "");
  EXPECT_THAT(error_message([&] { make_split(subjects); }), AllOf(HasSubstr("'x'"), HasSubstr("1 group ")));
  EXPECT_THAT(error_message([&] { make_folds(subjects, SplitScheme::random, 2, 1); }), HasSubstr("'x'"));
  EXPECT_THAT(error_message([&] { make_split(SplitSubjects()); }), HasSubstr("no examples"));
}

TEST(Split, RefusesSharesThatLeaveNoTrainingPart) {
  const SplitSubjects subjects = made_collection(3);
  for (const auto& [validation, test] : {std::pair{0.5, 0.5}, {-0.1, 0.2}, {0.2, std::nan("")}}) {
    EXPECT_THROW(
        make_split(subjects,
                   {.scheme = SplitScheme::random, .seed = 1, .validation_share = validation, .test_share = test}),
        Error);
  }
  EXPECT_THROW(make_folds(subjects, SplitScheme::grouped, 1, 1), Error);
  EXPECT_THROW(make_folds(subjects, SplitScheme::official, 5, 1), Error);
}

TEST(Split, UsesTheOfficialSplitIfItIsComplete) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  for (int i = 0; i < 3; ++i) add(subjects, 0, "a", "", "", Part::training);
  add(subjects, 0, "a", "", "", Part::validation);
  EXPECT_THAT(error_message([&] { make_split(subjects); }),
              HasSubstr("'x'"));  // no test part: grouped, but there is only one artist
  EXPECT_EQ(make_split(subjects, {.scheme = SplitScheme::official}).rows(Part::validation).size(), 1u);
  add(subjects, 0, "b", "", "", Part::test);
  const Split split = make_split(subjects);
  EXPECT_EQ(split.scheme, SplitScheme::official);
  EXPECT_EQ(split.rows(Part::test), std::vector<std::size_t>{4});
  add(subjects, 0, "c");
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::official}); }), HasSubstr("track 6"));
}

/// Four genres of `artists` artists with two tracks each; the last tenth of the artists is stated as test, the rest as
/// training.
SplitSubjects stated_collection(int artists = 40) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"a", "b", "c", "d"};
  for (int label = 0; label < 4; ++label) {
    for (int artist = 0; artist < artists; ++artist) {
      const Part part = artist < artists - artists / 10 ? Part::training : Part::test;
      for (int track = 0; track < 2; ++track) add(subjects, label, fmt::format("{}/{}", label, artist), "", "", part);
    }
  }
  return subjects;
}

std::vector<std::size_t> rows_stated(const SplitSubjects& subjects, std::optional<Part> part) {
  std::vector<std::size_t> rows;
  for (std::size_t i = 0; i < subjects.ids.size(); ++i) {
    if (subjects.official[i] == part) rows.push_back(i);
  }
  return rows;
}

TEST(StatedSplit, KeepsAStatedTestPartWhenValidationIsMissing) {
  const SplitSubjects subjects = stated_collection();
  const Split split = make_split(subjects);
  EXPECT_EQ(split.scheme, SplitScheme::official);
  EXPECT_EQ(split.rows(Part::test), rows_stated(subjects, Part::test));
  const std::size_t carved = split.rows(Part::validation).size();
  EXPECT_NEAR(static_cast<double>(carved), 288 * 0.16 / 0.80, 4);  // an artist has two tracks, a genre 72
  EXPECT_THAT(crossings(subjects, split), ::testing::Each(0u));
  ASSERT_EQ(split.notes.size(), 1u);
  EXPECT_THAT(split.notes[0], AllOf(HasSubstr("no validation part"), HasSubstr("288 training"),
                                    HasSubstr(fmt::format("{} are used for validation", carved))));
  EXPECT_EQ(make_split(subjects).parts, split.parts);
  EXPECT_NE(make_split(subjects, {.seed = 7}).parts, split.parts);
  EXPECT_EQ(make_split(subjects, {.seed = 7}).rows(Part::test), split.rows(Part::test));
}

TEST(StatedSplit, CarvesTestOutOfTrainingIfOnlyTestIsMissing) {
  SplitSubjects subjects = stated_collection();
  for (auto& part : subjects.official) part = part == Part::test ? Part::validation : Part::training;
  const Split split = make_split(subjects);
  EXPECT_EQ(split.rows(Part::validation), rows_stated(subjects, Part::validation));
  EXPECT_NEAR(static_cast<double>(split.rows(Part::test).size()), 288 * 0.20 / 0.84, 4);
  EXPECT_THAT(split.notes[0], HasSubstr("no test part"));
}

TEST(StatedSplit, CarvesBothPartsIfAllExamplesAreTraining) {
  SplitSubjects subjects = stated_collection();
  for (auto& part : subjects.official) part = Part::training;
  const Split split = make_split(subjects);
  EXPECT_NEAR(static_cast<double>(split.rows(Part::test).size()), 320 * 0.20, 4);
  EXPECT_NEAR(static_cast<double>(split.rows(Part::validation).size()), 320 * 0.16, 4);
  EXPECT_THAT(split.notes[0], HasSubstr("no validation and no test part"));
}

TEST(StatedSplit, AssignsExamplesWithoutAPartToTraining) {
  SplitSubjects subjects = stated_collection();
  for (auto& part : subjects.official) {
    if (part == Part::training) part.reset();
  }
  const Split split = make_split(subjects);
  EXPECT_EQ(split.rows(Part::test), rows_stated(subjects, Part::test));
  EXPECT_THAT(split.notes[0], HasSubstr("no part of 288 of 320 examples"));
  EXPECT_THAT(split.notes[1], HasSubstr("no validation part"));
}

TEST(StatedSplit, KeepsASingleStatedPart) {
  SplitSubjects subjects = stated_collection();
  for (auto& part : subjects.official) part = Part::test;
  const Split split = make_split(subjects);
  EXPECT_EQ(split.rows(Part::test).size(), subjects.ids.size());
  EXPECT_TRUE(split.notes.empty());
}

TEST(StatedSplit, IsExactlyTheStatedOneWithSchemeOfficial) {
  const SplitSubjects subjects = stated_collection();
  const Split split = make_split(subjects, {.scheme = SplitScheme::official});
  EXPECT_TRUE(split.rows(Part::validation).empty());
  EXPECT_EQ(split.rows(Part::test), rows_stated(subjects, Part::test));
  EXPECT_TRUE(split.notes.empty());
}

TEST(StatedSplit, LeavesGenresWithTooFewGroupsInTraining) {
  SplitSubjects subjects = stated_collection();
  subjects.labels_by_name.push_back("rare");
  for (int i = 0; i < 5; ++i) add(subjects, 4, "one", "", "", Part::training);
  const Split split = make_split(subjects);
  for (std::size_t i = subjects.ids.size() - 5; i < subjects.ids.size(); ++i) EXPECT_EQ(split.parts[i], Part::training);
  EXPECT_FALSE(split.rows(Part::validation).empty());
  EXPECT_THAT(split.notes[1], HasSubstr("'rare'"));
}

TEST(StatedSplit, CarvesNothingIfTheSharesAreZero) {
  const SplitSubjects subjects = stated_collection();
  const Split split = make_split(subjects, {.validation_share = 0});
  EXPECT_TRUE(split.rows(Part::validation).empty());
  EXPECT_TRUE(split.notes.empty());
}

TEST(StatedSplit, RefusesSharesOfPartsThatAreStated) {
  const SplitSubjects subjects = stated_collection();
  EXPECT_THAT(error_message([&] { make_split(subjects, {.test_share = 0.3}); }), HasSubstr("--test"));
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::official, .validation_share = 0.3}); }),
              HasSubstr("--validation"));
}

TEST(StatedSplit, CompletesAFileThatLacksValidation) {
  const TemporaryFolder folder;
  SplitSubjects subjects = stated_collection();
  write_split_file(folder / "split.csv", subjects, make_split(subjects, {.scheme = SplitScheme::official}));
  for (auto& part : subjects.official) part.reset();
  const Split split = make_split(subjects, {.file = folder / "split.csv"});
  EXPECT_EQ(split.scheme, SplitScheme::file);
  EXPECT_EQ(split.parts, make_split(stated_collection()).parts);
  EXPECT_EQ(split.notes.size(), 1u);
  EXPECT_THROW(make_split(subjects, {.scheme = SplitScheme::grouped, .file = folder / "split.csv"}), Error);
}

TEST(Split, SuggestsARandomSplitOnlyForGroupedSplits) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  add(subjects, 0, "one");
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::grouped}); }),
              AllOf(HasSubstr("--min-groups 3"), HasSubstr("--merge 'x=GENRE'"), HasSubstr("scheme random")));
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::random}); }),
              AllOf(HasSubstr("--min-groups 3"), HasSubstr("--merge 'x=GENRE'"), Not(HasSubstr("scheme random"))));
}

TEST(Leakage, CountsGroupsInTwoPartsAndTheirHeldOutExamples) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  add(subjects, 0, "a", "p", "", Part::training);
  add(subjects, 0, "a", "q", "", Part::test);
  add(subjects, 0, "a", "", "", Part::test);
  add(subjects, 0, "b", "q", "", Part::training);
  add(subjects, 0, "", "", "", Part::validation);
  add(subjects, 0, "", "", "", Part::test);
  const Leakage leakage = check_leakage(subjects, make_split(subjects, {.scheme = SplitScheme::official}));
  ASSERT_EQ(leakage.crossings.size(), 3u);
  EXPECT_EQ(leakage.crossings[0].kind, "artist");
  EXPECT_EQ(leakage.crossings[0].groups, 1u);
  EXPECT_EQ(leakage.crossings[0].examples, 2u);
  EXPECT_EQ(leakage.crossings[0].samples, std::vector<std::string>{"a"});
  EXPECT_EQ(leakage.crossings[1].groups, 1u);
  EXPECT_EQ(leakage.crossings[1].examples, 1u);
  EXPECT_EQ(leakage.crossings[2].groups, 0u);
}

TEST(SplitFile, ReadsBackForTheSameIdsInAnyOrder) {
  const TemporaryFolder folder;
  SplitSubjects subjects = made_collection(4, 30);
  subjects.ids[0] = "with, \"comma\"";
  subjects.ids[1] = " " + subjects.ids[2] + " ";
  const Split split = make_split(subjects, {.scheme = SplitScheme::random});
  write_split_file(folder / "split.csv", subjects, split);
  const Split back = read_split_file(folder / "split.csv", subjects);
  EXPECT_EQ(back.parts, split.parts);
  EXPECT_EQ(back.scheme, SplitScheme::file);
  std::vector<std::size_t> some{5, 0, 3};
  EXPECT_EQ(read_split_file(folder / "split.csv", permuted(subjects, some)).parts,
            (std::vector{split.parts[5], split.parts[0], split.parts[3]}));
}

TEST(SplitFile, ReportsDefectsWithTheirLine) {
  const TemporaryFolder folder;
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  add(subjects, 0, "a");
  const auto error = [&](const std::string& text) {
    write_file(folder / "s.csv", text);
    return error_message([&] { read_split_file(folder / "s.csv", subjects); });
  };
  EXPECT_THAT(error("track_id,fold\n1,test\n"), AllOf(HasSubstr("'split'"), HasSubstr("s.csv:1")));
  EXPECT_THAT(error("track_id,part\n1,exam\n"), AllOf(HasSubstr("'exam'"), HasSubstr("s.csv:2")));
  EXPECT_THAT(error("track_id,part\n1,test\n1,test\n"), AllOf(HasSubstr("twice"), HasSubstr("s.csv:3")));
  EXPECT_THAT(error("track_id,part\n2,test\n"), HasSubstr("'1'"));
  EXPECT_EQ(error("track_id, part\n 1 , test\n"), "no error");  // as other programs write it
}

TEST(SplitScheme, HasANameThatIsParsedAndOnlyTheNamedOnesAre) {
  for (const auto scheme : {SplitScheme::automatic, SplitScheme::official, SplitScheme::grouped, SplitScheme::random,
                            SplitScheme::shards, SplitScheme::fault_filtered})
    EXPECT_EQ(parse_split_scheme(to_string(scheme)), scheme);
  EXPECT_EQ(to_string(SplitScheme::file), "file");
  for (const char* text : {"file", "", "Random"})
    EXPECT_THAT(error_message([&] { parse_split_scheme(text); }), HasSubstr("choose auto, official")) << text;
}

TEST(SplitSubjects, TakeTheirGenresSortedByName) {
  SplitSubjects subjects;
  set_labels(subjects, std::vector<std::string>{"Rock", "Folk", "Rock", "Jazz"});
  EXPECT_THAT(subjects.labels_by_name, ::testing::ElementsAre("Folk", "Jazz", "Rock"));
  EXPECT_THAT(subjects.labels, ::testing::ElementsAre(2, 0, 2, 1));
  EXPECT_THAT(labels_of(subjects, std::vector<std::size_t>{1, 2}), ::testing::ElementsAre(0, 2));
}

TEST(SplitSubjects, AreGroupedByArtistElseByAlbumElseByFile) {
  SplitSubjects subjects;
  add(subjects, 0, "A", "P", "1.mp3");
  add(subjects, 0, "", "P", "2.mp3");
  add(subjects, 0, "", "", "3.mp3");
  EXPECT_THAT(groups_of(subjects, {2, 0, 1}), ::testing::ElementsAre("track 3.mp3", "artist A", "album P"));
}

TEST(Split, ListsTheRowsOfAPartAndTheOthers) {
  const Split split{.parts = {Part::test, Part::training, Part::validation, Part::training}};
  EXPECT_THAT(split.rows(Part::training), ::testing::ElementsAre(1, 3));
  EXPECT_THAT(split.rows_except(Part::training), ::testing::ElementsAre(0, 2));
}

TEST(Split, RefusesListsOfDifferentLengthsAndExamplesWithoutGenre) {
  const auto refusal = [](const auto& change) {
    SplitSubjects subjects = made_collection(1);
    change(subjects);
    return error_message([&] { make_split(subjects, {.scheme = SplitScheme::random}); });
  };
  EXPECT_EQ(refusal([](SplitSubjects&) {}), "no error");
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects = {}; }), HasSubstr("no examples"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.labels.pop_back(); }), HasSubstr("differ in length"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.artists.pop_back(); }), HasSubstr("differ in length"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.albums.pop_back(); }), HasSubstr("differ in length"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.tracks.pop_back(); }), HasSubstr("differ in length"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.official.pop_back(); }), HasSubstr("differ in length"));
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.by_shard = {Part::test}; }),
              HasSubstr("differ in length"));
  EXPECT_EQ(refusal([](SplitSubjects& subjects) { subjects.labels[2] = -1; }),
            "track 3: has no genre, so it cannot be split");
  EXPECT_THAT(refusal([](SplitSubjects& subjects) { subjects.labels[0] = 4; }), HasSubstr("track 1: has no genre"));
  EXPECT_EQ(refusal([](SplitSubjects& subjects) { subjects.labels[0] = 3; }), "no error");
}

TEST(Split, AcceptsSharesFromZeroUpToLessThanEverything) {
  const SplitSubjects subjects = made_collection(1);
  const auto error = [&](double validation, double test) {
    return error_message([&] {
      make_split(subjects, {.scheme = SplitScheme::random, .validation_share = validation, .test_share = test});
    });
  };
  EXPECT_EQ(error(0, 0), "no error");
  EXPECT_EQ(error(0.25, 0.5), "no error");
  for (const auto& [validation, test] : {std::pair(0.5, 0.5), {-0.1, 0.2}, {0.2, -0.1}, {1.0, 0.0}})
    EXPECT_THAT(error(validation, test), HasSubstr("leave nothing for training")) << validation << " " << test;
  const Split none = make_split(subjects, {.scheme = SplitScheme::random, .validation_share = 0, .test_share = 0.5});
  EXPECT_TRUE(none.rows(Part::validation).empty());
  EXPECT_NEAR(static_cast<double>(none.rows(Part::test).size()) / static_cast<double>(subjects.ids.size()), 0.5, 0.02);
}

TEST(Split, RefusesSharesForPartsThatHaveTheirOwnSizesAndNamesTheOption) {
  const SplitSubjects subjects = made_collection(1);
  for (const auto scheme : {SplitScheme::official, SplitScheme::shards, SplitScheme::fault_filtered}) {
    const auto error = [&](std::optional<double> validation, std::optional<double> test) {
      return error_message(
          [&] { make_split(subjects, {.scheme = scheme, .validation_share = validation, .test_share = test}); });
    };
    EXPECT_THAT(error(0.1, {}), HasSubstr("--validation: the parts of the scheme "));
    EXPECT_THAT(error({}, 0.1), HasSubstr("--test: the parts of the scheme "));
    EXPECT_THAT(error({}, {}), Not(HasSubstr("have their own sizes")));
  }
}

TEST(Split, UsesWholeShardsOnlyIfThereAreShards) {
  SplitSubjects subjects = made_collection(1);
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::shards}); }), HasSubstr("only a pack"));
  subjects.by_shard.assign(subjects.ids.size(), Part::training);
  subjects.by_shard[5] = Part::test;
  EXPECT_EQ(make_split(subjects, {.scheme = SplitScheme::shards}).parts, subjects.by_shard);
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::file}); }), HasSubstr("is read"));
  EXPECT_THAT(error_message([&] { make_split(subjects, {.scheme = SplitScheme::random, .file = "parts.csv"}); }),
              HasSubstr("has no scheme"));
}

TEST(Folds, AreAtLeastTwo) {
  const SplitSubjects subjects = made_collection(1);
  EXPECT_THAT(error_message([&] { make_folds(subjects, SplitScheme::random, 1, 1); }), HasSubstr("give at least 2"));
  EXPECT_EQ(error_message([&] { make_folds(subjects, SplitScheme::random, 2, 1); }), "no error");
}

TEST(Leakage, NamesUpToFiveGroups) {
  SplitSubjects subjects;
  subjects.labels_by_name = {"x"};
  for (int artist = 0; artist < 7; ++artist)
    for (const Part part : {Part::training, Part::test})
      add(subjects, 0, "artist " + std::to_string(artist), "", "", part);
  const Leakage leakage = check_leakage(subjects, make_split(subjects, {.scheme = SplitScheme::official}));
  EXPECT_EQ(leakage.crossings[0].groups, 7u);
  EXPECT_EQ(leakage.crossings[0].examples, 7u);
  EXPECT_EQ(leakage.crossings[0].samples.size(), 5u);
  EXPECT_EQ(leakage.crossings[0].samples.front(), "artist 0");
  Split shorter{.parts = {Part::test}};
  EXPECT_THAT(error_message([&] { check_leakage(subjects, shorter); }), HasSubstr("belongs to other examples"));
}

}  // namespace
}  // namespace genrewise
