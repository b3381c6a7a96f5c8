// The same second of audio in many formats (tests/golden/audio/make_audio.py).
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "genrewise/base/parallel.hpp"

namespace genrewise {
namespace {

using testing::correlation;
using testing::golden_audio;
using testing::golden_bytes;
using testing::greatest_difference;

std::vector<float> reference() {
  return decode_file(golden_audio("sweep.wav")).value().samples;
}

class LosslessFormat : public testing::WithGoldenFile<const char*> {};

TEST_P(LosslessFormat, ReturnsTheOriginalSamples) {
  const auto wave = decode_file(golden_audio(GetParam()));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->sample_rate_hz, 44100);
  EXPECT_EQ(wave->samples, reference());
}

TEST_P(LosslessFormat, IsTheSameFromMemoryUnderAnyName) {
  const std::string bytes = golden_bytes(GetParam());
  for (const char* name : {"", "song.mp3", "song.txt"}) {
    const auto wave = testing::decode_text(bytes, {}, name);
    ASSERT_TRUE(wave) << to_string(wave.error());
    EXPECT_EQ(wave->samples, reference());
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, LosslessFormat,
                         ::testing::Values("sweep.wav", "sweep.flac", "sweep.aiff", "sweep.wv", "sweep_alac.m4a"));

struct Lossy {
  const char* file;
  const char* format;
  const char* codec;
  int sample_rate_hz;
  int channels;
  std::ptrdiff_t
      delay_samples;  // encoder delay that the format does not state; below 0: samples that the decoder drops
  std::size_t samples;
};

std::ostream& operator<<(std::ostream& out, const Lossy& lossy) {
  return out << lossy.file;
}

class LossyFormat : public testing::WithGoldenFile<Lossy> {};

// WMA and MP2 have the lowest correlations with the sweep, 0.9982 and 0.9985 (the same as FFmpeg's own program).
constexpr double kMinCorrelation = 0.998;

TEST_P(LossyFormat, CorrelatesWithTheOriginalAtTheRightTime) {
  const auto wave = decode_file(golden_audio(GetParam().file));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->sample_rate_hz, GetParam().sample_rate_hz);
  EXPECT_EQ(wave->samples.size(), GetParam().samples);
  DecodeOptions same_rate;
  same_rate.sample_rate_hz = GetParam().sample_rate_hz;
  const auto original = decode_file(golden_audio("sweep.wav"), same_rate).value().samples;
  const std::ptrdiff_t delay = GetParam().delay_samples;
  const double here = correlation(original, wave->samples, delay);
  EXPECT_GT(here, kMinCorrelation);
  EXPECT_GT(here, correlation(original, wave->samples, delay - 1));
  EXPECT_GT(here, correlation(original, wave->samples, delay + 1));
}

TEST_P(LossyFormat, IsProbedWithoutDecoding) {
  const auto info = probe_file(golden_audio(GetParam().file));
  ASSERT_TRUE(info) << to_string(info.error());
  EXPECT_EQ(info->format, GetParam().format);
  EXPECT_EQ(info->codec, GetParam().codec);
  EXPECT_EQ(info->sample_rate_hz, GetParam().sample_rate_hz);
  EXPECT_EQ(info->channels, GetParam().channels);
  // Codecs that drop their first frame (WMA) state up to 0.05 s more than they return.
  EXPECT_NEAR(info->duration_s, static_cast<double>(GetParam().samples) / GetParam().sample_rate_hz, 0.05);
  const double file_kbps = static_cast<double>(golden_bytes(GetParam().file).size()) * 8e-3 / info->duration_s;
  EXPECT_NEAR(info->bit_rate_kbps, file_kbps,
              0.35 * file_kbps);  // containers state nominal rates, and headers are large compared with one second
}

INSTANTIATE_TEST_SUITE_P(Formats, LossyFormat,
                         ::testing::Values(Lossy{"sweep_vorbis.ogg", "ogg", "vorbis", 44100, 2, 0, 44100},
                                           Lossy{"sweep_vorbis.mka", "matroska", "vorbis", 44100, 2, 0, 44160},
                                           Lossy{"sweep.opus", "ogg", "opus", 48000, 2, 0, 48000},
                                           Lossy{"sweep_aac.m4a", "mp4", "aac", 44100, 2, 0, 44100},
                                           Lossy{"sweep.aac", "aac", "aac", 44100, 2, 1024, 46080},
                                           Lossy{"sweep.wma", "asf", "wmav2", 44100, 2, -2048, 43008},
                                           Lossy{"sweep_mp2.mp2", "mp3", "mp2", 44100, 2, 481, 44928},
                                           Lossy{"sweep_cbr.mp3", "mp3", "mp3", 44100, 2, 0, 44100},
                                           Lossy{"sweep_vbr.mp3", "mp3", "mp3", 44100, 2, 0, 44100},
                                           Lossy{"sweep_free.mp3", "mp3", "mp3", 44100, 2, 0, 44100},
                                           Lossy{"sweep_48k_mono.mp3", "mp3", "mp3", 48000, 1, 0, 48000},
                                           Lossy{"sweep_22k.mp3", "mp3", "mp3", 22050, 2, 0, 22050},
                                           Lossy{"sweep_no_xing.mp3", "mp3", "mp3", 44100, 2, 1105, 46080}));

TEST(Formats, Mpg123AndFfmpegAgreeOnAnMp3) {
  const auto ours = decode_file(golden_audio("sweep_cbr.mp3")).value();
  const auto theirs = decode_file(golden_audio("sweep_cbr_by_ffmpeg.flac")).value();
  constexpr double kRounding = 1.1 / 32768;  // FFmpeg's samples were rounded to 16 bits per channel
  EXPECT_LT(greatest_difference(ours.samples, theirs.samples), kRounding);
}

TEST(Formats, AreDecodedOnSeveralThreadsAtOnce) {
  const std::vector<const char*> files = {"sweep_cbr.mp3", "sweep.flac", "sweep_vorbis.ogg", "sweep_aac.m4a"};
  std::vector<std::vector<float>> alone, together(4 * files.size());
  for (const char* file : files) alone.push_back(decode_file(golden_audio(file)).value().samples);
  parallel_for(
      together.size(),
      [&](std::size_t i, int) { together[i] = decode_file(golden_audio(files[i % files.size()])).value().samples; }, 4);
  for (std::size_t i = 0; i < together.size(); ++i) EXPECT_EQ(together[i], alone[i % files.size()]) << files[i % 4];
}

TEST(Formats, AreRecognisedByExtensionInUpperAndLowerCase) {
  EXPECT_TRUE(looks_like_audio("a/b.mp3"));
  EXPECT_TRUE(looks_like_audio("B.FLAC"));
  EXPECT_TRUE(looks_like_audio("c.d.Opus"));
  EXPECT_FALSE(looks_like_audio("mp3"));
  EXPECT_FALSE(looks_like_audio("cover.jpg"));
  EXPECT_FALSE(looks_like_audio(""));
}

TEST(Resampling, GivesTheSameLengthAsLibrosa) {
  DecodeOptions options;
  for (const int rate : {22050, 16000, 48000, 44101, 8000}) {
    options.sample_rate_hz = rate;
    const auto wave = decode_file(golden_audio("sweep.wav"), options);
    ASSERT_TRUE(wave);
    EXPECT_EQ(wave->sample_rate_hz, rate);
    EXPECT_EQ(wave->samples.size(), static_cast<std::size_t>(rate));
  }
}

TEST(Resampling, PreservesFrequenciesBelowTheNewNyquistFrequency) {
  DecodeOptions down, same;
  down.sample_rate_hz = 22050;  // the sweep ends at 5 kHz
  const auto original = reference();
  const auto half = decode_file(golden_audio("sweep.flac"), down).value().samples;
  std::vector<float> every_second;
  for (std::size_t i = 0; i < original.size(); i += 2) every_second.push_back(original[i]);
  const std::span inner = std::span(half).subspan(200, half.size() - 400);
  constexpr double kHqError = 2e-4;  // soxr HQ: about 100 dB, plus ringing at the sweep's abrupt start
  EXPECT_LT(greatest_difference(inner, std::span(every_second).subspan(200, inner.size())), kHqError);
}

}  // namespace
}  // namespace genrewise
