// WAV files made byte by byte: sample types, numbers of channels and errors.
#include <gmock/gmock.h>

#include <cmath>
#include <limits>

#include "audio/wav_writer.hpp"
#include "genrewise/audio/decode.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::ElementsAre;
using ::testing::Pointwise;
using testing::wav_of;

Expected<Waveform> decode(const std::string& bytes, const DecodeOptions& options = {}) {
  return decode_bytes(std::as_bytes(std::span(bytes)), "test.wav", options);
}

TEST(Wav, SixteenBitSamplesAreDividedBy32768) {
  const auto wave = decode(wav_of<std::int16_t>({0, 16384, -32768, 32767}, 1, 44100));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->sample_rate_hz, 44100);
  EXPECT_THAT(wave->samples, ElementsAre(0.0f, 0.5f, -1.0f, 32767.0f / 32768.0f));
}

TEST(Wav, EightBitSamplesAreUnsigned) {
  const auto wave = decode(wav_of<std::uint8_t>({128, 192, 0, 255}, 1, 8000));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_THAT(wave->samples, ElementsAre(0.0f, 0.5f, -1.0f, 127.0f / 128.0f));
}

TEST(Wav, FloatSamplesAreUnchanged) {
  const auto wave = decode(wav_of<float>({0.0f, 0.25f, -1.5f}, 1, 48000));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_THAT(wave->samples, ElementsAre(0.0f, 0.25f, -1.5f));
}

TEST(Wav, DoubleAndLongSamplesAreConverted) {
  const auto doubles = decode(wav_of<double>({0.125, -0.5}, 1, 44100));
  ASSERT_TRUE(doubles) << to_string(doubles.error());
  EXPECT_THAT(doubles->samples, ElementsAre(0.125f, -0.5f));
  const auto longs = decode(wav_of<std::int32_t>({1 << 30, std::numeric_limits<std::int32_t>::min()}, 1, 44100));
  ASSERT_TRUE(longs) << to_string(longs.error());
  EXPECT_THAT(longs->samples, ElementsAre(0.5f, -1.0f));
}

TEST(Wav, StereoBecomesTheMeanOfBothChannels) {
  const auto wave = decode(wav_of<float>({1.0f, 0.0f, -0.5f, -0.25f}, 2, 44100));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_THAT(wave->samples, ElementsAre(0.5f, -0.375f));
}

TEST(Wav, EightChannelsBecomeTheirMean) {
  const auto wave = decode(wav_of<float>({1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 0, 0, 0, 0, -8}, 8, 44100));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_THAT(wave->samples, ElementsAre(4.5f, -1.0f));
}

TEST(Wav, AHighSampleRateIsKept) {
  const auto wave = decode(wav_of(std::vector<float>(192000, 0.5f), 1, 192000));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->sample_rate_hz, 192000);
  EXPECT_EQ(wave->samples.size(), 192000u);
}

TEST(Wav, OneSampleIsATrack) {
  const auto wave = decode(wav_of<std::int16_t>({8192}, 1, 44100));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_THAT(wave->samples, ElementsAre(0.25f));
}

TEST(Wav, ZeroLengthAudioIsAFault) {
  const auto wave = decode(wav_of<std::int16_t>(std::vector<std::int16_t>{}, 1, 44100));
  ASSERT_FALSE(wave);
  EXPECT_EQ(wave.error().reason, "no audio in it");
}

TEST(Wav, NanAndInfiniteSamplesAreNotFinite) {
  for (const float bad : {std::nanf(""), INFINITY, -INFINITY}) {
    std::vector<float> samples(1000, 0.5f);
    samples[517] = bad;
    const auto wave = decode(wav_of(samples, 1, 44100));
    ASSERT_FALSE(wave);
    EXPECT_EQ(wave.error().reason, "not finite");
    DecodeOptions resampled{.sample_rate_hz = 22050};
    EXPECT_EQ(decode(wav_of(samples, 1, 44100), resampled).error().reason, "not finite");
    DecodeOptions before{.clip = {.start_s = 0.0, .duration_s = 0.01}};  // 441 samples
    EXPECT_TRUE(decode(wav_of(samples, 1, 44100), before));
  }
}

}  // namespace
}  // namespace genrewise
