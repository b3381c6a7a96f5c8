// GTZAN's names and its fault-filtered split.
#include "genrewise/dataset/split.hpp"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <array>

namespace genrewise {
namespace {

TEST(Gtzan, HasTheSizesOfThePublishedFaultFilteredSplit) {
  std::array<int, 3> sizes{};
  int left_out = 0;
  for (const char* genre :
       {"blues", "classical", "country", "disco", "hiphop", "jazz", "metal", "pop", "reggae", "rock"}) {
    for (int i = 0; i < 100; ++i) {
      const auto part = fault_filtered_part(fmt::format("{}.{:05}", genre, i));
      left_out += !part;
      if (part) ++sizes[static_cast<std::size_t>(*part)];
    }
  }
  EXPECT_EQ(sizes, (std::array{443, 197, 290}));
  EXPECT_EQ(left_out, 70);
}

TEST(Gtzan, RecognisesExcerptsByNameInAnyFolderAndFormat) {
  for (const char* id : {"blues.00000", "blues.00000.wav", "genres/blues/blues.00000.au", "blues.00000.3.wav"})
    EXPECT_EQ(fault_filtered_part(id), Part::validation) << id;
  EXPECT_EQ(fault_filtered_part("rock.00099"), Part::training);
  EXPECT_EQ(fault_filtered_part("hiphop.00001"), std::nullopt);  // left out
  for (const char* id : {"", "blues", "blues.", "blues.0000", "blues.00100", "blues.000001", "folk.00000",
                         "blues.0000x", "blues.-0001"}) {
    EXPECT_EQ(fault_filtered_part(id), std::nullopt) << id;
    EXPECT_FALSE(is_gtzan(std::array<std::string, 1>{id})) << id;
  }
  EXPECT_TRUE(is_gtzan(std::array<std::string, 2>{"blues.00000.wav", "hiphop.00001.wav"}));
  EXPECT_FALSE(is_gtzan(std::array<std::string, 2>{"blues.00000.wav", "other.wav"}));
  EXPECT_FALSE(is_gtzan({}));
}

}  // namespace
}  // namespace genrewise
