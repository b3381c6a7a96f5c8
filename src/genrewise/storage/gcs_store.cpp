#include "genrewise/storage/gcs_store.hpp"

#include <nlohmann/json.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

using nlohmann::json;

json parse(const HttpResponse& response) {
  return json::parse(response.body, nullptr, /*allow_exceptions=*/false);
}

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

GcsObject describe(const json& item) {
  // "2026-11-25T22:15:00.123Z" without the fraction
  const std::string updated = text_in(item, "updated");
  return {number_of(text_in(item, "size")), text_in(item, "generation"), text_in(item, "md5Hash"),
          updated.size() < 19 ? "" : updated.substr(0, 19) + "Z"};
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
    return make_gcs_writer(client(), shared_from_this(), object_at(location), std::move(options));
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
    if (!items.is_array())
      throw Error("the server's response is not a list of objects", to_uri(name),
                  "check the endpoint " + client().settings().endpoint);
    for (const json& item : items) {
      GcsObject object = describe(item);
      each({to_uri({name.scheme, name.bucket, text_in(item, "name")}), object.bytes, std::move(object.generation),
            std::move(object.updated)});
    }
    return text_in(list, "nextPageToken");
  }
};

}  // namespace

GcsObject object_in(const HttpResponse& response, const ObjectName& name) {
  const json body = parse(response);
  GcsObject object = body.is_object() ? describe(body) : GcsObject();
  if (!object.generation.empty()) return object;
  throw Error("the server's response does not describe the object", to_uri(name),
              "check that the endpoint is one of Google Cloud Storage");
}

std::shared_ptr<FileStore> make_gcs_store(StoreSettings settings) {
  return std::make_shared<GcsStore>(std::move(settings));
}

}  // namespace genrewise
