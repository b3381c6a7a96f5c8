// Writes objects of Google Cloud Storage, with one request or a resumable upload.

#include <fmt/format.h>

#include "genrewise/base/error.hpp"
#include "genrewise/base/hash.hpp"
#include "genrewise/storage/gcs_store.hpp"

namespace genrewise {
namespace {

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
                            our_bytes_, stored.md5, our_md5_),
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

}  // namespace

std::unique_ptr<FileWriter> make_gcs_writer(ObjectClient& client, std::shared_ptr<FileStore> owner, ObjectName name,
                                            WriteOptions options) {
  return std::make_unique<GcsWriter>(client, std::move(owner), std::move(name), std::move(options));
}

}  // namespace genrewise
