// Extensions of audio files, compared with what the decoder opens.
#include <gmock/gmock.h>

#include <set>
#include <sstream>

extern "C" {
#include <libavformat/avformat.h>
}

#include "audio/audio_test_support.hpp"
#include "audio/ffmpeg_program.hpp"

namespace genrewise {
namespace {

using testing::TemporaryFolder;

// Mostly other things than audio, or the sounds and films of one game or device.
const std::set<std::string> kOtherUses = {".ts",  ".m2t", ".mts", ".mj2", ".sw",  ".uw",   ".swf",
                                          ".dvd", ".wtv", ".apm", ".vag", ".aud", ".ismv", ".spdif"};

TEST(Extensions, AreThoseOfTheFormatsThatTheDecoderOpens) {
  REQUIRE_FFMPEG();
  const TemporaryFolder folder;
  void* state = nullptr;
  int opened = 0;
  while (const AVOutputFormat* format = av_muxer_iterate(&state)) {
    if (format->audio_codec == AV_CODEC_ID_NONE || format->extensions == nullptr) continue;
    const auto path = folder / "file";
    const std::string options = "-f lavfi -i sine=d=1:r=44100 -ac 2 -t 1 -f ";
    if (!testing::make_with_ffmpeg(options + format->name, path) || !decode_file(path)) continue;
    ++opened;
    std::istringstream extensions(format->extensions);
    for (std::string extension; std::getline(extensions, extension, ',');) {
      if (kOtherUses.contains("." + extension)) continue;
      EXPECT_TRUE(looks_like_audio("song." + extension)) << extension << " of " << format->name;
    }
    std::filesystem::remove(path);
  }
  EXPECT_GT(opened, 20);
}

TEST(Extensions, AreUniqueLowerCaseAndBeginWithADot) {
  std::set<std::string_view> seen;
  for (const std::string_view extension : audio_extensions()) {
    EXPECT_TRUE(seen.insert(extension).second) << extension;
    EXPECT_EQ(extension.front(), '.');
    EXPECT_TRUE(looks_like_audio("song" + std::string(extension)));
    std::string upper(extension);
    for (char& letter : upper) letter = static_cast<char>(std::toupper(static_cast<unsigned char>(letter)));
    EXPECT_TRUE(looks_like_audio("song" + upper));
  }
}

}  // namespace
}  // namespace genrewise
