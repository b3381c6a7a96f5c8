#include "genrewise/base/json_file.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <limits>
#include <map>

#include "genrewise/base/hash.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;

const json kDocument = {{"accuracy", 0.5}, {"labels", {"a", "b"}}, {"text", "\"sha256\": \"00\""}};

TEST(Seal, IsTheSha256OfTheTextWithZerosInItsPlace) {
  std::string text = sealed_text(kDocument, 1);
  const std::string digits = json::parse(text).at("sha256");
  text.replace(text.find(digits), digits.size(), std::string(64, '0'));
  EXPECT_EQ(sha256_hex(text), digits);
}

TEST(Seal, IsSoundInTheTextThatWasWrittenAndTheDocumentIsUnchanged) {
  for (const int indent : {-1, 1, 2}) {
    const SealedJson found = parse_sealed_json(sealed_text(kDocument, indent), "f");
    EXPECT_EQ(found.seal, Seal::sound);
    EXPECT_EQ(found.value, kDocument);
  }
}

TEST(Seal, IsBrokenOrTheDocumentUnreadableOrItsContentEqualWithAFlippedBitAnywhere) {
  const std::string text = sealed_text(kDocument, 1);
  for (std::size_t at = 0; at < text.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = text;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      json read;
      try {
        read = require_sealed_json(flipped, "f");
      } catch (const Error&) {
        continue;
      }
      for (const auto& [name, value] : kDocument.items()) EXPECT_EQ(read.at(name), value) << at;
    }
  }
}

TEST(Seal, IsBrokenWhereItsPlaceIsEmptyOrNoText) {
  for (const char* text : {R"({"sha256": ""})", R"({"sha256": 1})", R"({"sha256": "00"})"}) {
    const SealedJson found = parse_sealed_json(text, "f");
    EXPECT_EQ(found.seal, Seal::broken) << text;
    EXPECT_EQ(found.value, json::object());
  }
  EXPECT_THAT(error_message([] { parse_sealed_json("[]", "f"); }), HasSubstr("not a JSON object"));
  EXPECT_THAT(sealed_text({{"name", "Jóga"}}), HasSubstr("Jóga"));
}

TEST(Seal, IsAbsentWhereAnEarlierVersionWroteNone) {
  EXPECT_EQ(parse_sealed_json(kDocument.dump(), "f").seal, Seal::absent);
  EXPECT_EQ(require_sealed_json(kDocument.dump(), "f"), kDocument);
}

TEST(Seal, IsBrokenByAnEditAndTheErrorNamesTheFile) {
  std::string text = sealed_text(kDocument);
  text.replace(text.find("0.5"), 3, "0.9");
  EXPECT_THAT(error_message([&] { require_sealed_json(text, "models/svm.json"); }),
              HasSubstr("models/svm.json: was changed or damaged"));
}

TEST(JsonOfFiles, IsRefusedWithFileLineAndColumnAndWithoutTheLibrarysPrefix) {
  const std::string message = error_message([] { parse_json("{\n\"a\": x}", "config.json", "remove it"); });
  EXPECT_THAT(message, HasSubstr("config.json: is not valid JSON: parse error"));
  EXPECT_THAT(message, HasSubstr("line 2, column 6"));
  EXPECT_THAT(message, HasSubstr("remove it"));
  EXPECT_THAT(message, Not(HasSubstr("json.exception")));
  EXPECT_THAT(error_message([] { parse_json(" \n", "f"); }), HasSubstr("f: is empty"));
}

TEST(JsonOfFiles, IsRefusedWhenItNestsTooDeeply) {
  for (const std::size_t depth : {101, 1'000'000})
    EXPECT_THAT(error_message([&] { parse_json(std::string(depth, '['), "f"); }), HasSubstr("too deeply"));
  for (const auto& text : {std::string(101, '['), std::string("{"), std::string()})
    EXPECT_TRUE(try_parse_json(text).is_discarded());
  EXPECT_EQ(try_parse_json("[1]"), json::array({1}));
  std::string objects;
  for (int i = 0; i < 101; ++i) objects += "{\"a\":";
  EXPECT_THAT(error_message([&] { parse_json(objects, "f"); }), HasSubstr("too deeply"));
  EXPECT_EQ(parse_json(std::string(100, '[') + std::string(100, ']'), "f").size(), 1);
  EXPECT_EQ(parse_json("\"" + std::string(200, '[') + "\\\"" + std::string(200, '{') + "\"", "f").type(),
            json::value_t::string);
}

TEST(JsonOfFiles, NamesTheFileWhenAValueHasAnotherType) {
  const std::string message = error_message([] {
    read_json("folds.jsonl", "remove it", [] { return json{{"fold", "x"}}.at("fold").get<int>(); });
  });
  EXPECT_THAT(message, HasSubstr("folds.jsonl: a value is missing or of another type"));
  EXPECT_THAT(message, Not(HasSubstr("[json")));
}

// The library casts any number to any integer.
TEST(JsonOfFiles, HasIntegersOfTheWantedRangeOrAnError) {
  const auto is_refused = []<class T>(const char* text, T /*type*/) {
    try {
      read_json("file", "", [&] { return nlohmann::json::parse(text).get<T>(); });
      return false;
    } catch (const Error&) {
      return true;
    }
  };
  for (const char* text : {"1e308", "-1e308", "3.7", "1099511627776", "-2147483649", "2147483648.0", "true", "\"1\""})
    EXPECT_TRUE(is_refused(text, int{})) << text;
  for (const char* text : {"-1", "-1.0", "18446744073709551616", "0.5"})
    EXPECT_TRUE(is_refused(text, std::size_t{})) << text;
  EXPECT_TRUE(is_refused("9223372036854775808", std::int64_t{}));
  EXPECT_TRUE(is_refused("[1, 1e300]", std::vector<int>()));
  EXPECT_TRUE(is_refused("{\"a\": 0.5}", std::map<std::string, int>()));

  EXPECT_EQ(nlohmann::json::parse("3.0").get<int>(), 3);
  EXPECT_EQ(nlohmann::json::parse("-2147483648").get<int>(), std::numeric_limits<int>::min());
  EXPECT_EQ(nlohmann::json::parse("18446744073709551615").get<std::size_t>(), std::numeric_limits<std::size_t>::max());
  EXPECT_EQ(nlohmann::json::parse("-9223372036854775808").get<std::int64_t>(),
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(nlohmann::json(std::size_t{7}).dump(), "7");
}

}  // namespace
}  // namespace genrewise
