// Credentials of every kind are in no output: not in messages, logs, results, tables, manifests, run folders or
// objects.
#include <gmock/gmock.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <deque>
#include <nlohmann/json.hpp>

#include "cli/made_music.hpp"
#include "cli/program.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"
#include "support/environment.hpp"
#include "support/gcs_server.hpp"
#include "support/s3_server.hpp"
#include "support/test_support.hpp"

namespace genrewise::testing {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;
using ::testing::HasSubstr;

/// All that a server received, as it might repeat it in an error.
std::string echo_of(const StoreRequest& request) {
  std::string text = request.method + " " + request.raw_path;
  for (const auto& [name, value] : request.query) text += " " + name + "=" + value;
  for (const auto& [name, value] : request.headers) text += " " + name + ": " + value;
  return text + " " + request.body;
}

/// A server that refuses all requests with an error of Amazon, or of Google or OAuth, that repeats them.
StoreResponse refusal(const StoreRequest& request, int status, bool xml) {
  if (!xml)
    return {.status = status,
            .headers = {{"Content-Type", "application/json"}},
            .body = json{{"error", {{"code", status}, {"message", echo_of(request)}}}}.dump()};
  std::string text;
  for (const char c : echo_of(request)) text += c == '&' ? "&amp;" : c == '<' ? "&lt;" : std::string(1, c);
  const std::string error = "<Error><Code>InvalidArgument</Code><Message>" + text + "</Message></Error>";
  return {.status = status,
          .headers = {},
          .body = request.body.empty() ? error : "<ErrorResponse>" + error + "</ErrorResponse>"};
}

class Secrets : public ::testing::Test {
 protected:
  Secrets() {
    make_folders(folder_ / "out");
    make_folders(folder_ / "home");
    set("HOME", folder_ / "home");
    set("XDG_CACHE_HOME", folder_ / "out/cache");
    set("XDG_DATA_HOME", folder_ / "out/data");
    set("AWS_EC2_METADATA_DISABLED", "true");
    set("GCE_METADATA_HOST", "127.0.0.1:1");
  }
  ~Secrets() override {
    while (!environment_.empty()) environment_.pop_back();
    for (const auto& entry : fs::recursive_directory_iterator(folder_ / "out"))
      if (entry.is_regular_file()) expect_hidden(read_file(entry.path()), entry.path());
  }

  void set(const char* name, const std::string& value) { environment_.emplace_back(name, value); }
  /// A value that must not appear anywhere.
  std::string secret(const std::string& value) {
    secrets_.insert(secrets_.end(),
                    {value, percent_encoded(value, false), percent_encoded(value, true), to_base64(value)});
    return value;
  }
  void use_google(json config) {
    write_file(folder_ / "home/adc.json", config.dump());
    set("GOOGLE_APPLICATION_CREDENTIALS", folder_ / "home/adc.json");
  }

  void expect_hidden(const std::string& text, const std::string& where) const {
    for (const std::string& value : secrets_)
      EXPECT_EQ(text.find(value), std::string::npos) << value << " in " << where << ":\n" << text;
  }
  /// Runs a command with text and with JSON as its log.
  Ran run(const Arguments& arguments) {
    Ran ran;
    for (const char* format : {"text", "json"}) {
      Arguments all = arguments;
      all.insert(all.end(), {"--log-format", format, "--metrics-file", folder_ / "out/metrics.prom"});
      ran = run_program(all);
      expect_hidden(ran.out, arguments[0] + "'s output");
      expect_hidden(ran.err, arguments[0] + "'s log");
    }
    return ran;
  }
  void expect_done(const Arguments& arguments) {
    const Ran ran = run(arguments);
    EXPECT_EQ(ran.code, 0) << arguments[0] << ": " << ran.err;
  }
  /// Returns the message.
  std::string expect_refused(const Arguments& arguments) {
    const Ran ran = run(arguments);
    EXPECT_NE(ran.code, 0) << ran.out;
    return ran.err;
  }
  /// Commands that read music and write results, all of which are searched at the end.
  void use_store(const std::string& bucket) {
    const std::string table = folder_ / "out/table.csv", model = folder_ / "out/model.gwm", music = bucket + "/*/*.wav";
    expect_done({"list", bucket + "/**", "--json"});
    expect_done({"inspect", music, "--json"});
    expect_done({"extract", music, "--features", "music", "-o", table});
    expect_done({"pack", music, "--features", "raw10k", "--scheme", "random", "--shards", "2", "-o", bucket + "/pack"});
    expect_done({"study", table, "--models", "gnb", "-o", folder_ / "out/run"});
    expect_done({"train", table, "--model", "gnb", "-o", model});
    expect_done({"predict", bucket + "/noise/noise0.wav", "--model", model, "--json"});
    expect_refused({"predict", bucket + "/missing.wav", "--model", model, "--json"});
    run({"doctor", "--json"});
  }
  template <class Server>
  void fill(Server& server) {
    for (const char* genre : kMadeGenres)
      for (int i = 0; i < 4; ++i)
        server.put(std::string(genre) + "/" + genre + std::to_string(i) + ".wav", made_wav(genre, i, 1));
  }

  TemporaryFolder folder_;

 private:
  std::deque<Environment> environment_;
  std::vector<std::string> secrets_;
};

TEST_F(Secrets, OfAmazonAreInNoResult) {
  S3Server server;
  server.session_token = secret("FwoGZX/IvYXdzE+session=");
  fill(server);
  set("AWS_ENDPOINT_URL", server.endpoint());
  set("AWS_ACCESS_KEY_ID", S3Server::kAccessKey);
  set("AWS_SECRET_ACCESS_KEY", secret(S3Server::kSecretKey));
  set("AWS_SESSION_TOKEN", "FwoGZX/IvYXdzE+session=");
  use_store("s3://music");
  for (const std::string& key : server.keys()) expect_hidden(server.get(key), key);
}

TEST_F(Secrets, OfAmazonAreInNoErrorOfAServerThatRepeatsThem) {
  std::atomic<int> status = 0;
  FunctionServer server([&](const StoreRequest& request) { return refusal(request, status, true); });
  set("AWS_ENDPOINT_URL", server.endpoint());
  set("AWS_ACCESS_KEY_ID", secret("AKIDHIDDENHIDDEN"));
  set("AWS_SECRET_ACCESS_KEY", secret("sEcReT/hidden+of=tests"));
  set("AWS_SESSION_TOKEN", secret("FwoGZX/IvYXdzE+session="));
  make_music(folder_ / "out/music", 1, 1);
  for (status = 400; status <= 404; ++status) {
    expect_refused({"list", "s3://music/**"});
    expect_refused({"inspect", "s3://music/", "--json"});
    expect_refused({"predict", "s3://music/a.wav"});
    expect_refused({"pack", folder_ / "out/music", "--features", "raw10k", "-o", "s3://music/pack"});
  }
}

TEST_F(Secrets, OfAmazonsRolesAreInNoErrorOfTheirServers) {
  FunctionServer server([](const StoreRequest& request) { return refusal(request, 403, true); });
  set("AWS_ENDPOINT_URL_STS", server.endpoint());
  write_file(folder_ / "home/token", secret("eyJhbGciOi.web/identity"));
  {
    const Environment file("AWS_WEB_IDENTITY_TOKEN_FILE", folder_ / "home/token"),
        role("AWS_ROLE_ARN", "arn:aws:iam::1:role/x");
    EXPECT_THAT(expect_refused({"list", "s3://music/**"}), HasSubstr("security token service"));
    run({"doctor", "--json"});
  }
  set("AWS_CONTAINER_CREDENTIALS_FULL_URI", server.endpoint() + "/v1?id=" + secret("path-of-the-pod"));
  set("AWS_CONTAINER_AUTHORIZATION_TOKEN", secret("Bearer-of-the-pod"));
  EXPECT_THAT(expect_refused({"list", "s3://music/**"}), HasSubstr("credential server"));
  run({"doctor", "--json"});
}

TEST_F(Secrets, OfGooglesServiceAccountsAreInNoResult) {
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(EVP_RSA_gen(2048), &EVP_PKEY_free);
  const std::unique_ptr<BIO, decltype(&BIO_free)> pem(BIO_new(BIO_s_mem()), &BIO_free);
  PEM_write_bio_PrivateKey(pem.get(), key.get(), nullptr, nullptr, 0, nullptr, nullptr);
  char* bytes = nullptr;
  const long size = BIO_get_mem_data(pem.get(), &bytes);
  const std::string text(bytes, static_cast<std::size_t>(size));
  for (std::size_t line = text.find('\n') + 1; text[line] != '-'; line = text.find('\n', line) + 1)
    secret(text.substr(line, text.find('\n', line) - line));
  const std::string token = secret("ya29.hidden-token");
  std::atomic<bool> good = true;
  FunctionServer tokens([&](const StoreRequest& request) {
    return good ? StoreResponse{.status = 200,
                                .headers = {},
                                .body = json{{"access_token", token}, {"expires_in", 3600}}.dump()}
                : refusal(request, 400, false);
  });
  GcsServer server;
  server.token = token;
  fill(server);
  set("GENREWISE_GCS_ENDPOINT", server.endpoint());
  use_google({{"type", "service_account"},
              {"client_email", "robot@x"},
              {"private_key", text},
              {"token_uri", tokens.endpoint()}});
  use_store("gs://music");
  good = false;
  EXPECT_THAT(expect_refused({"list", "gs://music/**"}), HasSubstr("token server"));
}

TEST_F(Secrets, OfGooglesUsersAndOtherProvidersAreInNoErrorOfTheirServers) {
  FunctionServer server([](const StoreRequest& request) { return refusal(request, 400, false); });
  set("GENREWISE_GCS_ENDPOINT", server.endpoint());
  use_google({{"type", "authorized_user"},
              {"client_id", "id"},
              {"client_secret", secret("d-client/hidden")},
              {"refresh_token", secret("1//refresh+hidden")},
              {"token_uri", server.endpoint()}});
  EXPECT_THAT(expect_refused({"list", "gs://music/**"}), HasSubstr("token server"));
  write_file(folder_ / "home/token", secret("eyJ.of/another.provider"));
  use_google({{"type", "external_account"},
              {"audience", "pool"},
              {"subject_token_type", "jwt"},
              {"token_url", server.endpoint()},
              {"credential_source", {{"file", folder_ / "home/token"}}}});
  EXPECT_THAT(expect_refused({"list", "gs://music/**"}), HasSubstr("security token service"));
  use_google({{"type", "external_account"},
              {"audience", "pool"},
              {"subject_token_type", "jwt"},
              {"token_url", server.endpoint()},
              {"credential_source",
               {{"url", server.endpoint() + "/t?key=" + secret("hidden-in-the-query")},
                {"headers", {{"Authorization", "Bearer " + secret("hidden-in-a-header")}}}}}});
  EXPECT_THAT(expect_refused({"list", "gs://music/**"}), HasSubstr("server of identity tokens"));
  set("GENREWISE_GCS_TOKEN", secret("ya29.hidden/token"));
  EXPECT_THAT(expect_refused({"list", "gs://music/**"}), HasSubstr("gs://music"));
  run({"doctor", "--json"});
}

TEST_F(Secrets, InAddressesAreInNoMessage) {
  std::atomic<int> status = 404;
  FunctionServer server([&](const StoreRequest& request) {
    return StoreResponse{.status = status, .headers = {}, .body = echo_of(request)};
  });
  const std::string host = server.endpoint().substr(std::string("http://").size());
  const std::string user = "http://me:" + secret("hunter2-hidden") + "@" + host;
  secret("me:hunter2-hidden");
  const std::string query = "?X-Amz-Signature=" + secret("c0ffee0123") + "&token=" + secret("hidden-t0ken");
  for (status = 403; status <= 404; ++status) {
    for (const std::string& mirror : {user + "/m", server.endpoint() + "/m" + query}) {
      expect_refused({"fetch", "fma-metadata", "--mirror", mirror, "--to", folder_ / "out/fma"});
      expect_refused({"fetch", "weights", "efficientat", "--mirror", mirror, "--to", folder_ / "out/weights"});
    }
  }
  {
    const Environment path("PATH", "/nonexistent"), index("PIP_INDEX_URL", user + "/simple");
    EXPECT_THAT(expect_refused({"fetch", "weights", "musicnn", "--to", folder_ / "out/weights"}), HasSubstr(host));
  }
  // Such locations are not supported, which must be said without them.
  for (const std::string& location :
       {user + "/a.wav", server.endpoint() + "/a.wav" + query, std::string("s3://me:hunter2-hidden@music/a.wav")}) {
    expect_refused({"predict", location});
    expect_refused({"extract", location, "--features", "music", "-o", folder_ / "out/table.csv"});
    expect_refused({"study", location, "-o", folder_ / "out/run"});
    expect_refused({"list", location});
    expect_refused({"list", "s3://music/**", "--endpoint", location});
  }
}

TEST_F(Secrets, OfProxiesAreInNoMessage) {
  std::atomic<int> status = 407, asked = 0;
  FunctionServer proxy([&](const StoreRequest& request) {
    ++asked;
    return refusal(request, status, request.headers.contains("authorization"));
  });
  const std::string user = secret("me:hunter2%40hidden"), host = proxy.endpoint().substr(std::string("http://").size());
  secret("hunter2@hidden");
  secret("me:hunter2@hidden");
  set("AWS_ACCESS_KEY_ID", S3Server::kAccessKey);
  set("AWS_SECRET_ACCESS_KEY", S3Server::kSecretKey);
  const Arguments fetch{"fetch", "fma-metadata", "--mirror", "http://mirror.invalid/m", "--to", folder_ / "out/fma"};
  for (const std::string& address : {"http://" + user + "@" + host, user + "@" + host}) {
    const Environment http("http_proxy", address), https("https_proxy", address), none("no_proxy", "");
    for (status = 403; status <= 407; status += 4) {
      EXPECT_THAT(expect_refused({"list", "s3://music/**", "--endpoint", "http://store.invalid"}), HasSubstr("***"));
      expect_refused(fetch);
    }
    run({"doctor", "--json"});
  }
  const Environment http("http_proxy", "http://" + user + "@127.0.0.1:none"), none("no_proxy", "");
  expect_refused(fetch);
  EXPECT_GT(asked, 10);
}

TEST_F(Secrets, TheServersTokenIsNotPrinted) {
  const std::string token = secret("token-of-the-server-0123456789");
  write_file(folder_ / "home/token", token);
  const Arguments kinds[] = {{"--token", token}, {"--token-file", folder_ / "home/token"}};
  for (const Arguments& given : kinds) {
    for (const char* format : {"text", "json"}) {
      const std::string address = FunctionServer([](const StoreRequest&) { return StoreResponse(); }).endpoint();
      const std::string port = address.substr(address.rfind(':') + 1);  // one that is free
      Arguments all{"serve", "--port", port, "--library", folder_ / "out/library.db", "--log-format", format};
      all.insert(all.end(), given.begin(), given.end());
      const std::string connect = "bash -c 'exec 3<>/dev/tcp/127.0.0.1/" + port + "' 2>/dev/null";
      const Ran ran = run_program_and_signal(SIGTERM, all, [&] { return std::system(connect.c_str()) == 0; });
      EXPECT_THAT(ran.err, HasSubstr(address)) << ran.out;
      expect_hidden(ran.out + ran.err, "serve");
    }
  }
}

}  // namespace
}  // namespace genrewise::testing
