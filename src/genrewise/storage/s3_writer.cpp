#include "genrewise/storage/s3_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <pugixml.hpp>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/s3_store.hpp"

namespace genrewise {
namespace {

constexpr int kMostParts = 10'000;      // that S3 allows
constexpr int kPartsOfOneSize = 1'000;  // then parts become twice as long, where the whole length is not known
constexpr int kPartsAtOnce = 4;

std::string unhex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  }
  return bytes;
}

class S3Writer final : public ObjectWriter {
 public:
  S3Writer(S3Client& client, TransferThreads& threads, ObjectName name, std::uint64_t expected_bytes)
      : client_(client),
        threads_(threads),
        name_(std::move(name)),
        part_bytes_(std::max<std::uint64_t>(client.settings().part_bytes, expected_bytes / kMostParts + 1)) {}

  // Parts that are on their way are waited for, so that none arrives behind the abortion.
  ~S3Writer() override {
    if (upload_.empty()) return;
    cancelled_ = true;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [this] { return in_flight_ == 0; });
    }
    try {
      client_.send(
          {.method = "DELETE", .name = name_, .query = {{"uploadId", upload_}}, .expected = {404}, .cleaning = true});
    } catch (...) {  // the store's own rules will clear it away, or nobody does
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

  void commit() override {
    if (upload_.empty()) {
      client_.send({.method = "PUT", .name = name_, .body = buffer_});
      return;
    }
    send_part();
    wait_for_parts(0);
    complete();
    upload_.clear();
  }

 private:
  void begin() {
    const HttpAnswer answer = client_.send({.method = "POST", .name = name_, .query = {{"uploads", ""}}});
    pugi::xml_document document;
    document.load_buffer(answer.body.data(), answer.body.size());
    upload_ = document.child("InitiateMultipartUploadResult").child_value("UploadId");
    if (upload_.empty())
      throw Error("the server began no upload in parts", to_place(name_),
                  "check the endpoint " + client_.settings().endpoint);
  }

  void send_part() {
    if (upload_.empty()) begin();
    const int number = ++parts_;
    if (number > kMostParts) throw Error("is longer than an object may be", to_place(name_));
    if (number % kPartsOfOneSize == 0) part_bytes_ *= 2;
    wait_for_parts(kPartsAtOnce - 1);
    {
      const std::lock_guard lock(mutex_);
      ++in_flight_;
    }
    threads_.run(
        [this, number, bytes = std::make_shared<const std::string>(std::move(buffer_))] { put_part(number, *bytes); });
    buffer_ = {};
  }

  void put_part(int number, const std::string& bytes) {
    std::exception_ptr error;
    std::string tag;
    try {
      tag = client_
                .send({.method = "PUT",
                       .name = name_,
                       .query = {{"partNumber", std::to_string(number)}, {"uploadId", upload_}},
                       .body = bytes,
                       .stop = [this] { return cancelled_.load(); }})
                .header("etag");
      if (tag.empty()) throw Error("the server gave no ETag for a part", to_place(name_));
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    tags_[number] = std::move(tag);
    if (error && !error_) error_ = error;
    --in_flight_;
    changed_.notify_all();
  }

  void wait_for_parts(int most_left) {
    std::unique_lock lock(mutex_);
    while (in_flight_ > most_left && !error_) {
      throw_if_interrupted();
      changed_.wait_for(lock, std::chrono::milliseconds(100));
    }
    if (error_) std::rethrow_exception(error_);
  }

  void complete() {
    std::string body = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">";
    for (const auto& [number, tag] : tags_) {
      body += fmt::format("<Part><PartNumber>{}</PartNumber><ETag>&quot;{}&quot;</ETag></Part>", number,
                          plain_version(tag));
    }
    body += "</CompleteMultipartUpload>";
    const S3Call call{.method = "POST", .name = name_, .query = {{"uploadId", upload_}}, .body = body};
    S3Attempts attempts(client_.settings(), name_);
    for (;;) {
      HttpAnswer answer = client_.attempt(call);
      // S3 may begin to answer before it knows how it ends, and then says 200 with a fault in the body.
      if (answer.good() && parse_refusal(answer).code.empty()) return;
      if (answer.good()) answer.status = 500;
      // The answer to an attempt before (libcurl makes some by itself) may have been lost after its work was done.
      if (answer.status == 404 && is_there()) return;
      attempts.failed(answer, false);
    }
  }

  // An object made of parts has a version that is made of theirs.
  bool is_there() {
    std::string sums;
    for (const auto& [number, tag] : tags_) sums += unhex(plain_version(tag));
    Hasher hasher(HashKind::md5);
    hasher.update(sums);
    const HttpAnswer found = client_.send({.method = "HEAD", .name = name_, .expected = {404}});
    return found.good() && plain_version(found.header("etag")) == fmt::format("{}-{}", hasher.hex(), tags_.size());
  }

  S3Client& client_;
  TransferThreads& threads_;
  const ObjectName name_;
  std::uint64_t part_bytes_, total_ = 0;
  std::string buffer_, upload_;
  int parts_ = 0;

  std::atomic<bool> cancelled_{false};
  std::mutex mutex_;
  std::condition_variable changed_;
  int in_flight_ = 0;
  std::map<int, std::string> tags_;
  std::exception_ptr error_;
};

}  // namespace

std::unique_ptr<ObjectWriter> make_s3_writer(S3Client& client, TransferThreads& threads, ObjectName name,
                                             std::uint64_t expected_bytes) {
  return std::make_unique<S3Writer>(client, threads, std::move(name), expected_bytes);
}

}  // namespace genrewise
