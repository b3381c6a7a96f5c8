#include "genrewise/storage/store_settings.hpp"

#include <sys/resource.h>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/credentials.hpp"

namespace genrewise {
namespace {

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
  if (text.empty()) return StoreSettings{}.connections;
  int count = 0;
  if (parse_number(text, count) && count >= 1 && count <= 256) return count;
  throw Error("is not a number from 1 to 256", "GENREWISE_CONNECTIONS=" + text,
              "set it to a number from 1 to 256, or unset it");
}

StoreSettings find_google(const StoreOptions& options) {
  StoreSettings settings;
  std::string emulator = environment_variable("STORAGE_EMULATOR_HOST");  // Google's clients accept it without http://
  if (!emulator.empty() && emulator.find("://") == std::string::npos) emulator.insert(0, "http://");
  const std::string own = first_of({options.endpoint, environment_variable("GENREWISE_GCS_ENDPOINT")});
  settings.endpoint = checked_endpoint(first_of({own, emulator, "https://storage.googleapis.com"}));
  settings.credentials = own.empty() && !emulator.empty() ? std::make_shared<CredentialSource>(
                                                                Credentials{}, "STORAGE_EMULATOR_HOST: no credentials")
                                                          : find_google_credentials();
  return settings;
}

StoreSettings find_amazon(const StoreOptions& options) {
  const AwsProfile profile(options);
  StoreSettings settings;
  settings.region = first_of({options.region, environment_variable("AWS_REGION"),
                              environment_variable("AWS_DEFAULT_REGION"), profile.value("region"), "us-east-1"});
  if (settings.region.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") !=
      std::string::npos) {
    throw Error("is not a region", "region " + settings.region, "give a name like us-east-1");
  }
  const std::string own = first_of({options.endpoint, environment_variable("AWS_ENDPOINT_URL_S3"),
                                    environment_variable("AWS_ENDPOINT_URL"), profile.value("endpoint_url")});
  settings.path_style = uses_path_style(!own.empty());
  settings.endpoint = checked_endpoint(own.empty() ? "https://s3." + settings.region + ".amazonaws.com" : own);
  settings.credentials = find_aws_credentials(profile, options, settings.region);
  return settings;
}

}  // namespace

IniSections parse_ini(std::string_view text) {
  IniSections sections;
  std::map<std::string, std::string>* section = nullptr;
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

StoreSettings find_store_settings(std::string_view scheme, const StoreOptions& options) {
  StoreSettings settings = scheme == "gs" ? find_google(options) : find_amazon(options);
  settings.connections = connections();
  forbid_core_dumps();
  return settings;
}

void forbid_core_dumps() {
  rlimit limit{};
  ::getrlimit(RLIMIT_CORE, &limit);
  limit.rlim_cur = 0;
  ::setrlimit(RLIMIT_CORE, &limit);
}

std::string first_of(std::initializer_list<std::string> values) {
  for (const auto& value : values) {
    if (!value.empty()) return value;
  }
  return {};
}

std::shared_ptr<CredentialSource> find_anonymous() {
  if (environment_variable("GENREWISE_ANONYMOUS") != "1") return nullptr;
  return std::make_shared<CredentialSource>(Credentials{}, "GENREWISE_ANONYMOUS=1: no credentials");
}

std::string credentials_origin(std::string_view scheme, const StoreOptions& options) {
  const auto source = find_store_settings(scheme, options).credentials;
  source->get();
  return source->origin();
}

}  // namespace genrewise
