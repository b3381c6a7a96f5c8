#include "genrewise/study/study_presets.hpp"

#include <gmock/gmock.h>

#include <algorithm>
#include <cstdlib>

#include "genrewise/base/progress.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/pretrained/neural_program.hpp"
#include "genrewise/pretrained/weights.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/stages.hpp"
#include "support/environment.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using testing::Environment;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::IsSupersetOf;
using ::testing::Not;
using testing::TemporaryFolder;

std::vector<std::string> names_of(const std::vector<ModelSpec>& models) {
  std::vector<std::string> names;
  for (const ModelSpec& spec : models) names.push_back(spec.name);
  return names;
}

std::vector<std::string> names_of(const std::vector<LeftOut>& left_out) {
  std::vector<std::string> names;
  for (const LeftOut& one : left_out) names.push_back(one.model);
  return names;
}

/// A dataset of audio files (which are not opened) and a folder of weights.
struct StudyPresets : ::testing::Test {
  StudyPresets() {
    for (const char* genre : {"jazz", "rock"}) {
      make_folders(std::filesystem::path(folder / "music") / genre);
      write_file(std::filesystem::path(folder / "music") / genre / "a.wav", "RIFF");
    }
    make_folders(folder / "weights");
    write_file(folder / "program", "");
    std::filesystem::permissions(folder / "program", std::filesystem::perms::owner_all);
    write_file(folder / "table.csv", testing::table_csv());
  }
  DataSource music() const { return DataSource({.location = folder / "music"}); }
  void add_weights(const char* network) const {
    write_file(folder / "weights" / find_pretrained_network(network).file_names.back(), "");
  }

  TemporaryFolder folder;
  Runtime runtime{{.weights = folder / "weights"}};
  UseRuntime use{runtime};
  Environment program{"GENREWISE_NEURAL_PROGRAM", folder / "program"};
};

TEST_F(StudyPresets, OriginalHasEverySystemOfTheStudy) {
  add_weights("mobilenetv2");
  const PresetModels original = preset_models("original", music());
  EXPECT_THAT(names_of(original.models),
              ElementsAre("gnb", "knn", "logreg", "svm-linear", "svm-poly", "svm-rbf", "svm-sigmoid", "mlp",
                          "frames/gnb", "frames/knn", "frames/logreg", "frames/svm-linear", "frames/svm-poly",
                          "frames/svm-rbf", "frames/svm-sigmoid", "frames/mlp", "raw10k/cnn1d", "mel224/mobilenetv2"));
  EXPECT_THAT(original.left_out, IsEmpty());
}

TEST_F(StudyPresets, NamesTheCommandThatBringsMissingWeights) {
  const PresetModels original = preset_models("original", music());
  ASSERT_THAT(names_of(original.left_out), ElementsAre("mel224/mobilenetv2"));
  EXPECT_EQ(original.left_out[0].remedy, "genrewise fetch weights mobilenetv2");
  EXPECT_THAT(names_of(original.models), Not(Contains("mel224/mobilenetv2")));
}

/// The preset's models on a feature set; on the study's own for "".
std::vector<std::string> best_on(std::string features) {
  if (!features.empty()) features += "/";
  return {features + "ensemble", features + "svm-rbf", features + "logreg-pca", features + "lda-pca"};
}

TEST_F(StudyPresets, BestUsesTheStrongestFeaturesWhoseWeightsArePresent) {
  EXPECT_THAT(names_of(preset_models("best", music()).models), ElementsAreArray(best_on("music")));
  add_weights("musicnn_msd");
  const PresetModels musicnn = preset_models("best", music());
  EXPECT_THAT(names_of(musicnn.models), ElementsAreArray(best_on("musicnn_msd_pools")));
  EXPECT_THAT(names_of(musicnn.left_out), IsSupersetOf({"audiotag_music/ensemble", "audiotag/ensemble"}));
  EXPECT_THAT(musicnn.left_out[0].remedy, HasSubstr("genrewise fetch weights efficientat"));
  EXPECT_THAT(musicnn.notes, Contains(HasSubstr("musicnn_msd_pools")));
  add_weights("efficientat");
  EXPECT_THAT(names_of(preset_models("best", music()).models), ElementsAreArray(best_on("audiotag")));
  add_weights("musicnn_mtt");
  const PresetModels best = preset_models("best", music());
  EXPECT_THAT(names_of(best.models), ElementsAreArray(best_on("audiotag_music")));
  EXPECT_THAT(best.left_out, IsEmpty());
}

TEST_F(StudyPresets, ShrinkToWhatATableAllowsAndReportIt) {
  for (const char* preset : {"default", "original"}) {
    const PresetModels chosen = preset_models(preset, DataSource({.location = folder / "table.csv"}));
    EXPECT_THAT(names_of(chosen.models),
                IsSupersetOf({"gnb", "knn", "logreg", "svm-linear", "svm-poly", "svm-rbf", "svm-sigmoid", "mlp"}));
    EXPECT_EQ(names_of(chosen.models).size(), preset == std::string("default") ? 11u : 8u);
    EXPECT_THAT(chosen.notes, ElementsAre(HasSubstr("no audio")));
    EXPECT_THAT(chosen.left_out, IsEmpty());
  }
  EXPECT_THAT(names_of(preset_models("best", DataSource({.location = folder / "table.csv"})).models),
              ElementsAreArray(best_on("")));
}

TEST_F(StudyPresets, DoNotCompareTheSameFeaturesTwice) {
  const DataSource frames({.location = folder / "music", .features = "frames"});
  EXPECT_THAT(names_of(preset_models("original", frames).models), Not(Contains("frames/gnb")));
  const DataSource own({.location = folder / "music", .features = "music"});
  EXPECT_THAT(names_of(preset_models("best", own).models), ElementsAreArray(best_on("")));
}

TEST_F(StudyPresets, ANetworkWithoutItsProgramIsLeftOut) {
  ::unsetenv("GENREWISE_NEURAL_PROGRAM");
  if (!find_neural_program().empty()) GTEST_SKIP() << "genrewise-neural is beside this program";
  const PresetModels original = preset_models("original", music());
  EXPECT_THAT(names_of(original.left_out), ElementsAre("raw10k/cnn1d", "mel224/mobilenetv2"));
  EXPECT_THAT(original.left_out[0].remedy, HasSubstr("install_packages.sh neural"));
}

TEST_F(StudyPresets, UnknownOnesAreRefused) {
  EXPECT_THROW(preset_models("fastest", music()), UnknownName);
}

TEST(LeftOutModels, AreReportedByReason) {
  EXPECT_THAT(sentences({{"a", "slow", "--budget 9"}, {"b", "missing", ""}, {"c", "slow", "--budget 9"}}),
              ElementsAre("Left out: a, c: slow; to include: --budget 9.", "Left out: b: missing."));
}

/// The last report of a stage.
struct StageDisplay final : StagedProgress {
  void stage(std::size_t number, std::size_t count, double this_s, double after_s) override {
    at = {static_cast<double>(number), static_cast<double>(count), this_s, after_s};
  }
  std::vector<double> at;
};

TEST(Stages, ReportTheExpectedTimeOfAllThatRemain) {
  StageDisplay progress;
  Stages stages({{"extract", 10}, {"fit", 5}, {"write", 1}}, progress);
  stages.enter("extract");
  EXPECT_THAT(progress.at, ElementsAre(1, 3, 10, 6));
  stages.enter("fit");
  EXPECT_THAT(progress.at, ElementsAre(2, 3, 5, 1));
  stages.leave();
  const nlohmann::json done = stages.json();
  ASSERT_EQ(done.size(), 2u);
  EXPECT_EQ(done[0]["stage"], "extract");
  EXPECT_GE(done[1]["seconds"], 0);
  EXPECT_GT(done[1]["peak_memory_bytes"], 1'000'000);
}

TEST(Stages, OfUnknownLengthHaveOnlyANumber) {
  StageDisplay progress;
  Stages stages({{"extract"}, {"fit"}}, progress);
  stages.enter("fit");
  EXPECT_THAT(progress.at, ElementsAre(2, 2, 0, -1));
  stages.enter("unexpected");
  EXPECT_THAT(progress.at, ElementsAre(3, 3, 0, -1));
}

}  // namespace
}  // namespace genrewise
