// Functions of libraries that are loaded when they are called.
#include "genrewise/base/shared_library.hpp"

#include <gmock/gmock.h>

#include <cmath>

#include "genrewise/base/error.hpp"

namespace genrewise {
namespace {

using ::testing::HasSubstr;

constexpr SharedLibrary kMaths{"libm.so.6", "the mathematical library"};
constexpr SharedLibrary kMissing{"libgenrewise_missing.so.7", "a missing library"};
using OfDouble = double(double);

TEST(SharedLibrary, FunctionIsThatOfTheLibrary) {
  static constinit const LoadedFunction<OfDouble> cosine(kMaths, "cos");
  EXPECT_EQ(cosine(1.0), std::cos(1.0));
  EXPECT_EQ(cosine(0.0), 1.0);
}

TEST(SharedLibrary, MissingFileIsAnErrorThatNamesItAndTheRemedy) {
  static constinit const LoadedFunction<OfDouble> cosine(kMissing, "cos");
  for (int attempt = 0; attempt < 2; ++attempt) {
    try {
      cosine(1.0);
      FAIL() << "no error";
    } catch (const Error& error) {
      EXPECT_EQ(error.where(), kMissing.file);
      EXPECT_THAT(error.problem(), HasSubstr("a missing library cannot be loaded"));
      EXPECT_THAT(error.remedy(), HasSubstr("install the package that contains libgenrewise_missing.so.7"));
    }
  }
}

TEST(SharedLibrary, MissingFunctionIsAnErrorThatNamesIt) {
  static constinit const LoadedFunction<OfDouble> unknown(kMaths, "genrewise_unknown");
  try {
    unknown(1.0);
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_THAT(error.problem(), HasSubstr("genrewise_unknown"));
  }
}

}  // namespace
}  // namespace genrewise
