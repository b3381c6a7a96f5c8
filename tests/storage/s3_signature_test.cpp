// Compares with Amazon's published examples: "Signature Calculations for the Authorization Header" of the S3
// documentation, and the Signature Version 4 test suite.
#include "genrewise/storage/s3_signature.hpp"
#include "genrewise/storage/location.hpp"

#include <gmock/gmock.h>

#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

using ::testing::EndsWith;

constexpr char kEmptySum[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

std::string s3_example(std::string method, std::string path, NamedValues query, NamedValues headers,
                       std::string payload_sum = kEmptySum) {
  headers.emplace_back("host", "examplebucket.s3.amazonaws.com");
  headers.emplace_back("x-amz-content-sha256", payload_sum);
  headers.emplace_back("x-amz-date", "20130524T000000Z");
  return sign_v4(
      {std::move(method), std::move(path), std::move(query), std::move(headers), std::move(payload_sum)},
      {"AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "us-east-1", "s3", "20130524T000000Z"});
}

TEST(S3Signature, SignsAmazonsGetOfARange) {
  EXPECT_EQ(s3_example("GET", "/test.txt", {}, {{"range", "bytes=0-9"}}),
            "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request, "
            "SignedHeaders=host;range;x-amz-content-sha256;x-amz-date, "
            "Signature=f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
}

TEST(S3Signature, SignsAmazonsPut) {
  EXPECT_THAT(s3_example("PUT", "/" + percent_encoded("test$file.text", true), {},
                         {{"date", "Fri, 24 May 2013 00:00:00 GMT"}, {"x-amz-storage-class", "REDUCED_REDUNDANCY"}},
                         sha256_hex("Welcome to Amazon S3.")),
              EndsWith("Signature=98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd"));
}

TEST(S3Signature, SignsAmazonsRequestsWithAQuery) {
  EXPECT_THAT(s3_example("GET", "/", {{"lifecycle", ""}}, {}),
              EndsWith("Signature=fea454ca298b7da1c68078a5d1bdbfbbe0d65c699e0f91ac7a200a0136783543"));
  EXPECT_THAT(s3_example("GET", "/", {{"prefix", "J"}, {"max-keys", "2"}}, {}),
              EndsWith("Signature=34b48302e7b5fa45bde8084f4b7868a86f0a534bc59db6670ed5711ef69dc6f7"));
}

TEST(S3Signature, SortsTheQueryAsInTheTestSuite) {
  const auto suite = [](NamedValues query) {
    return sign_v4(
        {"GET",
         "/",
         std::move(query),
         {{"host", "example.amazonaws.com"}, {"x-amz-date", "20150830T123600Z"}},
         kEmptySum},
        {"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "us-east-1", "service", "20150830T123600Z"});
  };
  EXPECT_THAT(suite({}), EndsWith("Signature=5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31"));
  EXPECT_THAT(suite({{"Param2", "value2"}, {"Param1", "value1"}}),
              EndsWith("Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500"));
}

TEST(S3Signature, EncodesAllButUnreservedBytes) {
  EXPECT_EQ(percent_encoded("a/b c+d~é%", true), "a/b%20c%2Bd~%C3%A9%25");
  EXPECT_EQ(percent_encoded("a/b", false), "a%2Fb");
  EXPECT_EQ(encode_query({{"b", "x/y"}, {"a", ""}, {"a-b", "1"}}), "a=&a-b=1&b=x%2Fy");
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ(uri_decode(percent_encoded(all, false)), all);
  EXPECT_EQ(uri_decode("a+b%zz%4"), "a b%zz%4");
}

}  // namespace
}  // namespace genrewise
