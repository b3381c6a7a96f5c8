// HTTP requests over persistent connections.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

struct HttpResponse {
  long status = 0;                             ///< 0: no response
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< the part not passed to a sink, at most 64 MiB
  std::string problem;                         ///< why the transfer failed; empty: the response is complete
  bool bad_address = false;                    ///< no valid address of http or https
  bool hopeless = false;                       ///< a retry would not help (certificate, invalid address)
  bool stopped = false;                        ///< ended by `stop` or the sink

  bool good() const { return problem.empty() && status >= 200 && status < 300; }
  const std::string& header(const std::string& name) const;  ///< empty if absent
};

struct HttpCall {
  std::string method;  ///< "GET", "HEAD", "PUT", "POST" or "DELETE"
  std::string url;
  std::vector<std::string> headers = {};  ///< "Name: value"
  std::string_view body = {};             ///< sent with PUT and POST
  /// Receives the body of a 200 or 206 response in pieces, with its status and headers; returning false ends the
  /// transfer.
  std::function<bool(const HttpResponse&, std::string_view)> sink = {};
  std::function<bool()> stop = {};               ///< called at least once a second; true ends the transfer
  std::chrono::milliseconds connecting{10'000};  ///< limit for the connection
  std::chrono::seconds silence{30};              ///< the transfer fails after this time without a byte
  std::chrono::milliseconds longest{0};          ///< limit for the whole transfer; 0: none
  /// Uses a new connection. On a reused connection that turns out to be closed libcurl repeats the request; on a new
  /// one it never does.
  bool only_once = false;
  bool follow_redirects = false;  ///< up to 10, to http and https
};

/// Sends requests over persistent connections, as many as there are requests at the same time. Thread-safe. Never logs
/// what is sent.
class HttpClient {
 public:
  HttpClient();
  ~HttpClient();
  HttpResponse perform(const HttpCall& call);

 private:
  struct Connection;
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;
};

/// For HttpCall::stop: true where throw_if_interrupted() throws, so not while interrupts are held.
bool interrupt_is_due();

}  // namespace genrewise
