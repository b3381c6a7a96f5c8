// Writes objects, with one PUT or a multipart upload.

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <deque>
#include <future>
#include <pugixml.hpp>

#include "genrewise/base/byte_text.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/s3_store.hpp"
#include "genrewise/storage/transfer.hpp"

namespace genrewise {
namespace {

constexpr int kMostParts = 10'000;      // limit of S3
constexpr int kPartsOfOneSize = 1'000;  // then the part size doubles, for uploads of unknown length
constexpr int kPartsAtOnce = 4;

class S3Writer final : public FileWriter {
 public:
  S3Writer(ObjectClient& client, TransferThreads& threads, std::shared_ptr<FileStore> owner, ObjectName name,
           WriteOptions options)
      : owner_(std::move(owner)),
        client_(client),
        threads_(threads),
        name_(std::move(name)),
        condition_(std::move(options.condition)),
        part_bytes_(std::max<std::uint64_t>(client.settings().part_bytes, options.expected_bytes / kMostParts + 1)) {}

  // Waits for parts in flight, so none arrives after the abort.
  ~S3Writer() override {
    if (upload_.empty()) return;
    cancelled_ = true;
    for (const auto& part : in_flight_)
      if (part.valid()) part.wait();
    try {
      client_.send(
          {.method = "DELETE", .name = name_, .query = {{"uploadId", upload_}}, .expected = {404}, .cleaning = true});
    } catch (...) {  // left to the store's lifecycle rules
    }
  }

  void write(std::string_view bytes) override {
    while (!bytes.empty()) {
      const std::size_t count = std::min<std::size_t>(bytes.size(), part_bytes_ - buffer_.size());
      if (buffer_.capacity() == 0 && bytes.size() > count) buffer_.reserve(part_bytes_);
      buffer_ += bytes.substr(0, count);
      bytes.remove_prefix(count);
      total_ += count;
      if (buffer_.size() == part_bytes_ && !bytes.empty()) send_part();
    }
  }

  std::string commit() override {
    if (upload_.empty()) return finish({.method = "PUT", .name = name_, .body = buffer_});
    send_part();
    wait_for_parts(0);
    const std::string body = list_of_parts();
    std::string version = finish({.method = "POST", .name = name_, .query = {{"uploadId", upload_}}, .body = body});
    upload_.clear();
    return version;
  }

 private:
  void begin() {
    const HttpResponse response = client_.send({.method = "POST", .name = name_, .query = {{"uploads", ""}}});
    pugi::xml_document document;
    if (document.load_buffer(response.body.data(), response.body.size()))
      upload_ = document.child("InitiateMultipartUploadResult").child_value("UploadId");
    if (upload_.empty())
      throw Error("the server did not start a multipart upload", to_uri(name_),
                  "check the endpoint " + client_.settings().endpoint);
  }

  void send_part() {
    if (upload_.empty()) begin();
    const int number = ++parts_;
    if (number > kMostParts)
      throw Error("is larger than the store allows for one object", to_uri(name_),
                  "write smaller files, or more shards");
    if (number % kPartsOfOneSize == 0) part_bytes_ *= 2;
    wait_for_parts(kPartsAtOnce - 1);
    const auto part = std::make_shared<std::packaged_task<std::string()>>(
        [this, number, bytes = std::exchange(buffer_, {})] { return put_part(number, bytes); });
    in_flight_.push_back(part->get_future());
    threads_.run([part] { (*part)(); });
  }

  /// Returns the ETag.
  std::string put_part(int number, const std::string& bytes) {
    std::string tag = client_
                          .send({.method = "PUT",
                                 .name = name_,
                                 .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_}},
                                 .body = bytes,
                                 .stop = [this] { return cancelled_.load(); }})
                          .header("etag");
    if (tag.empty())
      throw Error("the server returned no ETag for a part", to_uri(name_),
                  "check the endpoint " + client_.settings().endpoint);
    return tag;
  }

  void wait_for_parts(std::size_t most_left) {
    while (in_flight_.size() > most_left) {
      do {
        throw_if_interrupted();
      } while (in_flight_.front().wait_for(std::chrono::milliseconds(100)) != std::future_status::ready);
      tags_.push_back(in_flight_.front().get());
      in_flight_.pop_front();
    }
  }

  std::string list_of_parts() const {
    std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (std::size_t i = 0; i < tags_.size(); ++i)
      body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag></Part>", i + 1,
                          plain_version(tags_[i]));
    return body + "</CompleteMultipartUpload>";
  }

  // Sends the request that makes the object appear. A response may be lost after the server did the work (libcurl also
  // repeats some requests); the existing object then has our version.
  std::string finish(ObjectCall call) {
    call.headers = condition_headers();
    call.only_once = condition_.kind != WriteCondition::Kind::none;
    Attempts attempts(client_, name_);
    for (bool again = false;; again = true) {
      HttpResponse response = client_.attempt(call);
      // S3 may start its response before the work is done, and then returns status 200 with an error in the body.
      if (response.good() && error_code(response).empty()) return version_in(response);
      if (response.good()) response.status = 500;
      const bool vanished = response.status == 404 && error_code(response) == "NoSuchKey";
      const bool refused = call.only_once && response.problem.empty() && (response.status == 412 || vanished);
      const bool lost = response.status == 404 && !upload_.empty();
      if ((lost || (refused && again)) && is_there()) return our_version();
      if (refused) throw_conflict(condition_, to_uri(name_));
      attempts.failed(response, false);
    }
  }

  NamedValues condition_headers() const {
    if (condition_.kind == WriteCondition::Kind::none) return {};
    if (condition_.kind == WriteCondition::Kind::absent) return {{"if-none-match", "*"}};
    if (!condition_.version.empty()) return {{"if-match", '"' + condition_.version + '"'}};
    throw Error("cannot be replaced conditionally: the store returned no version for it", to_uri(name_),
                "use a store that returns ETags");
  }

  std::string version_in(const HttpResponse& response) const {
    std::string version = plain_version(response.header("etag"));
    pugi::xml_document document;
    if (version.empty() && document.load_buffer(response.body.data(), response.body.size())) {
      version = plain_version(document.child("CompleteMultipartUploadResult").child_value("ETag"));
    }
    return version.empty() ? our_version() : version;
  }

  // The version of a multipart object is computed from those of its parts.
  std::string our_version() const {
    Hasher hasher(HashKind::md5);
    if (upload_.empty()) {
      hasher.update(buffer_);
      return hasher.hex();
    }
    std::string sums;
    for (const std::string& tag : tags_) sums += from_hex(plain_version(tag));
    hasher.update(sums);
    return fmt::format("{}-{}", hasher.hex(), tags_.size());
  }

  bool is_there() {
    const HttpResponse found = client_.send({.method = "HEAD", .name = name_, .expected = {404}});
    return found.good() && plain_version(found.header("etag")) == our_version();
  }

  const std::shared_ptr<FileStore> owner_;
  ObjectClient& client_;
  TransferThreads& threads_;
  const ObjectName name_;
  const WriteCondition condition_;
  std::uint64_t part_bytes_, total_ = 0;
  std::string buffer_, upload_;
  int parts_ = 0;

  std::atomic<bool> cancelled_{false};
  std::deque<std::future<std::string>> in_flight_;  // parts in order; a failed one stays, so that nothing can complete
  std::vector<std::string> tags_;                   // of the parts before these
};

}  // namespace

std::unique_ptr<FileWriter> make_s3_writer(ObjectClient& client, TransferThreads& threads,
                                           std::shared_ptr<FileStore> owner, ObjectName name, WriteOptions options) {
  return std::make_unique<S3Writer>(client, threads, std::move(owner), std::move(name), std::move(options));
}

}  // namespace genrewise
