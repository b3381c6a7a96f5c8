#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>
#include <numeric>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/features/feature_table.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using ::testing::AllOf;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

class Extract : public ::testing::Test {
 protected:
  /// `genrewise extract ... --features raw10k`, the cheapest set.
  Ran extract(const fs::path& dataset, const fs::path& output, Arguments more = {}) {
    return run_program(arguments(dataset, output, std::move(more)));
  }
  Arguments arguments(const fs::path& dataset, const fs::path& output, Arguments more = {}) {
    Arguments all{"extract", dataset, "--features", "raw10k", "-o", output};
    all.insert(all.end(), more.begin(), more.end());
    return all;
  }
  /// A dataset of many clips of one file.
  fs::path many_clips(int count) {
    write_file(music_ / "long.wav", made_wav("noise", 1, 3));
    std::string csv = "path,genre,start_s,duration_s,track_id\n";
    for (int i = 0; i < count; ++i)
      csv += "long.wav," + std::string(i % 2 == 0 ? "a" : "b") + "," + std::to_string(i * 1e-4) + ",1," +
             std::to_string(i) + "\n";
    write_file(music_ / "clips.csv", csv);
    return music_ / "clips.csv";
  }
  TemporaryFolder music_, out_;
};

TEST_F(Extract, MakesATableFromAFolderPerGenre) {
  make_music(music_.path(), 2, 1);
  const Ran ran = extract(music_.path(), out_ / "t.csv");
  EXPECT_EQ(ran.code, 0) << ran.err;
  EXPECT_THAT(ran.out, HasSubstr("6 rows x 10000 columns of raw10k"));
  const FeatureTable table = read_feature_table(out_ / "t.csv");
  EXPECT_EQ(table.track_ids.size(), 6u);
  EXPECT_EQ(table.recipe.name, "raw10k");
  EXPECT_THAT(out_.names(), ElementsAre("t.csv", "t.csv.json"));
}

TEST_F(Extract, MakesThe518FeaturesAndTheSameBytesForAnyNumberOfThreads) {
  make_music(music_.path(), 2, 2);
  for (const char* threads : {"1", "2"}) {
    const Ran ran =
        run_program({"extract", music_.path(), "-o", out_ / (std::string(threads) + ".csv"), "--threads", threads});
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
  EXPECT_EQ(read_feature_table(out_ / "1.csv").values.cols(), 518u);
  EXPECT_EQ(read_file(out_ / "1.csv"), read_file(out_ / "2.csv"));
}

TEST_F(Extract, WritesATableOfEachOfSeveralSetsAsIfItWasAlone) {
  make_music(music_.path(), 2, 1);
  write_file(music_ / "noise/brief.wav", made_wav("noise", 9, 0.4));  // too short for raw10k alone
  write_file(music_ / "noise/empty.wav", "");
  const Arguments several = {"extract", music_.path(), "--features", "mfcc, mel224,raw10k", "-o", out_ / "all"};
  Arguments as_json = several;
  as_json.emplace_back("--json");
  const Ran ran = run_program(as_json);
  EXPECT_EQ(ran.code, 3) << ran.err;
  EXPECT_THAT(ran.err, HasSubstr("skipped 2 inputs"));
  const auto tables = nlohmann::json::parse(ran.out).at("tables");
  ASSERT_EQ(tables.size(), 3u);
  EXPECT_EQ(tables[0]["output"], (out_ / "all/mfcc.csv").string());
  EXPECT_EQ(tables[1]["output"], (out_ / "all/mel224.npy").string());
  EXPECT_EQ(tables[1]["rows"], 7);
  EXPECT_EQ(tables[1]["skipped"].size(), 1u);
  EXPECT_EQ(tables[2]["features"], "raw10k");
  EXPECT_EQ(tables[2]["rows"], 6);
  EXPECT_EQ(tables[2]["skipped"].size(), 2u);
  for (const auto& table : tables) {
    const fs::path together = table["output"].get<std::string>(), alone = out_ / together.filename();
    const std::string set = table["features"];
    EXPECT_EQ(run_program({"extract", music_.path(), "--features", set, "-o", alone}).code, 3);
    EXPECT_EQ(read_file(together), read_file(alone));
    EXPECT_EQ(read_file(together.string() + ".json"), read_file(alone.string() + ".json"));
  }
  const Ran again = run_program(several);
  EXPECT_THAT(again.out, AllOf(HasSubstr("mfcc.csv: 7 rows x 140 columns of mfcc; 0 extracted"),
                               HasSubstr("raw10k.npy: 6 rows x 10000 columns of raw10k; 0 extracted")));
}

TEST_F(Extract, RefusesSeveralSetsForOneFileAndASetTwice) {
  make_music(music_.path(), 1, 1);
  const auto refusal = [&](const std::string& sets, const fs::path& output) {
    const Ran ran = run_program({"extract", music_.path(), "--features", sets, "-o", output});
    EXPECT_EQ(ran.code, 2);
    return ran.err;
  };
  EXPECT_THAT(refusal("mfcc,raw10k", out_ / "t.csv"), HasSubstr("several feature sets are written to a folder"));
  EXPECT_THAT(refusal("mfcc,mfcc", out_ / "t"), HasSubstr("mfcc is given twice"));
  EXPECT_THAT(refusal("mfcc,", out_ / "t"), HasSubstr("there is no feature set"));
  EXPECT_THAT(out_.names(), IsEmpty());
}

TEST_F(Extract, SkipsBadFilesReportsReasonsAndExitsWithThree) {
  make_music(music_.path(), 2, 1);
  write_file(music_ / "tones/empty.wav", "");
  write_file(music_ / "tones/text.mp3", "Dear diary, today I renamed you to look like music.");
  write_file(music_ / "noise/Ünï 音楽, \"x\".wav", made_wav("noise", 9, 0.1));  // too short
  const std::string wave = made_wav("noise", 3, 3);
  for (int tenth = 0; tenth < 10; ++tenth)
    write_file(music_ / ("noise/cut" + std::to_string(tenth) + ".wav"),
               wave.substr(0, wave.size() * static_cast<std::size_t>(tenth) / 10));
  write_file(music_ / "noise/nan.wav", wav_of(std::vector<float>(22050, NAN), 1, 22050));
  write_file(music_ / "noise/one.wav", wav_of(std::vector<float>(1, 0.5f), 1, 22050));
  write_file(music_ / "noise/none.wav", wav_of(std::vector<float>(), 1, 22050));
  std::vector<float> ramp(192000);  // as eight channels, 24,000 frames
  std::iota(ramp.begin(), ramp.end(), 0.f);
  for (float& sample : ramp) sample /= 192000;
  write_file(music_ / "noise/eight.wav", wav_of(ramp, 8, 22050));
  write_file(music_ / "noise/fast.wav", wav_of(ramp, 1, 192000));
  write_file(music_ / "noise/silent.wav", wav_of(std::vector<float>(22050, 0.0f), 1, 22050));
  const Ran ran = extract(music_.path(), out_ / "t.csv", {"--json"});
  EXPECT_EQ(ran.code, 3);
  const auto result = nlohmann::json::parse(ran.out);
  std::map<std::string, int> reasons;
  for (const auto& fault : result["skipped"]) ++reasons[fault["reason"]];
  EXPECT_EQ(reasons["empty file"], 2);  // one is cut at 0
  EXPECT_EQ(reasons["not audio"], 1);
  EXPECT_EQ(reasons["not finite"], 1);
  EXPECT_EQ(reasons["too short"], 2);
  EXPECT_EQ(reasons["silent"], 1);
  EXPECT_EQ(reasons["no audio in it"], 1);
  EXPECT_EQ(reasons["truncated"], 9);
  EXPECT_EQ(result["rows"], 8);  // the good six, eight channels, 192 kHz
  EXPECT_THAT(ran.err, HasSubstr("truncated"));
  EXPECT_THAT(ran.err, HasSubstr("Ünï 音楽"));
}

TEST_F(Extract, FailsWhenNothingCanBeUsedAndLeavesNothing) {
  make_folders(music_ / "a");
  write_file(music_ / "a/empty.wav", "");
  const Ran ran = extract(music_.path(), out_ / "t.csv");
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("1 empty file"));
  EXPECT_THAT(out_.names(), IsEmpty());
}

TEST_F(Extract, ReportsWhatIsWrongWithTheDatasetOrOutput) {
  make_music(music_.path(), 1, 1);
  write_file(music_ / "bad.csv", "path,gnre\nx.wav,a\n");
  write_file(music_ / "table.csv", "genre,x\na,1\n");
  const auto error = [&](const fs::path& dataset, const fs::path& output) {
    const Ran ran = extract(dataset, output);
    EXPECT_EQ(ran.code, 1) << dataset << " " << output;
    EXPECT_THAT(ran.err, ::testing::StartsWith("genrewise: error: "));
    EXPECT_THAT(ran.out, IsEmpty());
    return ran.err;
  };
  EXPECT_THAT(error(music_ / "missing", out_ / "t.csv"), HasSubstr("missing"));
  EXPECT_THAT(error(out_.path(), out_ / "t.csv"), HasSubstr(out_.path().string()));
  EXPECT_THAT(error(music_ / "bad.csv", out_ / "t.csv"), HasSubstr("genre"));
  EXPECT_THAT(error(music_ / "table.csv", out_ / "t.csv"), HasSubstr("feature table already"));
  EXPECT_THAT(error(music_.path(), out_ / "t.txt"), HasSubstr(".csv or .npy"));
  EXPECT_THAT(error(music_.path(), out_ / "no/folder/t.csv"), HasSubstr("no/folder/t.csv"));
  const std::string long_name(300, 'x');
  EXPECT_THAT(error(music_.path(), out_ / (long_name + ".csv")),
              HasSubstr(long_name + ".csv: cannot be accessed (File name too long); check the path"));
  EXPECT_THAT(out_.names(), IsEmpty());
}

TEST_F(Extract, RefusesAReadOnlyFolder) {
  make_music(music_.path(), 1, 1);
  fs::permissions(music_.path(), fs::perms::others_read | fs::perms::others_exec, fs::perm_options::add);
  AS_ORDINARY_USER(out_.path());
  fs::permissions(out_.path(), fs::perms::owner_read | fs::perms::owner_exec);
  const Ran ran = extract(music_.path(), out_ / "t.csv");
  fs::permissions(out_.path(), fs::perms::owner_all);
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("permissions"));
}

TEST_F(Extract, ContinuesAfterCtrlCAndAfterAKill) {
  const fs::path clips = many_clips(120), partial = out_ / "t.npy.partial";
  const auto has_rows = [&](std::uintmax_t rows) {
    return [&partial, rows] {
      std::error_code none;
      const auto size = fs::file_size(partial, none);
      return !none && size > rows * 40'000;
    };
  };
  const Ran stopped = run_program_and_signal(SIGINT, arguments(clips, out_ / "t.npy"), has_rows(5));
  EXPECT_EQ(stopped.code, 130) << stopped.err;
  EXPECT_THAT(stopped.err, HasSubstr("run the same command again to continue"));
  EXPECT_THAT(out_.names(), ElementsAre("t.npy.partial"));
  const Ran killed = run_program_and_signal(SIGKILL, arguments(clips, out_ / "t.npy"), has_rows(50));
  EXPECT_EQ(killed.code, 128 + SIGKILL);
  EXPECT_THAT(out_.names(), ElementsAre("t.npy.partial"));
  const Ran last = extract(clips, out_ / "t.npy", {"--json"});
  EXPECT_EQ(last.code, 0) << last.err;
  const auto result = nlohmann::json::parse(last.out);
  EXPECT_GE(result["reused"], 50);
  EXPECT_EQ(result["rows"], 120);
  const std::string resumed = read_file(out_ / "t.npy");
  EXPECT_EQ(extract(clips, out_ / "whole.npy").code, 0);
  EXPECT_EQ(read_file(out_ / "whole.npy"), resumed);
  EXPECT_THAT(out_.names(), ElementsAre("t.npy", "t.npy.json", "whole.npy", "whole.npy.json"));
}

TEST_F(Extract, IsQuietWhenAsked) {
  make_music(music_.path(), 1, 1);
  const Ran ran = extract(music_.path(), out_ / "t.csv", {"--quiet"});
  EXPECT_EQ(ran.code, 0);
  EXPECT_THAT(ran.err, IsEmpty());
  EXPECT_THAT(ran.out, Not(IsEmpty()));
}

/// A mounted file system of 1 MiB.
class TinyDisk {
 public:
  explicit TinyDisk(const fs::path& mount_point) : mount_point_(mount_point) {
    fs::create_directory(mount_point);
    mounted_ = ::unshare(CLONE_NEWNS) == 0 && ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
               ::mount("tiny", mount_point.c_str(), "tmpfs", 0, "size=1m") == 0;
  }
  ~TinyDisk() {
    if (mounted_) ::umount2(mount_point_.c_str(), MNT_DETACH);
  }
  bool mounted() const { return mounted_; }

 private:
  fs::path mount_point_;
  bool mounted_ = false;
};

TEST_F(Extract, ReportsAFullDiskAndContinuesWhenThereIsSpace) {
  const TinyDisk disk(out_ / "tiny");
  if (!disk.mounted()) GTEST_SKIP() << "cannot mount a tiny disk (needs root)";
  const fs::path clips = many_clips(60), output = out_ / "tiny/t.npy";  // 40 KB per row
  const Ran full = extract(clips, output);
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, HasSubstr("disk is full"));
  std::vector<std::string> left;
  for (const auto& entry : fs::directory_iterator(out_ / "tiny")) left.push_back(entry.path().filename());
  EXPECT_THAT(left, ElementsAre("t.npy.partial"));
  ASSERT_EQ(::mount("tiny", (out_ / "tiny").c_str(), "tmpfs", MS_REMOUNT, "size=16m"), 0);
  const Ran again = extract(clips, output, {"--json"});
  EXPECT_EQ(again.code, 0) << again.err;
  EXPECT_GT(nlohmann::json::parse(again.out)["reused"], 10);
}

}  // namespace
}  // namespace genrewise::testing
