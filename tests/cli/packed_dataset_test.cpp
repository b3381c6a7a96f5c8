// A packed folder as DATASET of train, evaluate and study.
#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::Not;

struct PackedDataset : ::testing::Test {
  PackedDataset() { make_music(music.path(), 8, 1); }
  Ran pack(Arguments more = {}) {
    Arguments arguments = {"pack", music.path(), "--features", "raw10k", "--shards", "6", "-o", packed};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run_program(arguments);
  }
  TemporaryFolder music, folder;
  std::string packed = folder / "pack", model = folder / "model.gwm", run = folder / "run";
};

TEST_F(PackedDataset, TrainsAndEvaluatesOnThePartsInTheRecords) {
  ASSERT_EQ(pack({"--scheme", "random"}).code, 0);
  const Ran trained = run_program({"train", packed, "--model", "gnb", "-o", model, "--json"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  const json facts = json::parse(trained.out);
  const json counts = json::parse(read_file(fs::path(packed) / "manifest.json")).at("counts").at("per_part");
  EXPECT_EQ(facts.at("examples"), counts.at("training"));
  EXPECT_EQ(facts.at("parts").at("test").at("accuracy").at("n"), counts.at("test"));
  EXPECT_THAT(trained.err, HasSubstr("the pack has no artist names"));
  const Ran evaluated = run_program({"evaluate", model, packed, "--part", "test", "--json"});
  ASSERT_EQ(evaluated.code, 0) << evaluated.err;
  EXPECT_EQ(json::parse(evaluated.out).at("accuracy"), facts.at("parts").at("test").at("accuracy"));
  const Ran predicted = run_program({"predict", "--model", model, music / "noise" / "noise0.wav"});
  EXPECT_EQ(predicted.code, 0) << predicted.err;
}

TEST_F(PackedDataset, OfSeveralSetsAreThoseOfEachSetAlone) {
  write_file(music / "noise" / "brief.wav", made_wav("noise", 9, 0.4));  // too short for raw10k
  const Arguments common = {"--shards", "4", "--scheme", "random", "--json"};
  const auto pack_sets = [&](const std::string& sets, const std::string& to) {
    Arguments arguments = {"pack", music.path(), "--features", sets, "-o", to};
    arguments.insert(arguments.end(), common.begin(), common.end());
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.code, sets == "mfcc" ? 0 : 3) << ran.err;
    return json::parse(ran.out);
  };
  const json packs = pack_sets("mfcc,raw10k", packed).at("packs");
  ASSERT_EQ(packs.size(), 2u);
  EXPECT_EQ(packs[0].at("output"), packed + "/mfcc");
  EXPECT_EQ(packs[0].at("examples"), 25);
  EXPECT_EQ(packs[1].at("examples"), 24);
  EXPECT_EQ(packs[1].at("skipped").size(), 1u);
  for (const std::string set : {"mfcc", "raw10k"}) {
    pack_sets(set, folder / set);
    const fs::path alone = folder / set, together = fs::path(packed) / set;
    for (const auto& entry : fs::directory_iterator(alone))
      EXPECT_EQ(read_file(entry.path()), read_file(together / entry.path().filename())) << entry.path();
  }
  const json again = pack_sets("mfcc,raw10k", packed).at("packs");
  EXPECT_EQ(again[0].at("reused"), 25);
  EXPECT_EQ(again[1].at("reused"), 24);
}

TEST_F(PackedDataset, GivesTheSameScoresAsItsMusic) {
  ASSERT_EQ(pack({"--scheme", "random"}).code, 0);
  const auto accuracies = [&](const std::string& dataset, const std::string& scheme) {
    const Ran ran = run_program(
        {"train", dataset, "--features", "raw10k", "--scheme", scheme, "--model", "gnb", "-o", model, "--json"});
    EXPECT_EQ(ran.code, 0) << ran.err;
    // The rows come in another order, so only figures that do not depend on the last digit of a sum.
    const json parts = json::parse(ran.out).at("parts");
    return json{parts.at("validation").at("accuracy"), parts.at("test").at("accuracy")};
  };
  EXPECT_EQ(accuracies(packed, "official"), accuracies(music.path(), "random"));
}

TEST_F(PackedDataset, OfSequencesWithTheUsersKeysGivesTheSameScoresAsExamples) {
  const auto accuracy = [&](const Arguments& arguments) {
    Arguments all = {"train", packed, "--model", "gnb", "-o", model, "--json"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    const Ran ran = run_program(all);
    EXPECT_EQ(ran.code, 0) << ran.err;
    return json::parse(ran.out).at("parts").at("test").at("accuracy");
  };
  ASSERT_EQ(pack({"--scheme", "random"}).code, 0);
  const json expected = accuracy({});
  fs::remove_all(packed);
  const Arguments form = {"--record-features", "audio", "--record-label", "genre", "--record-id", "clip"};
  Arguments more = {"--scheme", "random", "--record-steps", "100"};
  more.insert(more.end(), form.begin(), form.end());
  ASSERT_EQ(pack(more).code, 0);
  EXPECT_EQ(run_program({"pack", packed, "--verify"}).code, 0);
  EXPECT_EQ(accuracy({}), expected);
  const Ran listed = run_program({"inspect", packed, "--csv"});
  EXPECT_EQ(listed.code, 0) << listed.err;
  EXPECT_THAT(listed.out, HasSubstr("audio,sequence of floats,24,100,"));
  Arguments keys = {"--record-pool", "none", "--scheme", "random"};
  keys.insert(keys.end(), form.begin(), form.end());
  EXPECT_TRUE(accuracy(keys).is_object());
  const Ran uneven = run_program({"pack", music.path(), "--features", "raw10k", "--record-steps", "3", "-o", run});
  EXPECT_EQ(uneven.code, 1);
  EXPECT_THAT(uneven.err, HasSubstr("10000 values cannot be divided into 3 equal steps"));
}

TEST_F(PackedDataset, IsInspectedAsRecordsAndMusicAsADataset) {
  ASSERT_EQ(pack().code, 0);
  fs::create_directory(folder / "parent");
  fs::rename(packed, folder / "parent/train");
  const Ran records = run_program({"inspect", folder / "parent"});
  EXPECT_THAT(records.out, HasSubstr("one_hot_class"));
  EXPECT_EQ(run_program({"inspect", folder / "parent", "--subset", "small"}).code, 2);
  EXPECT_EQ(run_program({"inspect", folder / "parent", "--isolate"}).code, 2);
  EXPECT_EQ(run_program({"inspect", folder / "parent", "--class-map", music.path()}).code, 2);
  write_file(music / "noise/stray.tfrecord", "x");
  EXPECT_THAT(run_program({"inspect", music.path()}).out, HasSubstr("24 clips"));
}

TEST_F(PackedDataset, IsSplitByWholeShardsInAStudy) {
  ASSERT_EQ(pack({"--scheme", "none"}).code, 0);
  const Ran ran = run_program({"study", packed, "--scheme", "shards", "-o", run, "--models", "gnb", "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  const json results = json::parse(ran.out);
  EXPECT_EQ(results.at("split").at("scheme"), "shards");
  EXPECT_EQ(run_program({"study", music.path(), "--scheme", "shards", "-o", run + "2", "--models", "gnb"}).code, 1);
}

TEST_F(PackedDataset, IsSplitIntoAFileThatTrainingAccepts) {
  ASSERT_EQ(pack({"--scheme", "none"}).code, 0);
  const std::string split = folder / "split.csv";
  const Ran ran = run_program({"split", packed, "--scheme", "random", "-o", split, "--json"});
  ASSERT_EQ(ran.code, 0) << ran.err;
  EXPECT_EQ(json::parse(ran.out).at("scheme"), "random");
  EXPECT_EQ(run_program({"split", packed, "--scheme", "shards", "-o", folder / "shards.csv"}).code, 0);
  const Ran trained = run_program({"train", packed, "--split-file", split, "--model", "gnb", "-o", model});
  EXPECT_EQ(trained.code, 0) << trained.err;
}

TEST_F(PackedDataset, IsVerifiedWithoutOptionsOfPacking) {
  ASSERT_EQ(pack().code, 0);
  EXPECT_EQ(run_program({"pack", packed, "--verify", "--shards", "3"}).code, 2);
  EXPECT_EQ(run_program({"pack", packed, "--verify"}).code, 0);
  EXPECT_EQ(pack({"--work", folder / "work"}).code, 2);  // only on the way to a store
}

TEST_F(PackedDataset, IsRefusedWhenItsRecipeIsNotTheModels) {
  ASSERT_EQ(pack().code, 0);
  ASSERT_EQ(run_program({"train", packed, "--model", "gnb", "-o", model}).code, 0);
  const std::string other = folder / "other";
  ASSERT_EQ(run_program({"pack", music.path(), "--features", "fma518", "--shards", "2", "-o", other}).code, 0);
  const Ran ran = run_program({"evaluate", model, other});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("the model was trained on raw10k"));
}

TEST_F(PackedDataset, IsRefusedAndReportedWhenTooManyRecordsAreDamaged) {
  ASSERT_EQ(pack({"--scheme", "random"}).code, 0);
  for (const auto& entry : fs::directory_iterator(packed)) {
    if (entry.path().extension() == ".tfrec") fs::resize_file(entry.path(), 100);
  }
  const Ran ran = run_program({"train", packed, "--model", "gnb", "-o", model});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("too many records cannot be used"));
  EXPECT_THAT(ran.err, HasSubstr("truncated"));
  EXPECT_FALSE(fs::exists(model));
  fs::remove(fs::path(packed) / "manifest.json");
  fs::create_directory(fs::path(packed) / ".pack");
  EXPECT_THAT(run_program({"train", packed, "--model", "gnb", "-o", model}).err, HasSubstr("is an unfinished pack"));
}

}  // namespace
}  // namespace genrewise::testing
