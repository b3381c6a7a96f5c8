#include "genrewise/storage/download.hpp"

#include <curl/curl.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <memory>
#include <vector>

#include "genrewise/base/child_process.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/filesystem.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/storage/disk_space.hpp"
#include "genrewise/storage/files.hpp"
#include "genrewise/storage/http.hpp"
#include "genrewise/storage/local_store.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kErrorTextBytes = 300;

/// The file TARGET.partial, open and locked for this process, with its tag.
class PartialFile {
 public:
  explicit PartialFile(const std::filesystem::path& target) : path_(target), tag_path_(target) {
    path_ += ".partial";
    tag_path_ += ".partial.tag";
    descriptor_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
    if (descriptor_.get() < 0) throw_system_error("cannot create", path_.string());
    if (::flock(descriptor_.get(), LOCK_EX | LOCK_NB) != 0)
      throw Error("another process is downloading this file", path_.string(), "wait until that download is complete");
    size_ = static_cast<std::uint64_t>(std::max<off_t>(::lseek(descriptor_.get(), 0, SEEK_END), 0));
    if (path_exists(tag_path_)) tag_ = read_file(tag_path_);
  }
  ~PartialFile() {
    descriptor_.reset();
    std::error_code ignored;
    if (size_ == 0) std::filesystem::remove(path_, ignored), std::filesystem::remove(tag_path_, ignored);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

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
      : url_(url), file_(file), progress_(progress) {
    start_curl();
    curl_.reset(curl_easy_init());
    if (!curl_)
      throw Error("libcurl cannot be started", without_credentials(url),
                  "free some memory, then run the same command again");
  }

  Outcome run() {
    asked_from_ = file_.size();
    prepare();
    const CURLcode code = curl_easy_perform(curl_.get());
    if (error_) std::rethrow_exception(error_);
    throw_if_interrupted();
    if (code == CURLE_OK && body_goes_to_ == Body::unknown) on_response();  // a response without a body
    if (error_) std::rethrow_exception(error_);
    if (began_) progress_.finish();
    problem_ = code == CURLE_OK ? fmt::format("the server returned status {}", status()) : curl_easy_strerror(code);
    if (code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT) {
      throw Error(fmt::format("cannot be downloaded ({})", problem_), without_credentials(url_),
                  "give an address that starts with http");
    }
    if (code == CURLE_OK && body_goes_to_ == Body::file) return Outcome::whole;
    if (code == CURLE_OK && status() == 416 && asked_from_ > 0) return refused_range();
    const long http = status();
    const bool transient = code != CURLE_OK || http >= 500 || http == 408 || http == 429;
    if (transient) return Outcome::cut;
    throw Error(fmt::format("{}{}{}", problem_, error_text_.empty() ? "" : ": ", error_text_),
                without_credentials(url_), "check the address, or give another one with --mirror");
  }

  const std::string& problem() const { return problem_; }

 private:
  enum class Body { unknown, file, error_text };

  long status() {
    long code = 0;
    curl_easy_getinfo(curl_.get(), CURLINFO_RESPONSE_CODE, &code);
    return code;
  }

  std::string header(const char* name) {
    curl_header* found = nullptr;
    return curl_easy_header(curl_.get(), name, 0, CURLH_HEADER, -1, &found) == CURLHE_OK ? found->value : "";
  }

  void prepare() {
    CURL* curl = curl_.get();
    curl_easy_setopt(curl, CURLOPT_URL, url_.c_str());
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 1L);
    curl_easy_setopt(curl, CURLOPT_MAXREDIRS, 10L);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_USERAGENT, "genrewise");
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, 30L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
    curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, 60L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, this);
    curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
    curl_easy_setopt(
        curl, CURLOPT_XFERINFOFUNCTION,
        +[](void*, curl_off_t, curl_off_t, curl_off_t, curl_off_t) { return interrupt_requested() ? 1 : 0; });
    if (asked_from_ == 0) return;
    curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", asked_from_).c_str());
    if (file_.tag().empty()) return;
    headers_.reset(curl_slist_append(nullptr, fmt::format("If-Range: {}", file_.tag()).c_str()));
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers_.get());
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->body({bytes, count}) ? count : 0;
  }

  // Exceptions must not pass through libcurl: stores them in error_ and ends the transfer.
  bool body(std::string_view bytes) noexcept try {
    if (body_goes_to_ == Body::unknown) on_response();
    if (body_goes_to_ == Body::file) {
      file_.append(bytes);
      progress_.advance(bytes.size());
    } else if (error_text_.size() < kErrorTextBytes) {
      error_text_ += bytes.substr(0, kErrorTextBytes - error_text_.size());
    }
    return true;
  } catch (...) {
    error_ = std::current_exception();
    return false;
  }

  // Called when the header is complete: decides whether the body continues the partial file, replaces it or is an error
  // text.
  void on_response() {
    const long code = status();
    body_goes_to_ = code == 200 || code == 206 ? Body::file : Body::error_text;
    if (body_goes_to_ != Body::file) return;
    if (code == 200 || !header("Content-Range").starts_with(fmt::format("bytes {}-", asked_from_))) {
      if (code == 206)
        throw Error(
            "the server sent another part of the file than requested", without_credentials(url_),
            "try again later");  // A weak tag (W/...) does not guarantee equal bytes, so If-Range may not use it.
      std::string tag = header("ETag");
      if (tag.empty() || tag.starts_with("W/")) tag = header("Last-Modified");
      file_.restart(std::move(tag));
    }
    curl_off_t length = -1;
    curl_easy_getinfo(curl_.get(), CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    const auto missing = static_cast<std::uint64_t>(std::max<curl_off_t>(length, 0));
    require_disk_space(absolute_path(file_.path()).parent_path(), missing);
    progress_.begin("download", "bytes", length < 0 ? 0 : file_.size() + missing, file_.size());
    began_ = true;
  }

  // The server has no bytes from the requested offset on: the partial file is complete, or belongs to another file.
  Outcome refused_range() {
    const std::string range = header("Content-Range");  // "bytes */1234"
    return range == fmt::format("bytes */{}", file_.size()) ? Outcome::whole : Outcome::refused;
  }

  struct Cleanup {
    void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
  };

  const std::string& url_;
  PartialFile& file_;
  Progress& progress_;
  std::unique_ptr<CURL, Cleanup> curl_;
  std::unique_ptr<curl_slist, Cleanup> headers_;
  std::uint64_t asked_from_ = 0;
  Body body_goes_to_ = Body::unknown;
  bool began_ = false;
  std::string error_text_, problem_;
  std::exception_ptr error_;
};

std::string hash_of_file(const std::filesystem::path& path, HashKind kind, Progress& progress) {
  const Descriptor descriptor(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (descriptor.get() < 0) throw_system_error("cannot open", path.string());
  progress.begin("verify", "bytes", bytes_of_file(path));
  Hasher hasher(kind);
  std::vector<char> buffer(1 << 20);
  for (;;) {
    throw_if_interrupted();
    const ssize_t got = ::read(descriptor.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw_system_error("cannot read", path.string());
    if (got == 0) break;
    hasher.update({buffer.data(), static_cast<std::size_t>(got)});
    progress.advance(static_cast<std::uint64_t>(got));
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
    switch (transfer.run()) {
      case Outcome::whole:
        return;
      case Outcome::refused:
        file.restart({});
        continue;
      case Outcome::cut:
        break;
    }
    if (file.size() > before) attempt = 0, pause = request.first_wait;
    if (attempt >= request.attempts) {
      throw Error(fmt::format("cannot be downloaded ({})", transfer.problem()), without_credentials(request.url),
                  file.size() > 0 ? "the received bytes are kept: run the same command again to continue"
                                  : "check the network and the address, then run the same command again");
    }
    progress.note(fmt::format("{}: {}; trying again", without_credentials(request.url), transfer.problem()));
    sleep_unless_interrupted(pause);
    pause *= 2;
  }
}

}  // namespace

std::string without_credentials(std::string_view url) {
  const std::size_t scheme = url.find("://");
  if (scheme == url.npos) return std::string(url);
  const std::size_t host = scheme + 3;
  const std::string_view authority = url.substr(host, url.find_first_of("/?#", host) - host);
  const std::size_t at = authority.rfind('@');
  if (at == authority.npos) return std::string(url);
  return std::string(url.substr(0, host)).append(url.substr(host + at + 1));
}

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
      throw Error("the downloaded file has a wrong checksum", without_credentials(request.url),
                  "the file on the server is damaged or has changed: try again later or use another address");
    }
    progress.note(fmt::format("{}: the resumed download is damaged; starting over", without_credentials(request.url)));
  }
}

}  // namespace genrewise
