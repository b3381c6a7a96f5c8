// A clip equals the same part of the whole decoded track.
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "genrewise/base/error.hpp"
#include "support/test_music.hpp"

namespace genrewise {
namespace {

using testing::golden_audio;
using testing::greatest_difference;
using testing::reason_of;
using testing::window;

struct Seekable {
  const char* file;
  double tolerance;  // 0: bit-identical
};

std::ostream& operator<<(std::ostream& out, const Seekable& seekable) {
  return out << seekable.file;
}

class ClipWindow : public testing::WithGoldenFile<Seekable> {};

TEST_P(ClipWindow, EqualsTheSamePartOfTheWhole) {
  const auto path = golden_audio(GetParam().file);
  const auto whole = decode_file(path);
  ASSERT_TRUE(whole) << to_string(whole.error());
  const double rate = whole->sample_rate_hz;
  for (const double start_s : {0.0, 0.013, 1.0, 4.999, 5.0, 5.3217, 6.5, 7.4}) {
    const auto part = decode_file(path, window(start_s, 0.5));
    ASSERT_TRUE(part) << start_s << ": " << to_string(part.error());
    const auto from = static_cast<std::size_t>(std::llround(start_s * rate));
    const auto count = static_cast<std::size_t>(std::llround(0.5 * rate));
    ASSERT_EQ(part->samples.size(), count) << start_s;
    EXPECT_LE(greatest_difference(part->samples, std::span(whole->samples).subspan(from, count)), GetParam().tolerance)
        << "from " << start_s << " s";
  }
}

TEST_P(ClipWindow, IsShortenedAtTheEndOfTheTrack) {
  const auto path = golden_audio(GetParam().file);
  const auto whole = decode_file(path);
  ASSERT_TRUE(whole);
  const auto part = decode_file(path, window(7.75, 30));
  ASSERT_TRUE(part) << to_string(part.error());
  const auto from = static_cast<std::size_t>(std::llround(7.75 * whole->sample_rate_hz));
  EXPECT_EQ(part->samples.size(), whole->samples.size() - from);
}

TEST_P(ClipWindow, IsAFaultBeyondTheEnd) {
  EXPECT_EQ(reason_of(decode_file(golden_audio(GetParam().file), window(9, 1))), "clip outside the track");
  EXPECT_EQ(reason_of(decode_file(golden_audio(GetParam().file), window(1e9, 1))), "clip outside the track");
}

TEST_P(ClipWindow, IsCentredWithoutAStart) {
  const auto path = golden_audio(GetParam().file);
  const auto whole = decode_file(path);
  ASSERT_TRUE(whole);
  DecodeOptions centred;
  centred.clip.duration_s = 2;
  const auto part = decode_file(path, centred);
  ASSERT_TRUE(part) << to_string(part.error());
  const auto count = static_cast<std::size_t>(2 * whole->sample_rate_hz);
  ASSERT_EQ(part->samples.size(), count);
  const std::size_t from = (whole->samples.size() - count) / 2;
  EXPECT_LE(greatest_difference(part->samples, std::span(whole->samples).subspan(from, count)), GetParam().tolerance);
}

// After a seek, mpg123's synthesis sums in another order, and FFmpeg's AAC decoder generates new noise for noise
// substitution. Opus continues from a state that one second of pre-roll brings close to the exact one.
constexpr double kSumOrder = 2.5e-7, kAacNoise = 2e-4, kOpusState = 1e-3;

INSTANTIATE_TEST_SUITE_P(Formats, ClipWindow,
                         ::testing::Values(Seekable{"long.mp3", kSumOrder}, Seekable{"long_no_xing.mp3", kSumOrder},
                                           Seekable{"long.flac", 0}, Seekable{"long.ogg", 0},
                                           Seekable{"long.m4a", kAacNoise}, Seekable{"long.opus", kOpusState}));

TEST(ClipWindows, OfRealMusicEqualTheWholeTrackWhereverTheyBegin) {
  REQUIRE_TEST_MUSIC(music);
  for (const char* name : {"gr1.ogg", "gr3.ogg"}) {
    const auto whole = decode_file(music / name);
    ASSERT_TRUE(whole) << to_string(whole.error());
    for (double start_s = 5.03; start_s < 50; start_s += 1.37) {
      const auto part = decode_file(music / name, window(start_s, 0.5));
      ASSERT_TRUE(part) << to_string(part.error());
      const auto from = static_cast<std::size_t>(std::llround(start_s * 44100));
      ASSERT_EQ(part->samples.size(), 22050u);
      EXPECT_LE(greatest_difference(part->samples, std::span(whole->samples).subspan(from, 22050)), 0)
          << name << " at " << start_s << " s";
    }
  }
}

TEST(ClipRequests, UseAShortTrackWholeWithinTheSlack) {
  DecodeOptions options;
  options.clip = {.duration_s = 7.5, .slack_s = 0.5};
  EXPECT_EQ(decode_file(golden_audio("long.flac"), options)->samples.size(), 8u * 16000);
  options.clip.slack_s = 0.4;
  EXPECT_EQ(decode_file(golden_audio("long.flac"), options)->samples.size(), 7u * 16000 + 8000);
  options.clip = kDefaultClip;
  EXPECT_EQ(decode_file(golden_audio("long.flac"), options)->samples.size(), 8u * 16000);
}

TEST(ClipRequests, ThrowIfTheyAreInvalid) {
  const auto path = golden_audio("sweep.wav");
  EXPECT_THROW(static_cast<void>(decode_file(path, window(-1, 1))), Error);
  EXPECT_THROW(static_cast<void>(decode_file(path, window(std::nan(""), 1))), Error);
  EXPECT_THROW(static_cast<void>(decode_file(path, window(0, 0))), Error);
  EXPECT_THROW(static_cast<void>(decode_file(path, window(0, std::nan("")))), Error);
  DecodeOptions options;
  options.sample_rate_hz = 0;
  EXPECT_THROW(static_cast<void>(decode_file(path, options)), Error);
}

}  // namespace
}  // namespace genrewise
