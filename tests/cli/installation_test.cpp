// What an installation has besides commands: completion in shells, manual pages, and `doctor`.
#include <gmock/gmock.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "cli/program.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

std::string completed(Arguments words) {
  words.insert(words.begin(), "--complete");
  const Ran ran = run_program(words);
  EXPECT_EQ(ran.code, 0) << ran.err;
  return ran.out;
}

TEST(Completion, KnowsCommandsAndTheirOptions) {
  EXPECT_THAT(completed({"stu"}), StartsWith("study\t"));
  EXPECT_THAT(completed({"library", "sc"}), StartsWith("scan\t"));
  EXPECT_THAT(completed({""}), AllOf(HasSubstr("predict\t"), HasSubstr("doctor\t")));
  EXPECT_THAT(completed({"tune", "--fo"}), AllOf(HasSubstr("--folds\t"), HasSubstr("--fold-scheme\t")));
  EXPECT_THAT(completed({"tune", "--thr"}), StartsWith("--threads\t"));
}

TEST(Completion, KnowsTheValuesOfOptions) {
  EXPECT_EQ(completed({"split", "d.csv", "--scheme", "gr"}), "grouped\n");
  EXPECT_EQ(completed({"split", "d.csv", "--scheme=gr"}), "--scheme=grouped\n");
  EXPECT_THAT(completed({"extract", "d.csv", "--features", "fma"}), StartsWith("fma518\t"));
  EXPECT_THAT(completed({"features", "musicnn_msd_p"}), StartsWith("musicnn_msd_pools\t"));
  EXPECT_THAT(completed({"fetch", "weights", "effi"}), StartsWith("efficientat\t"));
  EXPECT_EQ(completed({"train", "d.csv", "--threads", ""}), "");
}

TEST(Completion, KnowsModels) {
  EXPECT_THAT(completed({"train", "d.csv", "--model", "sv"}), AllOf(HasSubstr("svm\t"), HasSubstr("svm-rbf\t")));
  EXPECT_THAT(completed({"study", "d.csv", "--models", "gnb,log"}), StartsWith("gnb,logreg\t"));
}

TEST(Completion, LeavesFilesToTheShell) {
  EXPECT_EQ(completed({"predict", ""}), ":files\n");
  EXPECT_EQ(completed({"predict", "a.mp3", "b"}), ":files\n");
  EXPECT_EQ(completed({"predict", "--model", ""}), ":files\n");
  EXPECT_EQ(completed({"predict", "--", "-"}), ":files\n");
  EXPECT_EQ(completed({"no-command", ""}), completed({""}));
  EXPECT_EQ(completed({"predict", "--no-option=x", "--no-option="}), "");
}

// Readline replaces only the part behind the last colon or equals sign.
TEST(Completion, CompletesWithinAWordInBash) {
  const std::string line = "genrewise split --scheme=gr";
  std::string output;
  const int code =
      run_process({"bash", "-c",
                   ". " COMPLETION_FOLDER "/genrewise.bash; compopt() { :; }; COMP_LINE=$1 COMP_POINT=${#1}; "
                   "_genrewise $2; echo \"${COMPREPLY[@]}\"",
                   "bash", line, bin_folder() / "genrewise"},
                  {}, [&](std::string_view piece) { output += piece; });
  EXPECT_EQ(code, 0);
  EXPECT_EQ(output, "grouped\n");
}

TEST(ManualPages, ExistForTheProgramAndEachCommand) {
  const TemporaryFolder folder;
  ASSERT_EQ(run_program({"--write-manual-pages", folder.path()}).code, 0);
  EXPECT_THAT(read_file(folder / "genrewise.1"), AllOf(StartsWith(".TH genrewise 1 "), HasSubstr("\n.SH NAME\n")));
  EXPECT_THAT(read_file(folder / "genrewise-library-scan.1"), HasSubstr("\\-\\-retry"));
  for (const auto& page : entries_of(folder.path())) {
    std::istringstream lines(read_file(page));
    for (std::string text; std::getline(lines, text);) {
      if (text.starts_with('.')) {
        EXPECT_THAT(text, ::testing::MatchesRegex("\\.(TH|SH|PP|TP|B|EX|EE)( .*)?")) << page;
      }
    }
  }
}

struct Doctor : ::testing::Test {
  nlohmann::json finding(const std::string& check, const Arguments& arguments = {}, int code = 0) {
    Arguments all{"doctor", "--json", "--library", folder / "library.db"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    ran = run_program(all);
    EXPECT_EQ(ran.code, code) << ran.out << ran.err;
    const auto document = nlohmann::json::parse(ran.out);
    for (const auto& one : document.at("findings"))
      if (one.at("check") == check) return one;
    return {};
  }
  const TemporaryFolder folder;
  Ran ran;
  const Environment amazon{"AWS_EC2_METADATA_DISABLED", "true"}, google{"GCE_METADATA_HOST", "127.0.0.1:1"};
};

TEST_F(Doctor, ReportsWhatWorksAndWhatIsMissing) {
  const Environment weights("GENREWISE_WEIGHTS", folder.path());
  EXPECT_EQ(finding("decoding").at("state"), "ok");
  EXPECT_EQ(finding("matrix products").at("state"), "ok");
  EXPECT_EQ(finding("library mpg123").at("state"), "ok");
  EXPECT_THAT(finding("decode sandbox").at("finding"), HasSubstr("confined by seccomp"));
  EXPECT_EQ(finding("catalogue").at("state"), "missing");
  EXPECT_EQ(finding("weights efficientat").at("remedy"), "genrewise fetch weights efficientat");
  EXPECT_THAT(run_program({"doctor"}).out, HasSubstr("processor"));
}

TEST_F(Doctor, PrintsWhereCredentialsComeFromAndNotTheirValues) {
  const Environment key("AWS_ACCESS_KEY_ID", "hidden-key"), secret("AWS_SECRET_ACCESS_KEY", "hidden-secret");
  EXPECT_EQ(finding("s3://").at("state"), "ok");
  EXPECT_THAT(ran.out, AllOf(HasSubstr("the environment"), Not(HasSubstr("hidden"))));
}

TEST_F(Doctor, FailsWithARemedyWhereSomethingIsBroken) {
  write_file(folder / "library.db", "no catalogue");
  EXPECT_EQ(finding("catalogue", {}, 1).at("state"), "broken");
  remove_path(folder / "library.db");
  const Environment neural("GENREWISE_NEURAL_PROGRAM", "/dev/null");
  EXPECT_THAT(finding("genrewise-neural", {}, 1).at("remedy"), HasSubstr("unset"));
}

TEST_F(Doctor, FailsWithoutAFolderForTemporaryFiles) {
  std::string output;
  const int code = run_process({"env", "TMPDIR=/nonexistent", bin_folder() / "genrewise", "doctor", "--csv"}, {},
                               [&](std::string_view piece) { output += piece; });
  EXPECT_EQ(code, 1);
  EXPECT_THAT(output, HasSubstr("\ntemporary folder,broken,"));
}

}  // namespace
}  // namespace genrewise::testing
