// Credentials of Amazon's services, in the order of its command line:
// https://docs.aws.amazon.com/sdkref/latest/guide/standardized-credentials.html

#include <unistd.h>

#include <nlohmann/json.hpp>
#include <pugixml.hpp>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/files.hpp"
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

struct Role {
  std::string arn, session, region;
};

std::string sts_endpoint(const Role& role) {
  return first_of({environment_variable("AWS_ENDPOINT_URL_STS"), environment_variable("AWS_ENDPOINT_URL"),
                   "https://sts." + role.region + ".amazonaws.com"});
}

/// The security token service; with `who` the request is signed.
Credentials assume(const Role& role, std::string action, NamedValues form, const Credentials& who = {}) {
  form.insert(form.end(), {{"Action", action},
                           {"Version", "2011-06-15"},
                           {"RoleArn", role.arn},
                           {"RoleSessionName", first_of({role.session, "genrewise-" + std::to_string(::getpid())})}});
  const std::string endpoint = sts_endpoint(role), host = endpoint.substr(endpoint.find("://") + 3);
  HttpCall signature;
  if (!who.anonymous()) {
    add_signature(signature, {.method = "POST", .path = "/", .query = {}, .headers = {}, .payload_sha256 = {}},
                  encode_query(form), host, who, role.region, "sts");
  }
  const std::string body =
      post_form("the security token service of Amazon", endpoint + "/", form, std::move(signature.headers));
  pugi::xml_document document;
  document.load_buffer(body.data(), body.size());
  const auto result = document.child((action + "Response").c_str()).child((action + "Result").c_str());
  const auto keys = result.child("Credentials");
  if (!keys) throw Error("the security token service returned no credentials", endpoint, "check AWS_ENDPOINT_URL_STS");
  return {.access_key = keys.child_value("AccessKeyId"),
          .secret_key = keys.child_value("SecretAccessKey"),
          .token = keys.child_value("SessionToken"),
          .expires = time_of(keys.child_value("Expiration"), endpoint)};
}

Source web_identity(Role role, const std::string& file, std::string origin) {
  return std::make_shared<CredentialSource>(
      [role = std::move(role), file] {
        const std::string token = read_file(file);  // renewed by Kubernetes
        return assume(role, "AssumeRoleWithWebIdentity", {{"WebIdentityToken", std::string(trimmed(token))}});
      },
      std::move(origin));
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
      "the role of this container (" + url + ")");
}

Source instance() {
  if (lower_case(environment_variable("AWS_EC2_METADATA_DISABLED")) == "true") return nullptr;
  const std::string server =
      first_of({environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"), "http://169.254.169.254"});
  return std::make_shared<CredentialSource>(
      [server] {
        const auto ask = [&](std::string method, const std::string& path, const std::string& header) {
          return ask_metadata_server("the instance metadata service", std::move(method), server + "/latest/" + path,
                                     {header});
        };
        const std::string token =
            "X-aws-ec2-metadata-token: " + ask("PUT", "api/token", "X-aws-ec2-metadata-token-ttl-seconds: 21600");
        const std::string path = "meta-data/iam/security-credentials/", roles = ask("GET", path, token);
        return keys_in(ask("GET", path + roles.substr(0, roles.find('\n')), token), server);
      },
      "the role of this instance (metadata service " + server + ")");
}

Source environment_keys() {
  Credentials keys{.access_key = environment_variable("AWS_ACCESS_KEY_ID"),
                   .secret_key = environment_variable("AWS_SECRET_ACCESS_KEY"),
                   .token = environment_variable("AWS_SESSION_TOKEN")};
  if (keys.access_key.empty() || keys.secret_key.empty()) return nullptr;
  return std::make_shared<CredentialSource>(std::move(keys), "the environment");
}

class ProfileReader {
 public:
  ProfileReader(const AwsProfiles& profiles, const std::string& region) : profiles_(profiles), region_(region) {}

  /// Null if the profile states no credentials. `depth`: of roles that are assumed with the keys of other profiles.
  Source source(const std::string& profile, int depth = 0) const {
    const auto value = [&](const char* name) { return profiles_.value(profile, name); };
    const Role role{value("role_arn"), value("role_session_name"), region_};
    if (!role.arn.empty() && depth < kMostRoles) {
      const std::string origin = profiles_.origin(profile, "role_arn"), file = value("web_identity_token_file");
      if (!file.empty()) return web_identity(role, file, origin);
      if (Source base = base_of(profile, depth)) return role_of(role, std::move(base), value("external_id"), origin);
      throw Error("the role has no source of credentials", origin,
                  "add source_profile, credential_source or web_identity_token_file to the profile");
    }
    Credentials keys{.access_key = value("aws_access_key_id"),
                     .secret_key = value("aws_secret_access_key"),
                     .token = value("aws_session_token")};
    if (!keys.access_key.empty() && !keys.secret_key.empty())
      return std::make_shared<CredentialSource>(std::move(keys), profiles_.origin(profile, "aws_access_key_id"));
    if (const std::string command = value("credential_process"); !command.empty())
      return process(command, profiles_.origin(profile, "credential_process"));
    return nullptr;
  }

 private:
  static constexpr int kMostRoles = 5;

  Source base_of(const std::string& profile, int depth) const {
    if (const std::string other = profiles_.value(profile, "source_profile"); !other.empty()) {
      // A role may name its own profile, whose keys are used then.
      return source(other, other == profile ? kMostRoles : depth + 1);
    }
    const std::string kind = profiles_.value(profile, "credential_source");
    if (kind == "Environment") return environment_keys();
    if (kind == "EcsContainer") return container();
    return kind == "Ec2InstanceMetadata" ? instance() : nullptr;
  }

  static Source role_of(const Role& role, Source base, const std::string& external_id, const std::string& origin) {
    NamedValues form;
    if (!external_id.empty()) form.emplace_back("ExternalId", external_id);
    return std::make_shared<CredentialSource>(
        [role, base = std::move(base), form] { return assume(role, "AssumeRole", form, base->get()); }, origin);
  }

  static Source process(const std::string& command, const std::string& origin) {
    return std::make_shared<CredentialSource>(
        [command, origin] {
          std::string output;
          const int code = run_process({"/bin/sh", "-c", "exec 2>/dev/null; " + command}, {},
                                       [&](std::string_view piece) { output += piece; });
          if (code == 0) return keys_in(output, origin);
          throw Error("credential_process ended with exit code " + std::to_string(code), origin,
                      "run it in a shell to see why (perhaps log in again)");
        },
        origin);
  }

  const AwsProfiles& profiles_;
  const std::string& region_;
};

/// The instance's role as the last resort: where it fails, nothing else was found either.
Source last_resort(const std::string& profile) {
  const auto none = [profile](const std::string& detail) {
    return Error("no credentials found for s3:// locations" + detail, {},
                 "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials (profile " +
                     profile + "); for public data set GENREWISE_ANONYMOUS=1");
  };
  Source source = instance();
  if (!source) throw none("");
  return std::make_shared<CredentialSource>(
      [source, none, found = false]() mutable {
        try {
          Credentials keys = source->get();
          found = true;
          return keys;
        } catch (const Interrupted&) {
          throw;
        } catch (const Error& error) {
          if (found) throw;
          throw none(" in the environment, profiles and containers, and " + error.problem());
        }
      },
      source->origin());
}

}  // namespace

AwsProfiles::AwsProfiles(const StoreOptions& options)
    : name(first_of({options.profile, environment_variable("AWS_PROFILE"), environment_variable("AWS_DEFAULT_PROFILE"),
                     "default"})) {
  const std::string home = environment_variable("HOME"), folder = home.empty() ? "" : home + "/.aws/";
  files_[0].path = environment_variable("AWS_SHARED_CREDENTIALS_FILE");
  files_[1].path = environment_variable("AWS_CONFIG_FILE");
  files_[1].prefix = "profile ";
  const char* usual[] = {"credentials", "config"};
  bool found = false;
  for (std::size_t i = 0; i < 2; ++i) {
    File& file = files_[i];
    if (file.path.empty() && !folder.empty()) file.path = folder + usual[i];
    if (!file.path.empty() && is_file(file.path)) file.sections = parse_ini(read_file(file.path));
    found = found || file.sections.contains(name) || file.sections.contains(file.prefix + name);
  }
  const bool requested = !options.profile.empty() || !environment_variable("AWS_PROFILE").empty();
  if (requested && !found)
    throw Error("there is no such profile", name, "use a profile of " + files_[0].path + " or " + files_[1].path);
}

const AwsProfiles::File* AwsProfiles::file_with(const std::string& profile, const std::string& key) const {
  for (const File& file : files_) {
    auto section = file.sections.find(file.prefix + profile);
    if (section == file.sections.end() && profile == "default") section = file.sections.find(profile);
    if (section != file.sections.end() && section->second.contains(key)) return &file;
  }
  return nullptr;
}

std::string AwsProfiles::value(const std::string& profile, const std::string& key) const {
  const File* file = file_with(profile, key);
  if (file == nullptr) return {};
  const auto section = file->sections.find(file->prefix + profile);
  return (section == file->sections.end() ? file->sections.at(profile) : section->second).at(key);
}

std::string AwsProfiles::origin(const std::string& profile, const std::string& key) const {
  const File* file = file_with(profile, key);
  return "profile " + profile + (file == nullptr ? "" : " in " + file->path);
}

std::shared_ptr<CredentialSource> find_aws_credentials(const AwsProfiles& profiles, const StoreOptions& options,
                                                       const std::string& region) {
  // A profile given on the command line takes precedence over the environment, as in the AWS command line.
  if (options.profile.empty()) {
    if (Source source = environment_keys()) return source;
    const std::string file = environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
    const Role role{environment_variable("AWS_ROLE_ARN"), environment_variable("AWS_ROLE_SESSION_NAME"), region};
    if (!file.empty() && !role.arn.empty())
      return web_identity(role, file, "the role AWS_ROLE_ARN with the token in " + file);
  }
  if (Source source = ProfileReader(profiles, region).source(profiles.name)) return source;
  if (Source source = find_anonymous()) return source;
  if (Source source = container()) return source;
  return last_resort(profiles.name);
}

}  // namespace genrewise
