// No option is ignored: each takes effect, or is refused with the reason.
#include <gmock/gmock.h>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/storage/files.hpp"
#include "support/table_csv.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

using ::testing::HasSubstr;

struct Refused {
  Arguments arguments;  ///< TABLE, MUSIC, PACK, MODEL and OUT stand for what the test makes
  std::string option, reason;
  int code = 2;
};

const std::vector<Refused> kRefused = {
    // Data
    {{"study", "TABLE", "-o", "OUT", "--features", "music"}, "--features", "the dataset is a feature table"},
    {{"study", "TABLE", "-o", "OUT", "--subset", "medium"}, "--subset", "only an FMA dataset has subsets"},
    {{"study", "MUSIC", "-o", "OUT", "--models", "gnb", "--table", "other=TABLE"}, "--table", "no model other/"},
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--features", "music"}, "--features", "is a feature table"},
    {{"train", "PACK", "--model", "gnb", "-o", "OUT", "--subset", "medium"}, "--subset", "only an FMA dataset"},
    {{"tune", "TABLE", "--model", "gnb", "--preset", "study", "-o", "OUT", "--subset", "medium"}, "--subset", "FMA"},
    {{"evaluate", "MODEL", "TABLE", "--features", "music"}, "--features", "is a feature table"},
    {{"evaluate", "MODEL", "TABLE", "--features-file", "OUT"}, "--features-file", "no features are extracted"},
    // Splits that are not made
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--on", "all", "--scheme", "random"}, "--scheme", "no parts"},
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--on", "all", "--split-file", "TABLE"},
     "--split-file",
     "no parts"},
    {{"tune", "TABLE", "--model", "gnb", "--preset", "study", "-o", "OUT", "--on", "all", "--scheme", "random"},
     "--scheme",
     "no parts"},
    {{"evaluate", "MODEL", "TABLE", "--part", "all", "--scheme", "random"}, "--scheme", "does not depend on a split"},
    {{"evaluate", "MODEL", "TABLE", "--split-file", "TABLE"}, "--split-file", "does not depend on a split"},
    // What only networks follow
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--run", "OUT"}, "--run", "networks only"},
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--ranks", "2"}, "--ranks", "networks only"},
    // Parameters that are given twice, or that one model cannot have
    {{"train", "TABLE", "--model", "gnb", "-o", "OUT", "--pca", "2", "--param", "pca_components=1"}, "--pca", "twice"},
    {{"train", "TABLE", "--model", "knn:n_neighbors=3", "-o", "OUT", "--param", "n_neighbors=5"},
     "n_neighbors",
     "twice",
     1},
    // Formats and modes
    {{"study", "TABLE", "-o", "OUT", "--json", "--csv"}, "--csv", "cannot be used together"},
    {{"predict", "--model", "MODEL", "--genres", "Jazz,Rock", "MUSIC"}, "--genres", "--zero-shot"},
    {{"predict", "--model", "MODEL", "--zero-shot", "MUSIC"}, "--zero-shot", "--model"},
};

/// Of a network that reads the records of a pack as it goes.
const std::vector<Refused> kRefusedByNetworks = {
    {{"train", "PACK", "--model", "cnn1d", "-o", "OUT", "--pca", "2"}, "--pca", "unmodified records"},
    {{"train", "PACK", "--model", "cnn1d", "-o", "OUT", "--param", "pca_variance=0.9"},
     "--param",
     "unmodified records"},
    {{"train", "PACK", "--model", "cnn1d", "-o", "OUT", "--on", "all", "--scheme", "random"}, "--scheme", "no parts"},
};

struct Options : ::testing::Test {
  Options() {
    write_file(folder / "table.csv", table_csv());
    make_music(folder / "music", 8, 1);
    must({"train", folder / "table.csv", "--model", "gnb", "-o", folder / "model.gwm"});
    must({"pack", folder / "music", "--features", "raw10k", "--scheme", "random", "--shards", "2", "-o",
          folder / "pack"});
  }
  static void must(const Arguments& arguments) {
    const Ran ran = run_program(arguments);
    EXPECT_EQ(ran.code, 0) << ran.err;
  }
  void expect_refused(const std::vector<Refused>& cases) const {
    for (Refused refused : cases) {
      std::string line;
      for (std::string& word : refused.arguments) {
        line += word + ' ';
        replace(word, "TABLE", "table.csv");
        replace(word, "MUSIC", "music");
        replace(word, "PACK", "pack");
        replace(word, "MODEL", "model.gwm");
        replace(word, "OUT", "out");
      }
      const Ran ran = run_program(refused.arguments);
      EXPECT_EQ(ran.code, refused.code) << line << ran.err;
      EXPECT_THAT(ran.err, HasSubstr(refused.option)) << line;
      EXPECT_THAT(ran.err, HasSubstr(refused.reason)) << line;
      EXPECT_FALSE(std::filesystem::exists(folder / "out")) << line;
    }
  }
  void replace(std::string& word, const std::string& name, const std::string& file) const {
    if (word.ends_with(name)) word.replace(word.size() - name.size(), name.size(), (folder / file).string());
  }
  TemporaryFolder folder;
};

TEST_F(Options, ThatWouldChangeNothingAreRefusedWithTheReason) {
  expect_refused(kRefused);
}

TEST_F(Options, ThatANetworkOnAPackCannotFollowAreRefused) {
  if (!std::filesystem::exists(bin_folder() / "genrewise-neural")) GTEST_SKIP() << "this build has no networks";
  expect_refused(kRefusedByNetworks);
}

}  // namespace
}  // namespace genrewise::testing
