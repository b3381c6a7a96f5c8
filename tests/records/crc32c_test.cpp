#include "genrewise/records/crc32c.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>
#include <vector>

#include "genrewise/base/random.hpp"
#include "genrewise/records/framing.hpp"

namespace genrewise {
namespace {

std::vector<std::byte> filled(std::size_t size, int value, int step) {
  std::vector<std::byte> bytes(size);
  for (auto& byte : bytes) byte = static_cast<std::byte>(std::exchange(value, value + step));
  return bytes;
}

TEST(Crc32c, ReproducesTheChecksumsOfRfc3720) {
  for (const auto sum : {&crc32c, &crc32c_by_table}) {
    EXPECT_EQ(sum({}, 0), 0u);
    EXPECT_EQ(sum(as_bytes("123456789"), 0), 0xe3069283u);
    EXPECT_EQ(sum(filled(32, 0, 0), 0), 0x8a9136aau);
    EXPECT_EQ(sum(filled(32, 0xff, 0), 0), 0x62a8ab43u);
    EXPECT_EQ(sum(filled(32, 0, 1), 0), 0x46dd794eu);
    EXPECT_EQ(sum(filled(32, 31, -1), 0), 0x113fdb5cu);
  }
}

TEST(Crc32c, IsTheSameForACopyWhichIsComplete) {
  Rng rng(2);
  std::vector<std::byte> bytes(40'000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(rng.next());
  std::vector<std::size_t> lengths = {6'143, 6'144, 6'145, 12'500, 39'950};
  for (std::size_t length = 0; length < 900; ++length) lengths.push_back(length);
  for (const std::size_t length : lengths) {
    const auto from = std::span<const std::byte>(bytes).subspan(length % 11, length);
    std::vector<std::byte> copy(length + 20, std::byte{0x5a});
    ASSERT_EQ(copy_crc32c(from, copy.data() + 7, 99), crc32c(from, 99)) << length;
    ASSERT_TRUE(std::ranges::equal(from, std::span(copy).subspan(7, length))) << length;
    const auto is_untouched = [](std::byte byte) { return byte == std::byte{0x5a}; };
    ASSERT_TRUE(std::ranges::all_of(std::span(copy).first(7), is_untouched)) << length;
    ASSERT_TRUE(std::ranges::all_of(std::span(copy).subspan(7 + length), is_untouched)) << length;
  }
}

TEST(Crc32c, IsTheSameByInstructionAndByTableForEveryLengthAndAlignment) {
  Rng rng(1);
  std::vector<std::byte> bytes(40'000);
  for (auto& byte : bytes) byte = static_cast<std::byte>(rng.next());
  const auto all = std::span<const std::byte>(bytes);
  for (std::size_t length = 0; length < 1'000; ++length) {
    const auto part = all.subspan(length % 9, length);
    ASSERT_EQ(crc32c(part), crc32c_by_table(part)) << length;
  }
  for (const std::size_t length : {6'143u, 6'144u, 6'145u, 12'288u, 20'000u, 39'990u}) {
    const auto part = all.subspan(3, length);
    ASSERT_EQ(crc32c(part, 77), crc32c_by_table(part, 77)) << length;
  }
}

TEST(Crc32c, ContinuesFromAnIntermediateChecksum) {
  const auto bytes = filled(30'000, 5, 7);
  const auto all = std::span<const std::byte>(bytes);
  EXPECT_EQ(crc32c(all.subspan(12'345), crc32c(all.first(12'345))), crc32c(all));
}

TEST(Crc32c, MasksAsTensorFlowDoes) {
  // The first 12 bytes of every TFRecord with 16 bytes of payload, as written by TensorFlow: the length and its masked
  // checksum.
  const auto header = record_header(16);
  EXPECT_EQ(payload_length(as_bytes({header.data(), header.size()})), 16u);
  EXPECT_EQ(masked_crc32c({}), 0xa282ead8u);
}

}  // namespace
}  // namespace genrewise
