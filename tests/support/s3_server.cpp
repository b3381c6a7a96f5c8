#include "support/s3_server.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <stdexcept>

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

std::string value_of(const std::map<std::string, std::string>& map, const std::string& name) {
  const auto found = map.find(name);
  return found == map.end() ? "" : found->second;
}

/// The text between two others; empty if they do not occur.
std::string between(const std::string& text, const std::string& before, const std::string& behind) {
  const std::size_t start = text.find(before);
  if (start == std::string::npos) return "";
  const std::size_t from = start + before.size(), end = text.find(behind, from);
  return end == std::string::npos ? "" : text.substr(from, end - from);
}

S3Request parse(const std::string& head) {
  S3Request request;
  const std::size_t first = head.find(' '), second = head.find(' ', first + 1);
  request.method = head.substr(0, first);
  const std::string target = head.substr(first + 1, second - first - 1);
  const std::size_t mark = std::min(target.find('?'), target.size());
  request.raw_path = target.substr(0, mark);
  for (std::size_t at = mark + 1; at < target.size();) {
    const std::size_t end = std::min(target.find('&', at), target.size()), equals = std::min(target.find('=', at), end);
    request.query[uri_decode(target.substr(at, equals - at))] =
        equals < end ? uri_decode(target.substr(equals + 1, end - equals - 1)) : "";
    at = end + 1;
  }
  for (std::size_t at = head.find("\r\n") + 2; head.compare(at, 2, "\r\n") != 0;) {
    const std::size_t end = head.find("\r\n", at), colon = head.find(':', at);
    std::string name = head.substr(at, colon - at);
    for (char& c : name) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    const std::size_t value = head.find_first_not_of(' ', colon + 1);
    request.headers[name] = value < end ? head.substr(value, end - value) : "";
    at = end + 2;
  }
  const std::string path = request.raw_path.substr(1);
  const std::size_t slash = std::min(path.find('/'), path.size());
  request.bucket = path.substr(0, slash);
  if (slash < path.size()) request.key = uri_decode(path.substr(slash + 1));
  return request;
}

void send_all(int connection, const std::string& bytes) {
  for (std::size_t sent = 0; sent < bytes.size();) {
    const ssize_t count = ::send(connection, bytes.data() + sent, bytes.size() - sent, MSG_NOSIGNAL);
    if (count <= 0) return;
    sent += static_cast<std::size_t>(count);
  }
}

}  // namespace

S3Server::S3Server() {
  listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  if (::bind(listener_, reinterpret_cast<sockaddr*>(&address), size) != 0 || ::listen(listener_, 64) != 0 ||
      ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size) != 0) {
    throw std::runtime_error("cannot listen on the loopback interface");
  }
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { accept_all(); });
}

S3Server::~S3Server() {
  stop_ = true;
  ::shutdown(listener_, SHUT_RDWR);
  acceptor_.join();  // from here on there are no new threads
  {
    const std::lock_guard lock(mutex_);
    for (const int connection : connections_) ::shutdown(connection, SHUT_RDWR);
  }
  for (auto& thread : threads_) thread.join();
  for (const int connection : connections_) ::close(connection);
  ::close(listener_);
}

S3Settings S3Server::settings() const {
  S3Settings settings;
  settings.endpoint = endpoint();
  settings.credentials = {kAccessKey, kSecretKey, session_token.get(), {}, "the test", false};
  settings.retry.first_wait = std::chrono::milliseconds(1);
  settings.retry.longest_wait = std::chrono::milliseconds(4);
  settings.part_bytes = 100'000;
  settings.request_time = std::chrono::milliseconds(0);  // fixed request sizes, independent of this machine's speed
  return settings;
}

void S3Server::accept_all() {
  while (!stop_) {
    const int connection = ::accept(listener_, nullptr, nullptr);
    if (connection < 0) continue;
    const std::lock_guard lock(mutex_);
    connections_.push_back(connection);
    threads_.emplace_back([this, connection] { serve(connection); });
  }
}

void S3Server::serve(int connection) {
  std::string text;
  std::vector<char> buffer(1 << 16);
  const auto more = [&] {
    const ssize_t got = ::recv(connection, buffer.data(), buffer.size(), 0);
    if (got > 0) text.append(buffer.data(), static_cast<std::size_t>(got));
    return got > 0;
  };
  for (;;) {
    std::size_t end;
    while ((end = text.find("\r\n\r\n")) == std::string::npos) {
      if (!more()) return;
    }
    S3Request request = parse(text.substr(0, end + 4));
    text.erase(0, end + 4);
    const std::string length = value_of(request.headers, "content-length");
    const std::size_t body_bytes = length.empty() ? 0 : std::stoul(length);
    while (text.size() < body_bytes) {
      if (!more()) return;
    }
    request.body = text.substr(0, body_bytes);
    text.erase(0, body_bytes);
    if (!respond(connection, request)) {
      ::shutdown(connection, SHUT_RDWR);
      return;
    }
  }
}

bool S3Server::respond(int connection, const S3Request& request) {
  S3Response response;
  {
    const std::lock_guard lock(mutex_);
    requests_.push_back(request);
    if (const std::string why = refusal(request); !why.empty()) {
      response = fault(403, why, "not with this secret: " + std::string(kSecretKey));
    } else {
      response = handle(request);
      if (tamper.get()) tamper.get()(request, response);
    }
  }
  for (int waited = 0; waited < response.wait_ms && !stop_; waited += 5) {
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  if (response.reset) return false;
  response.headers.try_emplace("Content-Length", std::to_string(response.body.size()));
  std::string reply = "HTTP/1.1 " + std::to_string(response.status) + " X\r\n";
  for (const auto& [name, value] : response.headers) {
    if (!value.empty()) reply += name + ": " + value + "\r\n";
  }
  reply += "\r\n";
  if (request.method != "HEAD") {
    reply += response.body.substr(0, response.cut_after);
    const std::lock_guard lock(mutex_);
    sent_bytes_ += response.body.size();
  }
  send_all(connection, reply);
  return response.cut_after == std::string::npos;
}

// Empty for a correctly signed request, else the error code.
std::string S3Server::refusal(const S3Request& request) const {
  const std::string authorization = value_of(request.headers, "authorization");
  if (!bearer_token.get().empty()) return authorization == "Bearer " + bearer_token.get() ? "" : "InvalidToken";
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
  const std::string condition = value_of(request.headers, "if-match"), range = value_of(request.headers, "range");
  if (!condition.empty() && condition != object.etag) return fault(412, "PreconditionFailed");
  S3Response response{.status = 200,
                      .headers = {{"ETag", object.etag},
                                  {"Last-Modified", "Wed, 25 Nov 2026 22:15:00 GMT"},
                                  {"x-goog-generation", std::to_string(object.generation)}},
                      .body = object.body};
  if (request.method == "HEAD") response.headers["Content-Length"] = std::to_string(object.body.size());
  if (range.empty()) return response;
  const std::size_t dash = range.find('-'), from = std::stoul(range.substr(6, dash - 6));
  if (from >= object.body.size()) return fault(416, "InvalidRange");
  const std::size_t last = std::min<std::size_t>(std::stoul(range.substr(dash + 1)), object.body.size() - 1);
  response.status = 206;
  response.body = object.body.substr(from, last - from + 1);
  response.headers["Content-Range"] =
      "bytes " + std::to_string(from) + "-" + std::to_string(last) + "/" + std::to_string(object.body.size());
  return response;
}

// Conditional writes of Amazon and Google.
bool S3Server::refuses_write(const S3Request& request, S3Response& why) const {
  const auto found = objects_.find(request.key);
  const bool there = found != objects_.end();
  const std::string match = value_of(request.headers, "if-match"),
                    none_match = value_of(request.headers, "if-none-match"),
                    generation = value_of(request.headers, "x-goog-if-generation-match");
  why = fault(412, "PreconditionFailed");
  if (none_match == "*" && there) return true;
  if (!generation.empty() && std::stoi(generation) != (there ? found->second.generation : 0)) return true;
  if (match.empty() || (there && found->second.etag == match)) return false;
  if (!there) why = fault(404, "NoSuchKey");
  return true;
}

void S3Server::store(const std::string& key, Object object) {
  object.generation = ++next_generation_;
  objects_[key] = std::move(object);
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
    store(request.key, std::move(object));
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
  store(found->second.key, std::move(whole));
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
  store(key, {.body = body, .etag = '"' + md5_hex(body) + '"'});
}
std::uint64_t S3Server::sent_bytes() {
  const std::lock_guard lock(mutex_);
  return sent_bytes_;
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
std::vector<S3Request> S3Server::requests() {
  const std::lock_guard lock(mutex_);
  return requests_;
}
std::size_t S3Server::count(const std::string& method, const std::string& query_name) {
  const auto all = requests();
  return static_cast<std::size_t>(std::ranges::count_if(all, [&](const S3Request& request) {
    return request.method == method && (query_name.empty() || request.query.contains(query_name));
  }));
}

}  // namespace genrewise::testing
