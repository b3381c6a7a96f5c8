#include "genrewise/base/text.hpp"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "genrewise/base/addresses.hpp"
#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using namespace std::string_literals;

TEST(Text, TrimsWhitespaceAtBothEndsAndKeepsItInside) {
  EXPECT_EQ(trimmed(" \t a b\r\n"), "a b");
  EXPECT_EQ(trimmed("a"), "a");
  EXPECT_EQ(trimmed(" \n "), "");
  EXPECT_EQ(trimmed(""), "");
}

TEST(ByteText, IsAStringOrHexadecimal) {
  EXPECT_EQ(any_text("Jazz \"é\""s), nlohmann::json("Jazz \"é\""));
  EXPECT_EQ(any_text("caf\xe9\x01"s), nlohmann::json({{"hex", "636166e901"}}));
  const std::vector<std::string> texts = {"", "a", "caf\xe9", "\xff\xfe\x80", "日本", "\xed\xa0\x80"};
  const nlohmann::json values = any_texts(texts);
  EXPECT_EQ(any_texts(nlohmann::json::parse(values.dump())), texts);
  for (const char* other : {"1", "null", "{}", R"({"hex":1})", "[]"})
    EXPECT_THROW(any_text(nlohmann::json::parse(other)), nlohmann::json::exception) << other;
  EXPECT_THROW(any_texts(nlohmann::json("a")), nlohmann::json::exception);
  EXPECT_EQ(from_hex("0aF"), "\n");
}

TEST(Text, ConvertsOnlyAsciiLettersToLowerCase) {
  EXPECT_EQ(lower_case("Hip-Hop ÜX9"), "hip-hop Üx9");
}

TEST(Text, IsSplitAtEverySeparatorWithEmptyPartsKept) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(split_text("a;bc;d", ';'), (Parts{"a", "bc", "d"}));
  EXPECT_EQ(split_text(";a;;", ';'), (Parts{"", "a", "", ""}));
  EXPECT_EQ(split_text("whole", ';'), Parts{"whole"});
  EXPECT_EQ(split_text("", ';'), Parts{""});
}

TEST(Text, OfAnEnvironmentVariableThatIsNotSetIsEmpty) {
  ::setenv("TEXT_TEST_VARIABLE", "its value", 1);
  EXPECT_EQ(environment_variable("TEXT_TEST_VARIABLE"), "its value");
  ::unsetenv("TEXT_TEST_VARIABLE");
  EXPECT_EQ(environment_variable("TEXT_TEST_VARIABLE"), "");
}

TEST(Text, ConvertsFromTheFirstToTheLastLetter) {
  EXPECT_EQ(lower_case("AZ@[`{az09"), "az@[`{az09");
}

TEST(NameKey, IgnoresCaseAccentsBlanksAndPunctuation) {
  for (const char* text : {"Hip-Hop", "hip hop", "HIPHOP", "Hip_Hop!", "Hip\u2010Hop", "Hip\u00a0Hop"})
    EXPECT_EQ(name_key(text), "hiphop") << text;
  EXPECT_EQ(name_key("Björk – Jóga (ŁÓDŹ, ſtraße)"), "bjorkjogalodzstrase");
  EXPECT_EQ(name_key("Motorhead"), name_key("Mot\u00f6rhead"));
  EXPECT_EQ(name_key("Motorhead"), name_key("Moto\u0308rhead"));  // decomposed, as macOS writes names
  EXPECT_EQ(name_key("РУССКИЙ РОК, Ёж"), name_key("русский рок, ёж"));
  EXPECT_EQ(name_key("ΡΕΜΠΕΤΙΚΟ"), name_key("ρεμπετικο"));
  EXPECT_EQ(name_key("音楽"), "音楽");
}

TEST(NameKey, EqualsTheSpellingsOfAnd) {
  for (const char* text : {"Drum & Bass", "drum and bass", "Drum 'n' Bass", "Drum+Bass", "drum n bass"})
    EXPECT_EQ(name_key(text), "drumandbass") << text;
  EXPECT_EQ(name_key("N.W.A"), "nwa");
  EXPECT_EQ(name_key("Neon"), "neon");
}

TEST(NameKey, KeepsTextsWithoutLettersApart) {
  EXPECT_EQ(name_key(" !!! "), "!!!");
  EXPECT_EQ(name_key("???"), "???");
  EXPECT_EQ(name_key(""), "");
  EXPECT_EQ(name_key("\xff\xfe"), "\xff\xfe");
  EXPECT_EQ(name_key("a\xc3"), "a\xc3");
}

TEST(NameKey, ConvertsTheFirstAndTheLastLetterOfEachRangeAndKeepsTheNextOnes) {
  using Pair = std::pair<const char*, const char*>;
  for (const auto& [text, key] : {
           Pair{"a/0:9@AZ[`az{", "a09azaz"},
           {"a\u00bfb\u00c0\u00d7\u017f\u0180", "aba*s\u0180"},                   // Latin
           {"o\u02ffo\u0300o\u036fo\u0370", "o\u02ffooo\u0370"},                  // combining accents
           {"\u0390\u0391\u03a9\u03aa\u03ff", "\u0390\u03b1\u03c9\u03aa\u03ff"},  // Greek
           {"\u0400\u040f\u0410\u042f\u0430", "\u0450\u045f\u0430\u044f\u0430"},  // Cyrillic
           {"a\u2000b\u203fc\u2040", "abc\u2040"},
           {"N Sync n", "nsyncand"},
           {"A+B", "aandb"},
           {"+", "and"},
           {"x\x80y\xc3", "x\x80y\xc3"},  // no UTF-8
       })
    EXPECT_EQ(name_key(text), key) << text;
}

TEST(Addresses, AreShownWithoutCredentials) {
  EXPECT_EQ(without_credentials("https://me:secret@index.example/simple"), "https://index.example/simple");
  EXPECT_EQ(without_credentials("https://index.example/a@b"), "https://index.example/a@b");
  EXPECT_EQ(without_credentials("not an address"), "not an address");
  EXPECT_EQ(without_credentials("https://host/a?X-Amz-Signature=ab12&page=2#token=ab12: failed (?=x)"),
            "https://host/a?X-Amz-Signature=***&page=***#token=***: failed (?=x)");
  EXPECT_EQ(without_credentials("http://h/a?k: is 'ftp://me:pw@h/?a=b' or \"http://me@h?a=b\""),
            "http://h/a?k: is 'ftp://h/?a=b' or \"http://h?a=***\"");
  EXPECT_EQ(without_credentials("HTTPS://me:pa'ss@host/a?token=ab'cd&b=1, 'Http://h?k=v', ['http://h?k=v']"),
            "HTTPS://host/a?token=***&b=***, 'Http://h?k=***', ['http://h?k=***']");
  EXPECT_EQ(without_credentials("from='https://a/x'&to='https://u:pw@b/', https://a/x,https://u:pw@b"),
            "from='https://a/x'&to='https://b/', https://a/x,https://b");
  EXPECT_EQ(without_credentials("s3://music/song?.wav?a=b, gs://me:pw@music/x"),
            "s3://music/song?.wav?a=b, gs://music/x");
}

TEST(Addresses, InErrorsAndFaultsAreWithoutCredentials) {
  const Error error("cannot read http://me:pw@h/a?sig=1", "s3://me:pw@b", "see https://x@y");
  EXPECT_EQ(std::string(error.what()), "s3://b: cannot read http://h/a?sig=***; see https://y");
  EXPECT_EQ(error.problem() + error.where() + error.remedy(), "cannot read http://h/a?sig=***s3://bsee https://y");
  const Fault fault{"missing file", "http://me:pw@h/a", "http://h/?k=1"};
  EXPECT_EQ(to_string(fault), "http://h/a: missing file (http://h/?k=***)");
  EXPECT_EQ(nlohmann::json(fault).dump(),
            R"({"detail":"http://h/?k=***","reason":"missing file","where":"http://h/a"})");
}

}  // namespace
}  // namespace genrewise
