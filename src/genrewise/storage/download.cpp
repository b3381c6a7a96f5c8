#include "genrewise/storage/download.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/credential_source.hpp"
#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/http.hpp"
#include "genrewise/storage/local_files.hpp"
#include "genrewise/storage/object_client.hpp"

namespace genrewise {
namespace {

/// The file TARGET.partial, open and locked for this process, with its tag.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& target) : path_(target), tag_path_(target) {
    path_ += ".partial";
    tag_path_ += ".partial.tag";
    if (!open_locked(descriptor_, path_, O_RDWR | O_CREAT, "cannot create"))
      throw Error("another process is downloading this file", path_.string(), "wait until that download is complete");
    size_ = static_cast<std::uint64_t>(std::max<off_t>(::lseek(descriptor_.get(), 0, SEEK_END), 0));
    if (path_exists(tag_path_)) tag_ = read_file(tag_path_);
  }
  ~PartialFile() {  // locked until the end
    std::error_code ignored;
    if (size_ == 0) std::filesystem::remove(path_, ignored), std::filesystem::remove(tag_path_, ignored);
  }

  std::uint64_t size() const { return size_; }
  const std::string& tag() const { return tag_; }
  const std::filesystem::path& path() const { return path_; }

  void restart(std::string tag) {
    if (::ftruncate(descriptor_.get(), 0) != 0 || ::lseek(descriptor_.get(), 0, SEEK_SET) < 0) {
      throw_system_error("cannot write", path_.string());
    }
    size_ = 0;
    tag_ = std::move(tag);
    write_file(tag_path_, tag_);
  }

  void append(std::string_view bytes) { write_all(descriptor_.get(), bytes, path_.native(), &size_); }

  void become(const std::filesystem::path& target) {
    if (::fsync(descriptor_.get()) != 0 || ::rename(path_.c_str(), target.c_str()) != 0) {
      throw_system_error("cannot write", target.string());
    }
    std::error_code ignored;
    std::filesystem::remove(tag_path_, ignored);
  }

 private:
  std::filesystem::path path_, tag_path_;
  Descriptor descriptor_;
  std::uint64_t size_ = 0;
  std::string tag_;
};

enum class Outcome { whole, cut, refused };

/// One request for the missing part of the partial file.
class Transfer {
 public:
  Transfer(const std::string& url, PartialFile& file, Progress& progress)
      : url_(url), file_(file), progress_(progress), asked_from_(file.size()) {}

  Outcome run() {
    const HttpResponse response = HttpClient().perform(call());
    throw_if_interrupted();
    const long status = response.status;
    const bool whole = response.problem.empty() && (status == 200 || status == 206);
    if (whole && !began_) begin(response);  // a response without a body
    if (began_) progress_.finish();
    problem_ = response.problem.empty() ? fmt::format("the server returned status {}", status) : response.problem;
    if (response.hopeless) {
      throw Error(fmt::format("cannot be downloaded ({})", problem_), url_,
                  response.bad_address
                      ? "give an address that starts with http"
                      : "check this machine's certificates and the proxy in http_proxy or https_proxy");
    }
    // A server may send less than was asked for: "bytes 1000-1999/5000".
    const std::string& range = response.header("content-range");
    std::uint64_t total = file_.size();
    if (status == 206) parse_number(std::string_view(range).substr(range.rfind('/') + 1), total);
    if (whole && total == file_.size()) return Outcome::whole;
    if (whole) problem_ = "the server sent less than the rest of the file";
    if (whole || !response.problem.empty() || status >= 500 || status == 408 || status == 429) return Outcome::cut;
    // 416: the server has no bytes from there on: the partial file is complete, or belongs to another file.
    if (status == 416 && asked_from_ > 0)
      return response.header("content-range") == fmt::format("bytes */{}", file_.size()) ? Outcome::whole
                                                                                         : Outcome::refused;
    // A server may repeat the request, and so what is secret in it.
    const std::string text = without_credentials(url_) == url_ ? short_text(without_secrets(response.body, {})) : "";
    throw Error(fmt::format("{}{}{}", problem_, text.empty() ? "" : ": ", text), url_,
                "check the address, or give another one with --mirror");
  }

  const std::string& problem() const { return problem_; }

 private:
  HttpCall call() {
    HttpCall call;
    call.method = "GET";
    call.url = url_;
    call.follow_redirects = true;
    call.connecting = std::chrono::seconds(30);
    call.silence = std::chrono::seconds(60);
    call.stop = interrupt_is_due;
    call.sink = [this](const HttpResponse& response, std::string_view bytes) {
      if (!began_) begin(response);
      file_.append(bytes);
      progress_.advance(bytes.size());
      return true;
    };
    if (asked_from_ > 0) call.headers.push_back(fmt::format("Range: bytes={}-", asked_from_));
    if (asked_from_ > 0 && !file_.tag().empty()) call.headers.push_back("If-Range: " + file_.tag());
    return call;
  }

  // Called when the header is complete: decides whether the body continues the partial file or replaces it.
  void begin(const HttpResponse& response) {
    if (response.status == 200 ||
        !response.header("content-range").starts_with(fmt::format("bytes {}-", asked_from_))) {
      if (response.status == 206)
        throw Error("the server sent another part of the file than requested", url_, "try again later");
      // A weak tag (W/...) does not guarantee equal bytes, so If-Range may not use it.
      std::string tag = response.header("etag");
      if (tag.empty() || tag.starts_with("W/")) tag = response.header("last-modified");
      file_.restart(std::move(tag));
    }
    std::uint64_t missing = 0;
    const bool known = parse_number(response.header("content-length"), missing);
    require_disk_space(absolute_path(file_.path()).parent_path(), missing);
    progress_.begin("download", "bytes", known ? file_.size() + missing : 0, file_.size());
    began_ = true;
  }

  const std::string& url_;
  PartialFile& file_;
  Progress& progress_;
  const std::uint64_t asked_from_;
  bool began_ = false;
  std::string problem_;
};

std::string hash_of_file(const std::filesystem::path& path, HashKind kind, Progress& progress) {
  const auto file = open_file(path);
  SequentialReader bytes(*file);
  progress.begin("verify", "bytes", file->size());
  Hasher hasher(kind);
  std::string buffer(1 << 20, '\0');
  while (const std::size_t got = bytes.read(std::as_writable_bytes(std::span(buffer)))) {
    throw_if_interrupted();
    hasher.update(std::string_view(buffer).substr(0, got));
    progress.advance(got);
  }
  progress.finish();
  return hasher.hex();
}

bool is_right(const std::filesystem::path& path, const std::optional<Checksum>& checksum, Progress& progress) {
  return !checksum || hash_of_file(path, checksum->kind, progress) == checksum->hex;
}

/// Sends requests until the partial file is complete.
void complete(const DownloadRequest& request, PartialFile& file, Progress& progress) {
  auto pause = request.first_wait;
  for (int attempt = 1;; ++attempt) {
    const std::uint64_t before = file.size();
    Transfer transfer(request.url, file, progress);
    const Outcome outcome = transfer.run();
    if (outcome == Outcome::whole) return;
    if (outcome == Outcome::refused) {
      file.restart({});
      continue;
    }
    if (file.size() > before) attempt = 0, pause = request.first_wait;
    if (attempt >= request.attempts) {
      throw Error(fmt::format("cannot be downloaded ({})", transfer.problem()), request.url,
                  file.size() > 0 ? "the received bytes are kept: run the same command again to continue"
                                  : "check the network and the address, then run the same command again");
    }
    progress.note(fmt::format("{}: {}; trying again", without_credentials(request.url), transfer.problem()));
    sleep_unless_interrupted(pause);
    pause *= 2;
  }
}

}  // namespace

void download(const DownloadRequest& request, Progress& progress) {
  if (path_exists(request.target)) {
    if (is_right(request.target, request.checksum, progress)) return;
    progress.note(fmt::format("{}: its checksum is wrong; downloading it again", request.target.string()));
  }
  PartialFile file(request.target);
  if (file.tag().empty() && !request.checksum) file.restart({});  // no way to check that the parts belong together
  for (bool resumed = file.size() > 0;; resumed = false) {
    complete(request, file, progress);
    if (is_right(file.path(), request.checksum, progress)) return file.become(request.target);
    file.restart({});
    if (!resumed) {
      throw Error("the downloaded file has a wrong checksum", request.url,
                  "the file on the server is damaged or has changed: try again later or use another address");
    }
    progress.note(fmt::format("{}: the resumed download is damaged; starting over", without_credentials(request.url)));
  }
}

}  // namespace genrewise
