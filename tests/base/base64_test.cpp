#include "genrewise/base/hash.hpp"

#include <gtest/gtest.h>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

TEST(Base64, EqualsTheExamplesOfRfc4648) {
  const std::pair<const char*, const char*> examples[] = {{"", ""},
                                                          {"f", "Zg=="},
                                                          {"fo", "Zm8="},
                                                          {"foo", "Zm9v"},
                                                          {"foob", "Zm9vYg=="},
                                                          {"fooba", "Zm9vYmE="},
                                                          {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : examples) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
}

TEST(Base64, KeepsEveryByteOfLongDataAcrossItsBlocks) {
  std::string bytes((std::size_t{3} << 20U) * 2 + 1, '\0');
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<char>(i * 7 + i / 256);
  EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
}

TEST(Base64, RefusesOtherText) {
  for (const char* text : {"Zg=", "Z", "Zm9v!", "Z$9v", "Zm9vYg"}) EXPECT_THROW(from_base64(text), Error) << text;
}

}  // namespace
}  // namespace genrewise
