// Credentials of Amazon's services, in the order of its command line:
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html

#include <fmt/format.h>
#include <unistd.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "genrewise/base/addresses.hpp"
#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/store_settings.hpp"

namespace genrewise {
namespace {

using Source = std::shared_ptr<CredentialSource>;

/// In the JSON of containers, instances (which call the last member "Token") and `credential_process`.
Credentials keys_in(std::string_view text, const std::string& where) {
  const nlohmann::json json = parse_credentials(text, where);
  Credentials keys{.access_key = text_of(json, "AccessKeyId", where),
                   .secret_key = text_of(json, "SecretAccessKey", where)};
  keys.token = first_of({text_of(json, "Token", where, true), text_of(json, "SessionToken", where, true)});
  if (const std::string end = text_of(json, "Expiration", where, true); !end.empty())
    keys.expires = time_of(end, where);
  return keys;
}

/// A role for the token in `file`, which Kubernetes renews, from the security token service.
Source web_identity(const std::string& file, const std::string& role, std::string session, const std::string& region) {
  const std::string server =
      first_of({environment_variable("AWS_ENDPOINT_URL_STS"), environment_variable("AWS_ENDPOINT_URL"),
                "https://sts." + region + ".amazonaws.com"});
  if (session.empty()) session = fmt::format("genrewise-{}", ::getpid());
  return std::make_shared<CredentialSource>(
      [=] {
        const std::string body = post_form("the security token service of Amazon", server + "/",
                                           {{"Action", "AssumeRoleWithWebIdentity"},
                                            {"Version", "2011-06-15"},
                                            {"RoleArn", role},
                                            {"RoleSessionName", session},
                                            {"WebIdentityToken", std::string(trimmed(read_file(file)))}});
        pugi::xml_document document;
        if (!document.load_buffer(body.data(), body.size()))
          throw Error("the answer of the security token service of Amazon is not complete", server, "try again");
        const auto result =
            document.child("AssumeRoleWithWebIdentityResponse").child("AssumeRoleWithWebIdentityResult");
        const auto keys = result.child("Credentials");
        return Credentials{.access_key = keys.child_value("AccessKeyId"),
                           .secret_key = keys.child_value("SecretAccessKey"),
                           .token = keys.child_value("SessionToken"),
                           .expires = time_of(keys.child_value("Expiration"), server)};
      },
      "the role " + role + " with the token in " + file);
}

Source container() {
  const std::string relative = environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI"),
                    full = environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
  if (relative.empty() && full.empty()) return nullptr;
  const std::string url = relative.empty() ? full : "http://169.254.170.2" + relative;
  const std::size_t scheme = url.find("://");
  const std::string host = scheme == url.npos ? "" : url.substr(scheme + 3);
  const auto is_at = [&](std::string_view name) {
    return host.starts_with(name) &&
           (host.size() == name.size() || host[name.size()] == '/' || host[name.size()] == ':');
  };
  const bool local = is_at("127.0.0.1") || is_at("localhost") || is_at("[::1]") || is_at("169.254.170.2") ||
                     is_at("169.254.170.23") || is_at("[fd00:ec2::23]");
  if (!local && !url.starts_with("https://"))
    throw Error("is neither https nor an address of ECS or EKS, so it must not get the token of this container",
                "AWS_CONTAINER_CREDENTIALS_FULL_URI", "give an address that starts with https://");
  return std::make_shared<CredentialSource>(
      [url] {
        std::string token = environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
        if (const std::string file = environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE"); !file.empty())
          token = trimmed(read_file(file));
        std::vector<std::string> headers;
        if (!token.empty()) headers.push_back("Authorization: " + token);
        return keys_in(ask_metadata_server("the container's credential server", "GET", url, headers), url);
      },
      "the role of this container (" + without_credentials(url) + ")");
}

Credentials instance_keys() {
  const std::string server =
      first_of({environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://169.254.169.254"});
  const auto ask = [&](std::string method, const std::string& path, const std::string& header) {
    return ask_metadata_server("the instance metadata service", std::move(method), server + "/latest/" + path,
                               {header});
  };
  const std::string token =
      "X-aws-ec2-metadata-token: " + ask("PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600");
  const std::string path = "meta-data/iam/security-credentials/", roles = ask("GET", path, token);
  return keys_in(ask("GET", path + roles.substr(0, roles.find('\n')), token), server);
}

Source fixed(Credentials keys, const std::string& origin) {
  if (keys.access_key.empty() || keys.secret_key.empty()) return nullptr;
  return std::make_shared<CredentialSource>(std::move(keys), origin);
}

/// Null if the profile states no credentials.
Source of_profile(const AwsProfile& profile, const std::string& region) {
  const std::string role = profile.value("role_arn"), file = profile.value("web_identity_token_file");
  if (!role.empty() && !file.empty()) return web_identity(file, role, profile.value("role_session_name"), region);
  const std::string command = profile.value("credential_process");
  if (Source keys = fixed({.access_key = profile.value("aws_access_key_id"),
                           .secret_key = profile.value("aws_secret_access_key"),
                           .token = profile.value("aws_session_token")},
                          profile.origin);
      keys || command.empty())
    return keys;
  return std::make_shared<CredentialSource>(
      [command, origin = profile.origin] {
        std::string output;
        const int code = run_process({"/bin/sh", "-c", "exec 2>/dev/null; " + command}, {},
                                     [&](std::string_view piece) { output += piece; });
        if (code == 0) return keys_in(output, origin);
        throw Error(fmt::format("credential_process ended with exit code {}", code), origin,
                    "run it in a shell to see why (perhaps log in again)");
      },
      profile.origin);
}

}  // namespace

AwsProfile::AwsProfile(const StoreOptions& options)
    : name(first_of({options.profile, environment_variable("AWS_PROFILE"), environment_variable("AWS_DEFAULT_PROFILE"),
                     "default"})) {
  const std::string home = environment_variable("HOME"), folder = home.empty() ? "" : home + "/.aws/";
  const auto read = [&](const std::string& path, const std::string& section) {
    IniSections sections = path.empty() || !is_reachable_file(path) ? IniSections() : parse_ini(read_file(path));
    const auto found = sections.find(section);
    if (found != sections.end()) values_.merge(found->second);  // keeps what is there
    return found != sections.end();
  };
  const std::string keys = first_of({environment_variable("AWS_SHARED_CREDENTIALS_FILE"), folder + "credentials"}),
                    config = first_of({environment_variable("AWS_CONFIG_FILE"), folder + "config"});
  bool found = read(keys, name);
  found |= read(config, "profile " + name);
  if (name == "default") found |= read(config, name);
  origin = fmt::format("profile {} in {} and {}", name, keys, config);
  if (!found && !(options.profile + environment_variable("AWS_PROFILE")).empty())
    throw Error("there is no such profile", name, fmt::format("use a profile of {} or {}", keys, config));
}

std::string AwsProfile::value(const std::string& key) const {
  const auto found = values_.find(key);
  return found == values_.end() ? "" : found->second;
}

std::shared_ptr<CredentialSource> find_aws_credentials(const AwsProfile& profile, const StoreOptions& options,
                                                       const std::string& region) {
  // A profile given on the command line takes precedence over the environment, as in the AWS command line.
  if (options.profile.empty()) {
    if (Source source = fixed({.access_key = environment_variable("AWS_ACCESS_KEY_ID"),
                               .secret_key = environment_variable("AWS_SECRET_ACCESS_KEY"),
                               .token = environment_variable("AWS_SESSION_TOKEN")},
                              "the environment"))
      return source;
    const std::string file = environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE"),
                      role = environment_variable("AWS_ROLE_ARN");
    if (!file.empty() && !role.empty())
      return web_identity(file, role, environment_variable("AWS_ROLE_SESSION_NAME"), region);
  }
  if (Source source = of_profile(profile, region)) return source;
  if (Source source = find_anonymous()) return source;
  if (Source source = container()) return source;
  const Error none("no credentials found for s3:// locations", {},
                   "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials (profile " +
                       profile.name + "); for public data set GENREWISE_ANONYMOUS=1");
  if (lower_case(environment_variable("AWS_EC2_METADATA_DISABLED")) == "true") throw none;
  return last_resort(instance_keys, none, "the role of this instance");
}

}  // namespace genrewise
