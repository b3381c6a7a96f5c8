#include "genrewise/storage/http.hpp"

#include <algorithm>
#include <array>
#include <exception>

#include "genrewise/base/error.hpp"
#include "genrewise/base/interrupt.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/curl_library.hpp"

namespace genrewise {
namespace {

constexpr std::size_t kLongestText = 64 << 20;  // limit of a response body in memory (lists, errors)
constexpr long kReceiveBytes = 512 << 10;

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};

/// State of libcurl's callbacks. Exceptions must not pass through libcurl: they are stored and end the transfer.
struct Transfer {
  const HttpCall& call;
  HttpResponse& response;
  CURL* curl;
  std::exception_ptr error;

  bool to_sink() {
    if (response.status == 0) curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &response.status);
    return call.sink && (response.status == 200 || response.status == 206);
  }
  bool take(std::string_view bytes) {
    try {
      if (!to_sink()) {
        if (response.body.size() + bytes.size() <= kLongestText) response.body += bytes;
        return true;
      }
      response.stopped = !call.sink(response, bytes);
    } catch (...) {
      error = std::current_exception();
      response.stopped = true;
    }
    return !response.stopped;
  }
  bool stop() {
    try {
      if (!call.stop || !call.stop()) return false;
    } catch (...) {
      error = std::current_exception();
    }
    return response.stopped = true;
  }

  static std::size_t on_body(char* bytes, std::size_t, std::size_t count, void* self) {
    return static_cast<Transfer*>(self)->take({bytes, count}) ? count : 0;
  }
  static std::size_t on_header(char* bytes, std::size_t, std::size_t count, void* self) {
    auto& response = static_cast<Transfer*>(self)->response;
    const std::string_view line(bytes, count);
    if (line.starts_with("HTTP/")) response.headers.clear();  // drops headers of a preceding status 100
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return count;
    response.headers[lower_case(line.substr(0, colon))] = trimmed(line.substr(colon + 1));
    return count;
  }
  static int on_progress(void* self, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
    return static_cast<Transfer*>(self)->stop() ? 1 : 0;
  }
};

bool is_hopeless(CURLcode code) {
  constexpr std::array kHopeless{CURLE_UNSUPPORTED_PROTOCOL, CURLE_URL_MALFORMAT, CURLE_PEER_FAILED_VERIFICATION,
                                 CURLE_SSL_CACERT_BADFILE,   CURLE_OUT_OF_MEMORY, CURLE_COULDNT_RESOLVE_PROXY};
  return std::ranges::find(kHopeless, code) != kHopeless.end();
}

/// Initialises libcurl for the process on first use. Nothing else in genrewise calls curl_global_init(), and nothing
/// calls curl_global_cleanup(). A program that uses libcurl itself may initialise it before; libcurl counts the calls.
void start_curl() {
  static const CURLcode initialised = curl_global_init(CURL_GLOBAL_DEFAULT);
  if (initialised != CURLE_OK)
    throw Error(std::string("cannot be started (") + curl_easy_strerror(initialised) + ")", "libcurl",
                "check its installation");
}

}  // namespace

const std::string& HttpResponse::header(const std::string& name) const {
  static const std::string kNone;
  const auto found = headers.find(name);
  return found == headers.end() ? kNone : found->second;
}

/// A connection that is kept between calls. Each call has a handle of its own: libcurl 7.88 (Debian 12) does not forget
/// the last header of a handle's previous response when it frees it, and uses it where the next one begins with a
/// blank.
struct HttpClient::Connection {
  CURLSH* kept = nullptr;
  CURL* curl = nullptr;

  Connection() {
    start_curl();
    kept = curl_share_init();
    if (kept == nullptr) throw_no_memory();
    for (const auto data : {CURL_LOCK_DATA_CONNECT, CURL_LOCK_DATA_DNS, CURL_LOCK_DATA_SSL_SESSION})
      curl_share_setopt(kept, CURLSHOPT_SHARE, data);
  }
  ~Connection() {
    if (curl != nullptr) curl_easy_cleanup(curl);
    curl_share_cleanup(kept);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[noreturn]] static void throw_no_memory() {
    throw Error("cannot open a connection", "libcurl", "free some memory, then try again");
  }

  void begin() {
    if (curl != nullptr) curl_easy_cleanup(curl);
    curl = curl_easy_init();
    if (curl == nullptr) throw_no_memory();
    curl_easy_setopt(curl, CURLOPT_SHARE, kept);
  }

  void prepare(const HttpCall& call, Transfer& transfer, curl_slist* headers) const {
    const auto set = [this](CURLoption option, auto value) { curl_easy_setopt(curl, option, value); };
    set(CURLOPT_URL, call.url.c_str());
    set(CURLOPT_PROTOCOLS_STR, "http,https");
    if (call.follow_redirects) {
      set(CURLOPT_FOLLOWLOCATION, 1L);
      set(CURLOPT_MAXREDIRS, 10L);
      set(CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    } else {
      set(CURLOPT_PATH_AS_IS, 1L);  // a key may contain "/../"
      set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    }
    set(CURLOPT_NOSIGNAL, 1L);
    set(CURLOPT_USERAGENT, "genrewise");
    set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(call.connecting.count()));
    set(CURLOPT_LOW_SPEED_LIMIT, 1L);
    set(CURLOPT_LOW_SPEED_TIME, static_cast<long>(call.silence.count()));
    if (call.longest.count() > 0) set(CURLOPT_TIMEOUT_MS, static_cast<long>(call.longest.count()));
    set(CURLOPT_TCP_KEEPALIVE, 1L);
    set(CURLOPT_BUFFERSIZE, kReceiveBytes);
    if (call.only_once) set(CURLOPT_FRESH_CONNECT, 1L);
    // Metadata servers are on this machine's own network, where a proxy is not.
    for (const std::string_view server : {"http://169.254.", "http://metadata.google.internal/"})
      if (call.url.starts_with(server)) set(CURLOPT_NOPROXY, "*");
    set(CURLOPT_HTTPHEADER, headers);
    set(CURLOPT_WRITEFUNCTION, &Transfer::on_body);
    set(CURLOPT_WRITEDATA, static_cast<void*>(&transfer));
    set(CURLOPT_HEADERFUNCTION, &Transfer::on_header);
    set(CURLOPT_HEADERDATA, static_cast<void*>(&transfer));
    set(CURLOPT_NOPROGRESS, 0L);
    set(CURLOPT_XFERINFOFUNCTION, &Transfer::on_progress);
    set(CURLOPT_XFERINFODATA, static_cast<void*>(&transfer));
    if (call.method == "HEAD") {
      set(CURLOPT_NOBODY, 1L);
    } else if (call.method == "PUT" || call.method == "POST") {
      set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(call.body.size()));
      set(CURLOPT_POSTFIELDS, call.body.empty() ? "" : call.body.data());
      set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    } else if (call.method != "GET") {
      set(CURLOPT_CUSTOMREQUEST, call.method.c_str());
    }
  }
};

HttpClient::HttpClient() = default;
HttpClient::~HttpClient() = default;

HttpResponse HttpClient::perform(const HttpCall& call) {
  std::unique_ptr<Connection> connection;
  if (const std::lock_guard lock(mutex_); !idle_.empty()) {
    connection = std::move(idle_.back());
    idle_.pop_back();
  }
  if (!connection) connection = std::make_unique<Connection>();
  connection->begin();
  HttpResponse response;
  Transfer transfer{call, response, connection->curl, nullptr};
  std::unique_ptr<curl_slist, FreeList> headers;
  const auto add = [&](const std::string& line) { headers.reset(curl_slist_append(headers.release(), line.c_str())); };
  for (const std::string& line : call.headers) add(line);
  if (call.method == "PUT" || call.method == "POST") {
    add("Expect:");  // otherwise curl waits a second for servers without 100-continue
    const auto is_type = [](const std::string& line) { return line.starts_with("Content-Type:"); };
    if (std::ranges::none_of(call.headers, is_type)) add("Content-Type: application/octet-stream");
  }
  connection->prepare(call, transfer, headers.get());
  const CURLcode code = curl_easy_perform(connection->curl);
  curl_easy_getinfo(connection->curl, CURLINFO_RESPONSE_CODE, &response.status);
  {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(connection));
  }
  if (transfer.error) std::rethrow_exception(transfer.error);
  if (code != CURLE_OK) {
    response.problem = response.stopped ? "stopped" : curl_easy_strerror(code);
    response.hopeless = is_hopeless(code);
    response.bad_address = code == CURLE_UNSUPPORTED_PROTOCOL || code == CURLE_URL_MALFORMAT;
  }
  return response;
}

bool interrupt_is_due() try {
  throw_if_interrupted();
  return false;
} catch (const Interrupted&) {
  return true;
}

}  // namespace genrewise
