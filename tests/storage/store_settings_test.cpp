#include "genrewise/storage/store_settings.hpp"

#include <gmock/gmock.h>
#include <sys/resource.h>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "store_environment.hpp"
#include "support/ordinary_user.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using ::testing::AllOf;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;
using StoreSettingsTest = testing::StoreEnvironmentTest;

TEST_F(StoreSettingsTest, TakesKeysFromTheEnvironmentBeforeFiles) {
  write_file(folder_ / ".aws/credentials", "[default]\naws_access_key_id = FILE\naws_secret_access_key = x\n");
  EXPECT_EQ(find_store_settings("s3", {}).credentials->get().access_key, "FILE");
  ::setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
  ::setenv("AWS_SESSION_TOKEN", "t", 1);
  const auto found = find_store_settings("s3", {});
  EXPECT_EQ(found.credentials->get().access_key, "ENV");
  EXPECT_EQ(found.credentials->get().token, "t");
  EXPECT_EQ(found.credentials->origin(), "the environment");
}

TEST_F(StoreSettingsTest, NeedsNoHomeFolderThatItMayRead) {
  ::setenv("AWS_ACCESS_KEY_ID", "ENV", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "s", 1);
  ::setenv("GENREWISE_ANONYMOUS", "1", 1);
  AS_ORDINARY_USER(folder_.path());
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::none);
  EXPECT_EQ(error("s3"), "no error");
  EXPECT_EQ(error("gs"), "no error");
  std::filesystem::permissions(folder_.path(), std::filesystem::perms::owner_all);
}

TEST_F(StoreSettingsTest, ReadsProfilesAsTheAwsCommandLineWritesThem) {
  write_file(folder_ / ".aws/credentials",
             "# mine\n[default]\naws_access_key_id=A\naws_secret_access_key=a\n\n[ work ]\r\naws_access_key_id = W\r\n"
             "aws_secret_access_key = w=w/+\r\n; end\n");
  write_file(folder_ / ".aws/config",
             "[default]\nregion = eu-north-1\n[profile work]\nregion = eu-west-3\ns3 =\n    region = wrong\n"
             "endpoint_url = http://127.0.0.1:9/\nnonsense\n");
  EXPECT_EQ(find_store_settings("s3", {}).region, "eu-north-1");
  ::setenv("AWS_PROFILE", "work", 1);
  const auto found = find_store_settings("s3", {});
  EXPECT_EQ(found.credentials->get().access_key, "W");
  EXPECT_EQ(found.credentials->get().secret_key, "w=w/+");
  EXPECT_EQ(found.region, "eu-west-3");
  EXPECT_EQ(found.endpoint, "http://127.0.0.1:9");
  EXPECT_TRUE(found.path_style);
  EXPECT_THAT(found.credentials->origin(), AllOf(HasSubstr("profile work"), HasSubstr(".aws/credentials")));
  EXPECT_EQ(
      find_store_settings("s3", {.endpoint = {}, .region = {}, .profile = "default"}).credentials->get().access_key,
      "A");
  EXPECT_THAT(error("s3", {.endpoint = {}, .region = {}, .profile = "home"}), HasSubstr("no such profile"));
}

TEST_F(StoreSettingsTest, ReportsMissingCredentials) {
  ::setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
  EXPECT_THAT(error("s3"), AllOf(HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("~/.aws/credentials")));
  ::setenv("GENREWISE_ANONYMOUS", "1", 1);
  EXPECT_TRUE(find_store_settings("s3", {}).credentials->get().anonymous());
  EXPECT_TRUE(find_store_settings("gs", {}).credentials->get().anonymous());
}

TEST_F(StoreSettingsTest, UsesTheHostsOfAmazonAndGoogleByDefault) {
  ::setenv("GENREWISE_ANONYMOUS", "1", 1);
  ::setenv("AWS_REGION", "ap-south-1", 1);
  const auto amazon = find_store_settings("s3", {});
  EXPECT_EQ(amazon.endpoint, "https://s3.ap-south-1.amazonaws.com");
  EXPECT_FALSE(amazon.path_style);
  const auto google = find_store_settings("gs", {});
  EXPECT_EQ(google.endpoint, "https://storage.googleapis.com");
}

TEST_F(StoreSettingsTest, PrefersTheCommandLineThenTheServicesOwnEndpoint) {
  ::setenv("GENREWISE_ANONYMOUS", "1", 1);
  ::setenv("AWS_ENDPOINT_URL", "http://a:1", 1);
  EXPECT_EQ(find_store_settings("s3", {}).endpoint, "http://a:1");
  ::setenv("AWS_ENDPOINT_URL_S3", "http://b:2", 1);
  EXPECT_EQ(find_store_settings("s3", {}).endpoint, "http://b:2");
  EXPECT_EQ(find_store_settings("s3", {.endpoint = "http://c:3/", .region = "r", .profile = {}}).endpoint,
            "http://c:3");
}

TEST_F(StoreSettingsTest, RefusesInvalidEndpointsAndRegions) {
  ::setenv("GENREWISE_ANONYMOUS", "1", 1);
  for (const char* bad : {"ftp://h", "localhost:9000", "http://", "http://h/path", "http://h?x", "http://h h"}) {
    EXPECT_THAT(error("s3", {.endpoint = bad, .region = {}, .profile = {}}), HasSubstr("address of a server")) << bad;
  }
  EXPECT_THAT(error("s3", {.endpoint = "http://user:geheim@h", .region = {}, .profile = {}}),
              AllOf(HasSubstr("password"), Not(HasSubstr("geheim"))));
  EXPECT_THAT(error("s3", {.endpoint = {}, .region = "x.evil.org/", .profile = {}}), HasSubstr("region"));
  ::setenv("GENREWISE_CONNECTIONS", "many", 1);
  EXPECT_THAT(error("s3"), HasSubstr("GENREWISE_CONNECTIONS"));
}

TEST_F(StoreSettingsTest, HonoursTheEmulatorOfGooglesStoreAsItsClientsDo) {
  for (const char* given : {"127.0.0.1:9023", "http://127.0.0.1:9023/"}) {
    ::setenv("STORAGE_EMULATOR_HOST", given, 1);
    const auto found = find_store_settings("gs", {});
    EXPECT_EQ(found.endpoint, "http://127.0.0.1:9023");
    EXPECT_TRUE(found.credentials->get().anonymous());
  }
  ::setenv("GENREWISE_GCS_TOKEN", "ya29.x", 1);
  const auto own = find_store_settings("gs", {.endpoint = "http://c:3", .region = {}, .profile = {}});
  EXPECT_EQ(own.endpoint, "http://c:3");
  EXPECT_EQ(own.credentials->get().token, "ya29.x");
}

TEST(Location, ParsesUris) {
  EXPECT_TRUE(is_remote("s3://b/k"));
  EXPECT_TRUE(is_remote("gs://b"));
  EXPECT_FALSE(is_remote("/tmp/s3://b"));
  EXPECT_FALSE(is_remote("s3:/b"));
  const ObjectName name = parse_uri("s3://my-bucket/a/b c.tfrec");
  EXPECT_EQ(name.bucket, "my-bucket");
  EXPECT_EQ(name.key, "a/b c.tfrec");
  EXPECT_EQ(to_uri(name), "s3://my-bucket/a/b c.tfrec");
  EXPECT_EQ(parse_uri("gs://bucket").key, "");
  EXPECT_EQ(join_location("s3://b/p", "x"), "s3://b/p/x");
  EXPECT_EQ(join_location("s3://b/p/", "x"), "s3://b/p/x");
  for (const char* bad : {"s3://", "s3:///key", "s3://a@b/k", "s3://..", "s3://b:80/k", "s3://ab?/k", "/local"}) {
    EXPECT_THROW(parse_uri(bad), Error) << bad;
  }
}

TEST_F(StoreSettingsTest, AddressesBucketsAsItIsToldAndElseByTheEndpoint) {
  ::setenv("AWS_ACCESS_KEY_ID", "key", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  const auto by_path = [](const StoreOptions& options) { return find_store_settings("s3", options).path_style; };
  StoreOptions own;
  own.endpoint = "http://127.0.0.1:9000";
  EXPECT_FALSE(by_path({}));
  EXPECT_TRUE(by_path(own));
  ::setenv("GENREWISE_S3_ADDRESSING", "virtual", 1);
  EXPECT_FALSE(by_path(own));
  ::setenv("GENREWISE_S3_ADDRESSING", "path", 1);
  EXPECT_TRUE(by_path({}));
  ::setenv("GENREWISE_S3_ADDRESSING", "Path", 1);
  EXPECT_THAT(error("s3"), HasSubstr("GENREWISE_S3_ADDRESSING=Path: is neither path nor virtual"));
  ::unsetenv("GENREWISE_S3_ADDRESSING");
}

TEST_F(StoreSettingsTest, AllowsFromOneTo256Connections) {
  ::setenv("AWS_ACCESS_KEY_ID", "key", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  for (const char* count : {"1", "256"}) {
    ::setenv("GENREWISE_CONNECTIONS", count, 1);
    EXPECT_EQ(std::to_string(find_store_settings("s3", {}).connections), count);
  }
  for (const char* count : {"0", "257", "-1", "8x", " 8"}) {
    ::setenv("GENREWISE_CONNECTIONS", count, 1);
    EXPECT_THAT(error("s3"), HasSubstr("is not a number from 1 to 256")) << count;
  }
  ::unsetenv("GENREWISE_CONNECTIONS");
  EXPECT_EQ(find_store_settings("s3", {}).connections, StoreSettings{}.connections);
}

TEST_F(StoreSettingsTest, AProcessWithCredentialsWritesNoCoreDump) {
  rlimit before{};
  ::getrlimit(RLIMIT_CORE, &before);
  const rlimit most{before.rlim_max, before.rlim_max};
  ::setrlimit(RLIMIT_CORE, &most);
  ::setenv("AWS_ACCESS_KEY_ID", "key", 1);
  ::setenv("AWS_SECRET_ACCESS_KEY", "secret", 1);
  find_store_settings("s3", {});
  rlimit after{};
  ::getrlimit(RLIMIT_CORE, &after);
  EXPECT_EQ(after.rlim_cur, 0U);
  EXPECT_EQ(after.rlim_max, before.rlim_max);
  ::setrlimit(RLIMIT_CORE, &before);
}

}  // namespace
}  // namespace genrewise
