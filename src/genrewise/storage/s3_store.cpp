#include "genrewise/storage/s3_store.hpp"

#include <pugixml.hpp>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/object_store.hpp"
#include "genrewise/storage/transfer.hpp"

namespace genrewise {
namespace {

// Times in lists ("2026-11-25T22:15:00.000Z") and in HTTP headers.
std::string utc_of_list(std::string_view text) {
  return text.size() < 19 ? std::string() : std::string(text.substr(0, 19)) + "Z";
}
std::string utc_of_header(const std::string& text) {
  const std::time_t time = curl_getdate(text.c_str(), nullptr);
  return time < 0 ? "" : utc_text(time);
}

class S3Store final : public ObjectStore {
 public:
  explicit S3Store(StoreSettings settings)
      : ObjectStore(std::make_unique<S3Client>(std::move(settings))),
        upload_threads_(client().settings().connections) {}

  std::optional<FileInfo> find(const std::string& location) override {
    const ObjectName name = object_at(location);
    const HttpResponse response =
        client().send({.method = "HEAD", .name = name, .expected = {301, 307, 400, 401, 403, 404}});
    if (response.good()) {
      std::uint64_t bytes = 0;
      if (!parse_number(response.header("content-length"), bytes))
        throw Error("the server does not state the object's size", location,
                    "check the endpoint " + client().settings().endpoint);
      return FileInfo{location, bytes, plain_version(response.header("etag")),
                      utc_of_header(response.header("last-modified"))};
    }
    if (response.status != 404) client().throw_error(name, response);
    // Only a response with a body shows whether the object or the bucket is missing.
    const HttpResponse why = client().send({.name = name, .headers = {{"range", "bytes=0-0"}}, .expected = {404, 416}});
    const std::string code = error_code(why);
    if (why.status == 404 && !code.empty() && code != "NoSuchKey") client().throw_error(name, why);
    return std::nullopt;
  }

  std::unique_ptr<FileWriter> create(const std::string& location, WriteOptions options) override {
    return make_s3_writer(client(), upload_threads_, shared_from_this(), object_at(location), std::move(options));
  }

  void remove_unfinished(const std::string& location) override {
    const ObjectName name = parse_uri(location);
    const bool folder = name.key.empty() || name.key.ends_with('/');
    const HttpResponse response =
        client().send({.name = {name.scheme, name.bucket, ""},
                       .query = {{"uploads", ""}, {"prefix", name.key}},
                       .expected = {400, 403, 404, 405, 501}});  // not all stores can list uploads
    pugi::xml_document document;
    if (!response.good() || !document.load_buffer(response.body.data(), response.body.size())) return;
    for (const auto upload : document.child("ListMultipartUploadsResult").children("Upload")) {
      const std::string key = upload.child_value("Key"), id = upload.child_value("UploadId");
      if (id.empty() || !(folder ? key.starts_with(name.key) : key == name.key)) continue;
      client().send({.method = "DELETE",
                     .name = {name.scheme, name.bucket, key},
                     .query = {{"uploadId", id}},
                     .expected = {404}});
    }
  }

 private:
  std::string list_page(const PageRequest& page, const std::function<void(FileInfo)>& each) override {
    const ObjectName& name = page.prefix;
    NamedValues query = {{"list-type", "2"}, {"prefix", name.key}, {"encoding-type", "url"}};
    if (!page.deep) query.emplace_back("delimiter", "/");
    if (page.most > 0) query.emplace_back("max-keys", std::to_string(page.most));
    if (!page.token.empty()) query.emplace_back("continuation-token", page.token);
    const HttpResponse response = client().send({.name = {name.scheme, name.bucket, ""}, .query = query});
    pugi::xml_document document;
    const bool read = document.load_buffer(response.body.data(), response.body.size());
    const auto list = document.child("ListBucketResult");
    if (!read || !list)
      throw Error("the server's response is not a list of objects", to_uri(name),
                  "check the endpoint " + client().settings().endpoint);
    const bool encoded = std::string_view(list.child_value("EncodingType")) == "url";
    for (const auto item : list.children("Contents")) {
      std::string key = item.child_value("Key");
      if (encoded) key = uri_decode(key);
      std::uint64_t bytes = 0;
      if (!parse_number(item.child_value("Size"), bytes))
        throw Error("the server's list does not state the size of " + key, to_uri(name),
                    "check the endpoint " + client().settings().endpoint);
      each({to_uri({name.scheme, name.bucket, std::move(key)}), bytes, plain_version(item.child_value("ETag")),
            utc_of_list(item.child_value("LastModified"))});
    }
    if (std::string_view(list.child_value("IsTruncated")) != "true") return {};
    const std::string next = list.child_value("NextContinuationToken");
    if (next.empty() && page.most == 0)  // else one page is all that is asked for
      throw Error("the server sends only the first page of its object list", to_uri(name),
                  "the endpoint " + client().settings().endpoint + " lacks ListObjectsV2: use another one");
    return next;
  }

  TransferThreads upload_threads_;
};

}  // namespace

std::shared_ptr<FileStore> make_s3_store(StoreSettings settings) {
  return std::make_shared<S3Store>(std::move(settings));
}

}  // namespace genrewise
