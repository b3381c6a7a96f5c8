// Application Default Credentials of Google: https://google.aip.dev/auth/4110 and the pages that it links to.

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/pem.h>

#include <algorithm>
#include <ctime>
#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/store_settings.hpp"

namespace genrewise {
namespace {

using nlohmann::json;
using Source = std::shared_ptr<CredentialSource>;

constexpr char kStorageScope[] = "https://www.googleapis.com/auth/devstorage.read_write";
constexpr char kCloudScope[] = "https://www.googleapis.com/auth/cloud-platform";  // to act for a service account
constexpr char kTokenUrl[] = "https://oauth2.googleapis.com/token";
constexpr char kAccessToken[] = "urn:ietf:params:oauth:token-type:access_token";

/// A token in the response of an OAuth server.
Credentials token_in(const std::string& text, const std::string& where) {
  const json response = parse_credentials(text, where);
  Credentials token{.token = text_of(response, "access_token", where)};
  // Workforce pools state no lifetime.
  const json seconds = response.value("expires_in", json(3600));
  constexpr double kLongest = 365 * 86400;  // far below what the clock can count
  const double lifetime_s = std::clamp(seconds.is_number() ? seconds.get<double>() : 3600.0, 0.0, kLongest);
  token.expires = std::chrono::system_clock::now() + std::chrono::seconds(static_cast<std::int64_t>(lifetime_s));
  return token;
}

std::string base64url(std::string_view bytes) {
  std::string text = to_base64(bytes);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  text.resize(text.find_last_not_of('=') + 1);
  return text;
}

/// RSASSA-PKCS1-v1_5 with SHA-256 (JSON Web Algorithms' RS256).
std::string sign_rs256(std::string_view message, const std::string& pem, const std::string& where) {
  const std::unique_ptr<BIO, decltype(&BIO_free)> bytes(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())),
                                                        &BIO_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(bytes.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
  const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), &EVP_MD_CTX_free);
  const auto* data = reinterpret_cast<const unsigned char*>(message.data());
  std::size_t size = 0;
  std::string signature;
  if (key && EVP_PKEY_get_base_id(key.get()) == EVP_PKEY_RSA &&
      EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1 &&
      EVP_DigestSign(context.get(), nullptr, &size, data, message.size()) == 1) {
    signature.resize(size);
    if (EVP_DigestSign(context.get(), reinterpret_cast<unsigned char*>(signature.data()), &size, data,
                       message.size()) == 1)
      return signature;
  }
  throw Error("the private key of the service account cannot be used", where, "download the key file again");
}

Credentials token_of_service_account(const json& key, const std::string& scope, const std::string& where) {
  const std::string url = first_of({text_of(key, "token_uri", where, true), kTokenUrl});
  const std::time_t now = std::time(nullptr);
  const json header{{"alg", "RS256"}, {"typ", "JWT"}, {"kid", text_of(key, "private_key_id", where, true)}};
  const json claims{
      {"iss", text_of(key, "client_email", where)}, {"scope", scope}, {"aud", url}, {"iat", now}, {"exp", now + 3600}};
  std::string assertion = base64url(header.dump()) + '.' + base64url(claims.dump());
  assertion += '.' + base64url(sign_rs256(assertion, text_of(key, "private_key", where), where));
  return token_in(post_form("the token server of Google", url,
                            {{"grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"}, {"assertion", assertion}}),
                  url);
}

Credentials token_of_user(const json& login, const std::string& where) {
  const std::string url = first_of({text_of(login, "token_uri", where, true), kTokenUrl});
  return token_in(post_form("the token server of Google", url,
                            {{"grant_type", "refresh_token"},
                             {"client_id", text_of(login, "client_id", where)},
                             {"client_secret", text_of(login, "client_secret", where)},
                             {"refresh_token", text_of(login, "refresh_token", where)}}),
                  url);
}

/// The token of another identity provider, in a file or from a local server.
std::string subject_token(const json& source, const std::string& where) {
  const std::string file = text_of(source, "file", where, true), url = text_of(source, "url", where, true);
  if (file.empty() && url.empty())
    throw Error("this source of identity tokens is not supported (only \"file\" and \"url\" are)", where,
                "let the provider write the token into a file (gcloud iam workload-identity-pools create-cred-config "
                "--credential-source-file)");
  std::string text;
  if (!file.empty()) {
    text = read_file(file);
  } else {
    HttpCall call{.method = "GET", .url = url};
    const json headers = source.value("headers", json::object());
    for (const auto& [name, value] : headers.items())
      if (value.is_string()) call.headers.push_back(name + ": " + value.get<std::string>());
    text = fetch_credentials({.server = "the server of identity tokens", .call = std::move(call)});
  }
  const json format = source.value("format", json::object());
  const std::string from = file.empty() ? url : file;
  if (text_of(format, "type", where, true) != "json") return std::string(trimmed(text));
  return text_of(parse_credentials(text, from), text_of(format, "subject_token_field_name", where).c_str(), from);
}

/// A token of a service account for one that may act for it.
Credentials impersonate(const std::string& url, const Credentials& who, const json& config) {
  const json options = config.value("service_account_impersonation", json::object());
  const int seconds = options.value("token_lifetime_seconds", 3600);
  const json body{{"scope", {kStorageScope}},
                  {"lifetime", fmt::format("{}s", seconds)},
                  {"delegates", config.value("delegates", json::array())}};
  const json response = parse_credentials(
      fetch_credentials({.server = "the credentials server of Google",
                         .call = {.method = "POST",
                                  .url = url,
                                  .headers = {"Authorization: Bearer " + who.token, "Content-Type: application/json"}},
                         .body = body.dump(),
                         .remedy = "grant the role Service Account Token Creator (or Workload Identity User) on it"}),
      url);
  return {.token = text_of(response, "accessToken", url),
          .expires = time_of(text_of(response, "expireTime", url), url)};
}

Credentials token_of_federation(const json& config, const std::string& where) {
  const std::string url = text_of(config, "token_url", where),
                    account = text_of(config, "service_account_impersonation_url", where, true);
  const NamedValues form = {{"grant_type", "urn:ietf:params:oauth:grant-type:token-exchange"},
                            {"audience", text_of(config, "audience", where)},
                            {"scope", account.empty() ? kStorageScope : kCloudScope},
                            {"requested_token_type", kAccessToken},
                            {"subject_token_type", text_of(config, "subject_token_type", where)},
                            {"subject_token", subject_token(config.value("credential_source", json::object()), where)}};
  const Credentials token = token_in(post_form("the security token service of Google", url, form), url);
  return account.empty() ? token : impersonate(account, token, config);
}

Credentials token_by_type(const json& config, const std::string& scope, const std::string& where) {
  const std::string type = text_of(config, "type", where, true);
  if (type == "service_account") return token_of_service_account(config, scope, where);
  if (type == "authorized_user") return token_of_user(config, where);
  if (type == "external_account") return token_of_federation(config, where);
  if (type == "impersonated_service_account") {
    const json source = config.value("source_credentials", json::object());
    if (text_of(source, "type", where) != type)
      return impersonate(text_of(config, "service_account_impersonation_url", where),
                         token_by_type(source, kCloudScope, where), config);
  }
  throw Error(fmt::format("credentials of the type \"{}\" are not supported", type), where,
              "use a service account, a user's login (gcloud auth application-default login) or workload identity "
              "federation");
}

Source in_file(const std::string& path) {
  return std::make_shared<CredentialSource>(
      [path] {
        const json config = parse_credentials(read_file(path), path);
        try {
          Credentials token = token_by_type(config, kStorageScope, path);
          token.quota_project = text_of(config, "quota_project_id", path, true);
          return token;
        } catch (const json::exception&) {
          throw Error("a member of the credentials has an unexpected type", path, "write the file again");
        }
      },
      path);
}

Credentials machine_token() {
  const std::string url = "http://" +
                          first_of({environment_variable("GCE_METADATA_HOST"), "metadata.google.internal"}) +
                          "/computeMetadata/v1/instance/service-accounts/default/token";
  return token_in(ask_metadata_server("the metadata server of Google Cloud", "GET", url, {"Metadata-Flavor: Google"}),
                  url);
}

}  // namespace

std::shared_ptr<CredentialSource> find_google_credentials() {
  const std::string token =
      first_of({environment_variable("GENREWISE_GCS_TOKEN"), environment_variable("GOOGLE_OAUTH_ACCESS_TOKEN"),
                environment_variable("CLOUDSDK_AUTH_ACCESS_TOKEN")});
  if (!token.empty()) return std::make_shared<CredentialSource>(Credentials{.token = token}, "the environment");
  if (const std::string path = environment_variable("GOOGLE_APPLICATION_CREDENTIALS"); !path.empty()) {
    if (is_file(path)) return in_file(path);
    throw Error("the file of credentials does not exist", "GOOGLE_APPLICATION_CREDENTIALS=" + path,
                "set it to an existing file, or unset it");
  }
  const std::string home = environment_variable("HOME"), folder = environment_variable("CLOUDSDK_CONFIG");
  const std::string known =
      first_of({folder, home.empty() ? "" : home + "/.config/gcloud"}) + "/application_default_credentials.json";
  if (is_reachable_file(known)) return in_file(known);
  if (Source source = find_anonymous()) return source;
  return last_resort(machine_token,
                     Error("no credentials found for gs:// locations", {},
                           "run `gcloud auth application-default login`, or set GOOGLE_APPLICATION_CREDENTIALS to the "
                           "key file of a service account; for public data set GENREWISE_ANONYMOUS=1"),
                     "the service account of this machine");
}

}  // namespace genrewise
