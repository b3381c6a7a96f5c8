#include <gmock/gmock.h>
#include <unistd.h>

#include <csignal>
#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/data_source/examples.hpp"
#include "genrewise/dataset/dataset.hpp"
#include "genrewise/models/model.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

/// A model that was trained on synthetic music, for all tests of this file.
class Predict : public ::testing::Test {
 protected:
  static void SetUpTestSuite() {
    home_ = new TemporaryFolder();
    make_music(*home_ / "music", 4, 2);
    const Ran ran = run_program({"extract", *home_ / "music", "-o", *home_ / "features.csv"});
    ASSERT_EQ(ran.code, 0) << ran.err;
    Examples examples = join(open_dataset(*home_ / "music"), read_feature_table(*home_ / "features.csv"));
    Model model;
    model.labels = examples.labels;
    model.recipe = examples.table.recipe;
    model.columns = examples.table.columns;
    model.preprocessor = Preprocessor(PreprocessingConfig{});
    model.preprocessor.fit(examples.table.values);
    model.classifier = make_classifier("logreg", {}, kDefaultSeed);
    const Matrix prepared = model.preprocessor.transform(examples.table.values);
    model.classifier->fit({prepared, examples.subjects.labels, 3});
    save_model(model, model_path());
  }
  static void TearDownTestSuite() { delete home_; }

  static fs::path model_path() { return *home_ / "model.gwm"; }
  Ran predict(Arguments inputs, const Arguments& more = {}) {
    Arguments all{"predict", "--model", model_path()};
    all.insert(all.end(), more.begin(), more.end());
    all.insert(all.end(), inputs.begin(), inputs.end());
    return run_program(all);
  }
  static TemporaryFolder* home_;
  TemporaryFolder folder_;
};
TemporaryFolder* Predict::home_ = nullptr;

TEST_F(Predict, PredictsTheGenreOfNewMusic) {
  for (const char* genre : kMadeGenres)
    write_file(folder_ / (std::string("new ") + genre + ".wav"), made_wav(genre, 77, 3));
  const Ran ran = predict({folder_.path()});
  EXPECT_EQ(ran.code, 0) << ran.err;
  for (const char* genre : kMadeGenres)
    EXPECT_THAT(ran.out, ::testing::ContainsRegex("new " + std::string(genre) + "\\.wav +" + genre + " +[0-9.]+ %"));
}

TEST_F(Predict, PartsAreMergedToTheBytesOfOneRun) {
  make_folders(folder_ / "music");
  write_file(folder_ / "music" / "damaged.wav", "no audio");
  for (int i = 0; i < 5; ++i)
    write_file(folder_ / "music" / (std::to_string(i) + ".wav"), made_wav(kMadeGenres[i % 3], 80 + i, 2));
  const fs::path music = folder_ / "music";
  for (const std::string name : {"genres.csv", "genres.json"}) {
    const fs::path whole = folder_ / ("whole " + name), merged = folder_ / name;
    EXPECT_EQ(predict({music}, {"-o", whole}).code, 3);
    EXPECT_EQ(predict({music}, {name == "genres.csv" ? "--csv" : "--json"}).out, read_file(whole));
    EXPECT_EQ(predict({music}, {"-o", merged, "--part", "3/3"}).code, 3);  // damaged.wav is the last
    EXPECT_EQ(predict({music}, {"-o", merged, "--part", "1/3"}).code, 0);
    const Ran early = run_program({"merge", merged});
    EXPECT_EQ(early.code, 1);
    EXPECT_THAT(early.err, AllOf(HasSubstr("1 of its 3 parts is missing: 2"), HasSubstr("--part I/3")));
    EXPECT_EQ(predict({music}, {"-o", merged, "--part", "2/3"}).code, 0);
    EXPECT_EQ(run_program({"merge", merged}).code, 3);
    EXPECT_EQ(read_file(merged), read_file(whole));
    EXPECT_FALSE(fs::exists(merged.string() + ".parts"));
  }
}

TEST_F(Predict, PartsOfAnotherJobAreRefusedAndFinishedOnesAreKept) {
  make_music(folder_ / "music", 1, 2);
  const fs::path music = folder_ / "music", output = folder_ / "genres.csv";
  ASSERT_EQ(predict({music}, {"-o", output, "--part", "1/3"}).code, 0);
  EXPECT_THAT(predict({music}, {"-o", output, "--part", "1/3"}).err, HasSubstr("part 1/3 was finished before"));
  EXPECT_THAT(predict({music}, {"-o", output, "--part", "1/2"}).err, HasSubstr("contains parts of 3, not of 2"));
  EXPECT_THAT(predict({music}, {"-o", output, "--part", "2/3", "--windows", "1"}).err, HasSubstr("another windows"));
  write_file(music / "more.wav", made_wav("tones", 1, 2));
  EXPECT_THAT(predict({music}, {"-o", output, "--part", "2/3"}).err, HasSubstr("another dataset: 3 files"));
  EXPECT_THAT(predict({music}, {"-o", folder_ / "genres.txt"}).err, HasSubstr("neither .csv nor .json"));
  EXPECT_EQ(predict({music}, {"-o", output, "--json"}).code, 2);
  write_file(output.string() + ".parts/2-of-3.json", read_file(output.string() + ".parts/1-of-3.json"));
  EXPECT_THAT(predict({music}, {"-o", output, "--part", "2/3"}).err, HasSubstr("another dataset"));
  write_file(output.string() + ".parts/3-of-3.json", read_file(output.string() + ".parts/1-of-3.json"));
  EXPECT_THAT(run_program({"merge", output}).err, HasSubstr("states that it is another part"));
}

TEST_F(Predict, PrintsJsonForPrograms) {
  write_file(folder_ / "音楽.wav", made_wav("tones", 50, 65));
  const Ran ran = predict({folder_ / "音楽.wav"}, {"--json", "--top", "2"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  const json result = json::parse(ran.out);
  ASSERT_EQ(result["predictions"].size(), 1u);
  const json& file = result["predictions"][0];
  EXPECT_EQ(file["file"], (folder_ / "音楽.wav").string());
  EXPECT_NEAR(file["duration_s"], 65, 0.01);
  ASSERT_EQ(file["genres"].size(), 2u);
  EXPECT_EQ(file["genres"][0]["genre"], "tones");
  EXPECT_GT(file["genres"][0]["confidence"], file["genres"][1]["confidence"]);
  ASSERT_EQ(file["windows"].size(), 2u);
  EXPECT_NEAR(file["windows"][1]["start_s"], 33.75, 0.01);
  EXPECT_TRUE(result["skipped"].empty());
  EXPECT_TRUE(result["threshold"].is_null() && result["max_error"].is_null() && file["novelty"].is_null());
  EXPECT_EQ(file["unknown"], false);
  EXPECT_THAT(ran.err, HasSubstr("stores no threshold of confidence, so no genre is marked unknown"));
}

TEST_F(Predict, MarksUncertainGenresAsUnknownAndNotesMusicUnlikeTheTrainingData) {
  const Ran trained =
      run_program({"train", *home_ / "music", "--model", "logreg", "--on", "all", "-o", folder_ / "m.gwm"});
  ASSERT_EQ(trained.code, 0) << trained.err;
  make_folders(folder_ / "new");
  write_file(folder_ / "new" / "a.wav", made_wav("tones", 50, 3));
  const auto run = [&](const Arguments& more) {
    Arguments all{"predict", "--model", folder_ / "m.gwm", folder_ / "new"};
    all.insert(all.end(), more.begin(), more.end());
    return run_program(all);
  };
  const json sure = json::parse(run({"--json"}).out);
  EXPECT_EQ(sure["max_error"], 0.1);
  EXPECT_GT(sure["threshold"], 0);
  EXPECT_EQ(sure["predictions"][0]["unknown"], false);
  EXPECT_GT(sure["predictions"][0]["novelty"], 0);
  const Ran never = run({"--max-error", "0.001"});
  EXPECT_THAT(never.out, ::testing::ContainsRegex("a\\.wav +unknown +[0-9.]+ % +tones [0-9.]+ %"));
  EXPECT_THAT(never.err, HasSubstr("all genres are unknown"));
  EXPECT_TRUE(json::parse(run({"--max-error", "0.001", "--json"}).out)["threshold"].is_null());
  EXPECT_THAT(run({"--max-error", "1"}).out, ::testing::ContainsRegex("a\\.wav +tones"));
  EXPECT_EQ(run({"--max-error", "2"}).code, 2);
  Model model = load_model(folder_ / "m.gwm");
  model.novelty.set_limit({1e-3});
  save_model(model, folder_ / "m.gwm");
  EXPECT_THAT(run({}).out, HasSubstr("unlike the training music"));
  EXPECT_GT(json::parse(run({"--json"}).out)["predictions"][0]["novelty"], 1);
  const Ran refused = predict({folder_ / "new"}, {"--max-error", "0.2"});
  EXPECT_EQ(refused.code, 2);
  EXPECT_THAT(refused.err, HasSubstr("stores no threshold of confidence"));
}

TEST_F(Predict, PrintsCsvForPrograms) {
  write_file(folder_ / "a, \"b\".wav", made_wav("noise", 50, 2));
  const Ran ran = predict({folder_.path()}, {"--csv"});
  EXPECT_EQ(ran.code, 0) << ran.err;
  CsvReader reader(ran.out, "out");
  std::vector<std::string_view> row;
  ASSERT_TRUE(reader.next(row));
  EXPECT_THAT(row, ::testing::ElementsAre("file", "rank", "genre", "confidence", "unknown", "novelty"));
  ASSERT_TRUE(reader.next(row));
  EXPECT_EQ(row[0], (folder_ / "a, \"b\".wav").string());
  EXPECT_EQ(row[1], "1");
  EXPECT_EQ(row[2], "noise");
}

TEST_F(Predict, ExitsWithThreeWhenSomeInputsFailed) {
  write_file(folder_ / "good.wav", made_wav("tones", 50, 2));
  write_file(folder_ / "text.mp3", "Dear diary, today I renamed you to look like music.");
  make_folders(folder_ / "empty");
  const Ran ran = predict({folder_ / "good.wav", folder_ / "text.mp3", folder_ / "gone.mp3", folder_ / "empty"});
  EXPECT_EQ(ran.code, 3);
  EXPECT_THAT(ran.out, HasSubstr("good.wav"));
  for (const char* what : {"skipped 3 inputs", "not audio", "text.mp3", "not found", "gone.mp3", "no audio in it"})
    EXPECT_THAT(ran.err, HasSubstr(what));
}

TEST_F(Predict, FailsWhenNoInputCouldBeUsed) {
  const Ran ran = predict({folder_.path()}, {"--csv"});
  EXPECT_EQ(ran.code, 1);
  EXPECT_THAT(ran.out, IsEmpty());
  EXPECT_THAT(ran.err, AllOf(HasSubstr("no audio in it"), HasSubstr("error: no input could be used")));
}

TEST_F(Predict, ReportsWhatIsWrongWithAModel) {
  write_file(folder_ / "a.wav", made_wav("tones", 50, 2));
  const std::string bytes = read_file(model_path());
  write_file(folder_ / "cut.gwm", bytes.substr(0, bytes.size() / 2));
  write_file(folder_ / "text.gwm", "not a model at all");
  Model foreign = load_model(model_path());
  foreign.recipe.version = 99;
  save_model(foreign, folder_ / "newer.gwm");
  for (const char* name : {"cut.gwm", "text.gwm", "newer.gwm", "missing.gwm"}) {
    const Ran ran = run_program({"predict", "-m", folder_ / name, folder_ / "a.wav"});
    EXPECT_EQ(ran.code, 1) << name;
    EXPECT_THAT(ran.err, StartsWith("genrewise: error: ")) << name;
    EXPECT_THAT(ran.err, HasSubstr(name)) << name;
    EXPECT_THAT(ran.out, IsEmpty()) << name;
  }
}

TEST_F(Predict, PrintsFinishedPredictionsWhenInterrupted) {
  write_file(folder_ / "long.wav", made_wav("noise", 3, 31));
  for (int i = 0; i < 300; ++i)
    fs::create_symlink(folder_ / "long.wav", folder_ / ("link" + std::to_string(i) + ".wav"));
  const auto started = std::chrono::steady_clock::now();
  const auto a_while = [&] { return std::chrono::steady_clock::now() - started > std::chrono::milliseconds(1500); };
  const Ran ran = run_program_and_signal(SIGTERM, {"predict", "-m", model_path(), "--json", folder_.path()}, a_while);
  EXPECT_EQ(ran.code, 130) << ran.err;
  EXPECT_LT(json::parse(ran.out)["predictions"].size(), 301u);
  EXPECT_THAT(ran.err, HasSubstr("interrupted"));
}

}  // namespace
}  // namespace genrewise::testing
