#include "genrewise/storage/s3_store.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>
#include <pugixml.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

/// A member of the error document of a response.
std::string member(const HttpResponse& response, const char* name) {
  pugi::xml_document document;
  if (response.body.empty() || !document.load_buffer(response.body.data(), response.body.size())) return {};
  return document.child("Error").child_value(name);
}

std::string clock_difference(const HttpResponse& response) {
  std::time_t there = curl_getdate(response.header("date").c_str(), nullptr);
  if (there < 0) {
    std::tm time{};
    if (::strptime(member(response, "ServerTime").c_str(), "%Y-%m-%dT%H:%M:%S", &time) != nullptr)
      there = ::timegm(&time);
  }
  if (there < 0) return "this machine's clock differs too much from the server's";
  const auto off = std::time(nullptr) - there;
  const auto amount = off < 0 ? -off : off;
  const std::string text =
      amount < 120 ? fmt::format("{} s", amount) : fmt::format("{:.1f} min", static_cast<double>(amount) / 60);
  return fmt::format("this machine's clock is {} {} the server's", text, off < 0 ? "behind" : "ahead of");
}

}  // namespace

std::string error_code(const HttpResponse& response) {
  return member(response, "Code");
}

std::string plain_version(std::string_view etag) {
  if (etag.starts_with("W/")) return {};
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

bool S3Client::is_transient(const HttpResponse& response) const {
  if (ObjectClient::is_transient(response)) return true;
  if (!response.problem.empty() || (response.status != 400 && response.status != 409)) return false;
  const std::string code = error_code(response);
  return code == "RequestTimeout" || code == "SlowDown" || code == "ConditionalRequestConflict";
}

HttpCall S3Client::to_http(const ObjectCall& call, const Credentials& who) const {
  const std::string_view endpoint = settings().endpoint;
  const std::size_t host_start = endpoint.find("://") + 3;
  const std::string key = percent_encoded(call.name.key, /*keep_slashes=*/true);
  std::string host(endpoint.substr(host_start));
  RequestToSign request{
      .method = call.method, .path = "/" + key, .query = call.query, .headers = {}, .payload_sha256 = {}};
  if (settings().path_style) {
    request.path = "/" + call.name.bucket + (key.empty() ? "" : "/" + key);
  } else {
    host = call.name.bucket + "." + host;
  }
  HttpCall http;
  http.url = std::string(endpoint.substr(0, host_start)) + host + request.path;
  if (!call.query.empty()) http.url.append("?").append(encode_query(call.query));
  for (const auto& [name, value] : call.headers) http.headers.push_back(name + ": " + value);
  if (who.anonymous()) return http;
  const std::string time = fmt::format("{:%Y%m%dT%H%M%SZ}", fmt::gmtime(std::time(nullptr)));
  request.payload_sha256 = sha256_hex(call.body);
  request.headers = {{"host", host}, {"x-amz-content-sha256", request.payload_sha256}, {"x-amz-date", time}};
  if (!who.token.empty()) request.headers.emplace_back("x-amz-security-token", who.token);
  for (std::size_t i = 1; i < request.headers.size(); ++i)
    http.headers.push_back(request.headers[i].first + ": " + request.headers[i].second);
  for (const auto& header : call.headers)
    if (header.first.starts_with("x-amz-")) request.headers.push_back(header);
  http.headers.push_back("Authorization: " +
                         sign_v4(request, {who.access_key, who.secret_key, settings().region, "s3", time}));
  return http;
}

ObjectCall S3Client::read_call(const StoredObject& object) const {
  ObjectCall call{.name = object.name};
  if (!object.version.empty()) call.headers.emplace_back("if-match", '"' + object.version + '"');
  return call;
}

std::string S3Client::version_in(const HttpResponse& response) const {
  return plain_version(response.header("etag"));
}

Refusal S3Client::refusal_in(const ObjectName&, const HttpResponse& response) const {
  const std::string code = error_code(response);
  const auto kind = [&] {
    using enum Refusal::Kind;
    if (code == "NoSuchBucket") return no_bucket;
    if (code == "ExpiredToken" || code == "InvalidToken" || code == "TokenRefreshRequired" || response.status == 401)
      return bad_credentials;
    if (code == "NoSuchKey" || (response.status == 404 && code.empty())) return no_object;
    if (response.status == 412) return changed;
    return response.status == 403 ? denied : other;
  };
  return {kind(), code, member(response, "Message")};
}

void S3Client::throw_error(const ObjectName& name, const HttpResponse& response) {
  if (response.problem.empty() && response.body.empty()) {  // as after HEAD: a GET for one byte gives the reason
    const HttpResponse again = attempt({.name = name, .headers = {{"range", "bytes=0-0"}}});
    if (!again.good() && !again.body.empty()) throw_error(name, again);
  }
  if (!response.problem.empty()) ObjectClient::throw_error(name, response);
  const std::string code = error_code(response), location = to_uri(name), origin = settings().credentials->origin();
  if (code == "InvalidAccessKeyId" || code == "XAdminUserNotFound") {  // Amazon's code, and versitygw's
    throw Error("the server does not accept the access key", location, "it comes from " + origin + ": check it there");
  }
  if (code == "SignatureDoesNotMatch") {
    throw Error("the secret key does not belong to the access key", location,
                "they come from " + origin + ": check them there");
  }
  if (code == "RequestTimeTooSkewed")
    throw Error(clock_difference(response), location, "set the clock right (timedatectl shows it)");
  std::string region = member(response, "Region");
  if (region.empty()) region = response.header("x-amz-bucket-region");
  const bool other_region = response.status == 301 || response.status == 307 ||
                            code == "AuthorizationHeaderMalformed" || code == "PermanentRedirect";
  if (other_region && !region.empty() && region != settings().region) {
    throw Error(fmt::format("is in the region {}, not in {}", region, settings().region),
                name.scheme + "://" + name.bucket, "set AWS_REGION=" + region + " or give --region " + region);
  }
  if (code == "NoSuchUpload")
    throw Error("another process aborted the upload", location, "run again when no other process writes to it");
  ObjectClient::throw_error(name, response);
}

}  // namespace genrewise
