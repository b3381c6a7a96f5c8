
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <utility>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/report/formats.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/ablation.hpp"
#include "genrewise/study/run_folder.hpp"
#include "support/study_in_folder.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using testing::clusters;
using ::testing::HasSubstr;
using testing::kNastyLabels;
using ::testing::Not;
using testing::TemporaryFolder;

/// A study and its result files.
struct Made : testing::StudyInFolder {
  explicit Made(const fs::path& folder, const std::vector<std::string>& labels = kNastyLabels)
      : StudyInFolder(folder, labels) {
    context.name = "test <run>";
    context.command = "genrewise study 'a b' -o x";
    context.skipped = {{"empty file", "a.mp3", ""}, {"not audio", "b.mp3", ""}, {"empty file", "c.mp3", ""}};
    results = results_json(examples, split, config, result, context);
    write_study(run, examples, split, result, results);
  }

  StudyContext context;
  json results;
};

/// The document that a page embeds.
json embedded(const std::string& page) {
  const std::string opening = "<script type=\"application/json\" id=\"document\">";
  const std::size_t start = page.find(opening) + opening.size();
  return json::parse(page.substr(start, page.find("</script>", start) - start));
}

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t found = 0;
  for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

TEST(RunFolder, ContainsResultsReportPredictionsAndModels) {
  TemporaryFolder folder;
  const Made made(folder / "run");
  for (const char* name : {"config.json", "results.json", "report.html", "predictions.csv", "best.gwm",
                           "models/gnb.gwm", "models/gnb.json"}) {
    EXPECT_TRUE(fs::exists(folder / "run" / name)) << name;
  }
  EXPECT_EQ(require_sealed_json(read_file(folder / "run" / "results.json"), "results.json"), made.results);
  const Model best = load_model(folder / "run" / "best.gwm");
  const auto test = made.split.rows(Part::test);
  EXPECT_EQ(best.predict(made.examples.table.values.select_rows(test)),
            made.result.models[*made.result.best].test_labels);
}

TEST(RunFolder, ResultsHaveTheDocumentedKeys) {
  TemporaryFolder folder;
  const json results = Made(folder / "run").results;
  ASSERT_EQ(results.at("models").size(), 2u);
  const json& model = results["models"][0];
  for (const char* name : {"name", "accuracy", "macro_f1", "log_loss", "fit_s", "predict_s", "genres", "confusion",
                           "validation", "parameters", "top_k", "model_file"}) {
    EXPECT_TRUE(model.contains(name)) << name;
  }
  for (const char* name : {"value", "low", "high", "n"}) EXPECT_TRUE(model["accuracy"].contains(name)) << name;
  EXPECT_EQ(results.at("dataset").at("skipped"),
            json::parse(R"([{"reason":"empty file","count":2},{"reason":"not audio","count":1}])"));
  EXPECT_TRUE(results.at("features").contains("extract_s"));
  const std::string best = results.at("best");
  for (const json& each : results["models"]) EXPECT_EQ(each.contains("versus_best"), each.at("name") != best);
}

TEST(RunFolder, WritesPredictionsThatReadBackWithAnyLabels) {
  TemporaryFolder folder;
  const Made made(folder / "run");
  const std::string text = read_file(folder / "run" / "predictions.csv");
  CsvReader csv(text, "predictions.csv");
  std::vector<std::string_view> fields;
  ASSERT_TRUE(csv.next(fields));
  const auto& models = made.result.models;
  std::vector<std::string> header = {"track_id", "file", "artist", "genre", models[0].name, models[1].name};
  for (const ModelResult& model : models) {
    for (const std::string& label : kNastyLabels) header.push_back(model.name + ":" + label);
  }
  EXPECT_TRUE(std::ranges::equal(fields, header));
  const auto test = made.split.rows(Part::test);
  for (std::size_t i = 0; i < test.size(); ++i) {
    ASSERT_TRUE(csv.next(fields));
    ASSERT_EQ(fields.size(), header.size());
    EXPECT_EQ(fields[0], made.examples.subjects.ids[test[i]]);
    EXPECT_EQ(fields[2], made.examples.subjects.artists[test[i]]);
    EXPECT_EQ(fields[5], kNastyLabels[static_cast<std::size_t>(models[1].test_labels[i])]);
    double probability = 0;
    ASSERT_TRUE(parse_number(fields[6 + 3 + 2], probability));
    EXPECT_EQ(static_cast<float>(probability), models[1].test_probabilities(i, 2));
  }
  EXPECT_FALSE(csv.next(fields));
}

TEST(Ablation, ComparesSingleFeaturesAndAllTogetherAndReusesFinishedModels) {
  TemporaryFolder folder;
  Made made(folder / "run");
  made.examples.table.columns = {
      {"mfcc", "mean", "1"}, {"mfcc", "mean", "2"}, {"zcr", "mean", "1"}, {"a/b", "mean", "1"}};
  EXPECT_EQ(ablation_features(made.examples.table.columns), (std::vector<std::string>{"mfcc", "zcr", "a/b", "all"}));
  const auto ablate = [&] {
    return ablation_json(run_ablation(made.examples, made.split, made.config, made.quiet,
                                      [&](const Examples& selected, const std::string& features) {
                                        return made.run.scores_in("ablation/" + as_file_name(features), selected,
                                                                  made.split);
                                      }),
                         made.examples.labels);
  };
  const json rows = ablate();
  ASSERT_EQ(rows.size(), 4u);
  EXPECT_EQ(rows[0].at("columns"), 2);
  EXPECT_EQ(rows[3].at("models")[0].at("accuracy"), made.results.at("models")[0].at("accuracy"));
  EXPECT_EQ(ablate(), rows);  // including times: nothing was fitted again
  made.results["ablation"] = rows;
  made.results["ablation"][1]["models"][0] = {{"name", "gnb"}, {"error", "gnb: not today"}};
  write_study(made.run, made.examples, made.split, made.result, made.results);
  EXPECT_EQ(embedded(read_file(folder / "run" / "report.html")), made.results);
}

TEST(TuningFolder, ContainsTheSearchAndReusesFinishedPoints) {
  TemporaryFolder folder;
  const Examples examples = clusters(kNastyLabels, 20, 0.4F);
  TuningConfig config;
  config.kind = "knn";
  config.axes = {parse_axis("k=1:9:4"), {"weights", {"uniform", "distance"}}};
  Progress quiet;
  std::optional<TuningFolder> run(std::in_place, folder / "tune", json{{"seed", 42}}, false);
  const TuningResult result = tune(examples, config, quiet, run->store(examples));
  StudyContext context;
  context.dataset_name = "<b>";
  const json results = tuning_json(examples, config, result, context, "all");
  write_tuning(run->path(), results);
  EXPECT_EQ(require_sealed_json(read_file(folder / "tune" / "tuning.json"), "tuning.json"), results);
  EXPECT_THAT(read_file(folder / "tune" / "tuning.csv"), ::testing::StartsWith("n_neighbors,weights,accuracy,"));
  const std::string page = read_file(folder / "tune" / "report.html");
  EXPECT_EQ(embedded(page), results);

  // Truncated within the last line, as after a kill, then continued.
  const std::string journal = read_file(folder / "tune" / "folds.jsonl");
  write_file(folder / "tune" / "folds.jsonl", journal.substr(0, journal.size() - 20));
  run.reset();
  std::optional<TuningFolder> again(std::in_place, folder / "tune", json{{"seed", 42}}, false);
  const TuningStore store = again->store(examples);
  const auto count = [&](const TuningStore& kept) {
    std::size_t found = 0;
    for (const TuningPoint& point : result.points) {
      for (int fold = 0; fold < config.folds; ++fold) found += kept.find(point.parameters, fold).has_value();
    }
    return found;
  };
  const std::size_t all = result.points.size() * static_cast<std::size_t>(config.folds);
  EXPECT_EQ(count(store), all - 1);
  for (const TuningPoint& point : result.points) {
    for (int fold = 0; fold < config.folds; ++fold) {
      if (!store.find(point.parameters, fold)) store.keep(point.parameters, fold, {0.5, 1.25, 0.1, 0.2, {}});
    }
  }
  EXPECT_EQ(count(again->store(examples)), all);
  Examples others = examples;
  others.table.values(0, 0) += 1;
  EXPECT_EQ(count(again->store(others)), 0u);
}

TEST(TuningSections, ShowTheBestSettings) {
  Progress quiet;
  const Examples examples = clusters({"Blues", "Jazz"}, 20, 0.4F, 6);
  TuningConfig config;
  config.kind = "knn";
  config.axes = {{"pca_components", {"2", "4", "0"}}, {"n_neighbors", {"1", "5"}}};
  const json results = tuning_json(examples, config, tune(examples, config, quiet), {}, "all");
  const json& best = results["points"][results["best"].get<std::size_t>()];
  const std::vector<Section> sections = sections_of(results);
  std::string cells;
  for (const TextTable::Row& row : sections[0].table.rows)
    for (const std::string& cell : row.cells) cells += cell + "|";
  EXPECT_THAT(cells, HasSubstr("n_neighbors=" + best["varied"]["n_neighbors"].get<std::string>()));
  EXPECT_THAT(cells, HasSubstr("|" + points_text(best["accuracy"]) + "|"));
  EXPECT_THAT(cells, HasSubstr("simplest within one standard error"));
}

TEST(Report, EmbedsTheDocumentUnchanged) {
  TemporaryFolder folder;
  const Made made(folder / "run");
  EXPECT_EQ(embedded(read_file(folder / "run" / "report.html")), made.results);
}

TEST(Report, ReadsDocumentsWithTheFormerNameOfTheLocation) {
  TemporaryFolder folder;
  json results = Made(folder / "run").results;
  results["dataset"].erase("location");
  EXPECT_EQ(embedded(render_report(results)), results);
}

TEST(Report, HasNoTextOfTheDocumentAsMarkup) {
  TemporaryFolder folder;
  const Made made(folder / "run");
  const std::string page = read_file(folder / "run" / "report.html");
  EXPECT_THAT(page, Not(HasSubstr("<script>")));
  EXPECT_THAT(page, HasSubstr("\\u003cscript>"));
  EXPECT_THAT(page, HasSubstr("<h1>test &lt;run&gt;</h1>"));
  EXPECT_EQ(count_of(page, "<script"), 2u);
  EXPECT_EQ(count_of(page, "</script"), 2u);
}

TEST(Report, IsSelfContained) {
  TemporaryFolder folder;
  const std::string page = render_report(Made(folder / "run").results);
  for (const char* outside : {"https://", " src=", " href=", "@import", "url(", "import {", "\nexport "}) {
    EXPECT_THAT(page, Not(HasSubstr(outside)));
  }
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(Report, AcceptsLabelsThatAreNotUtf8AndFailureOfAllModels) {
  TemporaryFolder folder;
  json results = Made(folder / "run", {"caf\xE9", "b", "c"}).results;
  EXPECT_EQ(embedded(render_report(results)).at("labels")[0], "caf\xEF\xBF\xBD");
  for (json& model : results["models"]) {
    model = {{"name", model["name"]}, {"title", "caf\xE9"}, {"kind", "x"}, {"error", "it <broke>"}};
  }
  results["best"] = nullptr;
  EXPECT_THAT(render_report(results), HasSubstr("caf\xEF\xBF\xBD"));
}

TEST(Text, EscapesMarkupAndControlCharacters) {
  EXPECT_EQ(escape_html("<a href='x'>&\"\x01\n"), "&lt;a href=&#39;x&#39;&gt;&amp;&quot;\xEF\xBF\xBD ");
}

TEST(Report, ReportsMissingKeysAndWrongFormats) {
  TemporaryFolder folder;
  json results = Made(folder / "run").results;
  const auto message = [](const json& document) -> std::string {
    try {
      render_report(document);
    } catch (const Error& error) {
      return error.what();
    }
    return "no error";
  };
  json other_type = results;
  other_type["models"][0]["accuracy"] = "high";
  EXPECT_THAT(message(other_type), HasSubstr("results.json: a value is missing or of another type"));
  json newer = results;
  newer["format_version"] = 2;
  EXPECT_THAT(message(newer), HasSubstr("format version 2"));
  results.erase("labels");
  EXPECT_THAT(message(results), HasSubstr("lacks \"labels\""));
  EXPECT_THAT(message({{"format", "genrewise tuning"}}),
              HasSubstr("not a document of the format \"genrewise results\""));
  EXPECT_THAT(message(json::array()), HasSubstr("genrewise results"));
}

TEST(Text, StatesDurationsWithAsManyDigitsAsMatter) {
  const std::pair<double, const char*> examples[] = {
      {0, "0.0 ms"},        {0.00994, "9.9 ms"},      {0.00996, "10 ms"},    {0.0994, "99 ms"},    {0.0996, "0.1 s"},
      {9.94, "9.9 s"},      {9.96, "10 s"},           {119.4, "119 s"},      {119.6, "2 min 0 s"}, {125, "2 min 5 s"},
      {3725, "62 min 5 s"}, {7199.4, "119 min 59 s"}, {7199.6, "2 h 0 min"}, {9060, "2 h 31 min"}};
  for (const auto& [seconds, text] : examples) EXPECT_EQ(duration_text(seconds), text) << seconds;
  EXPECT_EQ(percent(0.5823), "58.2 %");
  EXPECT_EQ(percent(1), "100.0 %");
}

TEST(Text, ReplacesEveryControlCharacter) {
  EXPECT_EQ(escape_html("a\tb\nc\rd"), "a b c d");
  EXPECT_EQ(escape_html(std::string_view("\x00\x1f\x7f ~", 5)), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD ~");
  EXPECT_EQ(escape_html("<a href=\"x\">'&'</a>"), "&lt;a href=&quot;x&quot;&gt;&#39;&amp;&#39;&lt;/a&gt;");
}

}  // namespace
}  // namespace genrewise
