// MP3 files as found in practice: tags, junk, wrong headers, concatenated and damaged files.
#include <gmock/gmock.h>

#include <cmath>
#include <numeric>

#include "audio/audio_test_support.hpp"
#include "audio/ffmpeg_program.hpp"
#include "audio/mp3_bytes.hpp"
#include "support/test_music.hpp"

namespace genrewise {
namespace {

using testing::decode_text;
using testing::first_frame;
using testing::golden_bytes;
using testing::greatest_difference;
using ::testing::HasSubstr;
using testing::id3v2;
using testing::junk;
using testing::read_big_endian;
using testing::reason_of;
using testing::TemporaryFolder;
using testing::window;
using testing::write_big_endian;

std::string id3v1() {
  std::string tag = "TAG";
  tag.resize(128, 'x');
  return tag;
}

std::string ape_tag(std::size_t content_bytes) {
  const auto end_piece = [&](char flags) {
    std::string piece = "APETAGEX";
    piece += std::string("\xd0\x07\x00\x00", 4);
    const std::size_t bytes = content_bytes + 32;
    for (int i = 0; i < 4; ++i) piece += static_cast<char>(bytes >> 8 * i & 0xff);
    piece += std::string("\x01\x00\x00\x00\x00\x00\x00", 7) + flags + std::string(8, '\0');
    return piece;
  };
  return end_piece('\xa0') + std::string(content_bytes, 'p') + end_piece('\x80');
}

class Wrapped : public ::testing::TestWithParam<const char*> {
 protected:
  void expect_same_sound(const std::string& wrapped) const {
    const auto plain = decode_text(golden_bytes(GetParam())), wave = decode_text(wrapped);
    ASSERT_TRUE(wave) << to_string(wave.error());
    EXPECT_EQ(wave->samples, plain->samples);
  }
};

TEST_P(Wrapped, InALargePictureTag) {
  expect_same_sound(id3v2(3'000'000) + golden_bytes(GetParam()));
}
TEST_P(Wrapped, InTwoTags) {
  expect_same_sound(id3v2(500) + id3v2(70'000) + golden_bytes(GetParam()));
}
TEST_P(Wrapped, InATagLongerThanItsStatedLength) {
  expect_same_sound(id3v2(3'000, 1'000) + golden_bytes(GetParam()).substr(first_frame(golden_bytes(GetParam()))));
}
TEST_P(Wrapped, InATagWithAStatedLengthBeyondTheFile) {
  expect_same_sound(id3v2(300, 90'000'000) + golden_bytes(GetParam()));
}
TEST_P(Wrapped, InTagsAtItsEnd) {
  expect_same_sound(golden_bytes(GetParam()) + ape_tag(60'000) + id3v1());
}
TEST_P(Wrapped, InPaddingThatNoTagCounts) {
  expect_same_sound(std::string(5'000, '\0') + golden_bytes(GetParam()));
}
TEST_P(Wrapped, InJunkBeforeTheFirstFrame) {
  expect_same_sound(junk(100'000) + golden_bytes(GetParam()));
}
TEST_P(Wrapped, InTextBeforeTheFirstFrame) {
  expect_same_sound("HTTP/1.0 200 OK\r\nicy-name: radio\r\n\r\n" + golden_bytes(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(Mp3, Wrapped,
                         ::testing::Values("sweep_cbr.mp3", "sweep_no_xing.mp3", "sweep_free.mp3", "sweep_22k.mp3"));

TEST(Mp3, ARateThatChangesMidwayIsAFault) {
  const std::string other = golden_bytes("sweep_22k.mp3");
  const std::string both = golden_bytes("sweep_no_xing.mp3") + other.substr(first_frame(other));
  EXPECT_EQ(reason_of(decode_text(both)), "sample rate changes");
  EXPECT_EQ(reason_of(decode_text(both, window(0.5, 1.0))), "sample rate changes");
  EXPECT_EQ(reason_of(decode_text(both, window(1.5, 0.2))), "sample rate changes");
}

TEST(Mp3, ARateThatChangesBehindTheClipIsNoFault) {
  const std::string other = golden_bytes("sweep_22k.mp3");
  const std::string first = golden_bytes("sweep_no_xing.mp3");
  const auto part = decode_text(first + other.substr(first_frame(other)), window(0.2, 0.6));
  ASSERT_TRUE(part) << to_string(part.error());
  EXPECT_EQ(part->samples, decode_text(first, window(0.2, 0.6))->samples);
}

TEST(Mp3, ConcatenatedFilesAreDecodedToTheEnd) {
  const std::string one = golden_bytes("sweep_no_xing.mp3");
  const auto joined = decode_text(one + id3v1() + id3v2(50'000) + one);
  ASSERT_TRUE(joined) << to_string(joined.error());
  EXPECT_EQ(joined->samples.size(), 2 * decode_text(one)->samples.size());
  const std::string xing = golden_bytes("sweep_cbr.mp3");
  const auto joined_xing = decode_text(xing + xing);
  ASSERT_TRUE(joined_xing) << to_string(joined_xing.error());
  EXPECT_GE(joined_xing->samples.size(), 2u * 44100);
}

TEST(Mp3, FewerFramesThanStatedAreTruncationOnlyIfBytesAreMissingToo) {
  std::string bytes = golden_bytes("sweep_cbr.mp3");
  const std::size_t info = bytes.find("Info");
  ASSERT_NE(info, std::string::npos);
  ASSERT_EQ(read_big_endian(bytes, info + 4) & 3u, 3u);
  write_big_endian(bytes, info + 8, 10 * read_big_endian(bytes, info + 8));
  EXPECT_EQ(reason_of(decode_text(bytes)), "none");  // the header is wrong, the audio is complete
  write_big_endian(bytes, info + 12, 10 * read_big_endian(bytes, info + 12));
  const auto wave = decode_text(bytes);
  ASSERT_EQ(reason_of(wave), "truncated");
  EXPECT_THAT(wave.error().detail, HasSubstr("are good"));
}

TEST(Mp3, AMissingLastFrameIsNoFault) {
  const std::string bytes = golden_bytes("sweep_cbr.mp3");
  EXPECT_EQ(reason_of(decode_text(bytes.substr(0, bytes.size() - 700))), "none");
}

TEST(Mp3, AVbriHeaderIsReadAndNotDecodedAsAudio) {
  const std::string frames = golden_bytes("sweep_no_xing.mp3");
  constexpr std::size_t kFrameBytes = 417;  // 128 kb/s at 44.1 kHz, not padded
  std::string vbri = frames.substr(0, 4) + std::string(kFrameBytes - 4, '\0');
  vbri[2] = static_cast<char>(vbri[2] & ~2);
  vbri.replace(36, 4, "VBRI");
  write_big_endian(vbri, 46, static_cast<std::uint32_t>(frames.size() + kFrameBytes));
  write_big_endian(vbri, 50, 40);
  const auto wave = decode_text(vbri + frames);
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->samples, decode_text(frames)->samples);
  EXPECT_EQ(reason_of(decode_text(vbri + frames.substr(0, frames.size() / 2))), "truncated");
}

TEST(Mp3, SmallGapsBetweenFramesAreSkipped) {
  std::string bytes = golden_bytes("sweep_no_xing.mp3");
  bytes.insert(bytes.size() / 2, junk(300));
  const auto wave = decode_text(bytes);
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_GT(wave->samples.size(), 44100u);
}

TEST(Mp3, ATailOfZerosIsDamage) {
  std::string bytes = golden_bytes("sweep_no_xing.mp3");
  std::fill(bytes.begin() + std::ssize(bytes) / 2, bytes.end(), '\0');
  EXPECT_EQ(reason_of(decode_text(bytes)), "damaged");
  EXPECT_EQ(reason_of(decode_text(bytes, window(0, 0.3))), "none");  // the clip before it is complete
}

TEST(Mp3, AGapInTheClipIsDamageButOneBehindItIsNot) {
  std::string bytes = golden_bytes("long_no_xing.mp3");  // 1,000 bytes a second
  std::fill_n(bytes.begin() + 4000, 2000, '\0');
  EXPECT_EQ(reason_of(decode_text(bytes)), "damaged");
  EXPECT_EQ(reason_of(decode_text(bytes, window(3, 2))), "damaged");
  EXPECT_EQ(reason_of(decode_text(bytes, window(1, 2))), "none");
}

TEST(Mp3, OneFrameIsATrack) {
  const auto wave = decode_text(golden_bytes("sweep_no_xing.mp3").substr(0, 417));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_EQ(wave->samples.size(), 1152u);
}

/// Thirty seconds of real music as an MP3 file of constant bit rate.
std::string real_mp3(const std::filesystem::path& music, const std::filesystem::path& file) {
  EXPECT_TRUE(testing::make_with_ffmpeg("-ss 10 -t 30 -i '" + (music / "gr3.ogg").string() + "' -b:a 128k", file));
  return read_file(file);
}

TEST(Mp3, ARealClipHasTheLengthAndTheSamplesThatWereEncoded) {
  REQUIRE_TEST_MUSIC(music);
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  const auto wave = decode_text(real_mp3(music, folder / "real.mp3"), {.clip = kDefaultClip});
  ASSERT_TRUE(wave) << to_string(wave.error());
  const auto original = decode_file(music / "gr3.ogg", window(10, 30));
  ASSERT_TRUE(original) << to_string(original.error());
  ASSERT_EQ(wave->samples.size(), 30u * 44100);
  const auto product = [](const std::vector<float>& a, const std::vector<float>& b) {
    return std::inner_product(a.begin(), a.end(), b.begin(), 0.0);
  };
  const auto &x = wave->samples, &y = original->samples;
  const double correlation = product(x, y) / std::sqrt(product(x, x) * product(y, y));
  EXPECT_GT(correlation, 0.999);                                  // one sample beside it: 0.994
  EXPECT_NEAR(product(x, x) / product(y, y), 0.95 * 0.95, 0.01);  // LAME scales by 0.95
}

TEST(Mp3, ARealClipCutAtEveryTenthIsTruncated) {
  REQUIRE_TEST_MUSIC(music);
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  const std::string bytes = real_mp3(music, folder / "real.mp3");
  const auto whole = decode_text(bytes);
  for (std::size_t tenth = 1; tenth < 10; ++tenth) {
    const std::string cut = bytes.substr(0, bytes.size() * tenth / 10);
    EXPECT_EQ(reason_of(decode_text(cut, {.clip = kDefaultClip})), "truncated") << tenth;
    const double good_s = 2.95 * static_cast<double>(tenth);
    EXPECT_EQ(reason_of(decode_text(cut, window(0, good_s + 1))), "truncated") << tenth;
    const auto part = decode_text(cut, window(good_s - 1, 0.9));
    ASSERT_TRUE(part) << to_string(part.error());
    const auto from = static_cast<std::size_t>(std::llround((good_s - 1) * 44100));
    EXPECT_LE(greatest_difference(part->samples, std::span(whole->samples).subspan(from, part->samples.size())), 5e-7);
  }
}

}  // namespace
}  // namespace genrewise
