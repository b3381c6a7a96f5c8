#include "support/s3_server.hpp"

#include <algorithm>
#include <chrono>

#include "genrewise/base/hash.hpp"
#include "genrewise/storage/location.hpp"
#include "genrewise/storage/s3_signature.hpp"

namespace genrewise::testing {
namespace {

std::string md5_hex(const std::string& bytes) {
  Hasher hasher(HashKind::md5);
  hasher.update(bytes);
  return hasher.hex();
}

S3Response fault(int status, const std::string& code, const std::string& message = "no") {
  return {.status = status,
          .headers = {{"Content-Type", "application/xml"}},
          .body = "<?xml version=\"1.0\"?><Error><Code>" + code + "</Code><Message>" + message + "</Message></Error>"};
}

/// The text between two others; empty if they do not occur.
std::string between(const std::string& text, const std::string& before, const std::string& behind) {
  const std::size_t start = text.find(before);
  if (start == std::string::npos) return "";
  const std::size_t from = start + before.size(), end = text.find(behind, from);
  return end == std::string::npos ? "" : text.substr(from, end - from);
}

}  // namespace

StoreSettings S3Server::settings() {
  StoreSettings settings;
  settings.endpoint = endpoint();
  settings.credentials = std::make_shared<CredentialSource>(
      Credentials{.access_key = kAccessKey, .secret_key = kSecretKey, .token = session_token.get()}, "the test");
  settings.retry.first_wait = std::chrono::milliseconds(1);
  settings.retry.longest_wait = std::chrono::milliseconds(4);
  settings.part_bytes = 100'000;
  settings.request_time = std::chrono::milliseconds(0);  // fixed request sizes, independent of this machine's speed
  return settings;
}

std::optional<S3Response> S3Server::refuse(const S3Request& request) {
  const std::string why = refusal(request);
  if (why.empty()) return std::nullopt;
  return fault(403, why, "not with this secret: " + std::string(kSecretKey));
}

// Empty for a correctly signed request, else the error code.
std::string S3Server::refusal(const S3Request& request) const {
  const std::string authorization = value_of(request.headers, "authorization");
  if (!authorization.starts_with("AWS4-HMAC-SHA256 Credential=")) return "AccessDenied";
  const std::string access_key = between(authorization, "Credential=", "/"),
                    names = between(authorization, "SignedHeaders=", ",");
  if (access_key != kAccessKey) return "InvalidAccessKeyId";
  if (value_of(request.headers, "x-amz-security-token") != session_token.get()) return "InvalidToken";
  RequestToSign signed_request{request.method, request.raw_path, {}, {}, {}};
  for (const auto& [name, value] : request.query) signed_request.query.emplace_back(name, value);
  for (std::size_t at = 0; at < names.size();) {
    const std::size_t end = std::min(names.find(';', at), names.size());
    const std::string name = names.substr(at, end - at);
    signed_request.headers.emplace_back(name, value_of(request.headers, name));
    at = end + 1;
  }
  // All headers that affect the operation must be signed, and the body must match its hash.
  for (const auto& [name, value] : request.headers) {
    if ((name == "host" || name.starts_with("x-amz-")) &&
        (";" + names + ";").find(";" + name + ";") == std::string::npos)
      return "AccessDenied";
  }
  signed_request.payload_sha256 = value_of(request.headers, "x-amz-content-sha256");
  if (signed_request.payload_sha256 != sha256_hex(request.body)) return "XAmzContentSHA256Mismatch";
  const std::string time = value_of(request.headers, "x-amz-date");
  const std::string expected = sign_v4(signed_request, {kAccessKey, kSecretKey, "us-east-1", "s3", time});
  return authorization == expected ? "" : "SignatureDoesNotMatch";
}

S3Response S3Server::handle(const S3Request& request) {
  if (request.bucket != "music") return fault(404, "NoSuchBucket");
  if (request.method == "GET" && request.key.empty()) {
    if (!request.query.contains("uploads")) return list(request);
    std::string xml = "<ListMultipartUploadsResult>";
    for (const auto& [id, upload] : uploads_) {
      xml += "<Upload><Key>" + upload.key + "</Key><UploadId>" + id + "</UploadId></Upload>";
    }
    return {.status = 200, .headers = {}, .body = xml + "</ListMultipartUploadsResult>"};
  }
  if (request.method == "GET" || request.method == "HEAD") return get_object(request);
  if (request.method == "PUT") return put_object(request);
  if (request.method == "POST") return post(request);
  if (request.method != "DELETE") return fault(405, "MethodNotAllowed");
  if (request.query.contains("uploadId")) {
    uploads_.erase(request.query.at("uploadId"));
  } else {
    objects_.erase(request.key);
  }
  return {.status = 204, .headers = {}, .body = ""};
}

S3Response S3Server::get_object(const S3Request& request) {
  const auto found = objects_.find(request.key);
  if (found == objects_.end()) return fault(404, "NoSuchKey");
  const Object& object = found->second;
  const std::string condition = value_of(request.headers, "if-match");
  if (!condition.empty() && condition != object.etag) return fault(412, "PreconditionFailed");
  S3Response response = ranged(request, object.body);
  if (response.status == 416) return fault(416, "InvalidRange");
  response.headers["ETag"] = object.etag;
  response.headers["Last-Modified"] = "Wed, 25 Nov 2026 22:15:00 GMT";
  if (request.method == "HEAD") response.headers["Content-Length"] = std::to_string(object.body.size());
  return response;
}

// Conditional writes of Amazon.
bool S3Server::refuses_write(const S3Request& request, S3Response& why) const {
  const auto found = objects_.find(request.key);
  const bool there = found != objects_.end();
  const std::string match = value_of(request.headers, "if-match"),
                    none_match = value_of(request.headers, "if-none-match");
  why = fault(412, "PreconditionFailed");
  if (none_match == "*" && there) return true;
  if (match.empty() || (there && found->second.etag == match)) return false;
  if (!there) why = fault(404, "NoSuchKey");
  return true;
}

S3Response S3Server::put_object(const S3Request& request) {
  if (S3Response why; !request.query.contains("uploadId") && refuses_write(request, why)) return why;
  Object object{.body = request.body, .etag = '"' + md5_hex(request.body) + '"'};
  const std::string etag = object.etag;
  if (request.query.contains("uploadId")) {
    const auto upload = uploads_.find(request.query.at("uploadId"));
    if (upload == uploads_.end()) return fault(404, "NoSuchUpload");
    upload->second.parts[std::stoi(request.query.at("partNumber"))] = std::move(object);
  } else {
    objects_[request.key] = std::move(object);
  }
  return {.status = 200, .headers = {{"ETag", etag}}, .body = ""};
}

S3Response S3Server::post(const S3Request& request) {
  if (request.query.contains("uploads")) {
    const std::string id = "upload/" + std::to_string(++next_upload_) + "+=";
    uploads_[id] = {request.key, {}};
    return {.status = 200,
            .headers = {},
            .body = "<InitiateMultipartUploadResult><UploadId>" + id + "</UploadId></InitiateMultipartUploadResult>"};
  }
  const auto found = uploads_.find(value_of(request.query, "uploadId"));
  if (found == uploads_.end()) return fault(404, "NoSuchUpload");
  if (S3Response why; refuses_write(request, why)) return why;
  Object whole;
  std::string sums;
  int parts = 0;
  for (std::size_t at = 0; (at = request.body.find("<Part>", at)) != std::string::npos; ++at) {
    const std::string entry = request.body.substr(at, request.body.find("</Part>", at) - at);
    const auto part = found->second.parts.find(std::stoi(between(entry, "<PartNumber>", "</")));
    const std::string tag = '"' + between(entry, "<ETag>&quot;", "&quot;</ETag>") + '"';
    if (part == found->second.parts.end() || part->second.etag != tag) return fault(400, "InvalidPart");
    Hasher hasher(HashKind::md5);
    hasher.update(part->second.body);
    sums += hasher.digest();
    whole.body += part->second.body;
    ++parts;
  }
  whole.etag = '"' + md5_hex(sums) + "-" + std::to_string(parts) + '"';
  const std::string xml = "<CompleteMultipartUploadResult><ETag>&quot;" + whole.etag.substr(1, whole.etag.size() - 2) +
                          "&quot;</ETag></CompleteMultipartUploadResult>";
  objects_[found->second.key] = std::move(whole);
  uploads_.erase(found);
  return {.status = 200, .headers = {}, .body = xml};
}

S3Response S3Server::list(const S3Request& request) {
  const std::string prefix = value_of(request.query, "prefix"), delimiter = value_of(request.query, "delimiter"),
                    token = value_of(request.query, "continuation-token");
  std::string xml = "<ListBucketResult><EncodingType>url</EncodingType>", last;
  const std::string most = value_of(request.query, "max-keys");
  const std::size_t page = most.empty() ? page_size.get() : std::min(page_size.get(), std::stoul(most));
  std::size_t listed = 0;
  bool truncated = false;
  for (auto at = token.empty() ? objects_.begin() : objects_.upper_bound(token); at != objects_.end(); ++at) {
    const auto& [key, object] = *at;
    if (!key.starts_with(prefix)) continue;
    if (!delimiter.empty() && key.find(delimiter, prefix.size()) != std::string::npos) continue;
    if (listed++ == page) {
      truncated = true;
      break;
    }
    last = key;
    xml += "<Contents><Key>" + percent_encoded(key, true) + "</Key><Size>" + std::to_string(object.body.size()) +
           "</Size><ETag>&quot;" + object.etag.substr(1, object.etag.size() - 2) +
           "&quot;</ETag><LastModified>2026-11-25T22:15:00.000Z</LastModified></Contents>";
  }
  xml += "<IsTruncated>" + std::string(truncated ? "true" : "false") + "</IsTruncated>";
  if (truncated) xml += "<NextContinuationToken>" + last + "</NextContinuationToken>";
  return {.status = 200, .headers = {}, .body = xml + "</ListBucketResult>"};
}

void S3Server::put(const std::string& key, const std::string& body) {
  const std::lock_guard lock(mutex_);
  put_unlocked(key, body);
}
void S3Server::put_unlocked(const std::string& key, const std::string& body) {
  objects_[key] = {.body = body, .etag = '"' + md5_hex(body) + '"'};
}
std::string S3Server::get(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return objects_.at(key).body;
}
bool S3Server::has(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return objects_.contains(key);
}
std::vector<std::string> S3Server::keys() {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> names;
  for (const auto& [key, object] : objects_) names.push_back(key);
  return names;
}
std::size_t S3Server::unfinished_uploads() {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}
}  // namespace genrewise::testing
