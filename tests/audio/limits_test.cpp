// Headers that no music has are refused before anything is decoded, and an interrupt ends any work on a file.
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "audio/mp3_bytes.hpp"
#include "audio/wav_writer.hpp"
#include "genrewise/audio/waveform.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using testing::decode_text;
using testing::golden_bytes;
using ::testing::HasSubstr;
using testing::reason_of;
using testing::wav_of;

const std::vector<std::int16_t> kSamples(6000, 1000);

std::string probe_reason(const std::string& bytes) {
  const auto info = probe_bytes(std::as_bytes(std::span(bytes)), "test");
  return info ? "none" : info.error().reason;
}

// A Sun audio file of 16-bit PCM.
std::string au_of(std::uint32_t rate_hz, std::uint32_t channels) {
  std::string bytes(24, '\0');
  bytes.replace(0, 4, ".snd");
  for (const auto& [at, value] :
       {std::pair<std::size_t, std::uint32_t>{4, 24}, {8, 0xffffffff}, {12, 3}, {16, rate_hz}, {20, channels}})
    testing::write_big_endian(bytes, at, value);
  return bytes + std::string(12'000, '\1');
}

TEST(Limits, SampleRatesOutsideThoseOfMusicAreRefusedByName) {
  for (const int rate_hz : {1, 8, 999, 768'001, 100'000'000, 2'000'000'000}) {
    const auto wave = decode_text(wav_of(kSamples, 1, rate_hz), {.clip = {}, .sample_rate_hz = 22050}, "odd.wav");
    ASSERT_EQ(reason_of(wave), "implausible sample rate") << rate_hz;
    EXPECT_EQ(wave.error().where, "odd.wav");
    EXPECT_THAT(wave.error().detail, HasSubstr(std::to_string(rate_hz) + " Hz"));
    EXPECT_EQ(probe_reason(wav_of(kSamples, 1, rate_hz)), "implausible sample rate");
    EXPECT_EQ(reason_of(decode_text(au_of(static_cast<std::uint32_t>(rate_hz), 1))), "implausible sample rate");
  }
}

TEST(Limits, TheLowestAndHighestSampleRateAreUsed) {
  for (const int rate_hz : {1'000, 768'000}) {
    const auto wave = decode_text(wav_of(kSamples, 1, rate_hz));
    ASSERT_TRUE(wave) << to_string(wave.error());
    EXPECT_EQ(wave->sample_rate_hz, rate_hz);
  }
}

TEST(Limits, MoreThan64ChannelsAreRefused) {
  EXPECT_EQ(reason_of(decode_text(wav_of(kSamples, 64, 8000))), "none");
  for (const int channels : {65, 600}) {
    EXPECT_EQ(reason_of(decode_text(wav_of(kSamples, channels, 8000))), "implausible number of channels") << channels;
    EXPECT_EQ(probe_reason(au_of(8000, static_cast<std::uint32_t>(channels))), "implausible number of channels");
  }
}

TEST(Limits, MoreThan100HoursAreRefused) {
  const testing::TemporaryFolder folder;
  const auto hours = [&](std::uint32_t count) {  // of silence, as PCM of 8 bits in a sparse file
    const std::uint32_t bytes = count * 3'600'000;
    std::string header = au_of(1000, 1).substr(0, 24);
    testing::write_big_endian(header, 8, bytes);
    testing::write_big_endian(header, 12, 2);
    write_file(folder / "x.au", header);
    std::filesystem::resize_file(folder / "x.au", header.size() + bytes);
    return folder / "x.au";
  };
  EXPECT_TRUE(probe_file(hours(100)));
  EXPECT_EQ(probe_file(hours(101)).error().reason, "implausible duration");
  EXPECT_EQ(reason_of(decode_file(hours(101), {.clip = kDefaultClip})), "implausible duration");
}

class Interrupt : public ::testing::Test {
 protected:
  Interrupt() { request_interrupt(); }
  ~Interrupt() override { clear_interrupt(); }
};

TEST_F(Interrupt, EndsDecodingAndProbingOfEveryFormat) {
  for (const char* name : {"long.mp3", "long_no_xing.mp3", "long.flac", "long.ogg", "long.opus", "long.m4a",
                           "sweep.aac", "sweep.wav", "sweep.wma", "sweep_mp2.mp2"}) {
    EXPECT_THROW(decode_text(golden_bytes(name)), Interrupted) << name;
    EXPECT_THROW(decode_file(testing::golden_audio(name)), Interrupted) << name;
    EXPECT_THROW(probe_file(testing::golden_audio(name)), Interrupted) << name;
  }
}

TEST_F(Interrupt, EndsTheSearchForFramesAndResampling) {
  EXPECT_THROW(decode_text(std::string(3'000'000, '\xff')), Interrupted);
  EXPECT_THROW(resample(std::vector<float>(1000), 44100, 22050), Interrupted);
}

}  // namespace
}  // namespace genrewise
