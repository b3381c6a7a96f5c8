// Small damage is left out, larger one is a fault; what belongs to a track is found behind tags and in chains.
#include <gmock/gmock.h>

#include <algorithm>
#include <cmath>

#include "audio/audio_test_support.hpp"
#include "audio/mp3_bytes.hpp"
#include "audio/tag_bytes.hpp"
#include "genrewise/audio/track_reader.hpp"

namespace genrewise {
namespace {

using testing::decode_text;
using testing::golden_bytes;
using testing::junk;
using testing::number;
using testing::reason_of;
using testing::window;

double seconds_of(const Expected<Waveform>& wave) {
  return wave ? static_cast<double>(wave->samples.size()) / wave->sample_rate_hz : -1;
}

double probed_s(const std::string& bytes) {
  const auto info = probe_bytes(std::as_bytes(std::span(bytes)), "test");
  return info ? info->duration_s : -1;
}

std::string overwritten(std::string bytes, std::size_t at, const std::string& by) {
  return bytes.replace(at, by.size(), by);
}

// A header of MPEG-1 layer III at 48 kHz and its frame of silence, which none of our files has.
const std::string kOtherFrame = std::string("\xff\xfb\x94\x64", 4) + std::string(380, '\0');

TEST(Damage, BytesBehindACompleteMp3AreNoDamage) {
  const std::string complete = golden_bytes("long.mp3");
  const auto plain = decode_text(complete);
  for (const std::string& tail : {"left over text" + kOtherFrame + std::string(300, 'x'), junk(20'000),
                                  kOtherFrame + kOtherFrame + kOtherFrame + kOtherFrame + kOtherFrame}) {
    const auto wave = decode_text(complete + tail);
    ASSERT_TRUE(wave) << to_string(wave.error());
    EXPECT_EQ(wave->samples, plain->samples);
    EXPECT_EQ(probed_s(complete + tail), probed_s(complete));
  }
}

TEST(Damage, BytesBehindACompleteTrackOfAnyFormatAreNoDamage) {
  for (const char* name : {"long.m4a", "sweep_alac.m4a", "long.flac", "long.ogg", "long.opus", "sweep.wv", "sweep.wav",
                           "sweep.aiff", "sweep.wma", "sweep_vorbis.mka"}) {
    const std::string complete = golden_bytes(name);
    const auto plain = decode_text(complete);
    for (const std::string& tail :
         {junk(20'000), junk(200'000), std::string(200'000, '\0'), "<html>" + std::string(3'000, 'x')}) {
      const auto wave = decode_text(complete + tail);
      ASSERT_TRUE(wave) << name << ": " << to_string(wave.error());
      EXPECT_EQ(wave->samples, plain->samples) << name;
      EXPECT_EQ(probed_s(complete + tail), probed_s(complete)) << name;
    }
  }
}

TEST(Damage, FalseHeadersWithinALittleDamageOfAnMp3AreLeftOut) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += golden_bytes("long_no_xing.mp3");  // 1,000 bytes a second
  const std::string hole = overwritten(junk(1'600), 700, kOtherFrame);     // 2 %
  const auto wave = decode_text(overwritten(bytes, 30'011, hole));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_NEAR(seconds_of(wave), seconds_of(decode_text(bytes)) - 1.6, 0.2);
}

// The frames behind a lost one refer to its bytes; those of the frame before are no substitute.
TEST(Damage, ALostFrameOfAnMp3IsNoNoise) {
  const std::string bytes = golden_bytes("sweep_vbr.mp3");
  const auto plain = decode_text(bytes);
  ASSERT_TRUE(plain);
  const auto peak = [](const Waveform& wave) {
    return std::abs(*std::ranges::max_element(wave.samples, {}, [](float x) { return std::abs(x); }));
  };
  int decoded = 0;
  for (std::size_t at = bytes.find("\xff\xfb", 4000); at != std::string::npos; at = bytes.find("\xff\xfb", at + 400)) {
    const auto wave = decode_text(overwritten(bytes, at, std::string(4, '\0')));
    if (!wave) continue;
    ++decoded;
    EXPECT_LT(peak(*wave), 1.2f * peak(*plain)) << at;
  }
  EXPECT_GT(decoded, 10);
}

TEST(Damage, MoreThanTheTwentiethPartOfAnMp3IsAFault) {
  std::string bytes;
  for (int i = 0; i < 10; ++i) bytes += golden_bytes("long_no_xing.mp3");
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, 30'011, junk(3'500)))), "none");
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, 30'011, junk(5'000)))), "damaged");
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, 30'011, junk(5'000)), window(40, 10))), "none");
}

class Packets : public testing::WithGoldenFile<const char*> {};

TEST_P(Packets, OneThatIsBadIsLeftOut) {
  const std::string bytes = golden_bytes(GetParam());
  const double whole_s = seconds_of(decode_text(bytes));
  const auto wave = decode_text(overwritten(bytes, bytes.size() / 2, "\xff\xff\xff\xff"));
  ASSERT_TRUE(wave) << to_string(wave.error());
  EXPECT_LE(seconds_of(wave), whole_s);
  EXPECT_GE(seconds_of(wave), whole_s - 1.1);
}

TEST_P(Packets, AQuarterOfThemIsAFault) {
  const std::string bytes = golden_bytes(GetParam());
  const std::string hole = junk(bytes.size() / 4, 5);
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, bytes.size() / 2, hole))), "damaged");
}

INSTANTIATE_TEST_SUITE_P(Formats, Packets, ::testing::Values("long.m4a", "long.ogg", "long.opus", "long.flac"));

TEST(Damage, OfRawAacIsCountedInBytes) {
  std::string bytes;
  for (int i = 0; i < 30; ++i) bytes += golden_bytes("sweep.aac");
  const std::size_t twentieth = bytes.size() / 20;
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, bytes.size() / 2, "\xff\xff\xff\xff"))), "none");
  EXPECT_EQ(reason_of(decode_text(overwritten(bytes, bytes.size() / 2, junk(twentieth / 2)))), "none");
  const std::string bad = overwritten(bytes, bytes.size() / 2, junk(2 * twentieth));
  EXPECT_EQ(reason_of(decode_text(bad)), "damaged");
  EXPECT_EQ(reason_of(decode_text(bad, window(20, 8))), "none");  // behind the damage
}

TEST(Tags, OfAnyLengthBeforeTheAudioAreSkipped) {
  const std::string tags = testing::id3v2(1'500'000) + testing::id3v2(2'000'000);
  for (const char* name :
       {"long.flac", "sweep.aac", "long.mp3", "sweep.wv", "long.ogg", "sweep.wav", "sweep_mp2.mp2"}) {
    const auto plain = decode_text(golden_bytes(name)), tagged = decode_text(tags + golden_bytes(name));
    ASSERT_TRUE(tagged) << name << ": " << to_string(tagged.error());
    EXPECT_EQ(tagged->samples, plain->samples) << name;
    EXPECT_EQ(probed_s(tags + golden_bytes(name)), probed_s(golden_bytes(name))) << name;
  }
}

TEST(OggLinks, AreLeftToTheDecoderWhereAFileHasThousands) {
  const auto links_of = [](int count) {
    std::string bytes;
    for (int link = 0; link < count; ++link) {
      for (const int page : {0, 1}) {  // without content
        bytes += "OggS" + std::string(1, '\0') + static_cast<char>(page == 0 ? 2 : 0) + std::string(8, '\0');
        bytes +=
            number(static_cast<std::uint64_t>(link), 4, false) + number(static_cast<std::uint64_t>(page), 4, false);
        bytes += std::string(5, '\0');
      }
    }
    audio::ByteSource source(std::as_bytes(std::span(bytes)));
    return audio::ogg_links({source, 0, source.size()}).size();
  };
  EXPECT_EQ(links_of(10), 10u);
  EXPECT_EQ(links_of(5000), 1u);
}

class OggChain : public ::testing::TestWithParam<const char*> {};

// Streams of 8 s. Those of one file have one serial number, though they should have two.
TEST_P(OggChain, IsAsLongAsItsLinksTogether) {
  const std::string one = golden_bytes(GetParam());
  for (const std::string& chain : {one + one, one + one + one, one + "left over text" + one}) {
    const double links = chain.size() > 5 * one.size() / 2 ? 3 : 2;
    EXPECT_DOUBLE_EQ(probed_s(chain), links * probed_s(one));
    EXPECT_NEAR(seconds_of(decode_text(chain)), links * 8, 0.001);
  }
}

TEST_P(OggChain, HasClipsInItsLaterLinks) {
  const std::string one = golden_bytes(GetParam()), chain = one + one + one;
  for (const double start_s : {0.5, 2.0, 6.5}) {
    const auto first = decode_text(one, window(start_s, 1));
    for (const double link_s : {8.0, 16.0}) {
      const auto clip = decode_text(chain, window(link_s + start_s, 1));
      ASSERT_TRUE(clip) << to_string(clip.error());
      EXPECT_EQ(clip->samples, first->samples) << link_s + start_s;
    }
  }
  EXPECT_NEAR(seconds_of(decode_text(chain, window(6, 12))), 12, 1e-9);  // across three links
  EXPECT_EQ(reason_of(decode_text(chain, window(25, 1))), "clip outside the track");
}

TEST_P(OggChain, IsTruncatedIfItsLastLinkIsCut) {
  const std::string one = golden_bytes(GetParam()), chain = one + one;
  EXPECT_EQ(reason_of(decode_text(chain.substr(0, one.size() + one.size() / 2))), "truncated");
}

INSTANTIATE_TEST_SUITE_P(Formats, OggChain, ::testing::Values("long.ogg", "long.opus"));

TEST(OggChains, OfDifferentCodecsAreOneTrackButThoseOfDifferentRatesAreNot) {
  const std::string opus = golden_bytes("long.opus"), short_opus = golden_bytes("sweep.opus");
  EXPECT_NEAR(seconds_of(decode_text(opus + short_opus)), 9, 0.001);
  const std::string rates = golden_bytes("long.ogg") + golden_bytes("sweep_vorbis.ogg");
  EXPECT_NEAR(probed_s(rates), 9, 0.001);
  EXPECT_EQ(reason_of(decode_text(rates)), "sample rate changes");
  EXPECT_EQ(reason_of(decode_text(rates, window(2, 5))), "none");
}

}  // namespace
}  // namespace genrewise
