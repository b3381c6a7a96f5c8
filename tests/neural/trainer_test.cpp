#include <gmock/gmock.h>

#include <fstream>
#include <map>
#include <thread>

#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "genrewise/models/neural/training/settings.hpp"
#include "genrewise/models/neural/training/streams.hpp"
#include "genrewise/storage/files.hpp"
#include "support/test_support.hpp"
#include "trainer_support.hpp"

namespace genrewise {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;
using namespace testing;

const Parameters kSmall = {{"hidden_layer_sizes", "8"},
                           {"epochs", "4"},
                           {"batch_size", "8"},
                           {"validation_share", "0.3"},
                           {"mixup", "0.3"},
                           {"gradient_clip", "1"},
                           {"warmup_epochs", "1"},
                           {"class_weight", "balanced"},
                           {"noise", "0.1"}};

/// curves.csv without the columns that depend on the clock.
std::string curves_of(const fs::path& run_folder) {
  std::ifstream file(run_folder / "curves.csv");
  std::string line, all;
  while (std::getline(file, line)) {
    std::size_t comma = std::string::npos;
    for (int i = 0; i < 3; ++i) comma = line.rfind(',', comma == std::string::npos ? comma : comma - 1);
    all += line.substr(0, comma) + "\n";
  }
  return all;
}

TEST(Trainer, IsReproducibleWithTheSameSeedAndDiffersWithAnother) {
  const Examples examples = made_examples(60, 12, 3);
  const std::string one = state_of(*fitted("dense", kSmall, examples, 3));
  EXPECT_EQ(state_of(*fitted("dense", kSmall, examples, 3)), one);
  EXPECT_NE(state_of(*fitted("dense", kSmall, examples, 3, {}, 8)), one);
}

class ResumedTraining : public ::testing::TestWithParam<const char*> {};

TEST_P(ResumedTraining, IsBitwiseEqualToUninterruptedTraining) {
  const std::string optimiser = GetParam();
  const Examples examples = made_examples(60, 12, 3);
  Parameters parameters = kSmall;
  parameters["optimiser"] = optimiser;
  parameters["schedule"] = "plateau";
  parameters["plateau_patience"] = "0";
  TemporaryFolder folder;
  FitContext whole, parted;
  whole.run_folder = folder / "whole";
  parted.run_folder = folder / "parted";
  const std::string expected = state_of(*fitted("dense", parameters, examples, 3, whole));
  for (const std::uint64_t clips : {12, 30, 61, 16}) {  // within an epoch, at its end, and repeatedly
    Stopping stop(clips);
    parted.progress = &stop;
    EXPECT_THROW(fitted("dense", parameters, examples, 3, parted), Interrupted);
    clear_interrupt();
  }
  parted.progress = nullptr;
  EXPECT_EQ(state_of(*fitted("dense", parameters, examples, 3, parted)), expected);
  EXPECT_EQ(curves_of(folder / "parted"), curves_of(folder / "whole"));
}

INSTANTIATE_TEST_SUITE_P(Optimisers, ResumedTraining, ::testing::Values("adam", "adamw", "sgd"),
                         [](const auto& one) { return std::string(one.param); });

TEST(Trainer, ResumesNetworksWithBatchStatisticsBitwise) {
  const Examples examples = made_examples(24, 1200, 2);
  const Parameters parameters = {{"epochs", "3"}, {"batch_size", "8"}, {"validation_share", "0.25"}};
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  Stopping stop(20);
  context.progress = &stop;
  Runtime::current().set_device("cpu");  // a GPU sums gradients of convolutions in any order
  EXPECT_THROW(fitted("cnn1d_strided", parameters, examples, 2, context), Interrupted);
  clear_interrupt();
  context.progress = nullptr;
  EXPECT_EQ(state_of(*fitted("cnn1d_strided", parameters, examples, 2, context)),
            state_of(*fitted("cnn1d_strided", parameters, examples, 2)));
  Runtime::current().set_device("auto");
}

TEST(Trainer, DoesNothingWhenTheRunIsFinished) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  const std::string first = state_of(*fitted("dense", kSmall, examples, 3, context));
  Stopping counting;
  context.progress = &counting;
  EXPECT_EQ(state_of(*fitted("dense", kSmall, examples, 3, context)), first);
  EXPECT_TRUE(counting.notes.empty());
}

TEST(Trainer, WritesConfigurationCurvesCheckpointsAndEventsToTheRunFolder) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder.path() / "deep" / "run";
  Stopping listening;
  context.progress = &listening;
  fitted("dense", kSmall, examples, 3, context);
  for (const char* name : {"config.json", "curves.csv", "last.safetensors", "best.safetensors"})
    EXPECT_TRUE(fs::exists(context.run_folder / name)) << name;
  std::size_t events = 0;
  for (const auto& entry : fs::directory_iterator(context.run_folder))
    events += entry.path().filename().string().starts_with("events.out.tfevents");
  EXPECT_EQ(events, 1u);
  ASSERT_EQ(listening.notes.size(), 4u);
  EXPECT_THAT(listening.notes[3], AllOf(HasSubstr("epoch 4 of 4"), HasSubstr("validation loss"), HasSubstr("clips/s"),
                                        HasSubstr("input wait")));
}

TEST(Trainer, RefusesTheRunFolderOfAnotherTraining) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  context.labels = {"Folk", "Jazz", "Rock"};
  fitted("dense", kSmall, examples, 3, context);
  Parameters other = kSmall;
  other["epochs"] = "5";
  EXPECT_THAT(error_message([&] { fitted("dense", other, examples, 3, context); }),
              HasSubstr("parameters/epochs differs"));
  context.labels[1] = "Pop";
  EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }),
              HasSubstr("label_names/1 differs"));
  context.labels[1] = "Jazz";
  EXPECT_THAT(error_message([&] { fitted("dense", kSmall, made_examples(60, 12, 3, 1.5, 2), 3, context); }),
              HasSubstr("data differs"));
}

TEST(Trainer, RefusesADamagedCheckpoint) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  fitted("dense", kSmall, examples, 3, context);
  const fs::path last = context.run_folder / "last.safetensors";
  const std::string bytes = read_file(last);
  write_file(last, bytes.substr(0, bytes.size() / 2));
  EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }), HasSubstr("last.safetensors"));
}

TEST(Trainer, RefusesACheckpointWithAFlippedBitOrOfAnotherRunOrWithoutAChecksum) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context, other_context;
  context.run_folder = folder / "run";
  other_context.run_folder = folder / "other";
  Parameters other = kSmall;
  other["learning_rate"] = "0.5";
  fitted("dense", kSmall, examples, 3, context);
  fitted("dense", other, examples, 3, other_context);
  for (const char* name : {"last.safetensors", "best.safetensors"}) {
    const fs::path checkpoint = context.run_folder / name;
    const std::string bytes = read_file(checkpoint);
    for (const std::size_t at : {bytes.size() / 3, bytes.size() / 2, bytes.size() - 1}) {
      std::string flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 4);
      write_file(checkpoint, flipped);
      EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }), HasSubstr(name)) << at;
    }
    write_file(checkpoint, read_file(other_context.run_folder / name));
    EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }),
                HasSubstr("is a checkpoint of another training run"));
    write_file(checkpoint, bytes);
    TensorArchive unsealed = TensorArchive::read(checkpoint);
    unsealed.metadata.erase("sha256");
    write_file(checkpoint, unsealed.serialise());
    EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }), HasSubstr("has no checksum"));
    write_file(checkpoint, bytes);
  }
  EXPECT_EQ(error_message([&] { fitted("dense", kSmall, examples, 3, context); }), "no error");
}

TEST(Trainer, RefusesACheckpointWhoseStateNoTrainingHas) {
  const Examples examples = made_examples(60, 12, 3);
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  fitted("dense", kSmall, examples, 3, context);
  const fs::path last = context.run_folder / "last.safetensors";
  const TensorArchive sound = TensorArchive::read(last);
  const nlohmann::json changes[] = {{{"epoch", 10'000}},
                                    {{"epoch", -1}},
                                    {{"best_epoch", 10'000}},
                                    {{"waited", -1}},
                                    {{"plateau_waited", INT32_MAX}},
                                    {{"curve", nlohmann::json::array()}},
                                    {{"finished", false}}};
  for (const nlohmann::json& change : changes) {
    TensorArchive archive = TensorArchive::read(last);
    nlohmann::json state = nlohmann::json::parse(archive.metadata.at("state"));
    state.update(change);
    archive.metadata["state"] = state.dump();
    write_file(last, archive.serialise_sealed());
    EXPECT_THAT(error_message([&] { fitted("dense", kSmall, examples, 3, context); }),
                AnyOf(HasSubstr("state contradicts itself"), HasSubstr("state is invalid")))
        << change;
    TensorArchive restored = TensorArchive::read(last);
    restored.metadata = sound.metadata;
    write_file(last, restored.serialise_sealed());
  }
  EXPECT_EQ(error_message([&] { fitted("dense", kSmall, examples, 3, context); }), "no error");
}

TEST(Trainer, DoesNotContinueBehindTheLastBatch) {
  const Examples examples = made_examples(10, 2, 2);
  std::vector<std::size_t> rows{0, 1, 2, 3, 4};
  const neural::MatrixStreamConfig config{.batch_size = 2};
  BatchPosition position = neural::MatrixStream(examples.values, examples.labels, rows, config).position();
  auto from = config;
  for (const std::uint64_t batch : {2, 3, 1'000'000}) {
    position.batch = batch;
    from.start = position;
    const auto open = [&] { neural::MatrixStream(examples.values, examples.labels, rows, from); };
    EXPECT_EQ(error_message(open) == "no error", batch < 3) << batch;
  }
}

TEST(Trainer, NamesTheBatchWhoseLossIsNotFinite) {
  Examples examples = made_examples(40, 6, 2);
  for (std::size_t j = 0; j < 6; ++j) examples.values(17, j) = 3e38F;
  const Parameters parameters = {
      {"epochs", "1"}, {"batch_size", "8"}, {"batch_norm", "false"}, {"input_norm", "false"}};
  EXPECT_THAT(error_message([&] { fitted("dense", parameters, examples, 2); }),
              AllOf(HasSubstr("not a finite number in epoch 1, batch "), HasSubstr("17"), HasSubstr("learning_rate")));
}

TEST(Trainer, ReportsWhichSettingToLowerWhenMemoryRunsOut) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer ends the process where an allocation is too large";
#endif
  const Parameters parameters = {{"hidden_layer_sizes", "1000000,1000000"}};
  EXPECT_THAT(error_message([&] { fitted("dense", parameters, made_examples(8, 4, 2), 2); }),
              AllOf(HasSubstr("not enough memory"), HasSubstr("batch_size")));
}

TEST(Trainer, ReportsThatARequestedGpuIsMissing) {
  Runtime::current().set_device("cuda:7");
  const std::string problem = error_message([] { fitted("dense", {{"epochs", "1"}}, made_examples(8, 4, 2), 2); });
  Runtime::current().set_device("auto");
  EXPECT_THAT(problem, AllOf(HasSubstr("--device cuda:7"), HasSubstr("GPU")));
  EXPECT_THAT(error_message([] { Runtime::current().set_device("tpu"); }), HasSubstr("auto, cpu, cuda or cuda:N"));
  EXPECT_THAT(error_message([] { Runtime::current().set_device("cuda:x"); }), HasSubstr("auto, cpu, cuda or cuda:N"));
}

TEST(Trainer, StopsEarlyWhenValidationDoesNotImproveAndKeepsTheBest) {
  const Examples examples = made_examples(60, 12, 3, 0);  // no signal: validation soon gets worse
  Parameters parameters = {{"epochs", "200"},
                           {"patience", "3"},
                           {"validation_share", "0.3"},
                           {"learning_rate", "0.01"},
                           {"schedule", "constant"}};
  Stopping listening;
  FitContext context;
  context.progress = &listening;
  fitted("dense", parameters, examples, 3, context);
  EXPECT_LT(listening.notes.size(), 200u);
  EXPECT_GE(listening.notes.size(), 4u);
}

/// Training and validation examples of one distribution.
struct Parts {
  Examples training = made_examples(60, 12, 3), validation = made_examples(30, 12, 3, 1.5, 2);
  TrainingData held_out{validation.values, validation.labels, 3};
};

TEST(Trainer, MeasuresAGivenValidationPartAndReturnsTheCurve) {
  const Parts parts;
  TrainingCurve curve;
  FitContext context;
  context.validation = &parts.held_out;
  context.curve = &curve;
  Stopping listening;
  context.progress = &listening;
  Parameters parameters = kSmall;
  parameters["learning_rate"] = "0.02";
  const auto classifier = fitted("dense", parameters, parts.training, 3, context);
  ASSERT_EQ(curve.epochs.size(), 4u);
  EXPECT_EQ(curve.epochs[2].epoch, 3u);
  EXPECT_EQ(curve.learning_rate, 0.02);
  const auto best =
      std::ranges::min_element(curve.epochs, {}, [](const auto& epoch) { return *epoch.validation_loss; });
  EXPECT_EQ(curve.chosen_epoch, best->epoch);
  EXPECT_NEAR(accuracy_of(*classifier, parts.validation), *best->validation_accuracy, 1e-9)
      << "the chosen epoch's weights are kept";
  EXPECT_THAT(listening.notes.front(), HasSubstr("validation_share has no effect"));
  const Examples wide = made_examples(4, 13, 3);
  const TrainingData other{wide.values, wide.labels, 3};
  context.validation = &other;
  EXPECT_THAT(error_message([&] { fitted("dense", kSmall, parts.training, 3, context); }), HasSubstr("13"));
}

TEST(Trainer, FollowsACurveToItsChosenEpochWithItsLearningRates) {
  const Parts parts;
  TrainingCurve first, second;
  Parameters parameters = {{"epochs", "40"},           {"hidden_layer_sizes", "8"}, {"learning_rate", "auto"},
                           {"schedule", "plateau"},    {"plateau_patience", "0"},   {"warmup_epochs", "1"},
                           {"validation_share", "0.5"}};
  FitContext context;
  context.validation = &parts.held_out;
  context.curve = &first;
  fitted("dense", parameters, parts.training, 3, context);
  ASSERT_LT(first.epochs.back().learning_rate, first.learning_rate) << "plateau lowers it";
  ASSERT_GT(first.chosen_epoch, 2u);
  context = {};
  context.follow = &first;
  context.curve = &second;
  TemporaryFolder folder;
  context.run_folder = folder / "run";
  fitted("dense", parameters, parts.training, 3, context);
  EXPECT_EQ(second.epochs.size(), first.chosen_epoch);
  EXPECT_EQ(second.chosen_epoch, first.chosen_epoch);
  for (std::size_t i = 0; i < second.epochs.size(); ++i) {
    EXPECT_DOUBLE_EQ(second.epochs[i].learning_rate, first.epochs[i].learning_rate) << i;
    EXPECT_FALSE(second.epochs[i].validation_loss) << "no examples are held out";
  }
  first.chosen_epoch = 1;
  EXPECT_THAT(error_message([&] { fitted("dense", parameters, parts.training, 3, context); }),
              HasSubstr("follows differs"));
}

TEST(Trainer, StopsDuringTheValidationAndContinuesBitwise) {
  const Parts parts;
  TemporaryFolder folder;
  TrainingCurve whole, parted;
  FitContext context;
  context.validation = &parts.held_out;
  context.curve = &whole;
  const std::string expected = state_of(*fitted("dense", kSmall, parts.training, 3, context));
  context.run_folder = folder / "run";
  context.curve = &parted;
  Stopping stop(2 * 60);  // requested by the last batch of the second epoch, and noticed by its validation
  context.progress = &stop;
  EXPECT_THROW(fitted("dense", kSmall, parts.training, 3, context), Interrupted);
  clear_interrupt();
  EXPECT_THAT(stop.notes.back(), HasSubstr("epoch 1 of 4"));
  context.progress = nullptr;
  EXPECT_EQ(state_of(*fitted("dense", kSmall, parts.training, 3, context)), expected);
  EXPECT_EQ(to_json(parted), to_json(whole));
}

TEST(Trainer, ReplacesTheRunFolderOfAnotherOrADamagedRunWhereThatIsAllowed) {
  const Parts parts;
  TemporaryFolder folder;
  FitContext context;
  context.run_folder = folder / "run";
  context.replace_run = true;
  const std::string expected = state_of(*fitted("dense", kSmall, parts.training, 3));
  Parameters other = kSmall;
  other["learning_rate"] = "0.5";
  fitted("dense", other, parts.training, 3, context);
  Stopping listening;
  context.progress = &listening;
  EXPECT_EQ(state_of(*fitted("dense", kSmall, parts.training, 3, context)), expected);
  EXPECT_THAT(listening.notes.front(), AllOf(HasSubstr("learning_rate differs"), HasSubstr("starting it again")));
  for (const char* name : {"last.safetensors", "best.safetensors", "config.json"}) {
    std::string bytes = read_file(context.run_folder / name);
    bytes[bytes.size() / 2] ^= 4;
    write_file(context.run_folder / name, bytes);
    listening.notes.clear();
    EXPECT_EQ(state_of(*fitted("dense", kSmall, parts.training, 3, context)), expected) << name;
    EXPECT_THAT(listening.notes.front(), HasSubstr("starting it again")) << name;
  }
}

TEST(Trainer, HoldsOutWholeGroups) {
  // Each group's examples are the same row, with their own label: a network can only memorise them. If a group were in
  // both parts, validation would be as good as training.
  Rng rng(3);
  Examples examples{Matrix(60, 12), {}};
  FitContext context;
  std::vector<std::string> groups;
  for (std::size_t i = 0; i < 60; ++i) {
    const std::size_t group = i / 6;
    examples.labels.push_back(static_cast<int>(group % 2));
    groups.push_back("artist " + std::to_string(group));
    for (std::size_t j = 0; j < 12; ++j)
      examples.values(i, j) = i % 6 == 0 ? static_cast<float>(rng.normal()) : examples.values(i - 1, j);
  }
  Stopping listening;
  context.progress = &listening;
  const Parameters parameters = {{"epochs", "30"},       {"validation_share", "0.4"}, {"learning_rate", "0.02"},
                                 {"dropout", "0"},       {"schedule", "constant"},    {"batch_norm", "false"},
                                 {"input_norm", "false"}};
  fitted("dense", parameters, examples, 2, context, 7, groups);
  EXPECT_THAT(listening.notes.back(), HasSubstr("accuracy 100.0 %; validation"));
  EXPECT_THAT(listening.notes.back(), Not(HasSubstr("%; validation loss 0.0")));
}

TEST(Trainer, FindsALearningRateThatConverges) {
  const Examples examples = made_examples(120, 12, 3, 2);
  Stopping listening;
  FitContext context;
  context.progress = &listening;
  const auto classifier = fitted("dense", {{"learning_rate", "auto"}, {"epochs", "20"}}, examples, 3, context);
  EXPECT_THAT(listening.notes.front(), HasSubstr("learning rate found"));
  EXPECT_GT(accuracy_of(*classifier, examples), 0.9);
}

TEST(Trainer, GivesTheSameNetworkWithTwoRanksAsWithOne) {
  const Examples examples = made_examples(64, 10, 2);
  // Without dropout and batch statistics, which differ between ranks.
  const Parameters parameters = {
      {"epochs", "3"},  {"batch_size", "16"},   {"batch_norm", "false"},    {"input_norm", "false"},
      {"dropout", "0"}, {"gradient_clip", "1"}, {"hidden_layer_sizes", "8"}};
  const Matrix alone = fitted("dense", parameters, examples, 2)->predict_probabilities(examples.values);
  const std::string address = "127.0.0.1:" + std::to_string(free_port());
  Matrix together[2];
  std::string problems[2];
  const auto run = [&](int rank) {
    FitContext context;
    context.ranks_address = address;
    context.rank = rank;
    context.ranks = 2;
    problems[rank] = error_message([&] {
      together[rank] = fitted("dense", parameters, examples, 2, context)->predict_probabilities(examples.values);
    });
  };
  std::thread other(run, 1);
  run(0);
  other.join();
  if (problems[0].find("built without") != std::string::npos) GTEST_SKIP() << problems[0];
  ASSERT_EQ(problems[0], "no error");
  ASSERT_EQ(problems[1], "no error");
  EXPECT_EQ(together[0], together[1]);
  constexpr float kTolerance = 1e-4F;  // the same sums in another order, over a dozen steps
  for (std::size_t i = 0; i < alone.values().size(); ++i)
    EXPECT_NEAR(together[0].values()[i], alone.values()[i], kTolerance);
}

TEST(Trainer, GivesTheSameBitsInAGroupOfOne) {
  const Examples examples = made_examples(40, 10, 2);
  FitContext context;
  context.ranks_address = "127.0.0.1:" + std::to_string(free_port());
  context.rank = 0;
  context.ranks = 1;
  Runtime::current().set_device("cpu");
  std::string grouped;
  const std::string problem =
      error_message([&] { grouped = state_of(*fitted("dense", kSmall, examples, 2, context)); });
  if (problem.find("built without") != std::string::npos) GTEST_SKIP() << problem;
  ASSERT_EQ(problem, "no error");
  EXPECT_EQ(grouped, state_of(*fitted("dense", kSmall, examples, 2)));
  Runtime::current().set_device("auto");
}

TEST(Schedule, WarmsUpLinearlyAndFallsAlongACosine) {
  neural::TrainerConfig config;
  config.epochs = 10;
  config.warmup_epochs = 2;
  config.schedule = neural::ScheduleKind::cosine;
  EXPECT_DOUBLE_EQ(neural::schedule_share(config, 0, 5), 0.1);
  EXPECT_DOUBLE_EQ(neural::schedule_share(config, 9, 5), 1.0);
  EXPECT_NEAR(neural::schedule_share(config, 30, 5), 0.505, 1e-9);  // midway between 1 and 0.01
  EXPECT_NEAR(neural::schedule_share(config, 50, 5), 0.01, 1e-9);
  config.schedule = neural::ScheduleKind::constant;
  EXPECT_DOUBLE_EQ(neural::schedule_share(config, 30, 5), 1.0);
}

std::vector<float> all_features(BatchStream& stream, std::vector<int>* labels = nullptr) {
  std::vector<float> all;
  Batch batch;
  while (stream.next(batch)) {
    all.insert(all.end(), batch.features.begin(),
               batch.features.begin() + static_cast<std::ptrdiff_t>(batch.size * batch.values));
    if (labels != nullptr) labels->insert(labels->end(), batch.labels.begin(), batch.labels.end());
  }
  return all;
}

std::unique_ptr<BatchStream> stream_of(const Examples& examples, neural::MatrixStreamConfig config) {
  std::vector<std::size_t> rows(examples.labels.size());
  for (std::size_t i = 0; i < rows.size(); ++i) rows[i] = i;
  return std::make_unique<neural::MatrixStream>(examples.values, examples.labels, rows, std::move(config));
}

TEST(MatrixStream, ReturnsEachExampleOncePerEpochInANewOrder) {
  const Examples examples = made_examples(10, 1, 2);
  const auto stream = stream_of(examples, {.batch_size = 4, .epochs = 2});
  const std::vector<float> all = all_features(*stream);
  ASSERT_EQ(all.size(), 20u);
  std::vector<float> first(all.begin(), all.begin() + 10), second(all.begin() + 10, all.end());
  EXPECT_NE(first, second);
  std::ranges::sort(first);
  std::ranges::sort(second);
  EXPECT_EQ(first, second);
}

TEST(MatrixStream, ContinuesFromAPositionAndRefusesOneOfOtherData) {
  const Examples examples = made_examples(10, 2, 2);
  const auto whole = stream_of(examples, {.batch_size = 3, .epochs = 2});
  Batch batch;
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(whole->next(batch));
  const BatchPosition position = whole->position();
  const std::vector<float> rest = all_features(*whole);
  EXPECT_EQ(all_features(*stream_of(examples, {.batch_size = 3, .epochs = 2, .start = position})), rest);
  EXPECT_THAT(error_message([&] { stream_of(examples, {.batch_size = 4, .epochs = 2, .start = position}); }),
              HasSubstr("other data or another order"));
}

TEST(MatrixStream, SharesEachBatchAmongRanks) {
  const Examples examples = made_examples(7, 1, 2);
  const auto read = [&](int rank, int ranks) {
    return all_features(*stream_of(examples, {.batch_size = 7, .rank = rank, .ranks = ranks}));
  };
  std::vector<float> joined = read(0, 2);
  const std::vector<float> second = read(1, 2);
  joined.insert(joined.end(), second.begin(), second.end());
  EXPECT_EQ(joined, read(0, 1));
}

TEST(PrefetchedStream, ReturnsTheSameBatchesAndForwardsExceptions) {
  class Failing final : public BatchStream {
   public:
    bool next(Batch& batch) override {
      if (++number_ == 3) throw Error("the disk is gone");
      batch.size = 0;
      batch.number = number_;
      return true;
    }
    BatchPosition position() const override { return {0, number_, "f"}; }

   private:
    std::uint64_t number_ = 0;
  };
  const Examples examples = made_examples(50, 3, 2);
  auto plain = stream_of(examples, {.batch_size = 4, .epochs = 3});
  auto ahead = neural::prefetched(stream_of(examples, {.batch_size = 4, .epochs = 3}));
  EXPECT_EQ(all_features(*ahead), all_features(*plain));
  const auto failing = neural::prefetched(std::make_unique<Failing>());
  Batch batch;
  ASSERT_TRUE(failing->next(batch));
  EXPECT_EQ(failing->position().batch, 1u);
  ASSERT_TRUE(failing->next(batch));
  EXPECT_THAT(error_message([&] { failing->next(batch); }), HasSubstr("the disk is gone"));
}

std::vector<float> augmented(const Examples& examples, neural::InputShape shape, neural::AugmentationConfig config,
                             std::uint64_t seed = 1) {
  neural::AugmentedStream stream(stream_of(examples, {.batch_size = 4}), shape, config, seed);
  return all_features(stream);
}

TEST(Augmentation, DependsOnlyOnTheSeed) {
  const Examples examples = made_examples(12, 20, 2);
  neural::AugmentationConfig config;
  config.mixup = 0.5;
  config.noise = 0.2;
  config.gain_db = 6;
  config.shift = 3;
  config.time_masks = 2;
  EXPECT_EQ(augmented(examples, {1, 20}, config), augmented(examples, {1, 20}, config));
  EXPECT_NE(augmented(examples, {1, 20}, config, 2), augmented(examples, {1, 20}, config));
}

TEST(Augmentation, RepeatsItsCopiesWhateverTheBatch) {
  const Examples examples = made_examples(12, 20, 2);
  neural::AugmentationConfig config;
  config.noise = 0.2;
  config.copies = 2;
  const auto epochs = [&](neural::MatrixStreamConfig stream_config) {
    neural::AugmentedStream stream(stream_of(examples, stream_config), {1, 20}, config, 1);
    std::map<std::pair<std::uint64_t, std::uint32_t>, std::vector<float>> rows;
    for (Batch batch; stream.next(batch);)
      for (std::size_t i = 0; i < batch.size; ++i)
        rows[{batch.epoch, batch.records[i]}] = {batch.row(i).begin(), batch.row(i).end()};
    return rows;
  };
  auto rows = epochs({.batch_size = 4, .epochs = 3});
  EXPECT_EQ(rows, epochs({.batch_size = 5, .epochs = 3}));
  for (std::uint32_t record = 0; record < 12; ++record) {
    EXPECT_EQ((rows[{0, record}]), (rows[{2, record}]));
    EXPECT_NE((rows[{0, record}]), (rows[{1, record}]));
  }
}

TEST(Augmentation, CropsTheSameColumnsOfEveryRow) {
  Examples examples{Matrix(1, 12), {0}};
  for (std::size_t j = 0; j < 12; ++j) examples.values(0, j) = static_cast<float>(j);  // 2 rows x 6 columns
  neural::AugmentationConfig config;
  config.crop = 4;
  const auto out = augmented(examples, {2, 6}, config);
  ASSERT_EQ(out.size(), 8u);
  for (std::size_t t = 0; t < 4; ++t) {
    EXPECT_EQ(out[t], out[0] + static_cast<float>(t));
    EXPECT_EQ(out[4 + t], out[t] + 6);
  }
  config.crop = 7;
  EXPECT_THAT(error_message([&] { augmented(examples, {2, 6}, config); }), HasSubstr("crop = 7"));
}

TEST(Augmentation, MasksWholeRowsAndColumnsWithTheMean) {
  Examples examples{Matrix(4, 100), {0, 1, 0, 1}};
  for (float& value : examples.values.values()) value = 0;
  for (std::size_t i = 0; i < 4; ++i) examples.values(i, 0) = 100;  // the mean is 1
  neural::AugmentationConfig config;
  config.frequency_masks = 3;
  config.frequency_mask_share = 0.5;
  const auto out = augmented(examples, {10, 10}, config);
  std::size_t masked = 0;
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t r = 0; r < 10; ++r) {
      const bool whole =
          std::ranges::all_of(std::span(out).subspan(i * 100 + r * 10, 10), [](float v) { return v == 1; });
      const bool none =
          std::ranges::none_of(std::span(out).subspan(i * 100 + r * 10, 10), [](float v) { return v == 1; });
      EXPECT_TRUE(whole || none);
      masked += whole;
    }
  EXPECT_GT(masked, 0u);
}

TEST(Augmentation, MixesExamplesOfABatchAndStoresTheirSecondLabel) {
  Examples examples{Matrix(4, 1, {0, 1, 2, 3}), {0, 1, 2, 3}};
  neural::AugmentationConfig config;
  config.mixup = 1;
  neural::AugmentedStream stream(stream_of(examples, {.batch_size = 4}), {1, 1}, config, 5);
  Batch batch;
  ASSERT_TRUE(stream.next(batch));
  ASSERT_EQ(batch.other_labels.size(), 4u);
  for (std::size_t i = 0; i < 4; ++i) {
    const float share = batch.other_shares[i];
    EXPECT_LE(share, 0.5F);
    EXPECT_NEAR(batch.features[i],
                (1 - share) * static_cast<float>(batch.labels[i]) + share * static_cast<float>(batch.other_labels[i]),
                1e-6);
  }
}

TEST(Augmentation, MixesWithFiniteSharesForAnyAlpha) {
  const Examples examples{Matrix(4, 1, {0, 1, 2, 3}), {0, 1, 2, 3}};
  neural::AugmentationConfig config;
  config.mixup = 1e-3;
  neural::AugmentedStream stream(stream_of(examples, {.batch_size = 4, .epochs = 50}), {1, 1}, config, 5);
  for (const float value : all_features(stream)) ASSERT_TRUE(value >= 0 && value <= 3) << value;
}

}  // namespace
}  // namespace genrewise
