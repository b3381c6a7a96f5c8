// Files without audio and damaged files: each gives a fault with a reason, none crashes.
#include <gmock/gmock.h>

#include <cstdlib>

#include "audio/audio_test_support.hpp"
#include "audio/wav_writer.hpp"

namespace genrewise {
namespace {

using ::testing::AnyOf;
using testing::decode_text;
using testing::golden_audio;
using testing::golden_bytes;
using ::testing::HasSubstr;
using testing::reason_of;
using testing::TemporaryFolder;
using testing::window;

TEST(Broken, AMissingFileAFolderAndAnEmptyFileHaveTheirOwnReasons) {
  TemporaryFolder folder;
  write_file(folder / "empty.mp3", "");
  const auto missing = decode_file(folder / "missing.mp3");
  ASSERT_EQ(reason_of(missing), "cannot be opened");
  EXPECT_THAT(missing.error().where, HasSubstr("missing.mp3"));
  EXPECT_THAT(missing.error().detail, HasSubstr("No such file"));
  EXPECT_EQ(reason_of(decode_file(folder.path())), "cannot be opened");
  EXPECT_EQ(reason_of(decode_file("/dev/null")), "cannot be opened");
  EXPECT_EQ(reason_of(decode_file(folder / "empty.mp3")), "empty file");
  EXPECT_EQ(reason_of(decode_text("")), "empty file");
  EXPECT_EQ(probe_file(folder / "missing.mp3").error().reason, "cannot be opened");
  EXPECT_EQ(probe_file(folder / "empty.mp3").error().reason, "empty file");
}

TEST(Broken, TextNamedMp3IsNotAudio) {
  std::string text;
  for (int i = 0; i < 3000; ++i) text += "Dies ist kein Lied, Zeile " + std::to_string(i) + "\n";
  EXPECT_EQ(reason_of(decode_text(text, {}, "song.mp3")), "not audio");
  EXPECT_EQ(reason_of(decode_text("x", {}, "song.mp3")), "not audio");
  std::string wide = "\xff\xfe";
  for (const char letter : text) wide += std::string{letter, '\0'};
  EXPECT_EQ(reason_of(decode_text(wide, {}, "song.mp3")), "not audio");
}

TEST(Broken, NoiseAndZerosAreNotAudio) {
  std::string noise;
  for (std::uint32_t state = 7; noise.size() < 300'000;) {
    state = state * 1664525u + 1013904223u;
    noise += static_cast<char>(state >> 24);
  }
  EXPECT_EQ(reason_of(decode_text(noise)), "not audio");
  EXPECT_EQ(reason_of(decode_text(std::string(100'000, '\0'))), "not audio");
  EXPECT_EQ(reason_of(decode_text(std::string(100'000, '\xff'))), "not audio");
}

TEST(Broken, APictureContainsNoAudio) {
  // The smallest GIF: 1 x 1 pixel.
  const std::string gif("GIF89a\1\0\1\0\x80\0\0\xff\xff\xff\0\0\0!\xf9\4\0\0\0\0\0,\0\0\0\0\1\0\1\0\0\2\2D\1\0;", 43);
  EXPECT_EQ(reason_of(decode_text(gif, {}, "song.mp3")), "no audio in it");
}

TEST(Broken, APlaylistNeverOpensTheFilesItRefersTo) {
  const std::string song = golden_audio("sweep.wav").string();
  for (const std::string& text :
       {"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:1,\nfile://" + song + "\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '" + song + "'\n", "ffconcat version 1.0\nfile 'file:" + song + "'\n"}) {
    EXPECT_FALSE(decode_text(text, {}, "list.m3u8")) << text;
  }
}

class Cut : public testing::WithGoldenFile<const char*> {};

// A file that states its length is "truncated" wherever it is cut; an intact clip is still returned.
TEST_P(Cut, IsTruncatedAtEveryTenth) {
  const std::string bytes = golden_bytes(GetParam());
  for (std::size_t tenth = 1; tenth < 10; ++tenth) {
    const auto wave = decode_text(bytes.substr(0, bytes.size() * tenth / 10));
    EXPECT_EQ(reason_of(wave), "truncated") << "at " << tenth;
  }
}

INSTANTIATE_TEST_SUITE_P(Formats, Cut,
                         ::testing::Values("long.flac", "long.ogg", "long.opus", "long.m4a", "long.mp3", "sweep.flac",
                                           "sweep.wv"));

TEST(Broken, ACutWavIsTruncatedButItsStartIsDecoded) {
  const std::string bytes = testing::wav_of(std::vector<std::int16_t>(2 * 8000, 1000), 1, 8000);
  for (std::size_t tenth = 1; tenth < 10; ++tenth) {
    const std::string cut = bytes.substr(0, bytes.size() * tenth / 10);
    EXPECT_EQ(reason_of(decode_text(cut)), "truncated") << tenth;
    EXPECT_EQ(reason_of(decode_text(cut, window(0, 0.19 * static_cast<double>(tenth)))), "none") << tenth;
  }
}

TEST(Broken, AWavOfUnknownLengthIsReadToItsEnd) {
  const std::vector<std::int16_t> samples(8000, 1000);
  for (const char filler : {'\0', '\xff'}) {
    std::string bytes = testing::wav_of(samples, 1, 8000);
    for (std::size_t i = 0; i < 4; ++i) bytes[4 + i] = bytes[40 + i] = filler;  // as written by programs to a pipe
    const auto wave = decode_text(bytes);
    ASSERT_TRUE(wave) << to_string(wave.error());
    EXPECT_EQ(wave->samples.size(), samples.size());
  }
}

TEST(Broken, DamageInAFlacIsReported) {
  std::string bytes = golden_bytes("long.flac");
  const auto middle = bytes.size() / 2;
  for (std::size_t i = 0; i < 20'000; ++i) bytes[middle + i] = static_cast<char>(i * i >> 3);
  EXPECT_THAT(reason_of(decode_text(bytes)), AnyOf("damaged", "truncated"));
  EXPECT_EQ(reason_of(decode_text(bytes, window(0, 2))), "none");
}

TEST(Broken, EveryGoldenFileCutAnywhereGivesAValueOrAFault) {
  for (const auto& entry : std::filesystem::directory_iterator(golden_audio(""))) {
    if (!looks_like_audio(entry.path())) continue;
    const std::string bytes = read_file(entry.path());
    for (std::size_t part = 1; part < 16; ++part) {
      const auto wave = decode_text(bytes.substr(0, bytes.size() * part / 16));
      if (!wave) {
        EXPECT_THAT(wave.error().reason,
                    AnyOf("truncated", "not audio", "damaged", "no audio in it", "no decoder in this build"))
            << entry.path();
      }
    }
  }
}

}  // namespace
}  // namespace genrewise
