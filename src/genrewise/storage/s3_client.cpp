#include "genrewise/storage/s3_client.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <pugixml.hpp>
#include <random>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

constexpr std::chrono::milliseconds kCleaningTime{5'000};

bool is_transient(const HttpResponse& response) {
  if (response.hopeless) return false;
  if (!response.problem.empty()) return true;
  constexpr std::array kTransient{408L, 429L, 500L, 502L, 503L, 504L};
  if (std::ranges::find(kTransient, response.status) != kTransient.end()) return true;
  if (response.status != 400 && response.status != 409) return false;
  const std::string code = parse_refusal(response).code;
  return code == "RequestTimeout" || code == "SlowDown" || code == "ConditionalRequestConflict";
}

std::chrono::milliseconds asked_wait(const HttpResponse& response) {
  const std::string& text = response.header("retry-after");
  int seconds = 0;
  return parse_number(text, seconds) && seconds > 0 ? std::chrono::seconds(std::min(seconds, 3600))
                                                    : std::chrono::seconds(0);
}

// Random, so that clients that failed together do not retry together.
std::chrono::milliseconds jittered(std::chrono::milliseconds longest) {
  thread_local std::minstd_rand random{std::random_device{}()};
  return std::chrono::milliseconds(
      std::uniform_int_distribution<std::int64_t>(longest.count() / 2, longest.count())(random));
}

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

S3Attempts::S3Attempts(const S3Settings& settings, ObjectName name) : settings_(settings), name_(std::move(name)) {}

void S3Attempts::failed(const HttpResponse& response, bool progress) {
  throw_if_interrupted();
  if (progress) count_ = 0;
  if (!is_transient(response) || ++count_ >= settings_.retry.attempts) throw_s3_error(settings_, name_, response);
  const auto longest = settings_.retry.longest_wait;
  auto wait = settings_.retry.first_wait;
  for (int i = 1; i < count_ && wait < longest; ++i) wait *= 2;
  sleep_unless_interrupted(std::min(longest, std::max(jittered(std::min(wait, longest)), asked_wait(response))));
}

HttpCall S3Client::signed_call(const S3Call& call) const {
  const std::string_view endpoint = settings_.endpoint;
  const std::size_t host_start = endpoint.find("://") + 3;
  const std::string key = percent_encoded(call.name.key, /*keep_slashes=*/true);
  std::string host(endpoint.substr(host_start));
  RequestToSign request;
  request.method = call.method;
  request.query = call.query;
  if (settings_.path_style) {
    request.path = "/" + call.name.bucket + (key.empty() ? "" : "/" + key);
  } else {
    host = call.name.bucket + "." + host;
    request.path = "/" + key;
  }
  HttpCall http;
  http.method = call.method;
  http.body = call.body;
  http.sink = call.sink;
  http.silence = settings_.retry.silence;
  http.only_once = call.only_once;
  http.url = std::string(endpoint.substr(0, host_start)) + host + request.path;
  if (!call.query.empty()) http.url.append("?").append(encode_query(call.query));
  for (const auto& [name, value] : call.headers) {
    http.headers.push_back(name + ": " + value);
    if (name.starts_with("x-amz-")) request.headers.emplace_back(name, value);
  }
  const S3Credentials& who = settings_.credentials;
  if (!who.bearer_token.empty()) {
    http.headers.push_back("Authorization: Bearer " + who.bearer_token);
  } else if (!who.anonymous) {
    const std::time_t now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
    const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(now));
    request.payload_sha256 = sha256_hex(call.body);
    const auto add = [&](std::string name, std::string value) {
      http.headers.push_back(name + ": " + value);
      request.headers.emplace_back(std::move(name), std::move(value));
    };
    request.headers.emplace_back("host", host);
    add("x-amz-content-sha256", request.payload_sha256);
    add("x-amz-date", time);
    if (!who.session_token.empty()) add("x-amz-security-token", who.session_token);
    const SigningScope scope{who.access_key, who.secret_key, settings_.region, "s3", time};
    http.headers.push_back("Authorization: " + sign_v4(request, scope));
  }
  return http;
}

HttpResponse S3Client::attempt(const S3Call& call) {
  HttpCall request = signed_call(call);
  if (call.cleaning) {
    request.longest = kCleaningTime;
  } else {
    request.stop = [&call] { return interrupt_requested() || (call.stop && call.stop()); };
  }
  return http_.perform(request);
}

HttpResponse S3Client::send(const S3Call& call) {
  for (S3Attempts attempts(settings_, call.name);;) {
    HttpResponse response = attempt(call);
    if (response.good()) return response;
    if (response.problem.empty() && std::ranges::find(call.expected, response.status) != call.expected.end())
      return response;
    if (call.cleaning || (response.stopped && call.stop && call.stop())) {
      throw_if_interrupted();
      throw_s3_error(settings_, call.name, response);
    }
    attempts.failed(response, false);
  }
}

// A response to HEAD has no body with the reason, so a GET for one byte follows.
void S3Client::throw_error(const ObjectName& name, const HttpResponse& response) {
  if (response.problem.empty() && response.body.empty()) {
    const HttpResponse again = attempt({.name = name, .headers = {{"range", "bytes=0-0"}}});
    if (!again.good()) throw_s3_error(settings_, name, again);
  }
  throw_s3_error(settings_, name, response);
}

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
