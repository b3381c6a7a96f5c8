#include "genrewise/storage/s3_store.hpp"

#include <algorithm>
#include <charconv>
#include <pugixml.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/curl_library.hpp"
#include "genrewise/storage/s3_client.hpp"
#include "genrewise/storage/s3_reader.hpp"
#include "genrewise/storage/s3_signature.hpp"
#include "genrewise/storage/transfer.hpp"

namespace genrewise {
namespace {

std::uint64_t number_of(std::string_view text) {
  std::uint64_t value = 0;
  std::from_chars(text.data(), text.data() + text.size(), value);
  return value;
}

// Times in lists ("2026-11-25T22:15:00.000Z") and in HTTP headers.
std::string utc_of_list(std::string_view text) {
  return text.size() < 19 ? std::string() : std::string(text.substr(0, 19)) + "Z";
}
std::string utc_of_header(const std::string& text) {
  const std::time_t time = curl_getdate(text.c_str(), nullptr);
  return time < 0 ? "" : utc_text(time);
}

class S3Store final : public FileStore, public std::enable_shared_from_this<S3Store> {
 public:
  explicit S3Store(S3Settings settings)
      : client_(std::move(settings)),
        prefetcher_(client_,
                    2 * static_cast<std::uint64_t>(client_.settings().connections) * client_.settings().part_bytes),
        upload_threads_(client_.settings().connections) {}

  void list(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) override {
    const ObjectName name = parse_uri(prefix);
    NamedValues query = {{"list-type", "2"}, {"prefix", name.key}, {"encoding-type", "url"}};
    if (!deep) query.emplace_back("delimiter", "/");
    for (std::string token;;) {
      NamedValues page = query;
      if (!token.empty()) page.emplace_back("continuation-token", token);
      const HttpResponse response = client_.send({.name = {name.scheme, name.bucket, ""}, .query = page});
      std::string next = read_page(name, response, each);
      if (next.empty()) return;
      if (next == token)
        throw Error("the server repeats the same page of its object list", prefix,
                    "check the endpoint " + client_.settings().endpoint);
      token = std::move(next);
    }
  }

  std::optional<FileInfo> find(const std::string& location) override {
    const ObjectName name = named(location);
    const HttpResponse response =
        client_.send({.method = "HEAD", .name = name, .expected = {301, 307, 400, 401, 403, 404}});
    if (response.good()) {
      return FileInfo{location, number_of(response.header("content-length")), plain_version(response.header("etag")),
                      utc_of_header(response.header("last-modified"))};
    }
    if (response.status != 404) client_.throw_error(name, response);
    // Only a response with a body shows whether the object or the bucket is missing.
    const HttpResponse why = client_.send({.name = name, .headers = {{"range", "bytes=0-0"}}, .expected = {404, 416}});
    const std::string code = parse_refusal(why).code;
    if (why.status == 404 && !code.empty() && code != "NoSuchKey") client_.throw_error(name, why);
    return std::nullopt;
  }

  bool has_folder(const std::string& location) override {
    const ObjectName name = parse_uri(location);
    const std::string prefix = name.key.empty() || name.key.ends_with('/') ? name.key : name.key + '/';
    const HttpResponse response =
        client_.send({.name = {name.scheme, name.bucket, ""},
                      .query = {{"list-type", "2"}, {"max-keys", "1"}, {"prefix", prefix}, {"encoding-type", "url"}}});
    bool any = false;
    read_page(name, response, [&](const FileInfo&) { any = true; });
    return any;
  }

  Expected<std::unique_ptr<FileReader>> try_open(const std::string& location) override {
    const auto found = find(location);
    if (!found) return tl::unexpected(Fault{"cannot be opened", location, "there is no such object"});
    return open(*found);
  }

  std::unique_ptr<FileReader> open(const FileInfo& file) override;

  std::unique_ptr<FileWriter> create(const std::string& location, WriteOptions options) override {
    return make_s3_writer(client_, upload_threads_, shared_from_this(), named(location), std::move(options));
  }

  void remove(const std::string& location, bool cleaning) override {
    client_.send({.method = "DELETE", .name = named(location), .expected = {404}, .cleaning = cleaning});
  }

  void remove_unfinished(const std::string& location) override {
    const ObjectName name = parse_uri(location);
    const bool folder = name.key.empty() || name.key.ends_with('/');
    const HttpResponse response =
        client_.send({.name = {name.scheme, name.bucket, ""},
                      .query = {{"uploads", ""}, {"prefix", name.key}},
                      .expected = {400, 403, 404, 405, 501}});  // not all stores can list uploads
    pugi::xml_document document;
    if (!response.good() || !document.load_buffer(response.body.data(), response.body.size())) return;
    for (const auto upload : document.child("ListMultipartUploadsResult").children("Upload")) {
      const std::string key = upload.child_value("Key"), id = upload.child_value("UploadId");
      if (id.empty() || !(folder ? key.starts_with(name.key) : key == name.key)) continue;
      client_.send({.method = "DELETE",
                    .name = {name.scheme, name.bucket, key},
                    .query = {{"uploadId", id}},
                    .expected = {404}});
    }
  }

  S3Client& client() { return client_; }
  RangePrefetcher& prefetcher() { return prefetcher_; }

 private:
  static ObjectName named(const std::string& location) {
    ObjectName name = parse_uri(location);
    if (name.key.empty()) throw Error("is a bucket, not an object", location, "name an object in it");
    return name;
  }

  /// Reports the objects of a page and returns the token of the next; empty after the last.
  std::string read_page(const ObjectName& name, const HttpResponse& response,
                        const std::function<void(FileInfo)>& each) const {
    pugi::xml_document document;
    const bool read = document.load_buffer(response.body.data(), response.body.size());
    const auto list = document.child("ListBucketResult");
    if (!read || !list)
      throw Error("the server's response is not a list of objects", to_uri(name),
                  "check the endpoint " + client_.settings().endpoint);
    const bool encoded = std::string_view(list.child_value("EncodingType")) == "url";
    for (const auto item : list.children("Contents")) {
      std::string key = item.child_value("Key");
      if (encoded) key = uri_decode(key);
      each({to_uri({name.scheme, name.bucket, std::move(key)}), number_of(item.child_value("Size")),
            plain_version(item.child_value("ETag")), utc_of_list(item.child_value("LastModified"))});
    }
    return std::string_view(list.child_value("IsTruncated")) == "true" ? list.child_value("NextContinuationToken") : "";
  }

  S3Client client_;
  RangePrefetcher prefetcher_;
  TransferThreads upload_threads_;
};

class S3Reader final : public FileReader {
 public:
  S3Reader(std::shared_ptr<S3Store> store, FileInfo file)
      : store_(std::move(store)),
        file_(std::move(file)),
        object_(std::make_shared<const S3Object>(S3Object{parse_uri(file_.location), file_.bytes, file_.version})) {}
  ~S3Reader() override { store_->prefetcher().forget(*object_); }
  S3Reader(const S3Reader&) = delete;
  S3Reader& operator=(const S3Reader&) = delete;

  const FileInfo& info() const override { return file_; }
  bool prefetches() const override { return true; }
  void prefetch(std::span<const ByteRange> ranges) const override { store_->prefetcher().request(object_, ranges); }

  std::size_t read_at(std::uint64_t offset, std::span<std::byte> into) const override {
    if (offset >= size()) return 0;
    into = into.first(static_cast<std::size_t>(std::min<std::uint64_t>(into.size(), size() - offset)));
    // Reads longer than a part use several connections.
    const ByteRange whole{offset, into.size()};
    if (into.size() > store_->client().settings().part_bytes) prefetch({&whole, 1});
    for (std::size_t done = 0; done < into.size();) {
      const auto rest = into.subspan(done);
      std::size_t got = store_->prefetcher().take(object_, offset + done, rest);
      if (got == 0) {
        fetch_range(store_->client(), *object_, {offset + done, rest.size()}, [&](std::span<const std::byte> bytes) {
          std::ranges::copy(bytes, rest.data() + got);
          got += bytes.size();
        });
      }
      done += got;
    }
    return into.size();
  }

 private:
  std::shared_ptr<S3Store> store_;
  FileInfo file_;
  std::shared_ptr<const S3Object> object_;
};

std::unique_ptr<FileReader> S3Store::open(const FileInfo& file) {
  named(file.location);
  return std::make_unique<S3Reader>(shared_from_this(), file);
}

}  // namespace

std::string plain_version(std::string_view etag) {
  if (etag.starts_with("W/")) return {};
  if (etag.size() >= 2 && etag.starts_with('"') && etag.ends_with('"')) etag = etag.substr(1, etag.size() - 2);
  return std::string(etag);
}

std::shared_ptr<FileStore> make_s3_store(S3Settings settings) {
  return std::make_shared<S3Store>(std::move(settings));
}

}  // namespace genrewise
