#include "genrewise/dataset/inspection.hpp"
#include "genrewise/base/runtime.hpp"

#include <fmt/format.h>
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "dataset_fixture.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/parallel.hpp"
#include "support/test_music.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;
using testing::sine;
using testing::TemporaryFolder;
using ::testing::UnorderedElementsAre;
using testing::write_wav;

constexpr int kRate = 8000;

class Inspect : public ::testing::Test {
 protected:
  ~Inspect() override { clear_interrupt(); }

  Inspection inspect_csv(const std::string& rows) {
    write_file(folder_ / "list.csv", "track_id,path,genre,artist,album,split\n" + rows);
    Progress quiet;
    return inspect(open_dataset(folder_ / "list.csv"), quiet);
  }
  TemporaryFolder folder_;
};

std::vector<std::pair<std::string, std::string>> kinds_and_ids(const Inspection& found) {
  std::vector<std::pair<std::string, std::string>> pairs;
  for (const auto& finding : found.findings) pairs.emplace_back(finding.kind, finding.track_id);
  return pairs;
}

TEST_F(Inspect, CountsClipsFilesArtistsAndFormats) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "b.wav", sine(220, 3, kRate), kRate);
  write_wav(folder_ / "c.wav", sine(220, 2.5, 2 * kRate), 2 * kRate);
  const Inspection found = inspect_csv("1,a.wav,x,A,P,\n2,b.wav,x,A,Q,\n3,c.wav,y,B,,\n");
  EXPECT_EQ(found.clips, 3u);
  EXPECT_EQ(found.files, 3u);
  EXPECT_EQ(found.artists, 2u);
  EXPECT_EQ(found.albums, 2u);
  EXPECT_THAT(found.sample_rates_hz, UnorderedElementsAre(Pair(kRate, 2u), Pair(2 * kRate, 1u)));
  EXPECT_THAT(found.channels, ElementsAre(Pair(1, 3u)));
  EXPECT_NEAR(found.total_s, 7.5, 1e-9);
  EXPECT_NEAR(found.clip_s.least, 2, 1e-9);
  EXPECT_NEAR(found.clip_s.median, 2.5, 1e-9);
  EXPECT_NEAR(found.clip_s.most, 3, 1e-9);
  ASSERT_EQ(found.genres.size(), 2u);
  EXPECT_EQ(found.genres[0].name, "x");
  EXPECT_EQ(found.genres[0].clips, 2u);
  EXPECT_EQ(found.genres[0].artists, 1u);
  EXPECT_EQ(found.genres[0].albums, 2u);
  EXPECT_FALSE(found.has_official_split);
  EXPECT_TRUE(found.findings.empty());
  EXPECT_EQ(found.unusable(), 0u);
}

TEST_F(Inspect, FindsEveryKindOfDefect) {
  write_wav(folder_ / "good.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "good2.wav", sine(441, 2, kRate), kRate);
  write_wav(folder_ / "same.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "short.wav", sine(440, 0.9, kRate), kRate);
  write_wav(folder_ / "silent.wav", sine(440, 2, kRate, 0.0005), kRate);
  write_wav(folder_ / "clipped.wav", sine(100, 2, kRate, 1.5), kRate);
  write_file(folder_ / "text.wav", "this is no music");
  write_file(folder_ / "empty.mp3", "");
  const Inspection found = inspect_csv(
      "1,good.wav,x,,,\n2,good2.wav,x,,,\n3,same.wav,y,,,\n4,short.wav,x,,,\n5,silent.wav,x,,,\n6,clipped.wav,x,,,\n"
      "7,text.wav,x,,,\n8,empty.mp3,x,,,\n9,missing.mp3,x,,,\n10,good.wav,,,,\n");
  EXPECT_EQ(found.unusable(), 4u);
  EXPECT_THAT(kinds_and_ids(found),
              UnorderedElementsAre(Pair("missing file", ""), Pair("no genre", ""), Pair("not audio", "7"),
                                   Pair("empty file", "8"), Pair("short", "4"), Pair("silent", "5"),
                                   Pair("clipped", "6"), Pair("duplicate", "3")));
  EXPECT_TRUE(found.findings[3].unusable);
  EXPECT_FALSE(found.findings[4].unusable);
  ASSERT_EQ(found.duplicates.size(), 1u);
  EXPECT_THAT(found.duplicates[0].track_ids, ElementsAre("1", "3"));
  EXPECT_TRUE(found.duplicates[0].several_genres);
  EXPECT_FALSE(found.duplicates[0].several_parts);
}

TEST_F(Inspect, DoesNotCallFullScaleAloneClipped) {
  std::vector<float> samples = sine(440, 2, kRate);
  samples[100] = samples[101] = 1;  // two samples in a row are not a plateau
  write_wav(folder_ / "a.wav", samples, kRate);
  EXPECT_TRUE(inspect_csv("1,a.wav,x,,,\n").findings.empty());
  samples[102] = 1;
  write_wav(folder_ / "a.wav", samples, kRate);
  EXPECT_THAT(kinds_and_ids(inspect_csv("1,a.wav,x,,,\n")), ElementsAre(Pair("clipped", "1")));
}

TEST_F(Inspect, FindsArtistsAndDuplicatesThatCrossTheOfficialSplit) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "b.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "c.wav", sine(330, 2, kRate), kRate);
  const Inspection found = inspect_csv("1,a.wav,x,A,,training\n2,b.wav,x,A,,test\n3,c.wav,x,B,,validation\n");
  EXPECT_TRUE(found.has_official_split);
  EXPECT_THAT(found.genres[0].parts, ElementsAre(1u, 1u, 1u));
  ASSERT_EQ(found.leakage.crossings.size(), 3u);
  EXPECT_EQ(found.leakage.crossings[0].groups, 1u);
  ASSERT_EQ(found.duplicates.size(), 1u);
  EXPECT_TRUE(found.duplicates[0].several_parts);
  EXPECT_FALSE(found.duplicates[0].several_genres);
}

TEST_F(Inspect, GivesTheSameResultForAnyNumberOfThreads) {
  std::string rows;
  for (int i = 0; i < 12; ++i) {
    write_wav(folder_ / (std::to_string(i) + ".wav"), sine(100 + i % 5, 0.5 + 0.1 * i, kRate, i % 3), kRate);
    rows += fmt::format("{0},{0}.wav,x,,,\n", i);
  }
  Runtime::current().set_threads(1);
  const auto one = to_json(inspect_csv(rows));
  Runtime::current().set_threads(4);
  EXPECT_EQ(to_json(inspect_csv(rows)), one);
}

TEST_F(Inspect, WritesItsFindingsAsJson) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  const auto json = to_json(inspect_csv("1,a.wav,x,A,P,test\n2,b.wav,x,A,P,test\n"));
  EXPECT_EQ(json.at("clips"), 1);
  EXPECT_EQ(json.at("unusable"), 1);
  EXPECT_EQ(json.at("sample_rates_hz").at("8000"), 1);
  EXPECT_EQ(json.at("genres").at(0).at("test"), 1);
  EXPECT_EQ(json.at("counts").at("missing file"), 1);
  EXPECT_EQ(json.at("findings").at(0).at("unusable"), true);
  EXPECT_EQ(json.at("leakage").at(0).at("kind"), "artist");
}

TEST_F(Inspect, RefusesPartsWithImpossibleValues) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  const auto whole = to_json(inspect_csv("1,a.wav,x,A,P,test\n"));
  Progress quiet;
  const nlohmann::json part = measure(open_dataset(folder_ / "list.csv"), quiet);
  EXPECT_EQ(to_json(inspection_of(std::vector<nlohmann::json>(1, part))), whole);
  const auto error = [&](const char* pointer, const nlohmann::json& value) {
    std::vector<nlohmann::json> parts(2, part);
    parts[1][nlohmann::json::json_pointer(pointer)] = value;
    return testing::error_message([&] { inspection_of(parts); });
  };
  EXPECT_THAT(error("/tracks/0/label", 7), HasSubstr("no genre 7"));
  EXPECT_THAT(error("/tracks/0/label", -2), HasSubstr("no genre -2"));
  EXPECT_THAT(error("/labels", {"x", "y"}), HasSubstr("different genres"));
  EXPECT_THAT(error("/tracks/0/clip", {1}), HasSubstr("missing or of another type"));
}

TEST_F(Inspect, StopsOnInterruption) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  request_interrupt();
  EXPECT_THROW(inspect_csv("1,a.wav,x,,,\n"), Interrupted);
}

TEST(InspectRealMusic, FindsNoDefectsInSoundtracks) {
  REQUIRE_TEST_MUSIC(music);
  const TemporaryFolder folder;
  std::string rows = "track_id,path,genre,artist,start_s,duration_s\n";
  for (int i = 0; i < 4; ++i) rows += fmt::format("{0},{1}/gr{0}.ogg,Game,Kenta Cho,20,30\n", i, music.string());
  write_file(folder / "list.csv", rows);
  const Dataset dataset = open_dataset(folder / "list.csv");
  ASSERT_EQ(dataset.tracks.size(), 4u);
  Progress quiet;
  const Inspection found = inspect(dataset, quiet);
  EXPECT_EQ(found.unusable(), 0u);
  EXPECT_THAT(found.codecs, ElementsAre(Pair("vorbis", 4u)));
  EXPECT_NEAR(found.clip_s.median, 30, 0.5);
}

TEST_F(Inspect, CallsAClipShortBelowHalfOfTheMedianAndStatesHowShortOrQuietItIs) {
  write_wav(folder_ / "a.wav", sine(440, 2, kRate), kRate);
  write_wav(folder_ / "b.wav", sine(441, 2, kRate), kRate);
  write_wav(folder_ / "half.wav", sine(440, 1, kRate), kRate);
  write_wav(folder_ / "short.wav", sine(440, 0.75, kRate), kRate);
  write_wav(folder_ / "quiet.wav", sine(440, 2, kRate, 0.0007), kRate);
  const Inspection found =
      inspect_csv("1,a.wav,x,,,\n2,b.wav,x,,,\n3,half.wav,x,,,\n4,short.wav,x,,,\n5,quiet.wav,x,,,\n");
  EXPECT_EQ(found.clip_s.median, 2);
  ASSERT_THAT(kinds_and_ids(found), ElementsAre(Pair("short", "4"), Pair("silent", "5")));
  EXPECT_EQ(found.findings[0].detail, "0.75 s");
  EXPECT_EQ(found.findings[1].detail, "-66 dB");
}

TEST_F(Inspect, CountsPassagesAtFullScaleOfEitherSign) {
  std::vector<float> samples = sine(440, 2, kRate);
  for (const std::size_t at : {100, 101, 102, 103, 200, 201, 202}) samples[at] = -1;
  write_wav(folder_ / "a.wav", samples, kRate);
  const Inspection found = inspect_csv("1,a.wav,x,,,\n");
  ASSERT_EQ(found.findings.size(), 1u);
  EXPECT_EQ(found.findings[0].detail, "in 2 passages");
}

TEST_F(Inspect, ListsEachFurtherCopyAndCountsFilesAndGenresApart) {
  for (const char* name : {"a", "b", "c"})
    write_wav(folder_ / (name + std::string(".wav")), sine(440, 2, kRate), kRate);
  const Inspection found = inspect_csv("1,a.wav,x,A,P,\n2,b.wav,x,,,\n3,c.wav,x,B,P,\n");
  EXPECT_THAT(kinds_and_ids(found), ElementsAre(Pair("duplicate", "2"), Pair("duplicate", "3")));
  EXPECT_EQ(found.findings[1].detail, "the same as 1");
  EXPECT_FALSE(found.duplicates[0].several_genres || found.duplicates[0].several_parts);
  EXPECT_EQ(found.genres[0].files, 3u);
  EXPECT_EQ(found.genres[0].artists, 2u);
  EXPECT_EQ(found.albums, 1u);
  const auto json = to_json(found);
  EXPECT_EQ(json.at("duplicates").at(0).at("several_genres"), false);
  EXPECT_EQ(json.at("file_s").at("median"), 2.0);
  EXPECT_EQ(json.at("clip_s").at("most"), 2.0);
  EXPECT_EQ(json.at("channels").at("1"), 3);
  EXPECT_EQ(json.at("kind"), "csv");
  EXPECT_NEAR(json.at("bit_rate_kbps").at("least"), 128, 1);
}

}  // namespace
}  // namespace genrewise
