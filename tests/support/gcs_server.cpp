#include "support/gcs_server.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "genrewise/base/hash.hpp"
#include "genrewise/storage/s3_signature.hpp"

namespace genrewise::testing {
namespace {

using nlohmann::json;

StoreResponse fault(int status, const std::string& message) {
  return {.status = status,
          .headers = {{"Content-Type", "application/json"}},
          .body = json{{"error", {{"code", status}, {"message", message}}}}.dump()};
}

}  // namespace

StoreSettings GcsServer::settings() {
  StoreSettings settings;
  settings.endpoint = endpoint();
  settings.credentials = std::make_shared<CredentialSource>(Credentials{.token = "ya29.test"}, "the test");
  settings.retry.first_wait = std::chrono::milliseconds(1);
  settings.retry.longest_wait = std::chrono::milliseconds(4);
  settings.part_bytes = 512 << 10;
  settings.request_time = std::chrono::milliseconds(0);  // fixed request sizes, independent of this machine's speed
  return settings;
}

std::optional<StoreResponse> GcsServer::refuse(const StoreRequest& request) {
  const std::string expected = token.get(), given = value_of(request.headers, "authorization");
  if (expected.empty() || request.raw_path.starts_with("/session/") || given == "Bearer " + expected)
    return std::nullopt;
  return fault(401, "Invalid Credentials, not " + given);
}

StoreResponse GcsServer::handle(const StoreRequest& request) {
  const std::string objects = "/storage/v1/b/music/o";
  const std::string& path = request.raw_path;
  if (path.starts_with("/session/")) return resume(request, path.substr(9));
  if (request.method == "POST" && path == "/upload" + objects) return begin(request);
  if (!path.starts_with(objects)) return fault(404, "The specified bucket does not exist.");
  if (path == objects) return list(request);
  const std::string key = uri_decode(path.substr(objects.size() + 1));
  if (path.substr(objects.size() + 1).find('/') != std::string::npos) return fault(404, "Not Found");
  if (!objects_.contains(key)) return fault(404, "No such object: music/" + key);
  if (request.method == "GET") return get_object(request, key);
  if (request.method != "DELETE") return fault(405, "Method not allowed");
  objects_.erase(key);
  return {.status = 204, .headers = {}, .body = ""};
}

std::string GcsServer::describe(const std::string& key, const Object& object) const {
  Hasher md5(HashKind::md5);
  md5.update(object.body);
  return json{{"kind", "storage#object"},
              {"name", key},
              {"size", std::to_string(object.body.size())},
              {"generation", std::to_string(object.generation)},
              {"md5Hash", to_base64(md5.digest())},
              {"updated", "2026-11-25T22:15:00.123Z"}}
      .dump();
}

StoreResponse GcsServer::list(const StoreRequest& request) const {
  const std::string prefix = value_of(request.query, "prefix"), delimiter = value_of(request.query, "delimiter"),
                    after = value_of(request.query, "pageToken"), most = value_of(request.query, "maxResults");
  const std::size_t page = most.empty() ? page_size.get() : std::min(page_size.get(), std::stoul(most));
  json items = json::array(), answer{{"kind", "storage#objects"}};
  for (auto at = objects_.upper_bound(after); at != objects_.end(); ++at) {
    const auto& [key, object] = *at;
    if (!key.starts_with(prefix)) continue;
    if (!delimiter.empty() && key.find(delimiter, prefix.size()) != std::string::npos) continue;
    if (items.size() == page) {
      answer["nextPageToken"] = items.back()["name"];
      break;
    }
    items.push_back(json::parse(describe(key, object)));
  }
  if (!items.empty()) answer["items"] = items;
  return {.status = 200, .headers = {}, .body = answer.dump()};
}

StoreResponse GcsServer::get_object(const StoreRequest& request, const std::string& key) const {
  const Object& object = objects_.at(key);
  const std::string generation = std::to_string(object.generation),
                    wanted = value_of(request.query, "ifGenerationMatch");
  if (!wanted.empty() && wanted != generation) return fault(412, "At least one of the pre-conditions did not hold");
  if (value_of(request.query, "alt") != "media") return {.status = 200, .headers = {}, .body = describe(key, object)};
  StoreResponse response = ranged(request, object.body);
  response.headers["x-goog-generation"] = generation;
  return response;
}

StoreResponse GcsServer::begin(const StoreRequest& request) {
  const std::string key = value_of(request.query, "name"), condition = value_of(request.query, "ifGenerationMatch");
  if (key.empty()) return fault(400, "Required parameter: name");
  if (value_of(request.query, "uploadType") == "media") return store(key, condition, request.body);
  if (value_of(request.query, "uploadType") != "resumable") return fault(400, "Invalid upload type");
  const std::string id = std::to_string(++next_upload_);
  uploads_[id] = {key, condition, {}};
  return {.status = 200, .headers = {{"Location", endpoint() + "/session/" + id}}, .body = ""};
}

StoreResponse GcsServer::store(const std::string& key, const std::string& condition, std::string body) {
  const auto found = objects_.find(key);
  if (!condition.empty() && std::stol(condition) != (found == objects_.end() ? 0 : found->second.generation))
    return fault(412, "At least one of the pre-conditions you specified did not hold.");
  put_unlocked(key, body);
  return {.status = 200, .headers = {}, .body = describe(key, objects_.at(key))};
}

StoreResponse GcsServer::resume(const StoreRequest& request, const std::string& id) {
  if (ended_.contains(id)) return {.status = 200, .headers = {}, .body = describe(ended_[id], objects_.at(ended_[id]))};
  const auto found = uploads_.find(id);
  if (found == uploads_.end()) return fault(410, "Gone");
  Upload& upload = found->second;
  if (request.method == "DELETE") {
    uploads_.erase(found);
    return {.status = 499, .headers = {}, .body = ""};
  }
  const std::string range = value_of(request.headers, "content-range");  // "bytes A-B/N", N may be "*"; "bytes */N"
  const std::string total = range.substr(range.find('/') + 1);
  if (!range.starts_with("bytes */")) {
    const std::size_t from = std::stoul(range.substr(6)), dash = range.find('-'),
                      to = std::stoul(range.substr(dash + 1));
    if (from > upload.body.size() || to + 1 - from != request.body.size()) return fault(400, "Invalid Content-Range");
    if (total == "*" && request.body.size() % (256 << 10) != 0) return fault(400, "Invalid size of a part");
    upload.body.resize(from);
    upload.body += request.body.substr(0, most_per_request.get());
  } else if (!request.body.empty()) {
    return fault(400, "Invalid request");
  }
  if (total == std::to_string(upload.body.size())) {
    StoreResponse done = store(upload.key, upload.condition, upload.body);
    if (done.status == 200) ended_[id] = upload.key;
    uploads_.erase(found);
    return done;
  }
  StoreResponse more{.status = 308, .headers = {}, .body = ""};
  if (!upload.body.empty()) more.headers["Range"] = "bytes=0-" + std::to_string(upload.body.size() - 1);
  return more;
}

void GcsServer::put(const std::string& key, const std::string& body) {
  const std::lock_guard lock(mutex_);
  put_unlocked(key, body);
}
void GcsServer::put_unlocked(const std::string& key, const std::string& body) {
  objects_[key] = {body, ++next_generation_};
}
std::string GcsServer::get(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return objects_.at(key).body;
}
bool GcsServer::has(const std::string& key) {
  const std::lock_guard lock(mutex_);
  return objects_.contains(key);
}
std::size_t GcsServer::unfinished_uploads() {
  const std::lock_guard lock(mutex_);
  return uploads_.size();
}
void GcsServer::shorten_uploads_unlocked(std::size_t bytes) {
  for (auto& [id, upload] : uploads_) upload.body.resize(std::min(upload.body.size(), bytes));
}

}  // namespace genrewise::testing
