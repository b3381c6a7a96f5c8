/// @file
/// The server of `genrewise serve`: the page and the REST interface of docs/server.md, on the library's jobs.
/// @code
/// Server server({.library = default_catalogue()}, runtime);
/// const std::string url = server.start();
/// while (!runtime.interrupt_requested()) std::this_thread::sleep_for(100ms);
/// server.stop();
/// @endcode
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "genrewise/audio/isolation.hpp"
#include "genrewise/base/runtime.hpp"
#include "listener.hpp"
#include "uploads.hpp"

namespace genrewise::server {

struct ServerConfig {
  std::filesystem::path model = {};    ///< a .gwm file; empty: that of the catalogue, else zero-shot
  std::filesystem::path library = {};  ///< the catalogue; empty: none
  std::string host = "127.0.0.1";
  int port = 8087;                              ///< 0: any free one
  std::string token = {};                       ///< needed by every address that is not this machine's
  std::vector<std::string> allowed_hosts = {};  ///< names that requests may be sent to, besides localhost
  std::filesystem::path runs = {};              ///< folder of run folders; empty: none
  std::vector<std::string> datasets = {};       ///< locations
  bool read_only = false;                       ///< refuses what changes the catalogue or tags
  std::string version = {};
  std::optional<DecodeIsolation> isolation = DecodeIsolation{};  ///< nothing: decodes in this process
  ListenerLimits connections = {};
  UploadLimits uploads = {};
};

class Server {
 public:
  /// `runtime`: its threads, device, weights, stores and progress are used; an interrupt of it stops nothing. Throws
  /// UsageError for an address that needs a token and has none, and for a token of fewer than 16 characters.
  Server(ServerConfig config, Runtime& runtime);
  ~Server();

  /// Returns the address of the page. Throws Error if it cannot listen there.
  std::string start();
  /// Requests in progress may end; jobs are interrupted, and what they have done so far stays. Idempotent.
  void stop();

 private:
  class Implementation;
  std::unique_ptr<Implementation> implementation_;
};

}  // namespace genrewise::server
