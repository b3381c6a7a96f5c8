#include "genrewise/study/run_folder.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "genrewise/base/error.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/run_document.hpp"
#include "support/ordinary_user.hpp"
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

TEST(RunFolder, ReadsModelResultsBackFromTheirDocument) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  for (const ModelResult& model : made.result.models) {
    const json document = to_json(model, made.examples.labels);
    EXPECT_EQ(to_json(model_result_from_json(document), made.examples.labels), document);
  }
}

TEST(RunFolder, ReusesFinishedModelsAndComputesTheMissingOnes) {
  TemporaryFolder folder;
  auto first = std::make_unique<StudyInFolder>(folder / "run");
  const auto old = fs::last_write_time(folder / "run" / "models" / "gnb.gwm");
  fs::remove(folder / "run" / "models" / "knn-n-neighbors-1-5.json");
  const double fit_s = first->result.models[0].fit_s;
  first.reset();
  const StudyInFolder second(folder / "run");
  EXPECT_EQ(fs::last_write_time(folder / "run" / "models" / "gnb.gwm"), old);
  EXPECT_EQ(second.result.models[0].fit_s, fit_s);  // unchanged: not fitted again
  EXPECT_TRUE(fs::exists(folder / "run" / "models" / "knn-n-neighbors-1-5.json"));
}

TEST(RunFolder, ComputesAgainIfTheDataOrTheStoredFileChanged) {
  TemporaryFolder folder;
  StudyInFolder made(folder / "run");
  made.examples.table.values(0, 0) += 1;
  EXPECT_FALSE(made.run.store(made.examples, made.split).find(made.config.models[0]));
  made.examples.table.values(0, 0) -= 1;
  made.split.parts[0] = made.split.parts[0] == Part::test ? Part::training : Part::test;
  EXPECT_FALSE(made.run.store(made.examples, made.split).find(made.config.models[0]));
  made.split = make_split(made.examples.subjects);
  ASSERT_TRUE(made.run.store(made.examples, made.split).find(made.config.models[0]));
  for (const char* damage : {"", "{", "[]", "{\"entry\": 1, \"data\": 2}", "\xff\xfe"}) {
    std::ofstream(folder / "run" / "models" / "gnb.json") << damage;
    EXPECT_FALSE(made.run.store(made.examples, made.split).find(made.config.models[0])) << damage;
  }
}

TEST(RunFolder, RefusesAnotherConfigurationWithTheDifferenceUnlessForced) {
  TemporaryFolder folder;
  std::make_unique<StudyInFolder>(folder / "run").reset();
  write_file(folder / "run" / "results.json", "{}");
  try {
    RunFolder(folder / "run", {{"dataset", "clusters"}, {"seed", 43}}, false);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("seed: 42 in the folder, 43 requested"));
    EXPECT_THAT(error.remedy(), HasSubstr("--force"));
  }
  EXPECT_TRUE(fs::exists(folder / "run" / "results.json"));
  RunFolder(folder / "run", {{"dataset", "clusters"}, {"seed", 43}}, true);
  EXPECT_FALSE(fs::exists(folder / "run" / "results.json"));
  EXPECT_FALSE(fs::exists(folder / "run" / "models" / "gnb.gwm"));
}

TEST(RunFolder, ReplacesAnUnfinishedRunOfAnotherConfigurationButKeepsFeatures) {
  TemporaryFolder folder;
  std::make_unique<StudyInFolder>(folder / "run").reset();  // without results.json
  write_file(folder / "run" / "features.csv", "precious");
  const RunFolder run(folder / "run", {{"dataset", "clusters"}, {"seed", 43}}, false);
  EXPECT_THAT(run.note(), HasSubstr("seed: 42 in the folder, 43 requested"));
  EXPECT_THAT(run.note(), HasSubstr("extracted features are reused"));
  EXPECT_EQ(read_file(folder / "run" / "features.csv"), "precious");
  EXPECT_FALSE(fs::exists(folder / "run" / "models" / "gnb.gwm"));
}

TEST(RunFolder, RefusesDocumentsOfANewerVersion) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  const fs::path kept = folder / "run" / "models" / "gnb.json";
  json document = json::parse(read_file(kept));
  EXPECT_EQ(document.at("format_version"), 1);
  document["format_version"] = 2;
  write_file(kept, document.dump());
  EXPECT_THROW(made.run.store(made.examples, made.split).find(made.config.models[0]), Error);
}

TEST(RunFolder, IsExclusiveToOneRun) {
  TemporaryFolder folder;
  const json config = {{"dataset", "clusters"}, {"seed", 42}};
  {
    const RunFolder first(folder / "run", config, false);
    for (const bool replace : {false, true}) {
      EXPECT_THAT(error_message([&] { RunFolder(folder / "run", config, replace); }),
                  HasSubstr("another run works in this folder"));
    }
    EXPECT_THROW(TuningFolder(folder / "run", config, true), Error);
  }
  EXPECT_NO_THROW(RunFolder(folder / "run", config, false));
}

TEST(RunFolder, RefusesAnotherKindOfFolderAndNeverEmptiesIt) {
  TemporaryFolder folder;
  make_folders(folder / "models");
  write_file(folder / "models" / "mine.gwm", "precious");
  EXPECT_THROW(RunFolder(folder.path(), {{"seed", 42}}, false), Error);
  RunFolder(folder.path(), {{"seed", 42}}, true);
  EXPECT_EQ(read_file(folder / "models" / "mine.gwm"), "precious");
}

TEST(RunFolder, ReportsAFolderThatCannotBeWritten) {
  TemporaryFolder folder;
  write_file(folder / "file", "");
  EXPECT_THROW(RunFolder(folder / "file" / "run", {{"seed", 42}}, false), Error);
  AS_ORDINARY_USER(folder.path());
  fs::permissions(folder.path(), fs::perms::owner_read | fs::perms::owner_exec);
  EXPECT_THROW(RunFolder(folder / "run", {{"seed", 42}}, false), Error);
  fs::permissions(folder.path(), fs::perms::owner_all);
}

TEST(Ablation, HasTheRowsOfFmasPublishedTableForItsFeatures) {
  std::vector<FeatureColumn> columns;
  const auto add = [&](const char* feature, int count) {
    for (int i = 0; i < count; ++i) columns.push_back({feature, "mean", std::to_string(i)});
  };
  for (const char* chroma : {"chroma_cens", "chroma_cqt", "chroma_stft"}) add(chroma, 84);
  add("mfcc", 140), add("rmse", 7), add("spectral_bandwidth", 7), add("spectral_centroid", 7);
  add("spectral_contrast", 49), add("spectral_rolloff", 7), add("tonnetz", 42), add("zcr", 7);
  ASSERT_EQ(columns.size(), 518u);
  const auto sets = ablation_features(columns);
  ASSERT_EQ(sets.size(), 18u);  // 11 features and 7 combinations
  const std::map<std::string, std::size_t> dimensions = {
      {"chroma_cens", 84},
      {"mfcc", 140},
      {"tonnetz", 42},
      {"mfcc+spectral_contrast", 189},
      {"mfcc+spectral_contrast+chroma_cens", 273},
      {"mfcc+spectral_contrast+spectral_centroid", 196},
      {"mfcc+spectral_contrast+chroma_cens+spectral_centroid", 280},
      {"mfcc+spectral_contrast+chroma_cens+spectral_centroid+tonnetz", 322},
      {"mfcc+spectral_contrast+chroma_cens+spectral_centroid+zcr", 287},
      {"all", 518}};
  for (const auto& [features, count] : dimensions) {
    EXPECT_TRUE(std::ranges::count(sets, features)) << features;
    EXPECT_EQ(columns_of(columns, features).size(), count) << features;
  }
}

}  // namespace
}  // namespace genrewise
