// State files of studies and searches that were damaged, edited, or belong to something else.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <functional>
#include <memory>

#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/run_folder.hpp"
#include "support/study_in_folder.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::error_message;
using ::testing::HasSubstr;
using testing::StudyInFolder;
using testing::TemporaryFolder;

struct Notes final : Progress {
  void note(std::string_view text) override { all += std::string(text) + "\n"; }
  std::string all;
};

class RunState : public ::testing::Test {
 protected:
  RunState() : made_(folder_ / "run") {}
  fs::path kept() const { return folder_ / "run" / "models" / "gnb.json"; }
  std::optional<ModelResult> find() {
    return made_.run.store(made_.examples, made_.split).find(made_.config.models[0]);
  }
  /// Stores the document with another value at `pointer` and a new checksum.
  void change(const std::string& pointer, const json& value) {
    json document = require_sealed_json(original_, "gnb.json");
    document[json::json_pointer(pointer)] = value;
    write_file(kept(), sealed_text(document, 1));
  }

  TemporaryFolder folder_;
  StudyInFolder made_;
  std::string original_ = read_file(kept());
  Notes notes_;
  Runtime runtime_{{.progress = &notes_}};
  UseRuntime use_{runtime_};
};

TEST_F(RunState, OfAModelIsComputedAgainAfterAnEditAndTheReasonIsReported) {
  ASSERT_TRUE(find());
  EXPECT_EQ(notes_.all, "");
  std::string edited = original_;
  const auto at = edited.find("\"value\": ");
  ASSERT_NE(at, std::string::npos);
  edited[at + 9] = edited[at + 9] == '0' ? '1' : '0';
  write_file(kept(), edited);
  EXPECT_FALSE(find());
  EXPECT_THAT(notes_.all, HasSubstr("gnb.json: was changed"));
  EXPECT_THAT(notes_.all, HasSubstr("fitted again"));
}

TEST_F(RunState, OfAModelIsComputedAgainWithAnyFlippedBitInItsResult) {
  for (std::size_t at = 0; at < original_.size(); at += 97) {
    std::string flipped = original_;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 7));
    write_file(kept(), flipped);
    const auto found = find();
    EXPECT_FALSE(found) << at;
  }
}

TEST_F(RunState, OfAModelIsComputedAgainWhenAnEarlierVersionWroteItWithoutAChecksum) {
  write_file(kept(), require_sealed_json(original_, "gnb.json").dump());
  EXPECT_FALSE(find());
  EXPECT_THAT(notes_.all, HasSubstr("without a checksum"));
}

TEST_F(RunState, OfAModelIsComputedAgainWhenItsScoresDoNotFitItsPredictions) {
  const json test_labels = json::parse(original_).at("result").at("test_labels");
  json out_of_range = test_labels, negative = test_labels, shorter = test_labels;
  out_of_range[0] = 7;
  negative[0] = -1;
  shorter.erase(0);
  for (const json& labels : {out_of_range, negative, shorter, json::array(), json("x"), json()}) {
    change("/result/test_labels", labels);
    EXPECT_FALSE(find()) << labels;
  }
  change("/result/accuracy/value", 0.999);
  EXPECT_FALSE(find());
  EXPECT_THAT(notes_.all, HasSubstr("scores do not fit its predictions"));
  change("/result/confusion", json::array());
  EXPECT_FALSE(find());
  change("/result/genres", json::array());
  EXPECT_FALSE(find());
  write_file(kept(), original_);
  EXPECT_TRUE(find());
}

TEST_F(RunState, OfAModelIsComputedAgainWhenTheModelFileIsAnother) {
  fs::copy_file(folder_ / "run" / "models" / "knn-n-neighbors-1-5.gwm", folder_ / "run" / "models" / "gnb.gwm",
                fs::copy_options::overwrite_existing);
  EXPECT_FALSE(find());
  EXPECT_THAT(notes_.all, HasSubstr("does not belong to gnb.gwm"));
}

TEST(RunFolderState, DamagedConfigurationIsNeverTakenForTheSame) {
  const json config = {{"dataset", "clusters"}, {"seed", 42}};
  for (const char* members : {"", ",\"dataset\":\"clusters\",\"seed\":42"}) {
    const std::string damage = fmt::format("{{\"format_version\":1,\"sha256\":\"00\"{}}}", members);
    TemporaryFolder folder;
    std::make_unique<StudyInFolder>(folder / "run").reset();
    write_file(folder / "run" / "config.json", damage);
    write_file(folder / "run" / "results.json", "{}");
    EXPECT_THAT(error_message([&] { RunFolder(folder / "run", config, false); }), HasSubstr("config.json")) << damage;
    fs::remove(folder / "run" / "results.json");
    EXPECT_THAT(RunFolder(folder / "run", config, false).note(), HasSubstr("config.json")) << damage;
    EXPECT_FALSE(fs::exists(folder / "run" / "models" / "gnb.gwm")) << damage;
  }
}

TEST(RunFolderState, WhoseConfigurationIsNoJsonIsReplacedOnlyByForce) {
  for (const char* damage : {"", "{", "null", "\xff\xfe"}) {
    TemporaryFolder folder;
    std::make_unique<StudyInFolder>(folder / "run").reset();
    write_file(folder / "run" / "config.json", damage);
    write_file(folder / "run" / "results.json", sealed_text({{"format_version", 1}}));
    EXPECT_THAT(error_message([&] { RunFolder(folder / "run", {{"seed", 1}}, false); }), HasSubstr("--force"));
    EXPECT_TRUE(fs::exists(folder / "run" / "models" / "gnb.gwm")) << damage;
    RunFolder(folder / "run", {{"seed", 1}}, true);
    EXPECT_FALSE(fs::exists(folder / "run" / "models" / "gnb.gwm")) << damage;
  }
}

TEST(RunFolderState, OfAnotherProgramIsNeitherReplacedNorEmptied) {
  TemporaryFolder folder;
  const fs::path kept = folder / "project" / "models" / "mine";
  make_folders(kept.parent_path());
  write_file(kept, "precious");
  const std::string of_a_network = sealed_text({{"epochs", 3}});
  for (const std::string& config :
       {of_a_network, std::string(R"({"format_version": 1})"), std::string("{"), std::string()}) {
    write_file(folder / "project" / "config.json", config);
    for (const bool replace : {false, true}) {
      EXPECT_THAT(error_message([&] {
                    RunFolder(folder / "project", {{"seed", 1}}, replace);
                  }),
                  HasSubstr("not a run folder"))
          << config;
    }
    EXPECT_EQ(read_file(folder / "project" / "config.json"), config);
    EXPECT_TRUE(fs::exists(kept));
  }
}

TEST(RunFolderState, TemporaryFilesOfAKilledRunAreRemoved) {
  TemporaryFolder folder;
  std::make_unique<StudyInFolder>(folder / "run").reset();
  const fs::path left = folder / "run" / ".results.json.123.tmp", model = folder / "run" / "models" / ".gnb.gwm.45.tmp";
  write_file(left, "half");
  write_file(model, "half");
  write_file(folder / "run" / ".mine.tmp", "precious");
  std::make_unique<StudyInFolder>(folder / "run").reset();
  EXPECT_FALSE(fs::exists(left));
  EXPECT_FALSE(fs::exists(model));
  EXPECT_EQ(read_file(folder / "run" / ".mine.tmp"), "precious");
}

TEST(RunFolderState, ThatAKillLeftWithoutAConfigurationIsUsed) {
  TemporaryFolder folder;
  make_folders(folder / "run");
  write_file(folder / "run" / ".config.json.123.tmp", "half");
  EXPECT_EQ(RunFolder(folder / "run", {{"seed", 42}}, false).note(), "");
  EXPECT_FALSE(fs::exists(folder / "run" / ".config.json.123.tmp"));
}

TEST(TuningFolderState, ScoresOfDamagedLinesAreComputedAgain) {
  TemporaryFolder folder;
  const Examples examples = testing::clusters({"a", "b"}, 20, 0.5F);
  const json config = {{"seed", 42}};
  const Parameters point = {{"n_neighbors", "5"}};
  const fs::path journal = folder / "run" / "folds.jsonl";
  {
    const TuningFolder run(folder / "run", config, false);
    const TuningStore store = run.store(examples);
    store.keep(point, 3, {1.5, 0.7, 1, 1, {}});  // impossible
    store.keep(point, 4, {1, 0.7, 1, 1, {}});
    for (const int fold : {0, 1, 2}) store.keep(point, fold, {0.5, 0.7, 1, 1, {}});
  }
  std::string lines = read_file(journal);
  lines.replace(lines.find("0.5"), 3, "0.9");                       // an edit
  lines.resize(lines.size() - 10);                                  // a kill while the last line was written
  lines += "\n{\"data\":1}\n{\"fold\":\"x\",\"sha256\":3}\n[[[\n";  // wrong types
  write_file(journal, lines);
  const TuningFolder run(folder / "run", config, false);
  const TuningStore store = run.store(examples);
  EXPECT_FALSE(store.find(point, 0));
  ASSERT_TRUE(store.find(point, 1));
  EXPECT_EQ(store.find(point, 1)->accuracy, 0.5);
  EXPECT_FALSE(store.find(point, 2));
  EXPECT_FALSE(store.find(point, 3));
  EXPECT_TRUE(store.find(point, 4));
}

}  // namespace
}  // namespace genrewise
