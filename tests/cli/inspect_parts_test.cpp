#include <gmock/gmock.h>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;

/// A CSV of clips in which duplicates, artists and clips of one file are in several parts.
fs::path made_dataset(const TemporaryFolder& folder) {
  make_music(folder / "music", 3, 2);
  write_file(folder / "music/noise/again.wav", made_wav("tones", 1, 2));
  write_file(folder / "music/noise/damaged.wav", "no audio");
  write_file(folder / "music/noise/short.wav", made_wav("noise", 3, 0.4));
  std::string csv = "path,genre,artist,split,start_s,duration_s,track_id\n";
  int id = 0;
  for (const char* name :
       {"clicks/clicks0", "clicks/clicks1", "clicks/clicks2", "noise/noise0", "noise/again", "noise/damaged",
        "noise/short", "noise/missing", "tones/tones0", "tones/tones1", "tones/tones2"})
    for (const char* start : {"0", "1"}) {
      const std::string path = name;
      if (++id % 2 == 0 && !path.starts_with("tones")) continue;
      csv += "music/" + path + ".wav," + path.substr(0, path.find('/')) + ",artist " + std::to_string(id % 3) + "," +
             (id % 4 < 2 ? "training" : "test") + "," + start + ",1," + std::to_string(100 - id) + "\n";
    }
  write_file(folder / "list.csv", csv);
  return folder / "list.csv";
}

TEST(InspectParts, AreMergedToTheReportOfOneRun) {
  const TemporaryFolder folder;
  const fs::path data = made_dataset(folder);
  for (const std::string name : {"report.json", "report.csv"}) {
    const fs::path whole = folder / ("whole " + name), merged = folder / name;
    ASSERT_EQ(run_program({"inspect", data, "-o", whole}).code, 3);
    for (const char* part : {"4/4", "1/4", "3/4", "2/4"})
      ASSERT_LE(run_program({"inspect", data, "-o", merged, "--part", part}).code, 3) << part;
    const Ran ran = run_program({"merge", "--keep-parts", merged});
    EXPECT_EQ(ran.code, 3) << ran.err;
    EXPECT_EQ(read_file(merged), read_file(whole));
    EXPECT_TRUE(fs::exists(merged.string() + ".parts/plan.json"));
  }
  EXPECT_THAT(
      read_file(folder / "report.csv"),
      AllOf(::testing::HasSubstr("duplicate,"), ::testing::HasSubstr("short,"), ::testing::HasSubstr("missing file,")));
}

TEST(InspectParts, AreNotThoseOfAnotherCommand) {
  const TemporaryFolder folder;
  const fs::path data = made_dataset(folder), output = folder / "report.csv";
  ASSERT_LE(run_program({"inspect", data, "-o", output, "--part", "1/2"}).code, 3);
  const Ran ran = run_program({"extract", data, "--features", "mfcc", "-o", output, "--part", "2/2"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, ::testing::HasSubstr("another feature set: inspect"));
}

}  // namespace
}  // namespace genrewise::testing
