// One HTTP request after another over a connection that is kept.
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

struct HttpAnswer {
  long status = 0;                             ///< 0: none came
  std::map<std::string, std::string> headers;  ///< names in lower case
  std::string body;                            ///< what no sink took, at most 64 MiB
  std::string problem;                         ///< empty: the answer came whole; else what broke the transfer
  bool hopeless = false;                       ///< trying again would change nothing (a certificate, a bad address)
  bool stopped = false;                        ///< by `stop` or the sink

  bool good() const { return problem.empty() && status >= 200 && status < 300; }
  const std::string& header(const std::string& name) const;  ///< empty where it is not there
};

struct HttpCall {
  std::string method;  ///< "GET", "HEAD", "PUT", "POST" or "DELETE"
  std::string url;
  std::vector<std::string> headers;  ///< "Name: value"
  std::string_view body;             ///< sent with PUT and POST
  /// Takes the body of an answer 200 or 206, piece by piece, with its status and headers; false ends the transfer.
  std::function<bool(const HttpAnswer&, std::string_view)> sink;
  std::function<bool()> stop;            ///< asked at least once a second; true ends the transfer
  std::chrono::seconds silence{30};      ///< without a byte for so long, the transfer is broken off
  std::chrono::milliseconds longest{0};  ///< of the whole; 0: no limit
  /// On a connection of its own. libcurl sends a request again by itself when a kept connection turns out to be closed;
  /// on a new one it never does.
  bool only_once = false;
};

/// For one thread at a time. Redirections are not followed, and nothing of what is sent is ever logged.
class HttpConnection {
 public:
  HttpConnection();
  ~HttpConnection();
  HttpAnswer perform(const HttpCall& call);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Connections that any thread may borrow.
class HttpConnections {
 public:
  class Borrowed {
   public:
    explicit Borrowed(HttpConnections& from);
    ~Borrowed();
    Borrowed(const Borrowed&) = delete;
    Borrowed& operator=(const Borrowed&) = delete;
    HttpConnection* operator->() const { return connection_.get(); }

   private:
    HttpConnections& from_;
    std::unique_ptr<HttpConnection> connection_;
  };

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<HttpConnection>> idle_;
};

/// Initialises libcurl, whose state is the process's, when it is first needed; nothing else in genrewise may call
/// curl_global_init(), and nothing calls curl_global_cleanup(). A program that uses libcurl itself may have initialised
/// it before: it counts. Throws Error.
void start_curl();

}  // namespace genrewise
