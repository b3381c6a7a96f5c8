// Sockets, threads and the HTTP protocol: cpp-httplib behind checks of its own. The only header besides its source that
// knows how requests arrive.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "http.hpp"

namespace genrewise::server {

struct ListenerLimits {
  int threads = 64;       ///< connections that are served at the same time
  int waiting = 256;      ///< accepted ones that wait for a thread; more are answered 503
  int per_client = 32;    ///< connections of one address that is not this machine's
  double head_s = 10;     ///< to send the request line and all headers
  double idle_s = 5;      ///< between two requests of a connection
  double body_s = 600;    ///< to send a body
  double stall_s = 30;    ///< without any progress, in either direction
  double stopping_s = 4;  ///< for requests in progress when the server stops
};

/// What happens to connections, for metrics.
struct ListenerCounts {
  int open = 0, waiting = 0;
  unsigned long long accepted = 0, refused = 0;
};

/// Serves requests until stop(). Every request line and header is checked here before the HTTP library sees any of it:
/// the head of at most 32 KiB and 100 headers, one Host, one way to state the length of the body, no control
/// characters. What is refused, comes too slowly or has a body that the handler did not read ends its connection.
class Listener {
 public:
  /// `handle` may throw; what it throws becomes an error answer. It is called on several threads, whose Runtime is the
  /// current one of start()'s caller.
  Listener(const ListenerLimits& limits, std::function<HttpResponse(HttpRequest& request)> handle);
  ~Listener();

  /// Port 0: any free one. Returns the port. Throws Error if the address cannot be used.
  int start(const std::string& host, int port);
  /// Ends idle connections and waits for requests in progress; then calls `hurry`, which should end them, and cuts
  /// their connections. Idempotent.
  void stop(const std::function<void()>& hurry = {});
  ListenerCounts counts() const;

 private:
  class Connection;
  class HttpServer;
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace genrewise::server
