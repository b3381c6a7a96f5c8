// report and compare, from the command line, on studies of a small labelled table.
#include <gmock/gmock.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct ReportCommand : ::testing::Test {
  ReportCommand() { write_file(table, table_csv()); }
  Ran study(const std::string& run, const std::string& models) {
    return run_program({"study", table, "-o", run, "--models", models});
  }

  TemporaryFolder folder;
  std::string table = folder / "table.csv", first = folder / "first", second = folder / "second";
};

TEST_F(ReportCommand, RendersAStudyInEveryFormat) {
  ASSERT_EQ(study(first, "gnb,knn").code, 0);
  EXPECT_TRUE(fs::exists(fs::path(first) / "best.md"));
  const std::string page = read_file(fs::path(first) / "report.html");
  write_file(fs::path(first) / "report.html", "old");
  const Ran html = run_program({"report", first});
  EXPECT_EQ(html.code, 0) << html.err;
  EXPECT_EQ(html.out, "");
  EXPECT_EQ(read_file(fs::path(first) / "report.html"), page);
  EXPECT_THAT(run_program({"report", first, "--format", "md"}).out,
              AllOf(StartsWith("# first\n"), HasSubstr("| --- |")));
  EXPECT_EQ(json::parse(run_program({"report", first + "/results.json", "--format", "json"}).out).at("labels").size(),
            3u);
  EXPECT_EQ(run_program({"report", first, "-o", folder / "table.tex"}).code, 0);
  EXPECT_THAT(read_file(folder / "table.tex"), HasSubstr("\\begin{tabular}"));
  EXPECT_EQ(run_program({"report", first, "-o", folder / "table.docx"}).code, 2);
  EXPECT_EQ(run_program({"report", first, "--format", "docx"}).code, 2);
  const Ran nowhere = run_program({"report", first, "--format", "csv", "-o", folder / "none" / "x.csv"});
  EXPECT_EQ(nowhere.code, 1);
  EXPECT_THAT(nowhere.err, HasSubstr("none"));
  const Ran full = run_program_into("/dev/full", {"report", first, "--format", "csv"});
  EXPECT_EQ(full.code, 1);
  EXPECT_THAT(full.err, HasSubstr("standard output"));
}

TEST_F(ReportCommand, RefusesFoldersWithoutResults) {
  const Ran ran = run_program({"report", folder.path()});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, AllOf(HasSubstr("is not a run folder"), HasSubstr("genrewise study")));
}

TEST_F(ReportCommand, StatesHowAnUnfinishedStudyIsContinued) {
  ASSERT_EQ(study(first, "gnb").code, 0);
  fs::remove(fs::path(first) / "results.json");
  const Ran ran = run_program({"report", first});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.err, HasSubstr("continue it: genrewise study " + table));
  EXPECT_THAT(ran.err, HasSubstr("--models gnb"));
}

TEST_F(ReportCommand, ComparesTwoStudies) {
  ASSERT_EQ(study(first, "gnb,knn").code, 0);
  ASSERT_EQ(study(second, "knn,logreg").code, 0);
  const Ran shown = run_program({"compare", first, second});
  EXPECT_EQ(shown.code, 0) << shown.err;
  EXPECT_THAT(shown.out, AllOf(HasSubstr("logreg"), HasSubstr("Paired tests"), HasSubstr("p (Holm)")));
  const json comparison = json::parse(run_program({"compare", first, second, "--json"}).out);
  EXPECT_EQ(comparison.at("models").size(), 3u);
  EXPECT_GE(comparison.at("pairs").size(), 1u);
  EXPECT_EQ(comparison.at("notes"), json::array());
  EXPECT_THAT(run_program({"compare", first, second, "--csv"}).out, StartsWith("Model," + first + " (%),"));
  EXPECT_EQ(run_program({"compare", first}).code, 2);
  const Ran twice = run_program({"compare", first, first});
  EXPECT_EQ(twice.code, 1);
  EXPECT_THAT(twice.err, HasSubstr("given twice"));
}

}  // namespace
}  // namespace genrewise::testing
