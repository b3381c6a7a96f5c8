// Decoding in worker processes: equal results, and every way in which a worker can fail is a fault of that file.
#include "genrewise/audio/isolation.hpp"

#include <gmock/gmock.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <cerrno>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <thread>

#include "audio/audio_test_support.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/audio/decoders.hpp"
#include "genrewise/base/parallel.hpp"
#include "genrewise/base/runtime.hpp"
#include "support/environment.hpp"

namespace genrewise {
namespace {

using testing::decode_text;
using testing::Environment;
using testing::error_message;
using testing::golden_audio;
using ::testing::HasSubstr;
using testing::reason_of;
using testing::TemporaryFolder;

/// Two seconds of a tone; with `fault`, one that the worker of the tests fails for.
std::string tone(const std::string& fault = "") {
  std::vector<std::int16_t> samples(16'000);
  for (std::size_t i = 0; i < samples.size(); ++i)
    samples[i] = static_cast<std::int16_t>(9000 * std::sin(0.2 * static_cast<double>(i)));
  return testing::wav_of(samples, 1, 8000) + (fault.empty() ? "" : "FAULT " + fault);
}

class Isolation : public ::testing::Test {
 protected:
  Isolation() { isolate_decoding(limits()); }
  static DecodeIsolation limits() { return {.worker = testing::bin_folder() / "faulty_decode_worker"}; }

  Runtime runtime_{{.threads = 4}};
  UseRuntime use_{runtime_};
};

TEST_F(Isolation, ReturnsTheSameSamplesPropertiesAndFaultsAsThisProcess) {
  TemporaryFolder folder;
  write_file(folder / "tone.wav", tone());
  write_file(folder / "cut.wav", tone().substr(0, 20'000));
  write_file(folder / "text.mp3", "no music");
  write_file(folder / "empty.mp3", "");
  std::vector<std::filesystem::path> paths{folder / "missing.mp3"};
  for (const std::filesystem::path& from : {folder.path(), testing::golden_path("audio")})
    for (const auto& entry : std::filesystem::directory_iterator(from)) paths.push_back(entry.path());
  const DecodeOptions options[] = {{},
                                   {.clip = kDefaultClip, .sample_rate_hz = 22'050},
                                   testing::window(0.25, 0.5),
                                   {.clip = {.duration_s = 0.5, .slack_s = std::numeric_limits<double>::infinity()}}};
  for (const auto& path : paths) {
    for (const DecodeOptions& chosen : options) {
      isolate_decoding({});
      const auto here = decode_file(path, chosen);
      const auto info = probe_file(path);
      isolate_decoding(limits());
      const auto there = decode_file(path, chosen);
      const auto info_there = probe_file(path);
      ASSERT_EQ(here.has_value(), there.has_value()) << path;
      ASSERT_EQ(info.has_value(), info_there.has_value()) << path;
      if (here) {
        EXPECT_EQ(here->sample_rate_hz, there->sample_rate_hz) << path;
        EXPECT_EQ(here->samples, there->samples) << path;  // bit by bit: no sample is NaN
      } else {
        EXPECT_EQ(to_string(here.error()), to_string(there.error()));
      }
      if (!info) continue;
      EXPECT_EQ(info->format, info_there->format);
      EXPECT_EQ(info->codec, info_there->codec);
      EXPECT_EQ(info->sample_rate_hz, info_there->sample_rate_hz);
      EXPECT_EQ(info->channels, info_there->channels);
      EXPECT_EQ(info->duration_s, info_there->duration_s);
      EXPECT_EQ(info->bit_rate_kbps, info_there->bit_rate_kbps);
    }
  }
}

TEST_F(Isolation, EveryFailureOfAWorkerIsAFaultOfThatFileAndTheNextIsDecoded) {
  auto strict = limits();
  strict.max_seconds = 2;
  strict.max_memory_bytes = std::uint64_t{96} << 20;
  isolate_decoding(strict);
  const std::pair<const char*, const char*> expected[] = {
      {"crash", "decoder crashed (signal 11)"}, {"exit", "decoder ended (exit code 3)"},
      {"memory", "needed more than 96 MiB"},    {"throw", "decoder failed"},
      {"hang", "took longer than 2 s"},         {"flood", "took longer than 2 s"},
      {"garbage", "decoder sent invalid data"}, {"large", "decoder sent invalid data"},
      {"outside", "decoder sent invalid data"}, {"types", "decoder sent invalid data"},
      {"nan", "decoder sent invalid data"},     {"rate", "decoder sent invalid data"},
      {"info", "decoder sent invalid data"}};
  for (const auto& [kind, reason] : expected) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    if (kind == std::string_view("memory")) continue;  // its own allocator ends the worker first
#endif
    const auto wave = decode_text(tone(kind), testing::window(0, 1), "odd.wav");
    EXPECT_EQ(reason_of(wave), reason) << kind;
    EXPECT_EQ(wave ? "" : wave.error().where, "odd.wav") << kind;
    const auto next = decode_text(tone());
    EXPECT_EQ(reason_of(next), "none") << "after " << kind;
    EXPECT_EQ(next ? next->samples.size() : 0, 16'000u);
  }
}

TEST_F(Isolation, AFileThatFailsInAUsedWorkerIsTriedInANewOne) {
  ASSERT_EQ(reason_of(decode_text(tone())), "none");
  EXPECT_EQ(reason_of(decode_text(tone("crash later"))), "none");
}

TEST_F(Isolation, AWorkerCannotReachNetworkFilesOrProcesses) {
  if (!std::filesystem::exists("/proc/sys/kernel/seccomp/actions_avail")) GTEST_SKIP() << "the kernel has no seccomp";
  const bool has_landlock = ::syscall(__NR_landlock_create_ruleset, nullptr, 0, 1 /* its version */) > 0;
  EXPECT_EQ(decode_text(tone("escape")).error().detail, has_landlock ? "escaped by: " : "escaped by: read list ");
  const std::string sandbox = decode_sandbox();
  EXPECT_EQ(sandbox.substr(0, sandbox.find(" (")), has_landlock ? "seccomp and Landlock" : "seccomp");
  EXPECT_EQ(std::system("true"), 0) << "only a thread was confined";
}

TEST_F(Isolation, ThreadsUseAWorkerEach) {
  const auto bytes = tone(), crashing = tone("crash");
  std::vector<std::string> reasons(40);
  parallel_for(reasons.size(),
               [&](std::size_t i, int) { reasons[i] = reason_of(decode_text(i % 4 ? bytes : crashing)); });
  for (std::size_t i = 0; i < reasons.size(); ++i)
    EXPECT_EQ(reasons[i], i % 4 ? "none" : "decoder crashed (signal 11)") << i;
}

TEST_F(Isolation, AnInterruptEndsAWorkerThatHangs) {
  std::jthread other([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    runtime_.request_interrupt();
  });
  EXPECT_THROW(static_cast<void>(decode_text(tone("hang"))), Interrupted);
}

TEST(Isolated, NoWorkerOutlivesItsRuntime) {
  {
    Runtime runtime;
    const UseRuntime use(runtime);
    isolate_decoding(DecodeIsolation{.worker = testing::bin_folder() / "faulty_decode_worker"});
    ASSERT_EQ(reason_of(decode_text(tone())), "none");
  }
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
}

TEST(Isolated, AMissingOrForeignProgramAndImpossibleLimitsAreErrors) {
  Runtime runtime;
  const UseRuntime use(runtime);
  EXPECT_THAT(error_message([] { isolate_decoding(DecodeIsolation{.worker = "/no/such/program"}); }),
              ::testing::AllOf(HasSubstr("/no/such/program"), HasSubstr("GENREWISE_DECODE_WORKER")));
  EXPECT_THAT(error_message([] { isolate_decoding(DecodeIsolation{.max_seconds = 0, .worker = "/bin/true"}); }),
              HasSubstr("positive"));
  const Environment wrong("GENREWISE_DECODE_WORKER", "/no/such/program");
  EXPECT_THAT(error_message([] { isolate_decoding(DecodeIsolation{}); }), HasSubstr("GENREWISE_DECODE_WORKER"));
  isolate_decoding(DecodeIsolation{.worker = "/bin/true"});
  EXPECT_THAT(error_message([] { static_cast<void>(decode_text(tone())); }),
              ::testing::AllOf(HasSubstr("/bin/true"), HasSubstr("cannot be used as decode worker")));
}

}  // namespace
}  // namespace genrewise
