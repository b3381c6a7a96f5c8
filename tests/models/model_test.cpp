#include "genrewise/models/model.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "classifier_support.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "genrewise/storage/files.hpp"
#include "support/classifiers.hpp"

namespace genrewise {
namespace {

using testing::error_message;
using ::testing::HasSubstr;
using testing::make_clusters;
using testing::TemporaryFolder;

Model train(const std::string& kind, const Parameters& parameters = {}, PreprocessingConfig preprocessing = {}) {
  const auto clusters = make_clusters(60, 3, 3, 1.0);
  Model model;
  model.labels = {"Rock, \"hard\"\nand heavy", "Müsik 🎵", ""};
  model.recipe = {"test", 7, "abcdef"};
  for (int i = 0; i < 3; ++i) model.columns.push_back({"mfcc", "mean", "0" + std::to_string(i + 1)});
  model.preprocessor = Preprocessor(preprocessing);
  model.preprocessor.fit(clusters.examples);
  model.classifier = make_classifier(kind, parameters, 5);
  const Matrix examples = model.preprocessor.transform(clusters.examples);
  model.classifier->fit({examples, clusters.labels, 3});
  model.facts = {{"seed", 42}, {"note", "hello"}};
  return model;
}

TEST(ModelFile, KeepsPredictionsAndFactsOfEveryKindOfClassifier) {
  const TemporaryFolder folder;
  const Matrix examples = make_clusters(40, 3, 3, 1.0, 9).examples;
  for (const std::string& kind : testing::classical_kinds()) {
    SCOPED_TRACE(kind);
    const Model model = train(kind, {}, {.pca_components = 2, .pca_whiten = true});
    save_model(model, folder / "m.gwm");
    const Model loaded = load_model(folder / "m.gwm");
    EXPECT_EQ(loaded.labels, model.labels);
    EXPECT_EQ(loaded.recipe, model.recipe);
    EXPECT_EQ(loaded.columns, model.columns);
    EXPECT_EQ(loaded.facts, model.facts);
    EXPECT_EQ(loaded.classifier->kind(), kind);
    EXPECT_EQ(loaded.classifier->parameters(), model.classifier->parameters());
    EXPECT_EQ(loaded.preprocessor.config(), model.preprocessor.config());
    EXPECT_EQ(loaded.predict_probabilities(examples), model.predict_probabilities(examples));
    EXPECT_EQ(loaded.predict(examples), model.predict(examples));
  }
}

TEST(ModelFile, KeepsConfidenceAndNoveltyWhichCalibrateItsPredictionsAndLoadsWithoutThem) {
  const TemporaryFolder folder;
  const auto clusters = make_clusters(40, 3, 3, 1.0, 9);
  Model model = train("gnb");
  save_model(model, folder / "without.gwm");
  const Model without = load_model(folder / "without.gwm");
  EXPECT_EQ(without.confidence.held_out, 0u);
  EXPECT_FALSE(without.confidence.threshold());
  EXPECT_FALSE(without.novelty.is_fitted());
  model.confidence = {60, 2, {0.1, 0.1, 0.1}, {{0.5, 1, 0.8}}};
  model.novelty.fit(clusters.examples, std::vector<std::size_t>{0, 1, 2, 3, 4, 5}, {}, 5);
  save_model(model, folder / "with.gwm");
  const Model with = load_model(folder / "with.gwm");
  Matrix calibrated = without.predict_probabilities(clusters.examples);
  with.confidence.calibrate(calibrated);
  EXPECT_EQ(with.predict_probabilities(clusters.examples), calibrated);
  EXPECT_NE(calibrated, without.predict_probabilities(clusters.examples));
  EXPECT_EQ(with.predict(clusters.examples), without.predict(clusters.examples));
  EXPECT_EQ(with.novelty.distances(clusters.examples), model.novelty.distances(clusters.examples));
}

TEST(ModelFile, KeepsLabelsThatAreNotUtf8) {
  const TemporaryFolder folder;
  Model model = train("gnb");
  model.labels[1] = "caf\xe9";
  save_model(model, folder / "m.gwm");
  EXPECT_EQ(load_model(folder / "m.gwm").labels, model.labels);
}

TEST(ModelFile, IsRefusedWhenTruncatedAnywhere) {
  const TemporaryFolder folder;
  save_model(train("gnb"), folder / "m.gwm");
  const std::string bytes = read_file(folder / "m.gwm");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_THROW(parse_model(bytes.substr(0, size), "cut.gwm"), Error) << size << " bytes";
  }
}

TEST(ModelFile, IsRefusedWithAFlippedBitAnywhere) {
  const TemporaryFolder folder;
  save_model(train("gnb"), folder / "m.gwm");
  const std::string bytes = read_file(folder / "m.gwm");
  for (std::size_t at = 0; at < bytes.size(); ++at) {
    std::string flipped = bytes;
    flipped[at] = static_cast<char>(flipped[at] ^ (1 << at % 8));
    EXPECT_THROW(parse_model(flipped, "flipped.gwm"), Error) << "byte " << at;
  }
}

TEST(ModelFile, ReportsThatAFileIsForeignNewerOrDamaged) {
  const TemporaryFolder folder;
  const auto message = [&](const std::string& bytes) { return error_message([&] { parse_model(bytes, "m.gwm"); }); };
  TensorArchive foreign;
  foreign.put("weight", std::vector<float>{1, 2});
  EXPECT_THAT(message(foreign.serialise()), HasSubstr("not a genrewise model"));
  foreign.metadata = {{"format", "genrewise model"}, {"format_version", "2"}};
  EXPECT_THAT(message(foreign.serialise()), HasSubstr("format version 2"));
  foreign.metadata["format_version"] = "1";
  EXPECT_THAT(message(foreign.serialise()), HasSubstr("checksum"));
  EXPECT_THAT(message("PK\3\4 this is no model at all"), HasSubstr("not a valid safetensors file"));
  EXPECT_THAT(message(""), HasSubstr("0 bytes"));
  EXPECT_THAT(error_message([&] { load_model(folder / "missing.gwm"); }), HasSubstr("missing.gwm"));
}

TEST(Model, RefusesFeaturesOfAnotherRecipe) {
  const Model model = train("gnb");
  EXPECT_EQ(error_message([&] { model.require_features(model.recipe, model.columns); }), "no error");
  EXPECT_THAT(error_message([&] {
                model.require_features({"other", 1, "x"}, model.columns);
              }),
              HasSubstr("trained on test version 7"));
  auto columns = model.columns;
  columns[1].number = "09";
  EXPECT_THAT(error_message([&] { model.require_features(model.recipe, columns); }), HasSubstr("'mfcc mean 09'"));
  EXPECT_THAT(error_message([&] { model.predict(Matrix(2, 5)); }), HasSubstr("expects 3 features"));
}

TEST(Model, NamesTheFeatureThatIsNotFinite) {
  const Model model = train("gnb");
  Matrix features(2, 3);
  features(1, 2) = std::numeric_limits<float>::quiet_NaN();
  const std::string message = error_message([&] { model.predict(features); });
  EXPECT_THAT(message, HasSubstr("mfcc mean 03"));
  EXPECT_THAT(message, HasSubstr("row 1"));
}

}  // namespace
}  // namespace genrewise
