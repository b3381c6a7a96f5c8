#include "genrewise/storage/s3_settings.hpp"

#include <sys/resource.h>

#include <filesystem>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/credentials.hpp"
#include "genrewise/storage/files.hpp"

namespace genrewise {
namespace {

using Profile = std::map<std::string, std::string>;

std::string first_of(std::initializer_list<std::string> values) {
  for (const auto& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

std::string aws_file(const char* variable, const char* name) {
  if (std::string path = environment_variable(variable); !path.empty()) return path;
  const std::string home = environment_variable("HOME");
  return home.empty() ? "" : home + "/.aws/" + name;
}

/// The profile's values in a file; empty if there is no such file or profile.
Profile read_profile(const std::string& path, const std::vector<std::string>& sections) {
  std::error_code ignored;
  if (path.empty() || !std::filesystem::is_regular_file(path, ignored)) return {};
  const auto all = parse_ini(read_file(path));
  for (const std::string& section : sections) {
    if (const auto found = all.find(section); found != all.end()) return found->second;
  }
  return {};
}

std::string value_of(const Profile& profile, const char* name) {
  const auto found = profile.find(name);
  return found == profile.end() ? "" : found->second;
}

S3Credentials keys_of(const Profile& profile, std::string origin) {
  return {value_of(profile, "aws_access_key_id"),
          value_of(profile, "aws_secret_access_key"),
          value_of(profile, "aws_session_token"),
          {},
          std::move(origin)};
}

bool complete(const S3Credentials& keys) {
  return !keys.access_key.empty() && !keys.secret_key.empty();
}

struct Profiles {
  std::string name, credentials_path, config_path;
  Profile credentials, config;

  explicit Profiles(const StoreOptions& options)
      : name(first_of({options.profile, environment_variable("AWS_PROFILE"),
                       environment_variable("AWS_DEFAULT_PROFILE"), "default"})),
        credentials_path(aws_file("AWS_SHARED_CREDENTIALS_FILE", "credentials")),
        config_path(aws_file("AWS_CONFIG_FILE", "config")),
        credentials(read_profile(credentials_path, {name})),
        config(read_profile(config_path, {"profile " + name, name == "default" ? name : ""})) {
    const bool requested = !options.profile.empty() || !environment_variable("AWS_PROFILE").empty();
    if (!requested || !credentials.empty() || !config.empty()) return;
    throw Error("there is no such profile", name, "use a profile of " + credentials_path + " or " + config_path);
  }
};

S3Credentials find_aws_keys(const Profiles& profiles, const StoreOptions& options) {
  const S3Credentials from_environment{environment_variable("AWS_ACCESS_KEY_ID"),
                                       environment_variable("AWS_SECRET_ACCESS_KEY"),
                                       environment_variable("AWS_SESSION_TOKEN"),
                                       {},
                                       "the environment"};
  // A profile given on the command line takes precedence over the environment, as in the AWS command line.
  if (options.profile.empty() && complete(from_environment)) return from_environment;
  auto keys = keys_of(profiles.credentials, "profile " + profiles.name + " in " + profiles.credentials_path);
  if (complete(keys)) return keys;
  keys = keys_of(profiles.config, "profile " + profiles.name + " in " + profiles.config_path);
  if (complete(keys)) return keys;
  if (environment_variable("GENREWISE_ANONYMOUS") == "1")
    return {{}, {}, {}, {}, "anonymous access (GENREWISE_ANONYMOUS=1)", true};
  throw Error("no credentials found for s3:// locations", {},
              "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or write them to ~/.aws/credentials (profile " +
                  profiles.name + "); for public data set GENREWISE_ANONYMOUS=1");
}

S3Credentials find_gcs_keys() {
  S3Credentials keys;
  keys.bearer_token =
      first_of({environment_variable("GENREWISE_GCS_TOKEN"), environment_variable("GOOGLE_OAUTH_ACCESS_TOKEN"),
                environment_variable("CLOUDSDK_AUTH_ACCESS_TOKEN")});
  keys.origin = "the environment";
  if (!keys.bearer_token.empty()) return keys;
  keys.access_key = environment_variable("GENREWISE_GCS_ACCESS_KEY_ID");
  keys.secret_key = environment_variable("GENREWISE_GCS_SECRET_ACCESS_KEY");
  if (complete(keys)) return keys;
  if (environment_variable("GENREWISE_ANONYMOUS") == "1")
    return {{}, {}, {}, {}, "anonymous access (GENREWISE_ANONYMOUS=1)", true};
  throw Error("no credentials found for gs:// locations", {},
              "set GENREWISE_GCS_TOKEN to an OAuth token (`gcloud auth print-access-token`), or "
              "GENREWISE_GCS_ACCESS_KEY_ID and GENREWISE_GCS_SECRET_ACCESS_KEY to an HMAC key; for public data set "
              "GENREWISE_ANONYMOUS=1");
}

std::string checked_endpoint(std::string endpoint) {
  while (endpoint.ends_with('/')) endpoint.pop_back();
  const std::size_t start = endpoint.starts_with("https://") ? 8 : endpoint.starts_with("http://") ? 7 : 0;
  const std::string_view host = std::string_view(endpoint).substr(start);
  // A user and password in the address would appear in messages; this message omits the address.
  if (host.find('@') != std::string_view::npos) {
    throw Error("the endpoint contains a user name or password", "--endpoint",
                "give credentials in environment variables or a file");
  }
  const bool plain = start > 0 && !host.empty() && host.find_first_of("/?# \t\r\n\"<>\\") == std::string_view::npos;
  if (plain) return endpoint;
  throw Error("is not the address of a server", "endpoint " + endpoint,
              "give http://HOST:PORT or https://HOST, without a path");
}

// "virtual": bucket.host; the rule for Amazon's own hosts, as far as certificates allow it (no dots in the bucket).
bool uses_path_style(bool own_endpoint) {
  const std::string style = environment_variable("GENREWISE_S3_ADDRESSING");
  if (style == "path" || style == "virtual") return style == "path";
  if (!style.empty())
    throw Error("is neither path nor virtual", "GENREWISE_S3_ADDRESSING=" + style,
                "set it to path or virtual, or unset it");
  return own_endpoint;
}

int connections() {
  const std::string text = environment_variable("GENREWISE_CONNECTIONS");
  if (text.empty()) return S3Settings{}.connections;
  int count = 0;
  if (parse_number(text, count) && count >= 1 && count <= 256) return count;
  throw Error("is not a number from 1 to 256", "GENREWISE_CONNECTIONS=" + text,
              "set it to a number from 1 to 256, or unset it");
}

S3Settings find_gcs(const StoreOptions& options) {
  S3Settings settings;
  settings.scheme = "gs";
  settings.credentials = find_gcs_keys();
  settings.region = first_of({options.region, "auto"});
  settings.endpoint = checked_endpoint(
      first_of({options.endpoint, environment_variable("GENREWISE_GCS_ENDPOINT"), "https://storage.googleapis.com"}));
  return settings;
}

S3Settings find_aws(const StoreOptions& options) {
  const Profiles profiles(options);
  S3Settings settings;
  settings.credentials = find_aws_keys(profiles, options);
  settings.region =
      first_of({options.region, environment_variable("AWS_REGION"), environment_variable("AWS_DEFAULT_REGION"),
                value_of(profiles.config, "region"), value_of(profiles.credentials, "region"), "us-east-1"});
  if (settings.region.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
      std::string::npos) {
    throw Error("is not a region", "region " + settings.region, "give a name like us-east-1");
  }
  const std::string own =
      first_of({options.endpoint, environment_variable("AWS_ENDPOINT_URL_S3"), environment_variable("AWS_ENDPOINT_URL"),
                value_of(profiles.config, "endpoint_url"), value_of(profiles.credentials, "endpoint_url")});
  settings.path_style = uses_path_style(!own.empty());
  settings.endpoint = checked_endpoint(own.empty() ? "https://s3." + settings.region + ".amazonaws.com" : own);
  return settings;
}

}  // namespace

IniSections parse_ini(std::string_view text) {
  IniSections sections;
  Profile* section = nullptr;
  for (const std::string& line : split_text(text, '\n')) {
    const std::string_view words = trimmed(line);
    // Indented lines belong to nested values ("s3 ="), which are not used here.
    if (words.empty() || words.starts_with('#') || words.starts_with(';') || line.starts_with(' ') ||
        line.starts_with('\t')) {
      continue;
    }
    if (words.starts_with('[')) {
      const std::size_t end = words.find(']');
      section = end == std::string_view::npos ? nullptr : &sections[std::string(trimmed(words.substr(1, end - 1)))];
      continue;
    }
    const std::size_t equals = words.find_first_of("=:");
    if (section == nullptr || equals == std::string_view::npos) continue;
    (*section)[std::string(trimmed(words.substr(0, equals)))] = trimmed(words.substr(equals + 1));
  }
  return sections;
}

S3Settings find_s3_settings(std::string_view scheme, const StoreOptions& options) {
  S3Settings settings = scheme == "gs" ? find_gcs(options) : find_aws(options);
  settings.connections = connections();
  if (!settings.credentials.anonymous) forbid_core_dumps();
  return settings;
}

void forbid_core_dumps() {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

std::string credentials_origin(std::string_view scheme, const StoreOptions& options) {
  const S3Credentials credentials = find_s3_settings(scheme, options).credentials;
  return credentials.anonymous ? "nowhere: unsigned requests" : credentials.origin;
}

}  // namespace genrewise
