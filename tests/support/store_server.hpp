// An HTTP server on the loopback interface for stand-ins of object stores and their credential servers, which can
// simulate failures.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

namespace genrewise::testing {

struct StoreRequest {
  std::string method, bucket, key;                    ///< of the path /BUCKET/KEY
  std::map<std::string, std::string> query, headers;  ///< decoded; header names in lower case
  std::string raw_path, body;
};

struct StoreResponse {
  int status = 200;
  std::map<std::string, std::string> headers;  ///< empty values are not sent; Content-Length is added unless set
  std::string body;
  std::size_t cut_after = std::string::npos;  ///< closes the connection after this many bytes of the body
  bool reset = false;                         ///< closes the connection without a response
  int wait_ms = 0;                            ///< delay before the response
};

class StoreServer {
 public:
  /// A value that tests change while the server runs.
  template <class T>
  class Guarded {
   public:
    Guarded(std::mutex& mutex, T value) : mutex_(mutex), value_(std::move(value)) {}
    Guarded& operator=(T value) {
      const std::lock_guard lock(mutex_);
      value_ = std::move(value);
      return *this;
    }
    const T& get() const { return value_; }  ///< with the mutex held

   private:
    std::mutex& mutex_;
    T value_;
  };

 protected:
  std::mutex mutex_;

 public:
  StoreServer();
  virtual ~StoreServer() { stop(); }
  StoreServer(const StoreServer&) = delete;
  StoreServer& operator=(const StoreServer&) = delete;

  /// Starts the server, which is complete then, when called first.
  std::string endpoint();
  std::vector<StoreRequest> requests();
  std::size_t count(const std::string& method, const std::string& query_name = "");
  std::uint64_t sent_bytes();  ///< of bodies, so far

  /// Called for each accepted request with the regular response, which it may change.
  Guarded<std::function<void(const StoreRequest&, StoreResponse&)>> tamper{mutex_, nullptr};

 protected:
  /// Called with the mutex held.
  virtual StoreResponse handle(const StoreRequest& request) = 0;
  /// A response instead of that of handle(), with which `tamper` is not called.
  virtual std::optional<StoreResponse> refuse(const StoreRequest& /*request*/) { return std::nullopt; }
  /// Ends all connections and threads; derived classes call it in their destructors.
  void stop();

 private:
  void accept_all();
  void serve(int connection);
  bool respond(int connection, const StoreRequest& request);

  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::vector<StoreRequest> requests_;
  std::vector<int> connections_;
  std::once_flag started_;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // one per connection
  std::uint64_t sent_bytes_ = 0;
};

/// A server whose responses a function decides.
class FunctionServer final : public StoreServer {
 public:
  using Handler = std::function<StoreResponse(const StoreRequest&)>;
  explicit FunctionServer(Handler handler) : handler_(std::move(handler)) {}
  ~FunctionServer() override { stop(); }

 private:
  StoreResponse handle(const StoreRequest& request) override { return handler_(request); }
  const Handler handler_;
};

std::string value_of(const std::map<std::string, std::string>& map, const std::string& name);
/// The part of `body` that the header "range" requests, with status 206 or 416; all of it without one.
StoreResponse ranged(const StoreRequest& request, const std::string& body);

}  // namespace genrewise::testing
