#include "genrewise/report/formats.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/report/results.hpp"
#include "genrewise/report/write_run.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/study/run_document.hpp"
#include "support/study_in_folder.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;
using testing::StudyInFolder;
using testing::TemporaryFolder;

constexpr char kAllSpecials[] = "a|b <i>&\n*c* _d_ `e` $f$ #g {h} ~i^ \\j \"k\" 100% [l](m)";

json results_of(const StudyInFolder& made, const std::string& name = "run") {
  StudyContext context;
  context.name = name;
  context.command = "genrewise study 'a b' -o run";
  return results_json(made.examples, made.split, made.config, made.result, context);
}

std::vector<std::string> lines_with(const std::string& text, const std::string& part) {
  std::vector<std::string> lines;
  std::istringstream stream(text);
  for (std::string line; std::getline(stream, line);) {
    if (line.find(part) != std::string::npos) lines.push_back(line);
  }
  return lines;
}

std::vector<std::vector<std::string>> rows_of(const std::string& csv) {
  CsvReader reader(csv, "csv");
  std::vector<std::string_view> fields;
  std::vector<std::vector<std::string>> rows;
  while (reader.next(fields)) rows.emplace_back(fields.begin(), fields.end());
  return rows;
}

TEST(EscapeMarkdown, KeepsATextOnOneLineAndInOneCell) {
  EXPECT_EQ(escape_markdown("a|b\n<i>&"), "a\\|b &lt;i&gt;&amp;");
  EXPECT_EQ(escape_markdown("*x* _y_ `z` [l](m) $1$ \\"), "\\*x\\* \\_y\\_ \\`z\\` \\[l\\](m) \\$1\\$ \\\\");
  EXPECT_EQ(escape_markdown("موسيقى – 音楽"), "موسيقى – 音楽");
  EXPECT_EQ(escape_markdown(std::string("a\0\x1b[1mb", 7)), "a  \\[1mb");
}

TEST(EscapeLatex, HasNoActiveCharacterLeft) {
  EXPECT_EQ(escape_latex("R&B 100% $1 #2 _ {}"), "R\\&B 100\\% \\$1 \\#2 \\_ \\{\\}");
  EXPECT_EQ(escape_latex("\\~^<>|\"\n"),
            "\\textbackslash{}\\textasciitilde{}\\textasciicircum{}\\textless{}\\textgreater{}\\textbar{}'' ");
}

TEST(MarkdownCode, UsesAFenceThatTheTextDoesNotContain) {
  EXPECT_EQ(markdown_code("a"), "```sh\na\n```\n");
  EXPECT_THAT(markdown_code("a ``` b"), ::testing::StartsWith("````sh\n"));
}

TEST(ReportFormats, MarkdownHasARowPerModelAndTheCaveats) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  const json results = results_of(made, kAllSpecials);
  const std::string text = render_run(results, ReportFormat::markdown);
  const std::vector<std::string> table = lines_with(text, " | ");
  ASSERT_EQ(table.size(), 5u);  // head, rule, two models, baseline
  const auto pipes = [](const std::string& line) {
    std::size_t count = 0;
    for (std::size_t i = 0; i < line.size(); ++i) count += line[i] == '|' && (i == 0 || line[i - 1] != '\\');
    return count;
  };
  for (const std::string& line : table) EXPECT_EQ(pipes(line), pipes(table[0])) << line;
  EXPECT_EQ(lines_with(text, "| **").size(), 1u);  // the best
  for (const json& note : results.at("notes")) EXPECT_THAT(text, HasSubstr(escape_markdown(note.get<std::string>())));
  EXPECT_THAT(text, AllOf(Not(HasSubstr("<i>")), HasSubstr("genrewise study 'a b' -o run")));
}

TEST(ReportFormats, LatexHasBalancedBracesAndARowPerModel) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  json results = results_of(made, kAllSpecials);
  results["models"][0]["title"] = kAllSpecials;
  const std::string text = render_run(results, ReportFormat::latex);
  EXPECT_EQ(lines_with(text, " \\\\").size(), 4u);
  EXPECT_THAT(text, AllOf(HasSubstr("\\toprule"), HasSubstr("a\\textbar{}b"), Not(HasSubstr("<i>"))));
  int depth = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (i > 0 && text[i - 1] == '\\') continue;
    depth += (text[i] == '{') - (text[i] == '}');
    EXPECT_GE(depth, 0);
  }
  EXPECT_EQ(depth, 0);
  const auto separators = [](const std::string& line) {
    std::size_t count = 0;
    for (std::size_t i = 1; i < line.size(); ++i) count += line[i] == '&' && line[i - 1] != '\\';
    return count;
  };
  const auto rows = lines_with(text, " \\\\");
  for (const std::string& row : rows) EXPECT_EQ(separators(row), separators(rows[0])) << row;
}

TEST(ReportFormats, CsvHasTheFiguresOfEveryModel) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  json results = results_of(made);
  results["models"][0]["title"] = "a, \"b\"\nc";
  const auto rows = rows_of(render_run(results, ReportFormat::csv));
  ASSERT_EQ(rows.size(), 4u);
  const auto column = [&](const char* name) {
    return static_cast<std::size_t>(std::ranges::find(rows[0], name) - rows[0].begin());
  };
  for (std::size_t i = 0; i < 2; ++i) {
    ASSERT_EQ(rows[i + 1].size(), rows[0].size());
    EXPECT_EQ(rows[i + 1][column("model")], results["models"][i]["name"].get<std::string>());
    EXPECT_EQ(rows[i + 1][column("accuracy")], results["models"][i]["accuracy"]["value"].dump());
    EXPECT_EQ(rows[i + 1][column("best")], results["models"][i]["name"] == results["best"] ? "1" : "0");
  }
  EXPECT_EQ(rows[1][column("title")], "a, \"b\"\nc");
  EXPECT_THAT(rows[2][column("parameters")], HasSubstr("n_neighbors="));
  EXPECT_EQ(rows[3][column("model")], "majority");
}

TEST(ReportFormats, EveryFormatHasTheOtherSplitsNestedScoresSeedsAndPublishedFigures) {
  TemporaryFolder folder;
  json results = results_of(StudyInFolder(folder / "run"));
  const auto score = [](double value) { return json{{"value", value}, {"low", value - 0.1}, {"high", value + 0.1}}; };
  results["protocols"] = {{"note", "a <note>"},
                          {"schemes",
                           {{{"scheme", "grouped"}, {"models", {{{"name", "gnb"}, {"accuracy", score(0.411)}}}}},
                            {{"scheme", "random"}, {"models", {{{"name", "gnb"}, {"accuracy", score(0.722)}}}}}}}};
  results["nested"] = {{"outer_folds", 2},
                       {"models",
                        {{{"name", "gnb"}, {"accuracy", score(0.533)}, {"folds", {0.511, 0.544}}},
                         {{"name", results["models"][1]["name"]}, {"error", "fold 1: no | luck"}}}}};
  results["repeats"] = {{"seeds", {42, 43}},
                        {"models", {{{"name", "gnb"}, {"mean", 0.622}, {"sd", 0.014}, {"values", {0.612, 0.633}}}}}};
  results["published"] = {{{"dataset", "GTZAN"},
                           {"protocol", "a split"},
                           {"method", "SVM & co"},
                           {"accuracy", 0.821},
                           {"source", "Lee"},
                           {"this_protocol", false}}};
  for (const ReportFormat format : {ReportFormat::markdown, ReportFormat::latex}) {
    const std::string text = render_run(results, format);
    for (const char* figure : {"41.1", "31.1 – 51.1", "72.2", "53.3", "51.1 54.4", "62.2", "1.4", "61.2 63.3", "82.1"})
      EXPECT_THAT(text, HasSubstr(figure));
    EXPECT_THAT(text, AllOf(HasSubstr("Nested cross-validation"), HasSubstr("with 2 seeds"), HasSubstr("a split")));
  }
  results["feature_sets"].push_back(results["feature_sets"][0]);  // models of one kind differ in their features
  EXPECT_EQ(lines_with(render_run(results, ReportFormat::markdown), "| Model | Features |").size(), 4u);
  const auto rows = rows_of(render_run(results, ReportFormat::csv));
  const auto cell = [&](std::size_t row, const char* name) {
    return rows[row].at(static_cast<std::size_t>(std::ranges::find(rows[0], name) - rows[0].begin()));
  };
  EXPECT_EQ(cell(1, "grouped_accuracy"), "0.411");
  EXPECT_EQ(cell(1, "random_accuracy"), "0.722");
  EXPECT_EQ(cell(1, "nested_accuracy"), "0.533");
  EXPECT_EQ(cell(2, "nested_error"), "fold 1: no | luck");
  EXPECT_EQ(cell(1, "seeds_mean"), "0.622");
  EXPECT_EQ(cell(1, "seeds_accuracies"), "[0.612,0.633]");
  EXPECT_EQ(cell(3, "nested_accuracy"), "");
}

TEST(ReportFormats, JsonIsTheDocumentAndHtmlThePage) {
  TemporaryFolder folder;
  const json results = results_of(StudyInFolder(folder / "run"));
  EXPECT_EQ(json::parse(render_run(results, ReportFormat::json)), results);
  EXPECT_THAT(render_run(results, ReportFormat::html), ::testing::StartsWith("<!DOCTYPE html>"));
}

TEST(ReportFormats, AcceptDocumentsOfEarlierVersionsAndFailedModels) {
  TemporaryFolder folder;
  json results = results_of(StudyInFolder(folder / "run"));
  for (const char* newer : {"pairs", "always_wrong", "exploration", "left_out"}) results.erase(newer);
  for (json& model : results["models"]) {
    for (const char* newer : {"calibration", "coverage", "macro_auc", "curves"}) model.erase(newer);
  }
  json& failed = results["models"][0];
  failed = {{"name", failed["name"]}, {"title", "x"}, {"kind", "x"}, {"error", "it | broke"}};
  if (results["best"] == failed["name"]) results["best"] = results["models"][1]["name"];
  const std::string text = render_run(results, ReportFormat::markdown);
  EXPECT_THAT(text, AllOf(HasSubstr("| x (failed) |"), HasSubstr("- x failed: it \\| broke"), Not(HasSubstr("AUC"))));
  EXPECT_THAT(render_run(results, ReportFormat::csv), HasSubstr("it | broke"));
  EXPECT_THAT(render_run(results, ReportFormat::latex), HasSubstr("x (failed)"));
  results["models"][1]["accuracy"] = "high";
  EXPECT_THAT(error_message([&] { render_run(results, ReportFormat::markdown); }), HasSubstr("another type"));
}

TEST(ReportFormats, ShowTheBestSettingsOfASearch) {
  Progress quiet;
  const Examples examples = testing::clusters({"Blues", "Jazz"}, 20, 0.4F);
  TuningConfig config;
  config.kind = "knn";
  config.axes = {parse_axis("k=1:15:2"), {"weights", {"uniform", "distance"}}, {"p", {"1", "2"}}};
  const json search = tuning_json(examples, config, tune(examples, config, quiet), {}, "all");
  ASSERT_EQ(search.at("points").size(), 32u);
  const std::string text = render_run(search, ReportFormat::markdown);
  EXPECT_EQ(lines_with(text, "n\\_neighbors").size(), 20u);
  EXPECT_THAT(text, AllOf(HasSubstr("20 of 32 settings are shown"), HasSubstr("simplest within one standard error")));
  EXPECT_EQ(lines_with(render_run(search, ReportFormat::latex), " \\\\").size(), 21u);
  EXPECT_EQ(render_run(search, ReportFormat::csv), tuning_csv(search));
}

TEST(ReportFormats, HaveNames) {
  EXPECT_EQ(parse_report_format("tex"), ReportFormat::latex);
  EXPECT_THROW(parse_report_format("docx"), UsageError);
}

TEST(ReadRun, ReadsTheDocumentOfTheFolderOrTheFile) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  const json results = results_of(made);
  write_study(made.run, made.examples, made.split, made.result, results);
  EXPECT_EQ(read_run(folder / "run"), results);
  EXPECT_EQ(read_run(folder / "run" / "results.json"), results);
}

TEST(ReadRun, ExplainsWhatIsNoFinishedRun) {
  TemporaryFolder folder;
  const auto message = [&](const fs::path& path) { return error_message([&] { read_run(path); }); };
  EXPECT_THAT(message(folder / "none"), AllOf(HasSubstr("there is no such folder"), HasSubstr("-o")));
  write_file(folder / "file", "");
  EXPECT_THAT(message(folder / "file"), HasSubstr("is not a run folder"));
  make_folders(folder / "empty");
  EXPECT_THAT(message(folder / "empty"), HasSubstr("neither results.json nor tuning.json"));
  make_folders(folder / "network");
  write_file(folder / "network" / "curves.csv", "epoch\n");
  write_file(folder / "network" / "config.json", "{}");
  EXPECT_THAT(message(folder / "network"), AllOf(HasSubstr("training"), HasSubstr("curves.csv")));
  {
    const RunFolder running(folder / "stopped", {{"seed", 1}, {"command", "genrewise study x -o y"}}, false);
    EXPECT_THAT(message(folder / "stopped"), HasSubstr("still going on"));
  }
  EXPECT_THAT(message(folder / "stopped"), HasSubstr("continue it: genrewise study x -o y"));
}

TEST(ReadRun, RefusesDamagedAndNewerDocuments) {
  TemporaryFolder folder;
  const StudyInFolder made(folder / "run");
  json results = results_of(made);
  write_study(made.run, made.examples, made.split, made.result, results);
  const fs::path path = folder / "run" / "results.json";
  const auto message = [&] { return error_message([&] { read_run(folder / "run"); }); };
  std::string text = read_file(path);
  text[text.find("\"seed\"") + 1] = 'S';
  write_file(path, text);
  EXPECT_THAT(message(), AllOf(HasSubstr("checksum"), HasSubstr("results.json")));
  write_file(path, read_file(path).substr(0, 100));
  EXPECT_THAT(message(), HasSubstr("results.json"));
  results["format_version"] = kRunFormatVersion + 1;
  write_file(path, document_text(results));
  EXPECT_THAT(message(), HasSubstr("use a newer genrewise"));
  write_file(path, "{\"format\": \"other\"}");
  EXPECT_THAT(message(), HasSubstr("genrewise results"));
}

TEST(RunFolder, KeepsTheResultsAndTheLatestCommandIfOnlyTheCommandDiffers) {
  TemporaryFolder folder;
  { const RunFolder run(folder / "run", {{"seed", 1}, {"command", "first"}}, false); }
  write_file(folder / "run" / "results.json", "{}");
  const RunFolder again(folder / "run", {{"seed", 1}, {"command", "second"}}, false);
  EXPECT_TRUE(file_exists(folder / "run" / "results.json"));
  EXPECT_THAT(read_file(folder / "run" / "config.json"), HasSubstr("\"second\""));
}

}  // namespace
}  // namespace genrewise
