#include "genrewise/storage/gcs_store.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

/// What the store states about an object.
struct GcsObject {
  std::uint64_t bytes = 0;
  std::string generation, md5 /* base64; composite objects have none */, updated;
};

/// The query of requests for the description of an object.
constexpr char kObjectFields[] = "name,size,generation,md5Hash,updated";

json parse(const HttpResponse& response) {
  return try_parse_json(response.body);
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

/// Without a generation if the item does not state it or the size.
GcsObject describe(const json& item) {
  // "2026-11-25T22:15:00.123Z" without the fraction
  const std::string updated = text_in(item, "updated");
  std::uint64_t bytes = 0;
  if (!parse_number(text_in(item, "size"), bytes)) return {};
  return {bytes, text_in(item, "generation"), text_in(item, "md5Hash"),
          updated.size() < 19 ? "" : updated.substr(0, 19) + "Z"};
}

/// Throws Error if a response does not describe one.
GcsObject object_in(const HttpResponse& response, const ObjectName& name) {
  const json body = parse(response);
  GcsObject object = body.is_object() ? describe(body) : GcsObject();
  if (!object.generation.empty()) return object;
  throw Error("the server's response does not describe the object", to_uri(name),
              "check that the endpoint is one of Google Cloud Storage");
}

class GcsClient final : public ObjectClient {
 public:
  using ObjectClient::ObjectClient;

  ObjectCall read_call(const StoredObject& object) const override {
    // The last header prevents that the server decompresses objects that were stored with Content-Encoding: gzip.
    ObjectCall call{.name = object.name, .query = {{"alt", "media"}}, .headers = {{"accept-encoding", "gzip"}}};
    if (!object.version.empty()) call.query.emplace_back("ifGenerationMatch", object.version);
    return call;
  }
  std::string version_in(const HttpResponse& response) const override { return response.header("x-goog-generation"); }

 protected:
  HttpCall to_http(const ObjectCall& call, const Credentials& who) const override {
    HttpCall http;
    for (const auto& [name, value] : call.headers) http.headers.push_back(name + ": " + value);
    http.url = call.session;
    if (!call.session.empty()) return http;
    const bool upload = call.method == "POST";
    http.url = settings().endpoint + (upload ? "/upload" : "") + "/storage/v1/b/" + call.name.bucket + "/o";
    if (!upload && !call.name.key.empty()) http.url += '/' + percent_encoded(call.name.key, /*keep_slashes=*/false);
    if (!call.query.empty()) http.url += '?' + encode_query(call.query);
    if (!who.anonymous()) http.headers.push_back("Authorization: Bearer " + who.token);
    const std::string project = first_of({environment_variable("GOOGLE_CLOUD_QUOTA_PROJECT"), who.quota_project});
    if (!project.empty() && !who.anonymous()) http.headers.push_back("x-goog-user-project: " + project);
    return http;
  }

  Refusal refusal_in(const ObjectName& name, const HttpResponse& response) const override {
    const json body = parse(response);
    const json error = body.is_object() ? body.value("error", json()) : json();
    std::string message = error.is_object() ? text_in(error, "message") : trimmed_line(response.body);
    const auto kind = [&] {
      using enum Refusal::Kind;
      if (response.status == 401) return bad_credentials;
      if (response.status == 404) return name.key.empty() ? no_bucket : no_object;
      if (response.status == 412 || response.status == 304) return changed;
      return response.status == 403 ? denied : other;
    };
    return {kind(), {}, std::move(message)};
  }

 private:
  // Downloads are refused in plain text.
  static std::string trimmed_line(const std::string& body) {
    return body.starts_with('<') || body.starts_with('{') ? "" : std::string(trimmed(body));
  }
};

/// Writes an object with one request or a resumable upload, with one part in memory. It keeps `owner`, which has the
/// client.
class GcsWriter final : public FileWriter {
 public:
  GcsWriter(ObjectClient& client, std::shared_ptr<FileStore> owner, ObjectName name, WriteOptions options)
      : owner_(std::move(owner)), client_(client), name_(std::move(name)), condition_(std::move(options.condition)) {}

  ~GcsWriter() override {
    if (session_.empty()) return;
    try {
      client_.send(
          {.method = "DELETE", .name = name_, .expected = {404, 410, 499}, .cleaning = true, .session = session_});
    } catch (...) {  // the session ends by itself
    }
  }

  void write(std::string_view bytes) override {
    const std::size_t part_bytes = client_.settings().part_bytes;
    md5_.update(bytes);
    while (!bytes.empty()) {
      const std::size_t count = std::min(bytes.size(), part_bytes - buffer_.size());
      if (buffer_.capacity() == 0 && bytes.size() > count) buffer_.reserve(part_bytes);
      buffer_ += bytes.substr(0, count);
      bytes.remove_prefix(count);
      if (buffer_.size() == part_bytes && !bytes.empty()) send_part(/*last=*/false);
    }
  }

  std::string commit() override {
    our_md5_ = to_base64(md5_.digest());
    our_bytes_ = sent_ + buffer_.size();
    const GcsObject stored = session_.empty() ? send_whole() : *send_part(/*last=*/true);
    session_.clear();
    if (is_ours(stored)) return stored.generation;
    throw Error(fmt::format("the store has other bytes than were sent ({} of {}, MD5 {} instead of {})", stored.bytes,
                            our_bytes_, client_.shown(stored.md5), our_md5_),
                to_uri(name_), "delete it and run the same command again");
  }

 private:
  /// The query of the request that begins an upload.
  NamedValues upload(const char* type) const {
    NamedValues query = {{"uploadType", type}, {"name", name_.key}, {"fields", kObjectFields}};
    if (condition_.kind != WriteCondition::Kind::none)
      query.emplace_back("ifGenerationMatch",
                         condition_.kind == WriteCondition::Kind::absent ? "0" : condition_.version);
    return query;
  }

  bool is_ours(const GcsObject& stored) const {
    return stored.bytes == our_bytes_ && (stored.md5.empty() || stored.md5 == our_md5_);
  }

  /// For a condition that does not hold: our object if an earlier attempt succeeded without a response (`again`).
  GcsObject refused(bool again) {
    if (const auto there = again ? existing() : std::nullopt; there && is_ours(*there)) return *there;
    throw_conflict(condition_, to_uri(name_));
  }

  /// For an upload that the server no longer knows: it succeeded, or was refused, or has expired.
  GcsObject ended() {
    session_.clear();
    const auto there = existing();
    if (there && our_bytes_ > 0 && is_ours(*there)) return *there;
    const bool absent = condition_.kind == WriteCondition::Kind::absent;
    const bool holds = absent ? !there : there && there->generation == condition_.version;
    if (condition_.kind != WriteCondition::Kind::none && !holds) throw_conflict(condition_, to_uri(name_));
    throw Error("the server has ended the upload", to_uri(name_), "run the same command again");
  }

  std::optional<GcsObject> existing() {
    const HttpResponse found = client_.send({.name = name_, .query = {{"fields", kObjectFields}}, .expected = {404}});
    return found.good() ? std::optional(object_in(found, name_)) : std::nullopt;
  }

  GcsObject send_whole() {
    const ObjectCall call{.method = "POST",
                          .name = name_,
                          .query = upload("media"),
                          .body = buffer_,
                          .only_once = condition_.kind != WriteCondition::Kind::none};
    Attempts attempts(client_, name_);
    for (bool again = false;; again = true) {
      const HttpResponse response = client_.attempt(call);
      if (response.good()) return object_in(response, name_);
      if (response.problem.empty() && response.status == 412) return refused(again);
      attempts.failed(response, false);
    }
  }

  void begin() {
    const HttpResponse response = client_.send({.method = "POST",
                                                .name = name_,
                                                .query = upload("resumable"),
                                                .headers = {{"x-upload-content-type", "application/octet-stream"}},
                                                .expected = {412}});
    if (response.status == 412) refused(/*again=*/false);
    session_ = response.header("location");
    if (session_.empty())
      throw Error("the server did not start an upload", to_uri(name_),
                  "check the endpoint " + client_.settings().endpoint);
  }

  /// Sends what is buffered; returns the object with the last part. After a failure it asks the server how much it has
  /// and continues there.
  std::optional<GcsObject> send_part(bool last) {
    if (session_.empty()) begin();
    const std::string total = last ? std::to_string(our_bytes_) : "*";
    Attempts attempts(client_, name_);
    for (bool ask = false, again = false;;) {
      const std::string range = ask ? "*" : fmt::format("{}-{}", sent_, sent_ + buffer_.size() - 1);
      HttpResponse response = client_.attempt({.method = "PUT",
                                               .name = name_,
                                               .headers = {{"content-range", fmt::format("bytes {}/{}", range, total)}},
                                               .body = ask ? std::string_view() : std::string_view(buffer_),
                                               .session = session_});
      bool progress = false;
      const bool answered = response.problem.empty();
      if (response.good() && last) return object_in(response, name_);
      if (answered && response.status == 412) return refused(again);
      if (answered && (response.status == 404 || response.status == 410 || response.good())) return ended();
      if (answered && response.status == 308) {
        progress = take_over(response.header("range"));
        if (buffer_.empty() && !last) return std::nullopt;
        const bool asked = std::exchange(ask, buffer_.empty());
        if (progress || (asked && !ask)) continue;
        response.problem = "the server takes no bytes";
      }
      attempts.failed(response, progress);
      ask = again = true;
    }
  }

  /// Drops what the server has ("bytes=0-N"; empty: nothing) from the buffer; returns whether it has more than before.
  bool take_over(const std::string& range) {
    const std::size_t dash = range.find('-');
    const std::uint64_t has = dash == std::string::npos ? 0 : number_of(std::string_view(range).substr(dash + 1)) + 1;
    if (has < sent_ || has > sent_ + buffer_.size())
      throw Error(fmt::format("the server has {} bytes of the upload, but {} to {} were sent", has, sent_,
                              sent_ + buffer_.size()),
                  to_uri(name_), "run the same command again");
    buffer_.erase(0, has - sent_);
    return has > std::exchange(sent_, has);
  }

  const std::shared_ptr<FileStore> owner_;
  ObjectClient& client_;
  const ObjectName name_;
  const WriteCondition condition_;
  std::string buffer_;      // follows the first sent_ bytes
  std::uint64_t sent_ = 0;  // bytes that the server has
  std::string session_;
  Hasher md5_{HashKind::md5};
  std::string our_md5_;
  std::uint64_t our_bytes_ = 0;
};

class GcsStore final : public ObjectStore {
 public:
  explicit GcsStore(StoreSettings settings) : ObjectStore(std::make_unique<GcsClient>(std::move(settings))) {}

  std::optional<FileInfo> find(const std::string& location) override {
    const ObjectName name = object_at(location);
    const HttpResponse response =
        client().send({.name = name, .query = {{"fields", kObjectFields}}, .expected = {404}});
    if (response.good()) {
      const GcsObject object = object_in(response, name);
      return FileInfo{location, object.bytes, object.generation, object.updated};
    }
    // An error if it is the bucket that does not exist. Who may only read objects may not list them.
    const ObjectName bucket{name.scheme, name.bucket, {}};
    client().send({.name = bucket, .query = {{"maxResults", "1"}}, .expected = {403}});
    return std::nullopt;
  }

  std::unique_ptr<FileWriter> create(const std::string& location, WriteOptions options) override {
    return std::make_unique<GcsWriter>(client(), shared_from_this(), object_at(location), std::move(options));
  }

  /// Upload sessions cannot be listed; they end after a week and cost nothing.
  void remove_unfinished(const std::string& /*location*/) override {}

 private:
  std::string list_page(const PageRequest& page, const std::function<void(FileInfo)>& each) override {
    const ObjectName& name = page.prefix;
    NamedValues query = {{"prefix", name.key}, {"fields", std::string("nextPageToken,items(") + kObjectFields + ")"}};
    if (!page.deep) query.emplace_back("delimiter", "/");
    if (page.most > 0) query.emplace_back("maxResults", std::to_string(page.most));
    if (!page.token.empty()) query.emplace_back("pageToken", page.token);
    const json list = parse(client().send({.name = {name.scheme, name.bucket, {}}, .query = query}));
    const json items = list.is_object() ? list.value("items", json::array()) : json();
    const auto refuse = [&] {
      throw Error("the server's response is not a list of objects", to_uri(name),
                  "check the endpoint " + client().settings().endpoint);
    };
    if (!items.is_array() || (list.contains("nextPageToken") && !list.at("nextPageToken").is_string())) refuse();
    for (const json& item : items) {
      GcsObject object = describe(item);
      if (object.generation.empty()) refuse();
      each({to_uri({name.scheme, name.bucket, text_in(item, "name")}), object.bytes, std::move(object.generation),
            std::move(object.updated)});
    }
    return text_in(list, "nextPageToken");
  }
};

}  // namespace

std::shared_ptr<FileStore> make_gcs_store(StoreSettings settings) {
  return std::make_shared<GcsStore>(std::move(settings));
}

}  // namespace genrewise
