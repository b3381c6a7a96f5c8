// Error responses of stores as messages with a remedy.
#include <curl/curl.h>
#include <fmt/format.h>

#include <ctime>
#include <pugixml.hpp>

#include "genrewise/storage/files.hpp"
#include "genrewise/storage/s3_client.hpp"

namespace genrewise {
namespace {

// Servers may repeat parts of the request.
std::string without_secrets(std::string text, const S3Credentials& who) {
  for (const std::string& secret : {who.secret_key, who.session_token, who.bearer_token, who.access_key}) {
    if (secret.empty()) continue;
    for (std::size_t at = text.find(secret); at != std::string::npos; at = text.find(secret, at)) {
      text.replace(at, secret.size(), "***");
    }
  }
  return text;
}

std::string clock_difference(const HttpResponse& response, const S3Refusal& refusal) {
  std::time_t there = curl_getdate(response.header("date").c_str(), nullptr);
  if (there < 0) {
    std::tm time{};
    if (::strptime(refusal.server_time.c_str(), "%Y-%m-%dT%H:%M:%S", &time) != nullptr) there = ::timegm(&time);
  }
  if (there < 0) return "this machine's clock differs too much from the server's";
  const auto off = std::time(nullptr) - there;
  const auto amount = off < 0 ? -off : off;
  const std::string text =
      amount < 120 ? fmt::format("{} s", amount) : fmt::format("{:.1f} min", static_cast<double>(amount) / 60);
  return fmt::format("this machine's clock is {} {} the server's", text, off < 0 ? "behind" : "ahead of");
}

std::string short_text(const std::string& text) {
  constexpr std::size_t kLongest = 300;
  std::string out;
  for (const char c : text.substr(0, kLongest)) out += static_cast<unsigned char>(c) < 0x20 ? ' ' : c;
  return out;
}

}  // namespace

S3Refusal parse_refusal(const HttpResponse& response) {
  S3Refusal refusal;
  pugi::xml_document document;
  if (!response.body.empty() && document.load_buffer(response.body.data(), response.body.size())) {
    const auto error = document.child("Error");
    refusal.code = error.child_value("Code");
    refusal.message = error.child_value("Message");
    refusal.region = error.child_value("Region");
    refusal.server_time = error.child_value("ServerTime");
  }
  if (refusal.region.empty()) refusal.region = response.header("x-amz-bucket-region");
  return refusal;
}

void throw_s3_error(const S3Settings& settings, const ObjectName& name, const HttpResponse& response) {
  const S3Credentials& who = settings.credentials;
  const S3Refusal refusal = parse_refusal(response);
  const std::string location = to_uri(name), bucket = name.scheme + "://" + name.bucket;
  if (!response.problem.empty()) {
    throw Error(
        fmt::format("the transfer failed ({})", response.problem), location,
        fmt::format("check the network and the endpoint {}, then run the same command again", settings.endpoint));
  }
  const std::string& code = refusal.code;
  if (code == "NoSuchBucket")
    throw Error("there is no such bucket", bucket, "check its name and the endpoint " + settings.endpoint);
  if (code == "InvalidAccessKeyId" || code == "XAdminUserNotFound") {  // Amazon's code, and versitygw's
    throw Error("the server does not accept the access key", location,
                "it comes from " + who.origin + ": check it there");
  }
  if (code == "SignatureDoesNotMatch") {
    throw Error("the secret key does not belong to the access key", location,
                "they come from " + who.origin + ": check them there");
  }
  if (code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired" || response.status == 401) {
    throw Error("the server does not accept the token, or it has expired", location,
                "it comes from " + who.origin + ": get a new one");
  }
  if (code == "RequestTimeTooSkewed") {
    throw Error(clock_difference(response, refusal), location, "set the clock right (timedatectl shows it)");
  }
  const bool other_region = response.status == 301 || response.status == 307 ||
                            code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect";
  if (other_region && !refusal.region.empty() && refusal.region != settings.region) {
    throw Error(fmt::format("is in the region {}, not in {}", refusal.region, settings.region), bucket,
                "set AWS_REGION=" + refusal.region + " or give --region " + refusal.region);
  }
  if (code == "NoSuchUpload") {
    throw Error("another process aborted the upload", location, "run again when no other process writes to it");
  }
  if (code == "NoSuchKey" || (response.status == 404 && code.empty()))
    throw FileError("there is no such object", location, "check the name; `genrewise list` shows existing objects");
  if (response.status == 412)
    throw FileError("was changed while it was read", location, "run again when no other process writes to it");
  if (response.status == 403) {
    throw Error("access is denied" +
                    (refusal.message.empty() ? "" : " (" + without_secrets(short_text(refusal.message), who) + ")"),
                location, "the credentials come from " + who.origin + ": grant them access, or use other credentials");
  }
  throw Error(without_secrets(fmt::format("the server returned status {}{}{}{}", response.status,
                                          code.empty() ? "" : " " + short_text(code),
                                          refusal.message.empty() ? "" : ": ", short_text(refusal.message)),
                              who),
              location,
              response.status >= 500 || response.status == 429
                  ? "try again later"
                  : "check the location and the endpoint " + settings.endpoint);
}

}  // namespace genrewise
