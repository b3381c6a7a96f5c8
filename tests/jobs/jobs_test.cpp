// Jobs as a library: configuration in, result out, no output.
#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <sstream>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/jobs/evaluate_job.hpp"
#include "genrewise/jobs/options.hpp"
#include "genrewise/jobs/study_job.hpp"
#include "genrewise/jobs/train_job.hpp"
#include "genrewise/jobs/tune_job.hpp"
#include "genrewise/storage/files.hpp"
#include "support/json_schema.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::Contains;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using testing::JsonSchema;
using testing::TemporaryFolder;

json read_json(const fs::path& path) {
  return json::parse(read_file(path));
}

JsonSchema schema(const char* name) {
  return JsonSchema(read_json(testing::golden_path("../../docs/schema") / name));
}

struct Jobs : ::testing::Test {
  Jobs() { write_file(folder / "table.csv", testing::table_csv()); }
  StudyJobConfig study() const {
    StudyJobConfig config;
    config.data.location = folder / "table.csv";
    config.models = {"gnb", "knn:n_neighbors=1,5,5000"};
    config.output = folder / "run";
    return config;
  }
  TuneJobConfig tuning() const {
    TuneJobConfig config;
    config.data.location = folder / "table.csv";
    config.model = "knn:weights=distance";
    config.grid = {"k=1,5,5000", "pca_components=0,2"};
    config.output = folder / "tune";
    return config;
  }
  TrainJobConfig training() const {
    TrainJobConfig config;
    config.data.location = folder / "table.csv";
    config.model = "gnb";
    config.output = folder / "model.gwm";
    return config;
  }
  TemporaryFolder folder;
  Runtime runtime;
};

TEST_F(Jobs, AStudyReturnsWhatItWritesAndItsDocumentFollowsTheSchema) {
  StudyJobConfig config = study();
  config.ablation = true;
  const StudyJobResult done = study_job(config, runtime);
  ASSERT_TRUE(done.result.best);
  EXPECT_EQ(require_sealed_json(read_file(folder / "run" / "results.json"), "results.json"), done.document);
  EXPECT_THAT(schema("results.schema.json").errors(read_json(folder / "run" / "results.json")), IsEmpty());
  EXPECT_EQ(done.document.at("ablation").size(), 4u);  // three features, and all of them
  EXPECT_TRUE(fs::exists(done.report));
  EXPECT_THAT(schema("results.schema.json").errors(done.document), IsEmpty());
  EXPECT_EQ(done.document["dataset"].at("location"), fs::canonical(folder / "table.csv").string());
}

/// The document without what differs between runs: times, memory and the time of creation.
json reproducible(json document) {
  for (const char* name : {"created", "sha256", "stages"}) document.erase(name);
  for (json& model : document["models"]) {
    for (const char* name : {"choose_s", "fit_s", "predict_s"}) model.erase(name);
    if (model.contains("cost")) model["cost"].erase("peak_memory_bytes");
  }
  return document;
}

TEST_F(Jobs, AResumedStudyEqualsAnUndisturbedOne) {
  StudyJobConfig config = study();
  config.nested_folds = 2;
  const json whole = study_job(config, runtime).document;
  EXPECT_THAT(schema("results.schema.json").errors(whole), IsEmpty());
  EXPECT_EQ(whole.at("nested").at("models").size(), 2u);
  EXPECT_THAT(whole.at("command").get<std::string>(), HasSubstr("--nested 2"));
  const std::string predictions = read_file(folder / "run" / "predictions.csv");
  for (const char* lost : {"results.json", "predictions.csv", "models/knn-n-neighbors-1-5-5000.json", "nested/2"})
    ASSERT_GT(fs::remove_all(folder / "run" / lost), 0u) << lost;
  EXPECT_EQ(reproducible(study_job(config, runtime).document), reproducible(whole));
  EXPECT_EQ(read_file(folder / "run" / "predictions.csv"), predictions);
}

TEST_F(Jobs, NestedCrossValidationIsRefusedBeforeFittingWhereItIsImpossible) {
  write_file(folder / "table.csv",
             "track_id,genre,artist,split,loud\n1,a,A,training,1\n2,a,A,validation,2\n3,a,A,test,1\n"
             "4,b,B,training,3\n5,b,C,validation,4\n6,b,D,test,5\n");
  StudyJobConfig config = study();
  config.nested_folds = 2;
  EXPECT_THAT(testing::error_message([&] { study_job(config, runtime); }), HasSubstr("the genre 'a'"));
  EXPECT_TRUE(fs::is_empty(folder / "run" / "models"));
}

TEST_F(Jobs, TheDocumentOfAPresetWithSeveralSeedsFollowsTheSchema) {
  StudyJobConfig config = study();
  config.models.clear();
  config.budget_min = 1e-9;
  config.seeds = 2;
  const StudyJobResult done = study_job(config, runtime);
  EXPECT_THAT(schema("results.schema.json").errors(done.document), IsEmpty());
  for (const char* name : {"preset", "left_out", "repeats", "stages"})
    EXPECT_TRUE(done.document.contains(name)) << name;
  ASSERT_EQ(done.document.at("repeats").at("models").size(), 1u);
  EXPECT_EQ(done.document.at("repeats").at("models")[0].at("values").size(), 2u);
  EXPECT_EQ(command_line(config), done.document["command"].get<std::string>());
  EXPECT_THAT(command_line(config), HasSubstr("--budget 1e-09 --seeds 2"));
}

TEST_F(Jobs, ASchemaRefusesAnotherDocument) {
  json document = study_job(study(), runtime).document;
  document["models"][0].erase("accuracy");
  document["split"]["training"] = "many";
  document["surprise"] = 1;
  const auto errors = schema("results.schema.json").errors(document);
  EXPECT_THAT(errors, Contains(HasSubstr("/models/0: lacks \"accuracy\"")));
  EXPECT_THAT(errors, Contains(HasSubstr("/split/training")));
  EXPECT_THAT(errors, Contains(HasSubstr("/surprise: is not declared")));
}

TEST_F(Jobs, ASearchReportsFailedPointsAndItsDocumentFollowsTheSchema) {
  const TuneJobResult done = tune_job(tuning(), runtime);
  EXPECT_EQ(require_sealed_json(read_file(folder / "tune" / "tuning.json"), "tuning.json"), done.document);
  EXPECT_THAT(schema("tuning.schema.json").errors(read_json(folder / "tune" / "tuning.json")), IsEmpty());
  EXPECT_THAT(schema("tuning.schema.json").errors(done.document), IsEmpty());
  EXPECT_EQ(done.document["dataset"].at("location"), fs::canonical(folder / "table.csv").string());
  ASSERT_EQ(done.document.at("failed").size(), 1u);
  EXPECT_EQ(done.document["failed"][0].at("count"), 2);
  EXPECT_THAT(done.notes, Contains(HasSubstr("2 of 6 settings could not be fitted")));
}

TEST_F(Jobs, TheTrainingConfigOfASearchFitsItsBestPointOnTheSearchedExamples) {
  const TuneJobResult found = tune_job(tuning(), runtime);
  ASSERT_TRUE(found.train);
  const TrainJobResult done = train_job(*found.train, runtime);
  const Parameters& best = found.result.points[found.result.best].parameters;
  EXPECT_EQ(done.model.classifier->parameters().at("n_neighbors"), best.at("n_neighbors"));
  EXPECT_EQ(done.model.classifier->parameters().at("weights"), "distance");
  EXPECT_EQ(done.examples, found.document.at("dataset").at("examples"));
  EXPECT_EQ(done.parts.count(Part::validation), 0u);
  EXPECT_EQ(done.parts.count(Part::test), 1u);
}

TEST_F(Jobs, ASearchOverPartsOfTheFeaturesHasNoTrainingConfig) {
  TuneJobConfig config = tuning();
  config.model = "gnb";
  config.grid = {"features=loud,fast"};
  const TuneJobResult found = tune_job(config, runtime);
  EXPECT_FALSE(found.train);
  EXPECT_TRUE(found.document.at("train_command").is_null());
}

TEST_F(Jobs, EvaluationReproducesTheScoresOfTheTrainingJob) {
  const TrainJobResult trained = train_job(training(), runtime);
  EXPECT_GT(trained.fit_s, 0);
  EXPECT_GT(trained.predict_s, 0);
  EvaluateJobConfig config;
  config.model = folder / "model.gwm";
  config.data.location = folder / "table.csv";
  config.part = "test";
  const EvaluateJobResult done = evaluate_job(config, runtime);
  EXPECT_EQ(done.evaluation.metrics.confusion, trained.parts.at(Part::test).confusion);
  EXPECT_EQ(done.evaluation.trained_on, 0u);
  EXPECT_EQ(to_json(done, config).at("trained_on"), 0);
  EXPECT_THAT(done.notes, IsEmpty());
}

/// The rows of a table with other columns or numbers: `row(fields)` returns the fields of one row, or of the header.
template <class Row>
std::string with_rows(const std::string& csv, const Row& row) {
  std::string changed;
  CsvReader reader(csv, "table.csv");
  for (std::vector<std::string_view> fields; reader.next(fields);) {
    const std::vector<std::string> cells = row({fields.begin(), fields.end()});
    for (std::size_t i = 0; i < cells.size(); ++i) {
      if (i > 0) changed += ',';
      append_csv_field(changed, cells[i]);
    }
    changed += '\n';
  }
  return changed;
}

TEST_F(Jobs, AColumnFarFromZeroGivesTheSameScores) {
  using Row = std::vector<std::string>;
  write_file(folder / "far.csv", with_rows(testing::table_csv(), [](Row row) {
               double value = 0;
               if (parse_number(row[3], value)) row[3] = fmt::format("{}", value + 1e8);
               return row;
             }));
  for (const char* model : {"logreg", "gnb", "knn"}) {
    TrainJobConfig config = training();
    config.model = model;
    const TrainJobResult near = train_job(config, runtime);
    config.data.location = folder / "far.csv";
    config.output = folder / "far.gwm";
    const TrainJobResult far = train_job(config, runtime);
    for (const auto& [part, metrics] : near.parts) {
      EXPECT_EQ(metrics.accuracy.value, far.parts.at(part).accuracy.value) << model;
      EXPECT_NEAR(metrics.log_loss, far.parts.at(part).log_loss, 1e-4) << model;
    }
    // Another table with some of its rows has another offset; they are recognised.
    int rows = 0;
    const auto first = [&](Row row) { return ++rows <= 60 ? row : Row(); };
    write_file(folder / "some.csv", with_rows(read_file(folder / "far.csv"), first));
    EvaluateJobConfig evaluation;
    evaluation.model = folder / "far.gwm";
    evaluation.data.location = folder / "some.csv";
    evaluation.part = "all";
    const EvaluateJobResult on_far = evaluate_job(evaluation, runtime);
    EXPECT_GT(on_far.evaluation.trained_on.value(), 20u) << model;
    EXPECT_GT(on_far.evaluation.metrics.accuracy.value, 0.7) << model;
  }
}

TEST_F(Jobs, EvaluationMatchesTheColumnsOfATableByName) {
  using Row = std::vector<std::string>;
  train_job(training(), runtime);
  EvaluateJobConfig config;
  config.model = folder / "model.gwm";
  config.data.location = folder / "table.csv";
  config.part = "all";
  const double accuracy = evaluate_job(config, runtime).evaluation.metrics.accuracy.value;
  const auto reordered = [](Row row) {
    return Row{row[0], row[1], row[5], row[0] == "track_id" ? "more" : "1", row[3], row[4]};
  };
  write_file(folder / "other.csv", with_rows(testing::table_csv(), reordered));
  config.data.location = folder / "other.csv";
  const EvaluateJobResult done = evaluate_job(config, runtime);
  EXPECT_EQ(done.evaluation.metrics.accuracy.value, accuracy);
  EXPECT_GT(done.evaluation.trained_on.value(), 0u);
  config.part = "unseen";
  EXPECT_LT(evaluate_job(config, runtime).evaluation.metrics.accuracy.n, 120u);
  write_file(folder / "other.csv", with_rows(testing::table_csv(), [](Row row) { return Row{row[1], row[4]}; }));
  config.part = "all";
  EXPECT_THAT(testing::error_message([&] { evaluate_job(config, runtime); }),
              HasSubstr("lacks 2 of the 3 columns that the model was trained on: loud, bright"));
}

TEST_F(Jobs, OptionsWithoutEffectAreUsageErrors) {
  TrainJobConfig run = training();
  run.run_folder = folder / "net";
  EXPECT_THROW(train_job(run, runtime), UsageError);
  TrainJobConfig everything = training();
  everything.on = TrainingParts::all;
  everything.split.scheme = SplitScheme::random;
  EXPECT_THROW(train_job(everything, runtime), UsageError);
  EXPECT_FALSE(fs::exists(folder / "model.gwm"));
}

TEST_F(Jobs, AnInterruptedRuntimeStopsOnlyItsOwnJob) {
  Runtime stopped;
  stopped.request_interrupt();
  EXPECT_THROW(study_job(study(), stopped), Interrupted);
  EXPECT_FALSE(fs::exists(folder / "run" / "results.json"));
  EXPECT_TRUE(study_job(study(), runtime).result.best);
}

TEST_F(Jobs, ANewerRunFolderIsRefused) {
  study_job(study(), runtime);
  json config = read_json(folder / "run" / "config.json");
  config["format_version"] = 2;
  write_file(folder / "run" / "config.json", config.dump());
  try {
    study_job(study(), runtime);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.what(), HasSubstr("format version 2"));
    EXPECT_THAT(error.what(), HasSubstr("config.json"));
  }
}

TEST(CommandLine, QuotesForAShellAndLeavesOutDefaults) {
  EXPECT_EQ(shell_line({"a", "b c", "it's", ""}), "a 'b c' 'it'\\''s' ''");
  StudyJobConfig config;
  config.data.location = "my music";
  config.output = "runs/a";
  EXPECT_EQ(command_line(config), "genrewise study 'my music' -o runs/a");
  config.models = {"svm:C=1,10"};
  config.data.genres.merge = {"Folk=Jazz"};
  config.split.scheme = SplitScheme::random;
  config.seed = 7;
  EXPECT_EQ(command_line(config),
            "genrewise study 'my music' -o runs/a --merge Folk=Jazz --scheme random --models svm:C=1,10 --seed 7");
}

}  // namespace
}  // namespace genrewise
