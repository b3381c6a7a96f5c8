#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "genrewise/audio/mpeg_layout.hpp"
#include "support/golden.hpp"

namespace genrewise::audio {
namespace {

using nlohmann::json;

/// Fields of a header as ISO/IEC 11172-3, 2.4.2.3 orders them.
std::optional<MpegHeader> header_of(unsigned version, unsigned layer, unsigned bit_rate, unsigned rate,
                                    unsigned padding, unsigned mode = 0) {
  const unsigned word =
      0x7ffU << 21 | version << 19 | layer << 17 | 1U << 16 | bit_rate << 12 | rate << 10 | padding << 9 | mode << 6;
  const std::byte bytes[] = {std::byte(word >> 24), std::byte(word >> 16), std::byte(word >> 8), std::byte(word)};
  return parse_mpeg_header(bytes);
}

TEST(MpegHeader, HasTheBitRateAndTheLengthOfTheStandardForEveryVersionLayerAndIndex) {
  const json rates_kbps = testing::read_golden("audio/mpeg_bit_rates.json");
  const struct {
    const char* name;
    unsigned bits;
    int number, first_rate_hz;
  } versions[] = {{"1", 3, 1, 44100}, {"2", 2, 2, 22050}, {"2.5", 0, 3, 11025}};
  for (const auto& version : versions) {
    for (const int layer : {1, 2, 3}) {
      const json& expected = rates_kbps.at(std::string(version.name) + '/' + std::to_string(layer));
      ASSERT_EQ(expected.size(), 15u);
      for (unsigned index = 0; index < 15; ++index) {
        for (const unsigned padding : {0U, 1U}) {
          SCOPED_TRACE(::testing::Message() << version.name << '/' << layer << ", index " << index);
          const auto header = header_of(version.bits, 4 - static_cast<unsigned>(layer), index, 0, padding);
          ASSERT_TRUE(header);
          EXPECT_EQ(header->version, version.number);
          EXPECT_EQ(header->layer, layer);
          EXPECT_EQ(header->sample_rate_hz, version.first_rate_hz);
          EXPECT_EQ(header->bit_rate_kbps, expected[index].get<int>());
          const int bits_per_s = 1000 * header->bit_rate_kbps, added = static_cast<int>(padding);
          const int length = layer == 1                         ? (12 * bits_per_s / version.first_rate_hz + added) * 4
                             : layer == 3 && version.number > 1 ? 72 * bits_per_s / version.first_rate_hz + added
                                                                : 144 * bits_per_s / version.first_rate_hz + added;
          EXPECT_EQ(header->frame_bytes, index == 0 ? 0 : length);
          EXPECT_EQ(header->has_padding, padding == 1);
        }
      }
    }
  }
}

TEST(MpegHeader, HasTheSampleRateOfItsIndexAndOneChannelInMonoOnly) {
  EXPECT_EQ(header_of(3, 1, 9, 1, 0)->sample_rate_hz, 48000);
  EXPECT_EQ(header_of(3, 1, 9, 2, 0)->sample_rate_hz, 32000);
  EXPECT_EQ(header_of(2, 1, 9, 1, 0)->sample_rate_hz, 24000);
  EXPECT_EQ(header_of(0, 1, 9, 2, 0)->sample_rate_hz, 8000);
  for (const unsigned mode : {0U, 1U, 2U}) EXPECT_EQ(header_of(3, 1, 9, 0, 0, mode)->channels, 2);
  EXPECT_EQ(header_of(3, 1, 9, 0, 0, 3)->channels, 1);
}

TEST(MpegHeader, HasNoReservedValues) {
  EXPECT_TRUE(header_of(3, 1, 9, 0, 0));
  EXPECT_FALSE(header_of(1, 1, 9, 0, 0));
  EXPECT_FALSE(header_of(3, 0, 9, 0, 0));
  EXPECT_FALSE(header_of(3, 1, 15, 0, 0));
  EXPECT_FALSE(header_of(3, 1, 9, 3, 0));
  const std::byte unsynchronised[] = {std::byte{0xff}, std::byte{0xdb}, std::byte{0x90}, std::byte{0}};
  EXPECT_FALSE(parse_mpeg_header(unsynchronised));
}

}  // namespace
}  // namespace genrewise::audio
