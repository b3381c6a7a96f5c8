// Credentials that servers give: Application Default Credentials of Google; web identity, roles, containers and
// instances of Amazon; and that they are fetched again before they expire.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <atomic>
#include <nlohmann/json.hpp>
#include <thread>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/s3_signature.hpp"
#include "store_environment.hpp"
#include "support/environment.hpp"
#include "support/store_server.hpp"
#include "support/test_support.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using ::testing::AllOf;
using testing::error_message;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace testing;
using std::chrono::system_clock;

StoreResponse ok(const std::string& body) {
  return {.status = 200, .headers = {}, .body = body};
}
StoreResponse refused(int status, const std::string& body = {}) {
  return {.status = status, .headers = {}, .body = body};
}

/// The fields of a posted form.
std::map<std::string, std::string> form_of(const StoreRequest& request) {
  std::map<std::string, std::string> form;
  for (std::size_t at = 0; at < request.body.size();) {
    const std::size_t end = std::min(request.body.find('&', at), request.body.size()), is = request.body.find('=', at);
    form[uri_decode(request.body.substr(at, is - at))] = uri_decode(request.body.substr(is + 1, end - is - 1));
    at = end + 1;
  }
  return form;
}

std::string from_base64url(std::string text) {
  std::ranges::replace(text, '-', '+');
  std::ranges::replace(text, '_', '/');
  while (text.size() % 4 != 0) text += '=';
  return from_base64(text);
}

TEST(CredentialSource, FetchesOnceForAllThreadsAndAgainAfterExpiry) {
  std::atomic<int> fetched{0};
  CredentialSource source(
      [&] {
        std::this_thread::sleep_for(std::chrono::milliseconds(20));
        return Credentials{.token = std::to_string(++fetched),
                           .expires = system_clock::now() + std::chrono::milliseconds(fetched == 1 ? 200 : 3600'000)};
      },
      "the test");
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(source.get().token, "1"); });
  }
  EXPECT_EQ(fetched, 1);
  std::this_thread::sleep_for(std::chrono::milliseconds(250));
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 8; ++i) threads.emplace_back([&] { EXPECT_EQ(source.get().token, "2"); });
  }
  EXPECT_EQ(fetched, 2);
}

TEST(CredentialSource, KeepsValidCredentialsIfTheyCannotBeFetchedAgain) {
  bool broken = false;
  CredentialSource source(
      [&]() -> Credentials {
        if (broken) throw Error("no network");
        return {.token = "x", .expires = system_clock::now() + std::chrono::milliseconds(300)};
      },
      "the test");
  const Credentials first = source.get();
  broken = true;
  EXPECT_EQ(source.get().token, "x");
  EXPECT_THAT(error_message([&] { source.renew(first); }), HasSubstr("no network"));
  EXPECT_THAT(error_message([&] { source.get(); }), HasSubstr("no network"));
  broken = false;
  EXPECT_EQ(source.get().token, "x");
}

TEST(CredentialSource, DoesNotFetchForOthersWhatAnotherThreadHasRenewed) {
  int fetched = 0;
  CredentialSource source([&] { return Credentials{.token = std::to_string(++fetched)}; }, "the test");
  const Credentials first = source.get();
  EXPECT_TRUE(source.renew(first));
  EXPECT_TRUE(source.renew(first));
  EXPECT_EQ(fetched, 2);
  CredentialSource fixed(Credentials{.token = "x"}, "the test");
  EXPECT_FALSE(fixed.renew(fixed.get()));
}

TEST(Secrets, ThatTheirReplacementContainsAreReplacedOnce) {
  const Environment proxy("http_proxy", "http://user:***@proxy.example:1");
  EXPECT_EQ(without_secrets("a *** b", {}), "a *** b");
  EXPECT_THAT(without_secrets("x*y", {"*"}), ::testing::MatchesRegex("x[*]+y"));
}

class GoogleCredentials : public StoreEnvironmentTest {
 protected:
  Credentials found() { return find_store_settings("gs", {}).credentials->get(); }
  void use(const json& config) {
    write_file(folder_ / "adc.json", config.dump());
    ::setenv("GOOGLE_APPLICATION_CREDENTIALS", (folder_ / "adc.json").c_str(), 1);
  }
};

TEST_F(GoogleCredentials, SignAJsonWebTokenForAServiceAccount) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* text = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &text);
  FunctionServer server([&](const StoreRequest& request) {
    const auto form = form_of(request);
    EXPECT_EQ(form.at("grant_type"), "urn:ietf:params:oauth:grant-type:jwt-bearer");
    const std::string jwt = form.at("assertion");
    const std::size_t dot = jwt.find('.'), last = jwt.rfind('.');
    const std::string message = jwt.substr(0, last), signature = from_base64url(jwt.substr(last + 1));
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
    EVP_DigestVerifyInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get());
    EXPECT_EQ(
        EVP_DigestVerify(context.get(), reinterpret_cast<const unsigned char*>(signature.data()), signature.size(),
                         reinterpret_cast<const unsigned char*>(message.data()), message.size()),
        1);
    const json claims = json::parse(from_base64url(jwt.substr(dot + 1, last - dot - 1)));
    EXPECT_EQ(json::parse(from_base64url(jwt.substr(0, dot))),
              json({{"alg", "RS256"}, {"typ", "JWT"}, {"kid", "key 1"}}));
    EXPECT_EQ(claims["iss"], "robot@project.iam.gserviceaccount.com");
    EXPECT_EQ(claims["exp"].get<long>() - claims["iat"].get<long>(), 3600);
    EXPECT_THAT(claims["scope"].get<std::string>(), HasSubstr("devstorage.read_write"));
    EXPECT_THAT(claims["aud"].get<std::string>(), HasSubstr("/token"));
    return ok(R"({"access_token":"ya29.service","expires_in":3599,"token_type":"Bearer"})");
  });
  json account{{"type", "service_account"},
               {"client_email", "robot@project.iam.gserviceaccount.com"},
               {"private_key_id", "key 1"},
               {"private_key", std::string(text, static_cast<std::size_t>(size))},
               {"token_uri", server.endpoint() + "/token"}};
  use(account);
  EXPECT_EQ(found().token, "ya29.service");
  EXPECT_GT(found().expires, system_clock::now() + std::chrono::minutes(50));
  EXPECT_THAT(find_store_settings("gs", {}).credentials->origin(), HasSubstr("adc.json"));
  account["private_key"] = "geheim";
  use(account);
  EXPECT_THAT(error("gs"), AllOf(HasSubstr("private key"), HasSubstr("adc.json"), Not(HasSubstr("geheim"))));
}

TEST_F(GoogleCredentials, UseAUsersLoginInTheWellKnownFile) {
  FunctionServer server([](const StoreRequest& request) {
    const auto form = form_of(request);
    constexpr std::size_t kDepth = 200'000;
    if (form.at("refresh_token") == "1//deep")
      return refused(400, "{\"error\":" + std::string(kDepth, '[') + std::string(kDepth, ']') + "}");
    if (form.at("refresh_token") != "1//refresh")
      return refused(400, R"({"error":"invalid_grant","error_description":"Token 1//geheim has been revoked."})");
    EXPECT_EQ(form.at("client_secret"), "d-secret");
    return ok(R"({"access_token":"ya29.user","expires_in":3599})");
  });
  const auto login = [&](const std::string& token) {
    return json{{"type", "authorized_user"}, {"client_id", "id"},          {"client_secret", "d-secret"},
                {"refresh_token", token},    {"quota_project_id", "mine"}, {"token_uri", server.endpoint()}}
        .dump();
  };
  make_folders(folder_ / ".config/gcloud");
  write_file(folder_ / ".config/gcloud/application_default_credentials.json", login("1//refresh"));
  EXPECT_EQ(found().token, "ya29.user");
  EXPECT_EQ(found().quota_project, "mine");
  make_folders(folder_ / "sdk");
  ::setenv("CLOUDSDK_CONFIG", (folder_ / "sdk").c_str(), 1);
  write_file(folder_ / "sdk/application_default_credentials.json", login("1//geheim"));
  EXPECT_THAT(error("gs"), AllOf(HasSubstr("invalid_grant: Token *** has been revoked"), HasSubstr("log in again")));
  write_file(folder_ / "sdk/application_default_credentials.json", login("1//deep"));
  EXPECT_THAT(error("gs"), HasSubstr("log in again"));
}

TEST_F(GoogleCredentials, HaveALifetimeThatTheClockCanCount) {
  std::string lifetime;
  FunctionServer server(
      [&](const StoreRequest&) { return ok(R"({"access_token":"t","expires_in":)" + lifetime + "}"); });
  use({{"type", "authorized_user"},
       {"client_id", "i"},
       {"client_secret", "s"},
       {"refresh_token", "r"},
       {"token_uri", server.endpoint()}});
  for (const char* huge : {"1e300", "9223372036854775807"}) {
    lifetime = huge;
    EXPECT_GT(found().expires, system_clock::now() + std::chrono::hours(24 * 300)) << huge;
  }
  lifetime = "-1e300";
  const auto expires = found().expires;
  EXPECT_LE(expires, system_clock::now());
}

TEST_F(GoogleCredentials, AskTheMetadataServerAgainBeforeTheTokenExpires) {
  std::atomic<int> asked{0};
  FunctionServer server([&](const StoreRequest& request) {
    EXPECT_EQ(request.headers.at("metadata-flavor"), "Google");
    EXPECT_EQ(request.raw_path, "/computeMetadata/v1/instance/service-accounts/default/token");
    if (asked++ == 0) return refused(503);
    return ok(R"({"access_token":"ya29.)" + std::to_string(asked) + R"(","expires_in":1})");
  });
  ::setenv("GCE_METADATA_HOST", server.endpoint().substr(7).c_str(), 1);
  const auto source = find_store_settings("gs", {}).credentials;
  EXPECT_EQ(source->get().token, "ya29.2");
  std::this_thread::sleep_for(std::chrono::milliseconds(1050));
  EXPECT_EQ(source->get().token, "ya29.3");
}

TEST_F(GoogleCredentials, ExplainWhatToDoWhereThereAreNone) {
  ::setenv("GCE_METADATA_HOST", "127.0.0.1:1", 1);
  EXPECT_THAT(error("gs"),
              AllOf(HasSubstr("no credentials found for gs://"), HasSubstr("metadata server"),
                    HasSubstr("gcloud auth application-default login"), HasSubstr("GOOGLE_APPLICATION_CREDENTIALS")));
  ::setenv("GOOGLE_APPLICATION_CREDENTIALS", "/none.json", 1);
  EXPECT_THAT(error("gs"), HasSubstr("GOOGLE_APPLICATION_CREDENTIALS=/none.json: the file of credentials does not"));
  for (const char* content : {"", "[]", "geheim", R"({"type":1})", R"({"type":"geheim_nicht"})",
                              R"({"type":"authorized_user","client_id":"geheim"})",
                              R"({"type":"external_account","token_url":"http://127.0.0.1:1","audience":"a",)"
                              R"("subject_token_type":"t","credential_source":{"environment_id":"aws1"}})",
                              R"({"type":"external_account","token_url":"http://127.0.0.1:1","audience":"a",)"
                              R"("subject_token_type":"t","credential_source":[1]})"}) {
    write_file(folder_ / "adc.json", content);
    ::setenv("GOOGLE_APPLICATION_CREDENTIALS", (folder_ / "adc.json").c_str(), 1);
    EXPECT_THAT(error("gs"), AllOf(HasSubstr("adc.json: "), Not(HasSubstr("\"geheim\"")))) << content;
  }
}

TEST_F(GoogleCredentials, ExchangeATokenOfAnotherProvider) {
  write_file(folder_ / "token", "first\n");
  FunctionServer server([&](const StoreRequest& request) {
    if (request.raw_path == "/subject") {
      EXPECT_EQ(request.headers.at("metadata"), "True");
      return ok(R"({"access_token":"by url"})");
    }
    if (request.raw_path == "/impersonate") {
      EXPECT_EQ(request.headers.at("authorization"), "Bearer federated");
      EXPECT_EQ(request.headers.at("content-type"), "application/json");
      EXPECT_EQ(json::parse(request.body)["lifetime"], "600s");
      return ok(R"({"accessToken":"ya29.robot","expireTime":"2099-11-30T10:00:00Z"})");
    }
    const auto form = form_of(request);
    EXPECT_EQ(form.at("audience"), "//iam.googleapis.com/pool");
    EXPECT_EQ(form.at("subject_token_type"), "urn:ietf:params:oauth:token-type:jwt");
    if (form.at("scope").ends_with("cloud-platform"))
      return ok(R"({"access_token":"federated","expires_in":3600,"token_type":"Bearer"})");
    return ok(R"({"access_token":"of )" + form.at("subject_token") + R"(","expires_in":3600})");
  });
  json config{{"type", "external_account"},
              {"audience", "//iam.googleapis.com/pool"},
              {"subject_token_type", "urn:ietf:params:oauth:token-type:jwt"},
              {"token_url", server.endpoint() + "/v1/token"},
              {"credential_source", {{"file", (folder_ / "token").string()}}}};
  use(config);
  const auto source = find_store_settings("gs", {}).credentials;
  EXPECT_EQ(source->get().token, "of first");
  write_file(folder_ / "token", "second");  // as Kubernetes renews it
  EXPECT_TRUE(source->renew(source->get()));
  EXPECT_EQ(source->get().token, "of second");
  config["credential_source"] = {{"url", server.endpoint() + "/subject"},
                                 {"headers", {{"Metadata", "True"}}},
                                 {"format", {{"type", "json"}, {"subject_token_field_name", "access_token"}}}};
  use(config);
  EXPECT_EQ(found().token, "of by url");
  config["service_account_impersonation_url"] = server.endpoint() + "/impersonate";
  config["service_account_impersonation"] = {{"token_lifetime_seconds", 600}};
  use(config);
  EXPECT_EQ(found().token, "ya29.robot");
}

class AmazonCredentials : public StoreEnvironmentTest {
 protected:
  Credentials found(const StoreOptions& options = {}) { return find_store_settings("s3", options).credentials->get(); }
  static std::string keys(const std::string& name, const std::string& token = "Token") {
    return R"({"Code":"Success","AccessKeyId":")" + name + R"(","SecretAccessKey":"s",")" + token +
           R"(":"t","Expiration":"2099-11-30T10:00:00Z"})";
  }
  static std::string sts(const std::string& action, const std::string& name) {
    return "<" + action + "Response xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><" + action +
           "Result><Credentials><AccessKeyId>" + name +
           "</AccessKeyId><SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken>"
           "<Expiration>2099-11-30T10:00:00Z</Expiration></Credentials></" +
           action + "Result></" + action + "Response>";
  }
};

TEST_F(AmazonCredentials, AssumeARoleWithTheTokenOfAPod) {
  write_file(folder_ / "token", "eyJ.first\n");
  FunctionServer server([](const StoreRequest& request) {
    const auto form = form_of(request);
    EXPECT_EQ(form.at("Action"), "AssumeRoleWithWebIdentity");
    EXPECT_EQ(form.at("RoleArn"), "arn:aws:iam::1:role/packs");
    EXPECT_EQ(form.at("RoleSessionName"), "job");
    EXPECT_FALSE(request.headers.contains("authorization"));
    const std::string token = form.at("WebIdentityToken");
    if (token == "eyJ.expired-token")
      return refused(400, "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>Token " + token +
                              " expired</Message></Error></ErrorResponse>");
    const std::string answer = sts("AssumeRoleWithWebIdentity", "ASIA-" + token);
    return ok(token == "eyJ.cut" ? answer.substr(0, answer.size() - 1) : answer);
  });
  ::setenv("AWS_ENDPOINT_URL_STS", server.endpoint().c_str(), 1);
  ::setenv("AWS_WEB_IDENTITY_TOKEN_FILE", (folder_ / "token").c_str(), 1);
  ::setenv("AWS_ROLE_ARN", "arn:aws:iam::1:role/packs", 1);
  ::setenv("AWS_ROLE_SESSION_NAME", "job", 1);
  const auto source = find_store_settings("s3", {}).credentials;
  EXPECT_EQ(source->get().access_key, "ASIA-eyJ.first");
  EXPECT_EQ(source->get().token, "t");
  write_file(folder_ / "token", "eyJ.second");
  EXPECT_TRUE(source->renew(source->get()));
  EXPECT_EQ(source->get().access_key, "ASIA-eyJ.second");
  write_file(folder_ / "token", "eyJ.expired-token");
  EXPECT_THAT(error("s3"), AllOf(HasSubstr("ExpiredTokenException: Token *** expired")));
  write_file(folder_ / "token", "eyJ.cut");
  EXPECT_THAT(error("s3"), HasSubstr("is not complete"));
  write_file(
      folder_ / ".aws/config",
      "[profile pod]\nrole_arn = arn:aws:iam::1:role/packs\nrole_session_name = job\nweb_identity_token_file = " +
          (folder_ / "other").string() + "\n");
  write_file(folder_ / "other", "of profile");
  EXPECT_EQ(found({.endpoint = {}, .region = {}, .profile = "pod"}).access_key, "ASIA-of profile");
}

TEST_F(AmazonCredentials, RunTheProgramOfAProfile) {
  ::setenv("AWS_PROFILE", "team", 1);
  write_file(folder_ / ".aws/config", "[profile team]\ncredential_process = printf '%s' '" +
                                          keys("PROCESS", "SessionToken") + "'; echo noise >&2\n");
  EXPECT_EQ(found().access_key, "PROCESS");
  EXPECT_EQ(found().token, "t");
  write_file(folder_ / ".aws/config", "[profile team]\ncredential_process = exit 3\n");
  EXPECT_THAT(error("s3"), AllOf(HasSubstr("profile team in"), HasSubstr("ended with exit code 3")));
}

TEST_F(AmazonCredentials, NeverExpireIfTheYearIsBeyondTheClock) {
  ::setenv("AWS_PROFILE", "team", 1);
  std::string forever = keys("PROCESS");
  forever.replace(forever.find("2099"), 4, "9999");
  write_file(folder_ / ".aws/config", "[profile team]\ncredential_process = printf '%s' '" + forever + "'\n");
  EXPECT_GT(found().expires, system_clock::now() + std::chrono::hours(24 * 365 * 100));
}

TEST_F(AmazonCredentials, AskTheServerOfAContainer) {
  write_file(folder_ / "token", "of the pod\n");
  FunctionServer server([](const StoreRequest& request) {
    return value_of(request.headers, "authorization") == "of the pod" ? ok(keys("CONTAINER")) : refused(401);
  });
  ::setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", (server.endpoint() + "/v1/credentials").c_str(), 1);
  EXPECT_THAT(error("s3"), AllOf(HasSubstr("credential server"), HasSubstr("401")));
  ::setenv("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", (folder_ / "token").c_str(), 1);
  EXPECT_EQ(found().access_key, "CONTAINER");
  EXPECT_THAT(find_store_settings("s3", {}).credentials->origin(), HasSubstr("this container"));
  for (const char* elsewhere : {"http://example.org/", "http://127.0.0.1.example.org/", "x"}) {
    ::setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", elsewhere, 1);
    EXPECT_THAT(error("s3"), HasSubstr("AWS_CONTAINER_CREDENTIALS_FULL_URI")) << elsewhere;
  }
}

TEST_F(AmazonCredentials, AskTheMetadataServiceOfAnInstanceWithItsSessionToken) {
  FunctionServer server([](const StoreRequest& request) {
    if (request.method == "PUT")
      return request.headers.contains("x-aws-ec2-metadata-token-ttl-seconds") ? ok("session") : refused(400);
    if (value_of(request.headers, "x-aws-ec2-metadata-token") != "session") return refused(401);
    const std::string path = "/latest/meta-data/iam/security-credentials/";
    if (request.raw_path == path) return ok("my-role\n");
    return request.raw_path == path + "my-role" ? ok(keys("INSTANCE")) : refused(404);
  });
  ::setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", server.endpoint().c_str(), 1);
  EXPECT_EQ(found().access_key, "INSTANCE");
  ::setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", "http://127.0.0.1:1", 1);
  EXPECT_THAT(error("s3"), AllOf(HasSubstr("no credentials found"), HasSubstr("metadata service"),
                                 HasSubstr("AWS_ACCESS_KEY_ID"), HasSubstr("~/.aws/credentials")));
}

}  // namespace
}  // namespace genrewise
