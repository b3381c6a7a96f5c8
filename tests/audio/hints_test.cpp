// Lengths, rates and positions come from the audio itself: headers that are wrong change nothing.
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "audio/ffmpeg_program.hpp"
#include "audio/mp3_bytes.hpp"
#include "audio/wav_writer.hpp"

namespace genrewise {
namespace {

using testing::decode_text;
using testing::golden_bytes;
using testing::greatest_difference;
using testing::make_with_ffmpeg;
using testing::reason_of;
using testing::TemporaryFolder;
using testing::window;
using testing::write_big_endian;

double probed_s(const std::string& bytes) {
  const auto info = probe_bytes(std::as_bytes(std::span(bytes)), "test");
  return info ? info->duration_s : -1;
}

constexpr DecodeOptions centred(double duration_s) {
  return {.clip = {.duration_s = duration_s, .slack_s = 0.5}};
}

// 48 s in an MP3 whose Info frame states so many frames.
std::string mp3_that_states(std::uint32_t frames) {
  std::string bytes = golden_bytes("long.mp3");
  const std::string audio =
      golden_bytes("long_no_xing.mp3").substr(testing::first_frame(golden_bytes("long_no_xing.mp3")));
  for (int i = 0; i < 5; ++i) bytes += audio;
  write_big_endian(bytes, testing::information_at(bytes) + 8, frames);
  return bytes;
}

TEST(Hints, FramesAndNotTheXingCountDecideTheLengthOfAnMp3) {
  const double real_s = probed_s(mp3_that_states(50));
  EXPECT_NEAR(real_s, 48.5, 0.1);  // each part has padding
  const auto whole = decode_text(mp3_that_states(50));
  ASSERT_TRUE(whole) << to_string(whole.error());
  EXPECT_EQ(static_cast<double>(whole->samples.size()) / 16000, real_s);
  for (const std::uint32_t frames : {0u, 1u, 50u, 5'000u, 0xffffffffu}) {
    const std::string bytes = mp3_that_states(frames);
    EXPECT_EQ(probed_s(bytes), real_s) << frames;
    const auto clip = decode_text(bytes, {.clip = kDefaultClip});
    ASSERT_TRUE(clip) << to_string(clip.error());
    ASSERT_EQ(clip->samples.size(), 30u * 16000) << frames;  // not the whole track
    const std::size_t from = (whole->samples.size() - clip->samples.size()) / 2;
    constexpr double kSumOrder = 2.5e-7;  // of mpg123's synthesis after a seek
    EXPECT_LE(greatest_difference(clip->samples, std::span(whole->samples).subspan(from, clip->samples.size())),
              kSumOrder);
  }
}

TEST(Hints, FramesAndNotTheVbriCountDecideTheLengthOfAnMp3) {
  const std::string frames = golden_bytes("sweep_no_xing.mp3");
  std::string vbri = frames.substr(0, 4) + std::string(413, '\0');
  vbri[2] = static_cast<char>(vbri[2] & ~2);  // not padded
  vbri.replace(36, 4, "VBRI");
  write_big_endian(vbri, 46, static_cast<std::uint32_t>(frames.size() + vbri.size()));
  for (const std::uint32_t stated : {1u, 100u, 4'000'000u}) {
    write_big_endian(vbri, 50, stated);
    EXPECT_EQ(probed_s(vbri + frames), probed_s(frames)) << stated;
    EXPECT_EQ(decode_text(vbri + frames)->samples, decode_text(frames)->samples) << stated;
  }
}

// Changes the number of samples that STREAMINFO states.
std::string flac_that_states(std::uint32_t samples) {
  std::string bytes = golden_bytes("long.flac");
  write_big_endian(bytes, 22, samples);
  return bytes;
}

TEST(Hints, AFlacThatIsLongerThanItStatesIsMeasured) {
  const auto right = decode_text(golden_bytes("long.flac"), centred(2));
  for (const std::uint32_t samples : {0u, 16'000u, 38'000u}) {
    const auto clip = decode_text(flac_that_states(samples), centred(2));
    ASSERT_TRUE(clip) << to_string(clip.error());
    EXPECT_EQ(clip->samples, right->samples) << samples;
  }
}

TEST(Hints, AFlacLargerThanItsStatedLengthOfPcmIsCounted) {
  EXPECT_EQ(probed_s(flac_that_states(0)), 8);
  EXPECT_EQ(probed_s(flac_that_states(16'000)), 8);
}

TEST(Hints, AFlacThatStatesFarTooMuchIsCounted) {
  std::string bytes = golden_bytes("long.flac");
  for (const char upper : {'\0', '\x0f'}) {  // of 36 bits: 74 and 1,193 hours
    bytes[21] = static_cast<char>((bytes[21] & 0xf0) | upper);
    write_big_endian(bytes, 22, 0xffffffff);
    EXPECT_EQ(probed_s(bytes), 8);
    EXPECT_EQ(decode_text(bytes, centred(30))->samples, decode_text(golden_bytes("long.flac"))->samples);
  }
}

TEST(Hints, AFileLargerThanItsStatedPcmIsCounted) {
  std::vector<std::int16_t> samples(20 * 16000);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>(i);
  std::string au = std::string(".snd\0\0\0\x18\0\0\0\0\0\0\0\x03\0\0\x3e\x80\0\0\0\x01", 24);
  for (const std::int16_t sample : samples) au += {static_cast<char>(sample >> 8), static_cast<char>(sample)};
  const auto right = decode_text(au, centred(2));
  for (const std::uint32_t bytes : {1'000u, 64'000u}) {
    write_big_endian(au, 8, bytes);
    EXPECT_EQ(probed_s(au), 20) << bytes;
    EXPECT_EQ(decode_text(au, centred(2))->samples, right->samples) << bytes;
  }
}

TEST(Hints, TheFramesOfAFlacDecideItsRate) {
  std::string bytes = golden_bytes("long.flac");
  bytes[18] = '\x9f', bytes[19] = '\xff', bytes[20] = static_cast<char>((bytes[20] & 0x0f) | 0x60);  // 655,350 Hz
  const auto wave = decode_text(bytes);
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->sample_rate_hz, 16000);
  EXPECT_EQ(probed_s(bytes), 8);
  EXPECT_EQ(decode_text(bytes, window(6, 1))->samples, decode_text(golden_bytes("long.flac"), window(6, 1))->samples);
}

TEST(Hints, TheByteRateOfAWavDoesNotMoveItsClips) {
  std::vector<std::int16_t> samples(20 * 8000);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i] = static_cast<std::int16_t>(i / 8);
  const std::string right = testing::wav_of(samples, 1, 8000);
  for (const std::uint32_t byte_rate : {1u, 100u, 8'000u, 15'999u, 160'000u, 0xffffffffu}) {
    std::string bytes = right;
    for (std::size_t i = 0; i < 4; ++i) bytes[28 + i] = static_cast<char>(byte_rate >> 8 * i & 0xff);
    const auto clip = decode_text(bytes, window(12, 1));
    ASSERT_TRUE(clip) << byte_rate << ": " << to_string(clip.error());
    EXPECT_EQ(clip->samples, decode_text(right, window(12, 1))->samples) << byte_rate;
  }
}

class MadeWithFfmpeg : public ::testing::Test {
 protected:
  void SetUp() override { REQUIRE_FFMPEG(); }
  TemporaryFolder folder_;
};

// Noise, so that a wrong position is seen.
constexpr const char* kNoise = "-f lavfi -i anoisesrc=d=9:c=pink:r=16000:a=0.5:seed=3 -ac 2 ";

TEST_F(MadeWithFfmpeg, AClipOfAnyContainerEqualsTheSamePartOfTheWhole) {
  int made = 0;
  for (const auto& [name, codec] : std::vector<std::pair<std::string, std::string>>{{"ima.wav", "adpcm_ima_wav"},
                                                                                    {"ms.wav", "adpcm_ms"},
                                                                                    {"yamaha.wav", "adpcm_yamaha"},
                                                                                    {"ima.w64", "adpcm_ima_wav"},
                                                                                    {"yamaha.w64", "adpcm_yamaha"},
                                                                                    {"yamaha.mka", "adpcm_yamaha"},
                                                                                    {"ima.mov", "adpcm_ima_qt"},
                                                                                    {"ima.aifc", "adpcm_ima_qt"},
                                                                                    {"mulaw.wav", "pcm_mulaw"},
                                                                                    {"s24.wav", "pcm_s24le"},
                                                                                    {"s16.w64", "pcm_s16le"},
                                                                                    {"s16.aiff", "pcm_s16be"},
                                                                                    {"s16.caf", "pcm_s16be"},
                                                                                    {"s16.au", "pcm_s16be"},
                                                                                    {"s16.avi", "pcm_s16le"},
                                                                                    {"mp2.mp2", "mp2"},
                                                                                    {"x.tta", "tta"},
                                                                                    {"x.wv", "wavpack"},
                                                                                    {"alac.m4a", "alac"},
                                                                                    {"flac.oga", "flac"},
                                                                                    {"flac.flac", "flac"}}) {
    const auto path = folder_ / name;
    if (!make_with_ffmpeg(kNoise + ("-c:a " + codec), path)) continue;
    ++made;
    const auto whole = decode_file(path);
    ASSERT_TRUE(whole) << name << ": " << to_string(whole.error());
    for (const double start_s : {5.5, 7.0, 8.25}) {
      const auto clip = decode_file(path, window(start_s, 0.25));
      ASSERT_TRUE(clip) << name << ": " << to_string(clip.error());
      const auto from = static_cast<std::size_t>(start_s * whole->sample_rate_hz);
      ASSERT_LE(from + clip->samples.size(), whole->samples.size()) << name;
      EXPECT_EQ(greatest_difference(clip->samples, std::span(whole->samples).subspan(from, clip->samples.size())), 0)
          << name << " from " << start_s << " s";
    }
  }
  EXPECT_GT(made, 15);
}

TEST_F(MadeWithFfmpeg, TheLengthOfAFilmIsThatOfItsAudio) {
  const std::string film = "-f lavfi -i testsrc=size=32x32:rate=5:duration=9 ";
  const std::string audio = "-f lavfi -i sine=440:sample_rate=44100:duration=5 ";
  int made = 0;
  for (const auto& [name, codecs] :
       std::vector<std::pair<std::string, std::string>>{{"x.mkv", "-c:v mpeg4 -c:a flac"},
                                                        {"x.mp4", "-c:v mpeg4 -c:a aac"},
                                                        {"x.mov", "-c:v mpeg4 -c:a pcm_s16le"},
                                                        {"x.avi", "-c:v mpeg4 -c:a pcm_s16le"},
                                                        {"x.wmv", "-c:v wmv2 -c:a wmav2"},
                                                        {"x.flv", "-c:v flv -c:a aac"},
                                                        {"x.mpg", "-c:v mpeg2video -r 25 -c:a mp2"},
                                                        {"x.ts", "-c:v mpeg2video -r 25 -c:a mp2"},
                                                        {"x.nut", "-c:v mpeg4 -c:a flac"}}) {
    for (const std::string offset : {"", "-itsoffset 3 "}) {
      const auto path = folder_ / name;
      if (!make_with_ffmpeg(film + offset + audio + codecs, path)) continue;
      ++made;
      const auto info = probe_file(path);
      ASSERT_TRUE(info) << name << ": " << to_string(info.error());
      EXPECT_NEAR(info->duration_s, 5, 0.1) << name << " " << offset;
      const auto wave = decode_file(path);
      ASSERT_TRUE(wave) << name << ": " << to_string(wave.error());
      EXPECT_NEAR(static_cast<double>(wave->samples.size()) / 44100, 5, 0.1) << name << " " << offset;
    }
  }
  EXPECT_GT(made, 10);
}

TEST_F(MadeWithFfmpeg, CutContainersAreTruncated) {
  constexpr std::pair<const char*, const char*> kFiles[] = {{"x.mka", "-c:a flac"},      {"x.w64", "-c:a pcm_s16le"},
                                                            {"x.avi", "-c:a pcm_s16le"}, {"x.caf", "-c:a pcm_s16le"},
                                                            {"y.caf", "-c:a alac"},      {"x.au", "-c:a pcm_s16be"}};
  for (const auto& [name, codec] : kFiles) {
    const auto path = folder_ / name;
    ASSERT_TRUE(make_with_ffmpeg(std::string(kNoise) + codec, path)) << name;
    const std::string bytes = read_file(path);
    EXPECT_EQ(reason_of(decode_text(bytes)), "none") << name;
    for (std::size_t tenth = 1; tenth < 10; ++tenth)
      EXPECT_EQ(reason_of(decode_text(bytes.substr(0, bytes.size() * tenth / 10))), "truncated")
          << name << " " << tenth;
  }
}

// Programs that write to a pipe cannot state sizes.
TEST_F(MadeWithFfmpeg, ContainersWithoutASizeAreReadToTheirEnd) {
  constexpr std::pair<const char*, const char*> kFiles[] = {{"x.w64", "riff"}, {"x.caf", "data"}};
  for (const auto& [name, chunk] : kFiles) {
    const auto path = folder_ / name;
    ASSERT_TRUE(make_with_ffmpeg(std::string(kNoise) + "-c:a pcm_s16le", path)) << name;
    std::string bytes = read_file(path);
    const auto before = decode_text(bytes);
    const std::size_t at = bytes.find(chunk) + (chunk == std::string_view("riff") ? 16 : 4);
    for (std::size_t i = 0; i < 8; ++i) bytes[at + i] = '\xff';
    const auto after = decode_text(bytes);
    ASSERT_TRUE(before && after) << name;
    EXPECT_EQ(before->samples.size(), after->samples.size()) << name;
  }
}

}  // namespace
}  // namespace genrewise
