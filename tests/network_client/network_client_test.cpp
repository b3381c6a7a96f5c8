// A network that another process fits: the messages between the two, and failures of that process.
#include "genrewise/models/networks/network_descriptor.hpp"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <fstream>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/models/networks/neural_process.hpp"
#include "genrewise/records/tensor_archive.hpp"
#include "support/environment.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::Environment;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;

/// A client of the fake program, which behaves in the given mode while it fits.
struct Fake {
  explicit Fake(const std::string& mode)
      : program("GENREWISE_NEURAL_PROGRAM", (testing::bin_folder() / "fake_neural_program").string()),
        behaviour("FAKE_NEURAL_PROGRAM", mode) {}
  void fit(Progress* progress = nullptr) {
    FitContext context;
    context.progress = progress;
    classifier->fit({examples, labels, 2}, context);
  }
  Environment program, behaviour;
  Matrix examples{3, 2, {0.25F, 1, 2, 3, 4, 5}};
  std::vector<int> labels{0, 1, 0};
  std::unique_ptr<Classifier> classifier = make_classifier("dense", {}, 1);
};

/// Records all calls.
class RecordedProgress final : public Progress {
 public:
  void begin(std::string_view task, std::string_view unit, std::uint64_t total, std::uint64_t done) override {
    lines.push_back(std::string(task) + " " + std::string(unit) + " " + std::to_string(total) + " " +
                    std::to_string(done));
    if (on_begin) on_begin();
  }
  void advance(std::uint64_t units) override { lines.push_back("advance " + std::to_string(units)); }
  void finish() override { lines.emplace_back("finish"); }
  void detail(std::string_view text) override { lines.emplace_back(text); }
  void note(std::string_view text) override { lines.emplace_back(text); }
  std::vector<std::string> lines;
  std::function<void()> on_begin;
};

/// Whether a process exists and is not a zombie.
bool runs(pid_t id) {
  std::ifstream status("/proc/" + std::to_string(id) + "/stat");
  std::string number, name, state;
  return static_cast<bool>(status >> number >> name >> state) && state != "Z" && state != "X";
}

bool ends_soon(pid_t id) {
  for (int i = 0; i < 500 && runs(id); ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
  return !runs(id);
}

TEST(NetworkClient, FitsOnceAndPredictsInTheSameProcess) {
  Fake fake("");
  fake.fit();
  for (int i = 0; i < 2; ++i) {
    const Predictions predicted = fake.classifier->predict_with_probabilities(fake.examples);
    ASSERT_EQ(predicted.probabilities.rows(), 3u);
    EXPECT_EQ(predicted.probabilities.cols(), 2u);
    EXPECT_THAT(std::vector<float>(predicted.probabilities.row(2).begin(), predicted.probabilities.row(2).end()),
                ElementsAre(0.5F, 0.25F))
        << "one table was sent, and its numbers arrive";
    EXPECT_THAT(predicted.labels, ElementsAre(0, 0, 0));
  }
}

TEST(NetworkClient, ReportsTheProgressOfTheOtherProcess) {
  Fake fake("progress");
  RecordedProgress written;
  fake.fit(&written);
  EXPECT_THAT(written.lines,
              ElementsAre("training clips 10 2", "epoch 1 of 1, loss 0.5", "advance 8", "epoch 1 of 1", "finish"));
}

TEST(NetworkClient, SendsTheValidationPartAndReturnsTheCurve) {
  Fake fake("curve");
  const std::vector<int> labels = {1, 0};
  const Matrix others(2, 2, {1, 2, 3, 4});
  const TrainingData validation{others, labels, 2};
  TrainingCurve followed{{}, 7, 0.25}, curve;
  FitContext context;
  context.run_folder = "runs/\xff";  // not UTF-8
  context.embeddings_folder = "runs";
  context.replace_run = true;
  context.epoch_notes = false;
  context.validation = &validation;
  context.follow = &followed;
  context.curve = &curve;
  fake.classifier->fit({fake.examples, fake.labels, 2}, context);
  EXPECT_EQ(curve.chosen_epoch, 7u) << "the epoch that it was told to follow";
  ASSERT_EQ(curve.epochs.size(), 1u);
  EXPECT_EQ(curve.epochs[0].epoch, 2u) << "rows of validation";
  EXPECT_EQ(curve.epochs[0].loss, 10) << "sum of their values";
}

TEST(NetworkClient, ThrowsWhatTheOtherProcessThrew) {
  Fake fake("error");
  try {
    fake.fit();
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.problem(), "has no column 7");
    EXPECT_EQ(error.where(), "table");
    EXPECT_EQ(error.remedy(), "give another table");
  }
  EXPECT_THROW(Fake("unknown name").fit(), UnknownName);
}

TEST(NetworkClient, ForwardsAnInterruptionAndThrowsIt) {
  Fake fake("interrupt");
  RecordedProgress written;
  written.on_begin = request_interrupt;
  EXPECT_THROW(fake.fit(&written), Interrupted);
  clear_interrupt();
}

TEST(NetworkClient, ReportsHowTheOtherProcessEndedAndItsLastErrorOutput) {
  EXPECT_THAT(error_message([] { Fake("exit").fit(); }),
              AllOf(HasSubstr("exit code 3"), HasSubstr("the library failed: boom")));
  EXPECT_THAT(error_message([] { Fake("crash").fit(); }), HasSubstr("signal 6"));
  EXPECT_THAT(error_message([] { Fake("exit at once").fit(); }), HasSubstr("exit code 4"));
}

TEST(NetworkClient, StartsAnotherProcessAfterACrash) {
  Fake fake("crash");
  EXPECT_THROW(fake.fit(), Error);
  EXPECT_THAT(error_message([&] { fake.classifier->predict(fake.examples); }), HasSubstr("has not been fitted"));
  const Environment sound("FAKE_NEURAL_PROGRAM", "");
  fake.fit();
  EXPECT_EQ(fake.classifier->predict(fake.examples).size(), 3u);
}

TEST(NetworkClient, RefusesMalformedMessagesOtherProgramsAndOtherVersions) {
  EXPECT_THAT(error_message([] { Fake("garbage").fit(); }), HasSubstr("not a message"));
  EXPECT_THAT(error_message([] { Fake("other program").fit(); }), HasSubstr("does not greet"));
  EXPECT_THAT(error_message([] { Fake("other version").fit(); }),
              AllOf(HasSubstr("version 3"), HasSubstr("same installation")));
}

TEST(NetworkClient, IsNotBlockedByMuchErrorOutput) {
  Fake fake("chatter");
  fake.fit();
  EXPECT_EQ(fake.classifier->predict(fake.examples).size(), 3u);
}

TEST(NetworkClient, WithoutTheProgramReportsWhatToInstall) {
  const testing::TemporaryFolder empty;
  const Environment missing("GENREWISE_NEURAL_PROGRAM", (empty / "genrewise-neural").string());
  const auto classifier = make_classifier("dense", {}, 1);
  EXPECT_THAT(error_message([&] {
                classifier->fit({Matrix(2, 2), std::vector<int>{0, 1}, 2});
              }),
              AllOf(HasSubstr("genrewise-neural"), HasSubstr("GENREWISE_NEURAL_PROGRAM")));
}

TEST(NetworkClient, IsCheckedAndListedWithoutTheProgram) {
  const Environment missing("GENREWISE_NEURAL_PROGRAM", "/nowhere");
  EXPECT_THAT(error_message([] {
                make_classifier("dense", {{"optimiser", "lion"}}, 1);
              }),
              HasSubstr("adam, adamw, sgd"));
  EXPECT_THAT(error_message([] {
                make_classifier("cnn1d", {{"epoch", "3"}}, 1);
              }),
              AllOf(HasSubstr("epoch"), HasSubstr("learning_rate")));
  EXPECT_EQ(make_classifier("cnn1d", {}, 1)->parameters().at("epochs"), "100");
}

TEST(NetworkClient, IsLoadedAndSavedAgainWithoutTheProgram) {
  const Environment missing("GENREWISE_NEURAL_PROGRAM", "/nowhere");
  TensorArchive archive, again;
  archive.put("classifier.head.weight", std::vector<float>{1, 2, 3});
  archive.put("other", std::vector<float>{4});
  const auto classifier = make_classifier("dense", {}, 1);
  classifier->load(archive, "classifier.");
  classifier->save(again, "c.");
  EXPECT_EQ(again.tensors().size(), 1u);
  EXPECT_EQ(again.floats("c.head.weight", 3), (std::vector<float>{1, 2, 3}));
}

TEST(NeuralProcess, EndsWithItsObject) {
  const Fake fake("");
  pid_t id = 0;
  {
    const NeuralProcess process("a test needs");
    id = process.id();
    EXPECT_TRUE(runs(id));
  }
  EXPECT_FALSE(runs(id));
}

TEST(NeuralProcess, EndsWhenThisProcessIsKilled) {
  const Fake fake("");
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const pid_t parent = ::fork();
  ASSERT_GE(parent, 0);
  if (parent == 0) {
    const NeuralProcess process("a test needs");
    const pid_t id = process.id();
    [[maybe_unused]] const auto written = ::write(ends[1], &id, sizeof id);
    ::raise(SIGKILL);
  }
  pid_t id = 0;
  ASSERT_EQ(::read(ends[0], &id, sizeof id), static_cast<ssize_t>(sizeof id));
  ::waitpid(parent, nullptr, 0);
  EXPECT_TRUE(ends_soon(id));
  ::close(ends[0]);
  ::close(ends[1]);
}

}  // namespace
}  // namespace genrewise
