// Builds without GPL parts: what libsndfile does not decode is named.
#include <gmock/gmock.h>

#include "audio/audio_test_support.hpp"
#include "genrewise/audio/decoders.hpp"
#include "genrewise/audio/tags.hpp"

namespace genrewise {
namespace {

using testing::golden_audio;
using testing::golden_bytes;
using ::testing::HasSubstr;

struct WithoutGpl : ::testing::Test {
  void SetUp() override {
    if (audio_decoders().missing.empty()) GTEST_SKIP() << "this build has FFmpeg";
  }
};

TEST_F(WithoutGpl, FormatsWithoutADecoderAreNamed) {
  const std::pair<const char*, const char*> formats[] = {{"sweep_aac.m4a", "M4A"},
                                                         {"sweep.aac", "AAC"},
                                                         {"sweep.wma", "WMA"},
                                                         {"sweep.wv", "WavPack"},
                                                         {"sweep_vorbis.mka", "Matroska"}};
  for (const auto& [file, format] : formats) {
    const auto wave = decode_file(golden_audio(file));
    ASSERT_FALSE(wave) << file;
    EXPECT_EQ(wave.error().reason, "no decoder in this build");
    EXPECT_THAT(wave.error().detail, HasSubstr(format));
    EXPECT_EQ(probe_file(golden_audio(file)).error().reason, "no decoder in this build");
    EXPECT_EQ(audio_hash(golden_audio(file), 1 << 20).error().reason, "no decoder in this build");
  }
}

TEST_F(WithoutGpl, TheHashOfAudioDependsOnSamplesAndNotOnTags) {
  testing::TemporaryFolder folder;
  std::string bytes = golden_bytes("sweep.flac");
  write_file(folder / "same.flac", std::string("ID3\4\0\0\0\0\0\12", 10) + std::string(10, '\0') + bytes);
  const auto hash = audio_hash(golden_audio("sweep.flac"), 1 << 20);
  ASSERT_TRUE(hash);
  EXPECT_EQ(*audio_hash(folder / "same.flac", 1 << 20), *hash);
  EXPECT_NE(*audio_hash(golden_audio("sweep.aiff"), 1 << 20), *hash);
}

}  // namespace
}  // namespace genrewise
