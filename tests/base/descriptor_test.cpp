// Parameter declarations: which values they allow, in which words they refuse others.
#include "genrewise/base/descriptor.hpp"

#include <gmock/gmock.h>

#include <stdexcept>

#include "genrewise/base/error.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using ::testing::ElementsAre;
using testing::error_message;
using ::testing::HasSubstr;

const std::vector<ParameterDescriptor> kDeclared = {
    parameter::number("C", "1.0", above(0), "penalty").also_called("cost"),
    parameter::integer("epochs", "10", at_least(1), "passes").or_word({"auto"}),
    parameter::choice("kernel", "rbf", {"linear", "rbf"}, "kernel"),
    parameter::boolean("fast", "true", "speed"),
    parameter::integers("sizes", "(100,50)", between(1, 500), "layers"),
    parameter::text("note", "", "anything"),
};

std::string refusal(const Parameters& given, bool dotted = false) {
  return error_message([&] { ParameterValues("svm", kDeclared, given, dotted); });
}

TEST(ParameterValues, AreTheGivenOnesAndDefaultsForTheOthers) {
  const ParameterValues values("svm", kDeclared, {{"cost", "10"}, {"epochs", "3"}, {"fast", "0"}});
  EXPECT_EQ(values.number("C"), 10);
  EXPECT_EQ(values.integer("epochs"), 3);
  EXPECT_FALSE(values.flag("fast"));
  EXPECT_TRUE(values.is("kernel", "rbf"));
  EXPECT_THAT(values.integers("sizes"), ElementsAre(100, 50));
  EXPECT_EQ(values.all().size(), kDeclared.size());
  EXPECT_THROW(values.text("cost"), std::logic_error);  // the declared name is C
  EXPECT_THROW(values.flag("kernel"), std::logic_error);
  EXPECT_THROW(values.number("kernel"), std::logic_error);
}

TEST(ParameterValues, RefuseUnknownNamesAndForbiddenValuesWithWhatIsAllowed) {
  EXPECT_EQ(refusal({{"colour", "red"}}),
            "svm: has no parameter 'colour'; its parameters are C, epochs, kernel, fast, sizes, note");
  EXPECT_EQ(refusal({{"cost", "0"}}), "svm: C = '0' is not allowed; give a number above 0");
  EXPECT_EQ(refusal({{"epochs", "0"}}), "svm: epochs = '0' is not allowed; give a whole number of at least 1, or auto");
  EXPECT_THAT(refusal({{"kernel", "RBF"}}), HasSubstr("give one of linear, rbf"));
  EXPECT_THAT(refusal({{"fast", "yes"}}), HasSubstr("give true or false"));
  EXPECT_THAT(refusal({{"sizes", "100,501"}}),
              HasSubstr("give whole numbers like 100 or (100,50), each from 1 to 500"));
  EXPECT_THAT(error_message([] { ParameterValues("mean", {}, {{"x", "1"}}); }), HasSubstr("it has no parameters"));
  for (const char* value : {"0.5", "1e3", "1"}) EXPECT_EQ(refusal({{"C", value}}), "no error") << value;
  for (const char* value : {"", "nan", "inf", "1x"}) EXPECT_NE(refusal({{"C", value}}), "no error") << value;
  EXPECT_EQ(refusal({{"note", "any text"}}), "no error");
  for (const char* value : {"1", "auto"}) EXPECT_EQ(refusal({{"epochs", value}}), "no error") << value;
}

TEST(ParameterValues, KeepDottedNamesUncheckedWhereTheyAreAllowed) {
  EXPECT_EQ(refusal({{"inner.C", "-1"}}, true), "no error");
  EXPECT_EQ(ParameterValues("vote", kDeclared, {{"inner.C", "-1"}}, true).text("inner.C"), "-1");
  EXPECT_THAT(refusal({{"inner.C", "-1"}}), HasSubstr("no parameter 'inner.C'"));
  EXPECT_THAT(refusal({{"inner", "-1"}}, true), HasSubstr("no parameter 'inner'"));
  EXPECT_THAT(refusal({{"C", "-1"}}, true), HasSubstr("not allowed"));
}

TEST(ParameterRange, IncludesItsBoundsUnlessTheyAreOpen) {
  EXPECT_TRUE(at_least(2).contains(2) && !at_least(2).contains(1.9));
  EXPECT_TRUE(!above(2).contains(2) && above(2).contains(2.1));
  EXPECT_TRUE(between(0, 1).contains(0) && between(0, 1).contains(1));
  EXPECT_FALSE(between(0, 1).contains(-0.1) || between(0, 1).contains(1.1));
  const Range open{.least = 0, .most = 1, .least_open = true, .most_open = true};
  EXPECT_FALSE(open.contains(0) || open.contains(1));
  EXPECT_TRUE(any_number().contains(-1e300) && any_number().contains(1e300));
}

TEST(ParameterRange, IsStatedInWords) {
  const auto text = [](const Range& range) { return allowed_text(parameter::number("x", "1", range, "")); };
  EXPECT_EQ(text(any_number()), "a number");
  EXPECT_EQ(text(above(0)), "a number above 0");
  EXPECT_EQ(text({.most = 2}), "a number of at most 2");
  EXPECT_EQ(text({.most = 2, .most_open = true}), "a number below 2");
  EXPECT_EQ(text({.least = 0, .most = 1, .least_open = true}), "a number above 0, at most 1");
  EXPECT_EQ(text({.least = 0, .most = 1, .most_open = true}), "a number of at least 0, below 1");
  EXPECT_EQ(allowed_text(parameter::text("x", "", "")), "a text");
}

TEST(ParameterDescriptors, AreFoundByNameAndByAlias) {
  EXPECT_EQ(find_parameter(kDeclared, "C"), &kDeclared[0]);
  EXPECT_EQ(find_parameter(kDeclared, "cost"), &kDeclared[0]);
  EXPECT_EQ(find_parameter(kDeclared, ""), nullptr);  // no alias is not an empty alias
  EXPECT_EQ(to_string(Parameters{{"a", "1"}, {"b", "x"}}), "a=1, b=x");
  EXPECT_EQ(to_string(ParameterType::integers), "list of integers");
  const auto searched = kDeclared[0].searched("log:-4:1:11", Simpler::smaller).with_default("2");
  EXPECT_EQ(searched.candidates, "log:-4:1:11");
  EXPECT_EQ(to_string(searched.simpler), "smaller");
  EXPECT_EQ(searched.standard, "2");
  EXPECT_EQ(to_string(searched.simpler_when(Simpler::larger).simpler), "larger");
  EXPECT_EQ(searched.simpler_when(Simpler::larger).candidates, "log:-4:1:11");
}

TEST(ParseIntegers, AcceptsListsWithAndWithoutParentheses) {
  const auto parsed = [](const char* text) {
    std::vector<long long> values = {7};
    EXPECT_TRUE(parse_integers(text, values)) << text;
    return values;
  };
  EXPECT_THAT(parsed("100"), ElementsAre(100));
  EXPECT_THAT(parsed("100,50"), ElementsAre(100, 50));
  EXPECT_THAT(parsed("( 100 ,  -50 )"), ElementsAre(100, -50));
  EXPECT_THAT(parsed("(100,)"), ElementsAre(100));
  std::vector<long long> values;
  for (const char* text : {"", "()", "(", ")", "(1", "1)", "1,,2", ",1", "1.5", "a", "1 2"})
    EXPECT_FALSE(parse_integers(text, values)) << text;
}

}  // namespace
}  // namespace genrewise
