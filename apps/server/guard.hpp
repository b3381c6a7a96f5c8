// Who may send which requests.
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "http.hpp"

namespace genrewise::server {

/// Whether an address can be reached from this machine alone.
bool is_loopback(const std::string& host);

/// Thread-safe.
class Guard {
 public:
  /// `token`: empty, nobody needs one. `hosts`: names besides localhost and addresses that requests may be sent to.
  Guard(std::string token, std::vector<std::string> hosts);

  /// Throws HttpError:
  /// - 403 for a Host that is another name (a page whose name was rebound to this machine's address), for a request
  ///   that the browser says comes from another site, and for a change without the header X-Genrewise or Authorization,
  ///   which no other site can send;
  /// - 429 for more than 100 requests a second (300 at once) of an address that is not this machine's;
  /// - 401 without the token in Authorization or in the session's cookie, unless `open`; 429 after ten wrong ones in a
  ///   minute.
  void check(const HttpRequest& request, bool open);
  bool is_authenticated(const HttpRequest& request) const;
  bool needs_token() const { return !token_.empty(); }
  /// The cookie of a session for the right token; throws HttpError 401 and 429.
  static constexpr char kNoSession[] = "genrewise_token=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0";
  std::string session_cookie(const HttpRequest& request, const std::string& token);

 private:
  struct Client {
    double requests = 0, failures = 0;  // that count now; they fall with time
    double seen_s = 0;
  };
  void count(const HttpRequest& request, bool failure);
  bool is_token(const std::string& given) const;

  const std::string token_, session_;
  const std::vector<std::string> hosts_;
  std::mutex mutex_;
  std::map<std::string, Client> clients_;
};

}  // namespace genrewise::server
