#include "genrewise/study/study.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/data_source/selection.hpp"
#include "genrewise/evaluation/evaluation.hpp"
#include "genrewise/models/model_spec.hpp"
#include "genrewise/study/notes.hpp"
#include "genrewise/study/run_document.hpp"
#include "support/clusters.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::clusters;
using testing::error_message;
using ::testing::HasSubstr;

const std::vector<std::string> kThree = {"Blues", "Jazz", "Rock"};

std::vector<ModelSpec> quick_models() {
  return {parse_model("gnb"), parse_model("knn:n_neighbors=1,5,9")};
}

StudyConfig quick() {
  StudyConfig config;
  config.models = quick_models();
  return config;
}

/// Always predicts the label `label` with probability 1; counts its fits.
class Parrot : public Classifier {
 public:
  explicit Parrot(const Parameters& parameters, int* fits = nullptr) : parameters_(parameters), fits_(fits) {}
  const ClassifierDescriptor& descriptor() const override {
    static const ClassifierDescriptor parrot = {
        .kind = "parrot", .title = "Parrot", .summary = "always predicts the same label"};
    return parrot;
  }
  const Parameters& parameters() const override { return parameters_; }
  void fit(const TrainingData& data, const FitContext&) override {
    label_count_ = data.label_count;
    if (fits_ != nullptr) ++*fits_;
    if (parameters_.contains("fails")) throw Error("the parrot is dead");
  }
  Predictions predict_with_probabilities(const Matrix& examples) const override {
    Matrix probabilities(examples.rows(), static_cast<std::size_t>(label_count_));
    const float certain = parameters_.contains("diverges") ? std::numeric_limits<float>::quiet_NaN() : 1.0F;
    for (std::size_t i = 0; i < probabilities.rows(); ++i)
      probabilities(i, std::stoul(parameters_.at("label"))) = certain;
    return {std::vector<int>(probabilities.rows(), std::stoi(parameters_.at("label"))), probabilities};
  }
  void save(TensorArchive&, const std::string&) const override {}
  void load(const TensorArchive&, const std::string&) override {}

 private:
  Parameters parameters_;
  int label_count_ = 0;
  int* fits_;
};

/// What fit() of a network received.
struct NetworkFit {
  std::size_t examples = 0, validation = 0, followed_epoch = 0;
  std::filesystem::path run_folder, embeddings_folder;
  bool replace_run = false;
};

/// Records its fits, returns a curve of `epochs` epochs of which the second is chosen, and predicts as a Parrot.
class FakeNetwork final : public Parrot {
 public:
  FakeNetwork(const Parameters& parameters, std::vector<NetworkFit>& fits)
      : Parrot(Parameters{{"label", "0"}}), given_(parameters), all_fits_(fits) {}
  void fit(const TrainingData& data, const FitContext& context) override {
    Parrot::fit(data, context);
    NetworkFit& fit = all_fits_.emplace_back();
    fit.examples = data.examples.rows();
    if (context.validation != nullptr) fit.validation = context.validation->labels.size();
    if (context.follow != nullptr) fit.followed_epoch = context.follow->chosen_epoch;
    fit.run_folder = context.run_folder;
    fit.embeddings_folder = context.embeddings_folder;
    fit.replace_run = context.replace_run;
    if (!fit.run_folder.empty()) {
      std::filesystem::create_directories(fit.run_folder);
      for (const char* name : {"last.safetensors", "curves.csv"}) std::ofstream(fit.run_folder / name) << "x";
    }
    if (context.progress != nullptr) context.progress->begin("training", "clips", 10, 0);
    if (given_.at("epochs") == "3")
      throw Error("the loss is not a finite number in epoch 1, batch 2", "training", "lower learning_rate");
    if (given_.at("epochs") == "7")
      throw Error("cannot write (No space left on device)", (fit.run_folder / "last.safetensors").string());
    if (context.progress != nullptr) context.progress->finish();
    if (context.curve == nullptr) return;
    *context.curve = {{}, 2, 0.001};
    for (std::uint64_t i = 1; i <= std::stoul(given_.at("epochs")); ++i)
      context.curve->epochs.push_back({i, 1, 0.5, 1.1, 0.4, 0.001});
  }

 private:
  Parameters given_;
  std::vector<NetworkFit>& all_fits_;
};

/// Counts tasks, parts and units.
struct CountedProgress final : Progress {
  void begin(std::string_view, std::string_view, std::uint64_t total, std::uint64_t) override { units = total; }
  void advance(std::uint64_t done) override { (parts > 0 ? part_done : whole_done) += done; }
  void begin_part(std::string_view task, std::string_view, std::uint64_t, std::uint64_t) override {
    ++parts;
    tasks.emplace_back(task);
  }
  void finish_part() override { --parts; }
  std::uint64_t units = 0, whole_done = 0, part_done = 0;
  int parts = 0;
  std::vector<std::string> tasks;
};

StudyConfig with_networks(const std::vector<std::string>& models, std::vector<NetworkFit>& fits) {
  StudyConfig config;
  config.models = parse_models(models);
  config.make = [&fits](std::string_view kind, const Parameters& parameters,
                        std::uint64_t seed) -> std::unique_ptr<Classifier> {
    if (kind == "dense") return std::make_unique<FakeNetwork>(parameters, fits);
    return make_classifier(kind, parameters, seed);
  };
  return config;
}

TEST(Study, ScoresHighOnClearClustersAndNearChanceOnNoise) {
  Progress quiet;
  const Examples clear = clusters(kThree, 60, 0.15F), noise = clusters(kThree, 60, 100.0F);
  for (const auto& [examples, low, high] : {std::tuple(&clear, 0.95, 1.0), std::tuple(&noise, 0.1, 0.65)}) {
    const Split split = make_split(examples->subjects);
    const StudyResult result = run_study(*examples, split, quick(), quiet);
    ASSERT_EQ(result.models.size(), 2u);
    for (const ModelResult& model : result.models) {
      EXPECT_GE(model.test.accuracy.value, low) << model.name;
      EXPECT_LE(model.test.accuracy.value, high) << model.name;
      EXPECT_EQ(model.test.accuracy.n, split.rows(Part::test).size());
      EXPECT_EQ(model.validation.n, split.rows(Part::validation).size());
      EXPECT_EQ(model.test_labels.size(), split.rows(Part::test).size());
      EXPECT_EQ(model.test_probabilities.rows(), model.test_labels.size());
      // Two examples of each artist; where nearly all are right, resampling artists shows too little.
      EXPECT_EQ(model.test.over_groups.has_value(), model.test.over_groups_withheld.empty());
      EXPECT_EQ(model.test.over_groups.has_value(), examples == &noise);
    }
    EXPECT_EQ(result.models[1].tried.size(), 3u);
    EXPECT_TRUE(result.models[1].parameters.contains("n_neighbors"));
  }
}

TEST(Study, GivesTheSameNumbersForTheSameSeed) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.6F);
  const Split split = make_split(examples.subjects);
  const auto numbers = [&] {
    StudyResult result = run_study(examples, split, quick(), quiet);
    nlohmann::json all;
    for (ModelResult& model : result.models) {
      model.choose_s = model.fit_s = model.predict_s = 0;
      all.push_back(to_json(model, examples.labels));
      all.back().erase("cost");
    }
    return all;
  };
  EXPECT_EQ(numbers(), numbers());
}

TEST(Study, NeverUsesTheTestPartForSelectionFittingOrPreprocessing) {
  Progress quiet;
  Examples examples = clusters(kThree, 40, 0.6F);
  const Split split = make_split(examples.subjects);
  const StudyResult before = run_study(examples, split, quick(), quiet);
  // Other numbers in the test part may change only the test scores.
  for (const std::size_t row : split.rows(Part::test)) std::ranges::fill(examples.table.values.row(row), 1e6F);
  std::vector<float> scale;
  StudyStore store;
  store.keep = [&](const ModelSpec&, const ModelResult&, const Model& model) {
    for (const double s : model.preprocessor.scale()) scale.push_back(static_cast<float>(s));
  };
  const StudyResult after = run_study(examples, split, quick(), quiet, store);
  for (std::size_t i = 0; i < before.models.size(); ++i) {
    EXPECT_EQ(before.models[i].validation.value, after.models[i].validation.value);
    EXPECT_EQ(before.models[i].parameters, after.models[i].parameters);
    EXPECT_NE(before.models[i].test_labels, after.models[i].test_labels);
  }
  for (const float s : scale) EXPECT_LT(s, 10);
}

TEST(Study, SelectsModelAndParametersByValidation) {
  Progress quiet;
  Examples examples = clusters(kThree, 20, 0.1F);
  Split split = make_split(examples.subjects);
  // Validation contains only Jazz (1), the test part only Rock (2): selection by test would choose the other parrot.
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    const int label = examples.subjects.labels[i];
    split.parts[i] = i < 30 ? Part::training : label == 1 ? Part::validation : label == 2 ? Part::test : Part::training;
  }
  StudyConfig config;
  config.make = [](auto, const Parameters& parameters, auto) { return std::make_unique<Parrot>(parameters); };
  config.models = {{"always-2", "", "", "parrot", {{"label", "2"}}, {}},
                   {"chooses", "", "", "parrot", {}, {{"label", {"0", "1", "2"}}}}};
  const StudyResult result = run_study(examples, split, config, quiet);
  ASSERT_TRUE(result.best);
  EXPECT_EQ(result.models[*result.best].name, "chooses");
  EXPECT_EQ(result.models[1].parameters.at("label"), "1");
  EXPECT_EQ(result.models[1].test.accuracy.value, 0);
  EXPECT_EQ(result.models[0].test.accuracy.value, 1);
}

TEST(Study, BaselinePredictsTheMostFrequentTrainingGenre) {
  Progress quiet;
  Examples examples = clusters(kThree, 20, 0.1F);
  for (std::size_t i = 0; i < 15; ++i) examples.subjects.labels[i] = 2;
  const Split split = make_split(examples.subjects, {.scheme = SplitScheme::random});
  const StudyResult result = run_study(examples, split, quick(), quiet);
  for (const int label : result.baseline.test_labels) EXPECT_EQ(label, 2);
  EXPECT_LT(result.baseline.test.log_loss, std::log(3.0) + 0.2);
}

TEST(Study, RecordsAFailedModelAndContinuesWithTheOthers) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.1F);
  StudyConfig config;
  config.make = [](auto, const Parameters& parameters, auto) { return std::make_unique<Parrot>(parameters); };
  config.models = {{"dead", "Dead parrot", "", "parrot", {{"label", "0"}, {"fails", "yes"}}, {}},
                   {"diverged", "", "", "parrot", {{"label", "0"}, {"diverges", "yes"}}, {}},
                   {"alive", "", "", "parrot", {{"label", "0"}}, {}}};
  const Split split = make_split(examples.subjects);
  const StudyResult result = run_study(examples, split, config, quiet);
  EXPECT_THAT(result.models[0].error, HasSubstr("the parrot is dead"));
  EXPECT_THAT(result.models[1].error, HasSubstr("probabilities are not finite numbers"));
  EXPECT_EQ(result.best, 2u);
  const auto notes = caveats(examples, split, result);
  EXPECT_TRUE(std::ranges::any_of(notes, [](const auto& note) { return note.find("Dead parrot") != note.npos; }));
  config.models.pop_back();
  EXPECT_FALSE(run_study(examples, split, config, quiet).best);
}

TEST(Study, SkipsAFailedPointOfAGrid) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.1F);
  StudyConfig config;
  config.models = {parse_model("knn:n_neighbors=100000,3")};
  const ModelResult model = run_study(examples, make_split(examples.subjects), config, quiet).models[0];
  EXPECT_TRUE(model.error.empty());
  EXPECT_EQ(model.parameters.at("n_neighbors"), "3");
  ASSERT_EQ(model.tried.size(), 2u);
  EXPECT_THAT(model.tried[0].error, HasSubstr("100000"));
  EXPECT_EQ(to_json(model_result_from_json(to_json(model, kThree)), kThree), to_json(model, kThree));
}

TEST(Study, SkipsMoreComponentsThanTheDataHas) {
  Progress quiet;
  StudyConfig config;
  config.models = {parse_model("knn:n_neighbors=3:pca_components=2,500")};
  const Examples examples = clusters(kThree, 20, 0.1F);
  const ModelResult model = run_study(examples, make_split(examples.subjects), config, quiet).models[0];
  EXPECT_EQ(model.error, "");
  EXPECT_EQ(model.parameters.at("pca_components"), "2");
  EXPECT_THAT(model.tried.at(1).error, HasSubstr("500"));
}

TEST(Study, SelectsPreprocessingLikeOtherParameters) {
  Progress quiet;
  const Examples examples = clusters(kThree, 40, 0.3F, 6);
  StudyConfig config;
  config.models = {parse_model("knn:pca_components=1,4:n_neighbors=3,5"), parse_model("knn:n_neighbors=3,5")};
  Model kept;
  StudyStore store;
  store.keep = [&](const ModelSpec& spec, const ModelResult&, const Model& model) {
    if (!spec.grid.empty() && spec.grid[0].parameter == "pca_components") {
      kept.preprocessor = model.preprocessor;
    }
  };
  const StudyResult result = run_study(examples, make_split(examples.subjects), config, quiet, store);
  EXPECT_EQ(result.models[0].tried.size(), 4u);
  EXPECT_EQ(result.models[0].parameters.at("pca_components"), "4");  // one component cannot separate three corners
  EXPECT_EQ(result.models[0].explained_variance.size(), 4u);
  EXPECT_EQ(kept.preprocessor.output_columns(), 4u);
  EXPECT_TRUE(result.models[1].explained_variance.empty());
}

TEST(Study, ComparesModelsOfSeveralTablesOnTheSameSplit) {
  Progress quiet;
  const Examples noise = clusters(kThree, 40, 100.0F, 4, 7), clear = clusters(kThree, 40, 0.15F, 5, 1);
  const Split split = make_split(noise.subjects);
  StudyConfig config;
  config.models = {parse_model("clear/gnb"), parse_model("gnb"), parse_model("clear/knn:n_neighbors=3")};
  std::vector<std::string> requested;
  std::vector<std::size_t> stores;
  const StudyResult result = run_study(
      noise, split, config, quiet,
      [&](const Examples& table) {
        stores.push_back(table.table.columns.size());
        return StudyStore{};
      },
      [&](const std::string& features) {
        requested.push_back(features);
        return clear.table;
      });
  EXPECT_EQ(requested, std::vector<std::string>{"clear"});  // once for both models
  EXPECT_EQ(stores, (std::vector<std::size_t>{5, 4}));
  ASSERT_EQ(result.models.size(), 3u);
  EXPECT_EQ(result.models[0].features, "clear");
  EXPECT_EQ(result.models[0].columns, 5u);
  EXPECT_EQ(result.models[1].features, "table");
  EXPECT_GT(result.models[0].test.accuracy.value, 0.95);
  EXPECT_LT(result.models[1].test.accuracy.value, 0.7);
  EXPECT_GT(result.models[2].test.accuracy.value, 0.95);
  EXPECT_EQ(result.best, 0u);
  EXPECT_THROW(run_study(noise, split, config, quiet), Error);  // no other table is available
}

TEST(Study, NamesTrackAndColumnOfANumberThatIsNotFinite) {
  Progress quiet;
  Examples examples = clusters(kThree, 20, 0.1F);
  examples.table.columns[1] = {"zcr", "mean", "01"};
  examples.table.values(31, 1) = std::numeric_limits<float>::infinity();
  EXPECT_THAT(error_message([&] { run_study(examples, make_split(examples.subjects), quick(), quiet); }),
              HasSubstr("zcr mean 01 of 31"));
}

TEST(Study, ReusesFinishedModelsFromTheStoreAndStopsBetweenModels) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.1F);
  const Split split = make_split(examples.subjects);
  int fits = 0;
  StudyConfig config;
  config.make = [&](auto, const Parameters& parameters, auto) { return std::make_unique<Parrot>(parameters, &fits); };
  config.models = {{"first", "", "", "parrot", {{"label", "0"}}, {}},
                   {"second", "", "", "parrot", {{"label", "1"}}, {}}};
  std::map<std::string, ModelResult> kept;
  StudyStore store;
  store.keep = [&](const ModelSpec& spec, const ModelResult& result, const Model&) {
    kept[spec.name] = result;
    if (spec.name == "first") request_interrupt();
  };
  store.find = [&](const ModelSpec& spec) {
    return kept.contains(spec.name) ? std::optional(kept.at(spec.name)) : std::nullopt;
  };
  EXPECT_THROW(run_study(examples, split, config, quiet, store), Interrupted);
  clear_interrupt();
  EXPECT_EQ(fits, 2);  // one on training, one on both parts
  const StudyResult result = run_study(examples, split, config, quiet, store);
  EXPECT_EQ(fits, 4);
  EXPECT_EQ(result.models.size(), 2u);
}

TEST(Study, RefusesASplitWithoutAPartAndTrainingOfOneGenre) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.1F);
  const Split whole = make_split(examples.subjects);
  for (const Part part : {Part::training, Part::validation, Part::test}) {
    Split split = whole;
    std::ranges::replace(split.parts, part, part == Part::training ? Part::test : Part::training);
    EXPECT_THROW(run_study(examples, split, quick(), quiet), Error) << to_string(part);
  }
  Examples one = examples;
  std::ranges::fill(one.subjects.labels, 0);
  EXPECT_THROW(run_study(one, whole, quick(), quiet), Error);
}

TEST(Study, AcceptsAGenreWithoutTestExamples) {
  Progress quiet;
  const Examples examples = clusters(kThree, 20, 0.1F);
  Split split = make_split(examples.subjects);
  for (std::size_t i = 0; i < split.parts.size(); ++i) {
    if (examples.subjects.labels[i] == 1 && split.parts[i] == Part::test) split.parts[i] = Part::training;
  }
  const StudyResult result = run_study(examples, split, quick(), quiet);
  EXPECT_EQ(result.models[0].test.genres[1].examples, 0u);
  EXPECT_THAT(caveats(examples, split, result), ::testing::Contains(HasSubstr("no example of Jazz")));
}

TEST(Caveats, ReportFewArtistsAndLeakage) {
  Progress quiet;
  const Examples examples = clusters(kThree, 12, 0.1F);  // six artists a genre
  const Split split = make_split(examples.subjects, {.scheme = SplitScheme::random});
  const auto notes = caveats(examples, split, run_study(examples, split, quick(), quiet));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("not a benchmark")));
  EXPECT_THAT(notes, ::testing::Contains(HasSubstr("Leakage")));
  Examples unknown = examples;
  std::ranges::fill(unknown.subjects.artists, "");
  EXPECT_THAT(caveats(unknown, split, {}), ::testing::Contains(HasSubstr("No artist is known")));
}

TEST(Evaluation, DetectsTrainingExamplesOfTheModel) {
  const Examples examples = clusters(kThree, 20, 0.3F);
  const Split split = make_split(examples.subjects);
  const auto training = split.rows(Part::training);
  const Model model = fit_model(examples, training, make_classifier("gnb", {}, kDefaultSeed), {});
  const auto unseen = unseen_rows(model, examples);
  EXPECT_EQ(unseen.size(), examples.subjects.ids.size() - training.size());
  for (const std::size_t row : unseen) EXPECT_NE(split.parts[row], Part::training);
  EXPECT_EQ(evaluate(model, examples, unseen, kDefaultSeed).trained_on, 0u);
  EXPECT_EQ(evaluate(model, examples, training, kDefaultSeed).trained_on, training.size());
}

TEST(Evaluation, MatchesGenresByNameAndSkipsUnknownOnes) {
  const Examples examples = clusters({"Blues", "Rock"}, 20, 0.1F);
  std::vector<std::size_t> all(40);
  for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
  const Model model = fit_model(examples, all, make_classifier("gnb", {}, kDefaultSeed), {});
  Examples renumbered = examples;
  renumbered.labels = {"Aria", "Blues", "Rock"};
  for (int& label : renumbered.subjects.labels) ++label;
  renumbered.subjects.labels[0] = 0;
  const Evaluation evaluation = evaluate(model, renumbered, all, kDefaultSeed);
  EXPECT_EQ(evaluation.metrics.accuracy.value, 1);
  ASSERT_EQ(evaluation.skipped.size(), 1u);
  EXPECT_EQ(evaluation.skipped[0].detail, "Aria");
}

TEST(Evaluation, RefusesFeaturesOfAnotherRecipe) {
  Examples examples = clusters(kThree, 20, 0.1F);
  std::vector<std::size_t> rows = {0, 1, 2, 3, 4, 5};
  const Model model = fit_model(examples, rows, make_classifier("gnb", {}, kDefaultSeed), {});
  examples.table.recipe.version = 2;
  EXPECT_THROW(evaluate(model, examples, rows, kDefaultSeed), Error);
}

TEST(Study, MeasuresNetworksOnValidationAndFitsTheFinalOneForTheChosenNumberOfEpochs) {
  const Examples examples = clusters(kThree, 30, 0.2F);
  const Split split = make_split(examples.subjects);
  std::vector<NetworkFit> fits;
  testing::TemporaryFolder folder;
  CountedProgress progress;
  StudyStore store;
  store.networks = folder / "networks";
  int kept = 0;
  store.keep = [&](const ModelSpec& spec, const ModelResult&, const Model&) {
    if (spec.kind == "dense") ++kept;
  };
  const StudyResult result =
      run_study(examples, split, with_networks({"dense:epochs=3,5,4", "gnb"}, fits), progress, store);
  ASSERT_EQ(fits.size(), 4u);
  const std::size_t training = split.rows(Part::training).size(), validation = split.rows(Part::validation).size();
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(fits[i].examples, training);
    EXPECT_EQ(fits[i].validation, validation);
    EXPECT_EQ(fits[i].followed_epoch, 0u);
    EXPECT_EQ(fits[i].run_folder.filename(), "point-" + std::to_string(i + 1));
    EXPECT_EQ(fits[i].embeddings_folder, fits[i].run_folder.parent_path());
    EXPECT_TRUE(fits[i].replace_run);
  }
  EXPECT_EQ(fits[3].examples, training + validation);
  EXPECT_EQ(fits[3].validation, 0u);
  EXPECT_EQ(fits[3].followed_epoch, 2u);
  EXPECT_EQ(fits[3].run_folder.filename(), "final");
  const ModelResult& model = result.models[0];
  EXPECT_THAT(model.tried[0].error, AllOf(HasSubstr("not a finite number"), HasSubstr("lower learning_rate")));
  EXPECT_EQ(model.training.epochs.size(), 5u) << "the first of two equally good points";
  EXPECT_EQ(model.training_folder, "networks/" + fits[1].run_folder.parent_path().filename().string() + "/point-2");
  EXPECT_TRUE(std::filesystem::exists(fits[1].run_folder / "curves.csv"));
  for (const NetworkFit& fit : fits)
    EXPECT_FALSE(std::filesystem::exists(fit.run_folder / "last.safetensors")) << "the model is kept";
  EXPECT_EQ(kept, 1);
  EXPECT_TRUE(result.models[1].training.epochs.empty());
  EXPECT_EQ(progress.units, 4u) << "of the last model";
  EXPECT_EQ(progress.whole_done, 8u) << "a part that failed does not take the whole's units";
  EXPECT_EQ(progress.parts, 0);
  EXPECT_THAT(progress.tasks.front(), HasSubstr("dense:epochs=3,5,4, 1 of 3: training"));
  EXPECT_THAT(progress.tasks.back(), HasSubstr("final fit: training"));
}

TEST(Study, ContinuesWithoutANetworkThatDiverges) {
  const Examples examples = clusters(kThree, 30, 0.2F);
  std::vector<NetworkFit> fits;
  Progress quiet;
  const StudyResult result =
      run_study(examples, make_split(examples.subjects), with_networks({"dense:epochs=3", "gnb"}, fits), quiet);
  EXPECT_THAT(result.models[0].error,
              AllOf(HasSubstr("training: "), HasSubstr("epoch 1, batch 2"), HasSubstr("lower")));
  EXPECT_EQ(result.models[1].error, "");
  EXPECT_EQ(*result.best, 1u);
  EXPECT_EQ(fits[0].run_folder, "");
}

TEST(Study, EndsWhereTheRunFolderOfANetworkCannotBeWritten) {
  const Examples examples = clusters(kThree, 30, 0.2F);
  const Split split = make_split(examples.subjects);
  std::vector<NetworkFit> fits;
  testing::TemporaryFolder folder;
  Progress quiet;
  StudyStore store;
  store.networks = folder / "networks";
  EXPECT_THAT(testing::error_message([&] {
                run_study(examples, split, with_networks({"dense:epochs=5,7", "gnb"}, fits), quiet, store);
              }),
              HasSubstr("No space left"));
  EXPECT_EQ(fits.size(), 2u) << "no further point and no final fit";
}

TEST(ResultJson, ContainsTheTrainingOfANetwork) {
  const Examples examples = clusters(kThree, 30, 0.2F);
  std::vector<NetworkFit> fits;
  Progress quiet;
  const StudyResult result =
      run_study(examples, make_split(examples.subjects), with_networks({"dense:epochs=90"}, fits), quiet);
  ModelResult model = result.models[0];
  model.training_folder = "networks/dense/point-1";
  const nlohmann::json document = to_json(model, examples.labels);
  const nlohmann::json& training = document.at("training");
  EXPECT_EQ(training.at("chosen_epoch"), 2);
  EXPECT_EQ(training.at("folder"), "networks/dense/point-1");
  EXPECT_LE(training.at("epochs").size(), 60u);
  EXPECT_EQ(training.at("epochs").back().at("epoch"), 90);
  EXPECT_EQ(training.at("epochs").at(0).at("validation_accuracy"), 0.4);
  const ModelResult again = model_result_from_json(document);
  EXPECT_EQ(to_json(again, examples.labels), document);
  model.training = {};
  EXPECT_FALSE(to_json(model, examples.labels).contains("training"));
}

}  // namespace
}  // namespace genrewise
