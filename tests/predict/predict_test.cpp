#include "genrewise/predict/predict.hpp"

#include <gmock/gmock.h>

#include <atomic>
#include <numeric>

#include "audio/wav_writer.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/random.hpp"
#include "genrewise/predict/prediction_json.hpp"
#include "genrewise/pretrained/feature_sets.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using testing::error_message;
using ::testing::HasSubstr;
using testing::TemporaryFolder;

constexpr int kRate = 4000;
constexpr std::size_t kQuiet = 1;

/// Noise, loud or quiet.
std::vector<float> noise(double seconds, float loudness, std::uint64_t seed) {
  Rng rng(seed);
  std::vector<float> samples(static_cast<std::size_t>(seconds * kRate));
  for (float& sample : samples) sample = loudness * static_cast<float>(rng.uniform() - 0.5);
  return samples;
}

/// Model that separates loud and quiet noise by the first 10,000 samples.
Model loudness_model() {
  const auto features = make_feature_set("raw10k");
  Matrix examples(20, features->size());
  std::vector<int> labels;
  for (std::size_t i = 0; i < examples.rows(); ++i) {
    labels.push_back(static_cast<int>(i % 2));
    const Waveform wave{noise(3, i % 2 == kQuiet ? 0.1f : 0.8f, i), kRate};
    EXPECT_TRUE(features->extract(wave, examples.row(i)).has_value());
  }
  Model model;
  model.labels = {"loud", "quiet"};
  model.recipe = features->recipe();
  model.columns = features->columns();
  model.classifier = make_classifier("gnb", {}, kDefaultSeed);
  model.classifier->fit({examples, labels, 2});
  return model;
}

class Predict : public ::testing::Test {
 protected:
  void TearDown() override { clear_interrupt(); }
  fs::path write(const std::string& name, const std::vector<float>& samples) {
    write_file(folder_ / name, testing::wav_of(samples, 1, kRate));
    return folder_ / name;
  }
  TemporaryFolder folder_;
  Progress silent_;
};

TEST_F(Predict, AnalysesAShortTrackWhole) {
  const Predictor predictor(loudness_model());
  const auto prediction = predictor.predict_file(write("a.wav", noise(31, 0.1f, 99)));
  ASSERT_TRUE(prediction.has_value()) << to_string(prediction.error());
  EXPECT_DOUBLE_EQ(prediction->duration_s, 31);
  ASSERT_EQ(prediction->windows.size(), 1u);
  EXPECT_EQ(prediction->windows[0].start_s, 0);
  EXPECT_DOUBLE_EQ(prediction->windows[0].duration_s, 31);
  EXPECT_EQ(ranked(prediction->probabilities)[0], kQuiet);
  EXPECT_EQ(predictor.labels()[kQuiet], "quiet");
}

TEST_F(Predict, MarksConfidencesBelowTheThresholdAndMusicUnlikeTheTrainingData) {
  Model model = loudness_model();
  Matrix examples(20, model.columns.size());
  Rng rng(3);
  for (float& value : examples.values()) value = 0.2f * static_cast<float>(rng.uniform() - 0.5);
  std::vector<std::size_t> rows(20);
  std::iota(rows.begin(), rows.end(), std::size_t{0});
  model.novelty.fit(examples, rows, {}, kDefaultSeed);
  model.confidence = {100, 1, {0.15, 0.15}, {{0.9, 0.2, 1}, {0.8, 1, 0.85}}};  // no confidence is above 0.85
  save_model(model, folder_ / "m.gwm");
  const fs::path quiet = write("quiet.wav", noise(5, 0.2f, 4)), loud = write("loud.wav", noise(5, 1.0f, 5));
  const auto predicted = [&](double max_error, const fs::path& path) {
    return *Predictor(load_model(folder_ / "m.gwm"), {.max_error = max_error}).predict_file(path);
  };
  EXPECT_TRUE(predicted(0.1, loud).unknown);   // threshold 0.9
  EXPECT_FALSE(predicted(0.2, loud).unknown);  // threshold 0.8
  EXPECT_TRUE(predicted(0.01, loud).unknown);  // not reached
  EXPECT_FALSE(predicted(1, loud).unknown);
  EXPECT_LT(*predicted(1, quiet).novelty, *predicted(1, loud).novelty);
  EXPECT_FALSE(Predictor(loudness_model()).predict_file(loud)->unknown);
  EXPECT_FALSE(Predictor(loudness_model()).predict_file(loud)->novelty);
}

TEST_F(Predict, RefusesSilentAndTooShortTracks) {
  const Predictor predictor(loudness_model());
  EXPECT_EQ(predictor.predict_file(write("silent.wav", std::vector<float>(100 * kRate, 0.0f))).error().reason,
            "silent");
  EXPECT_EQ(predictor.predict_file(write("one.wav", {0.5f})).error().reason, "too short");
  EXPECT_EQ(predictor.predict_file(write("constant.wav", std::vector<float>(5 * kRate, 0.25f))).error().reason,
            "silent");
}

TEST_F(Predict, LeavesOutSilentWindows) {
  auto samples = noise(40, 0.8f, 1);
  samples.resize(100 * kRate);
  const auto prediction = Predictor(loudness_model()).predict_file(write("half.wav", samples));
  ASSERT_TRUE(prediction.has_value()) << to_string(prediction.error());
  EXPECT_EQ(prediction->windows.size(), 2u);
}

TEST_F(Predict, SpreadsWindowsOverALongTrackAndAverages) {
  auto samples = noise(40, 0.8f, 1);
  const auto rest = noise(60, 0.1f, 2);
  samples.insert(samples.end(), rest.begin(), rest.end());
  const auto prediction = Predictor(loudness_model(), {.windows = 5}).predict_file(write("a.wav", samples));
  ASSERT_TRUE(prediction.has_value());
  ASSERT_EQ(prediction->windows.size(), 3u);  // 100 s have space for three windows
  for (std::size_t i = 0; i < 3; ++i) {
    const WindowPrediction& window = prediction->windows[i];
    EXPECT_NEAR(window.start_s, 100.0 / 6 * static_cast<double>(2 * i + 1) - 15, 1e-9);
    EXPECT_EQ(window.duration_s, 30);
    EXPECT_EQ(ranked(window.probabilities)[0], window.start_s < 40 ? 1 - kQuiet : kQuiet);
  }
  EXPECT_EQ(ranked(prediction->probabilities)[0], 1 - kQuiet);
  for (std::size_t label = 0; label < 2; ++label) {
    float sum = 0;
    for (const WindowPrediction& window : prediction->windows) sum += window.probabilities[label];
    EXPECT_FLOAT_EQ(prediction->probabilities[label], sum / 3);
  }
}

TEST_F(Predict, AnalysesOnlyTheMiddleWithOneWindow) {
  auto samples = noise(40, 0.8f, 1);
  for (const float sample : noise(20, 0.1f, 2)) samples.push_back(sample);
  for (const float sample : noise(40, 0.8f, 3)) samples.push_back(sample);
  // raw10k uses 2.5 s from the start of the window, which starts 35 s into the track.
  const Predictor predictor(loudness_model(), {.windows = 1});
  const auto prediction = predictor.predict_file(write("a.wav", samples));
  ASSERT_TRUE(prediction.has_value());
  ASSERT_EQ(prediction->windows.size(), 1u);
  EXPECT_EQ(predictor.predict_file(write("a.wav", samples), 3)->windows.size(), 3u);
  EXPECT_DOUBLE_EQ(prediction->windows[0].start_s, 35);
  EXPECT_EQ(ranked(prediction->probabilities)[0], 1 - kQuiet);
  EXPECT_EQ(prediction->windows[0].duration_s, 30);
}

TEST_F(Predict, ReturnsAFaultPerUnusableFile) {
  write_file(folder_ / "text.mp3", "this is not audio, but it is long enough for a format check");
  write_file(folder_ / "empty.mp3", "");
  const std::vector<fs::path> paths{folder_ / "text.mp3", write("good.wav", noise(5, 0.8f, 3)), folder_ / "empty.mp3",
                                    write("short.wav", noise(0.1, 0.8f, 3)), folder_ / "missing.wav"};
  const auto predictions = Predictor(loudness_model()).predict_files(paths, silent_);
  ASSERT_EQ(predictions.size(), 5u);
  for (const auto& prediction : predictions) ASSERT_TRUE(prediction.has_value());
  EXPECT_EQ(predictions[0]->error().reason, "not audio");
  EXPECT_EQ(ranked((*predictions[1])->probabilities)[0], 1 - kQuiet);
  EXPECT_EQ(predictions[2]->error().reason, "empty file");
  EXPECT_EQ(predictions[3]->error().reason, "too short");
  EXPECT_EQ(predictions[3]->error().where, paths[3]);
  EXPECT_EQ(predictions[4]->error().reason, "cannot be opened");
}

TEST_F(Predict, GivesTheSameResultForAnyNumberOfThreads) {
  std::vector<fs::path> paths;
  for (std::uint64_t i = 0; i < 6; ++i)
    paths.push_back(write(std::to_string(i) + ".wav", noise(65, i % 2 == 0 ? 0.3f : 0.2f, i)));
  const Predictor predictor(loudness_model());
  const auto together = predictor.predict_files(paths, silent_);
  for (std::size_t i = 0; i < paths.size(); ++i) {
    const auto alone = predictor.predict_file(paths[i]);
    ASSERT_TRUE(alone.has_value() && together[i].has_value() && together[i]->has_value());
    EXPECT_EQ(alone->probabilities, (*together[i])->probabilities);
  }
}

TEST_F(Predict, KeepsFinishedPredictionsWhenInterrupted) {
  const std::vector<fs::path> paths{write("a.wav", noise(5, 0.8f, 3))};
  const Predictor predictor(loudness_model());
  request_interrupt();
  const auto predictions = predictor.predict_files(paths, silent_);
  ASSERT_EQ(predictions.size(), 1u);
  EXPECT_FALSE(predictions[0].has_value());
}

TEST_F(Predict, RefusesAModelOfOtherFeatures) {
  Model newer = loudness_model();
  newer.recipe.version += 1;
  EXPECT_THROW(Predictor{std::move(newer)}, Error);
  Model foreign = loudness_model();
  foreign.recipe = {"table", 1, "hash"};
  EXPECT_THAT(error_message([&] { const Predictor predictor(std::move(foreign)); }), HasSubstr("table"));
  EXPECT_THROW(Predictor(loudness_model(), {.windows = 0}), Error);
}

TEST(Ranked, SortsByProbabilityAndKeepsTiesInOrder) {
  EXPECT_THAT(ranked(std::vector<float>{0.2f, 0.5f, 0.2f, 0.1f}), ::testing::ElementsAre(1, 0, 2, 3));
  EXPECT_TRUE(ranked({}).empty());
}

TEST_F(Predict, ReportsProgressPerFile) {
  struct Counting : Progress {
    void begin(std::string_view, std::string_view unit, std::uint64_t files, std::uint64_t) override {
      EXPECT_EQ(unit, "files");
      total = files;
    }
    void advance(std::uint64_t units) override { done += units; }
    void finish() override { ++finished; }
    std::uint64_t total = 0;
    std::atomic<std::uint64_t> done = 0, finished = 0;
  } progress;
  const std::vector<fs::path> paths{write("a.wav", noise(3, 0.8f, 3)), folder_ / "absent.wav"};
  Predictor(loudness_model()).predict_files(paths, progress);
  EXPECT_EQ(progress.total, 2u);
  EXPECT_EQ(progress.done, 2u);
  EXPECT_EQ(progress.finished, 1u);
}

TEST_F(Predict, RefusesLessThanOneWindow) {
  EXPECT_THAT(error_message([] { Predictor(loudness_model(), {.windows = 0}); }), HasSubstr("at least 1"));
  EXPECT_EQ(error_message([] { Predictor(loudness_model(), {.windows = 1}); }), "no error");
}

TEST_F(Predict, AnalysesATrackOfOneWindowAndItsSlackWholeAndALongerOneInTheMiddle) {
  const Predictor predictor(loudness_model());
  const auto window = [&](double seconds) {
    const auto prediction = predictor.predict_file(write("a.wav", noise(seconds, 0.8f, 3)));
    EXPECT_EQ(prediction->windows.size(), 1u) << seconds;
    return std::pair(prediction->windows.front().start_s, prediction->windows.front().duration_s);
  };
  EXPECT_EQ(window(31), std::pair(0.0, 31.0));
  EXPECT_EQ(window(32), std::pair(1.0, 30.0));
  EXPECT_EQ(window(59.5), std::pair(14.75, 30.0));
}

TEST_F(Predict, OpensAModelOnlyWithItsOwnGenresAndNamesItInErrors) {
  const fs::path file = folder_ / "m.gwm", foreign = folder_ / "foreign.gwm";
  save_model(loudness_model(), file);
  const auto open = [&](const fs::path& model, const std::string& genres = "", int windows = 3) {
    ModelChoice choice;
    choice.model = model;
    choice.genres = genres;
    PredictOptions options;
    options.windows = windows;
    return open_predictor(choice, options, silent_);
  };
  EXPECT_EQ(open(file).labels(), (std::vector<std::string>{"loud", "quiet"}));
  EXPECT_THAT(error_message([&] { open(file, "Rock"); }), HasSubstr("--genres"));
  EXPECT_THAT(error_message([&] { open(file, "", 0); }), HasSubstr(file.string()));
  Model model = loudness_model();
  model.recipe.name = "unknown";
  save_model(model, foreign);
  EXPECT_THROW(open(foreign), UnknownName);
  EXPECT_THAT(error_message([&] { open(foreign); }), HasSubstr(foreign.string()));
}

TEST(PredictionJson, HasTheMostProbableGenresOfTheTrackAndOfEachWindow) {
  using nlohmann::json;
  const std::vector<std::string> labels = {"Jazz", "Rock", "Soul"};
  Prediction prediction;
  prediction.duration_s = 60;
  prediction.probabilities = {0.25F, 0.5F, 0.25F};
  prediction.unknown = true;
  prediction.windows = {{0, 30, {1, 0, 0}}, {30, 30, {0, 1, 0}}};
  const json document = prediction_json(prediction, labels, 2);
  const json genres = {{{"genre", "Rock"}, {"confidence", 0.5}}, {{"genre", "Jazz"}, {"confidence", 0.25}}};
  EXPECT_EQ(document.at("genres"), genres);
  EXPECT_EQ(document.at("duration_s"), 60);
  EXPECT_EQ(document.at("unknown"), true);
  EXPECT_TRUE(document.at("novelty").is_null());
  ASSERT_EQ(document.at("windows").size(), 2u);
  EXPECT_EQ(document["windows"][1]["start_s"], 30);
  EXPECT_EQ(document["windows"][1]["duration_s"], 30);
  EXPECT_EQ(document["windows"][1]["genres"][0]["genre"], "Rock");
  prediction.novelty = 1.5;
  EXPECT_EQ(prediction_json(prediction, labels, 2).at("novelty"), 1.5);
  EXPECT_EQ(genres_json(prediction.probabilities, labels, 9).size(), 3u);
}

}  // namespace
}  // namespace genrewise
