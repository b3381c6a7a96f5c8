// A small S3 server on the loopback interface: keeps objects in memory, checks every signature and checksum, and can
// simulate failures.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "genrewise/storage/s3_settings.hpp"

namespace genrewise::testing {

struct S3Request {
  std::string method, bucket, key;
  std::map<std::string, std::string> query, headers;  ///< decoded; header names in lower case
  std::string raw_path, body;
};

struct S3Response {
  int status = 200;
  std::map<std::string, std::string> headers;  ///< empty values are not sent; Content-Length is added unless set
  std::string body;
  std::size_t cut_after = std::string::npos;  ///< closes the connection after this many bytes of the body
  bool reset = false;                         ///< closes the connection without a response
  int wait_ms = 0;                            ///< delay before the response
};

class S3Server {
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
  std::mutex mutex_;

 public:
  static constexpr char kAccessKey[] = "AKIDTESTTESTTEST";
  static constexpr char kSecretKey[] = "sEcReT/of+the=tests";

  S3Server();
  ~S3Server();
  S3Server(const S3Server&) = delete;
  S3Server& operator=(const S3Server&) = delete;

  std::string endpoint() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// Settings for this server, with short waits.
  S3Settings settings() const;

  void put(const std::string& key, const std::string& body);           ///< of the bucket "music"
  void put_unlocked(const std::string& key, const std::string& body);  ///< from inside `tamper`
  std::string get(const std::string& key);
  bool has(const std::string& key);
  std::vector<std::string> keys();
  std::size_t unfinished_uploads();
  std::vector<S3Request> requests();
  std::size_t count(const std::string& method, const std::string& query_name = "");
  std::uint64_t sent_bytes();  ///< of bodies, so far

  /// Called for each correctly signed request with the regular response, which it may change.
  Guarded<std::function<void(const S3Request&, S3Response&)>> tamper{mutex_, nullptr};
  Guarded<std::size_t> page_size{mutex_, 1000};
  Guarded<std::string> session_token{mutex_, ""};  ///< required if not empty
  Guarded<std::string> bearer_token{mutex_, ""};   ///< required instead of a signature if not empty

 private:
  struct Object {
    std::string body, etag;
    int generation = 0;  // of Google Cloud Storage: changes with each write
  };
  struct Upload {
    std::string key;
    std::map<int, Object> parts;
  };

  void accept_all();
  void serve(int connection);
  bool respond(int connection, const S3Request& request);
  S3Response handle(const S3Request& request);
  S3Response get_object(const S3Request& request);
  S3Response put_object(const S3Request& request);
  bool refuses_write(const S3Request& request, S3Response& why) const;
  void store(const std::string& key, Object object);
  S3Response post(const S3Request& request);
  S3Response list(const S3Request& request);
  std::string refusal(const S3Request& request) const;

  int listener_ = -1, port_ = 0;
  std::atomic<bool> stop_{false};
  std::map<std::string, Object> objects_;
  std::map<std::string, Upload> uploads_;
  std::vector<S3Request> requests_;
  std::vector<int> connections_;
  std::thread acceptor_;
  std::vector<std::thread> threads_;  // one per connection
  int next_upload_ = 0, next_generation_ = 0;
  std::uint64_t sent_bytes_ = 0;
};

}  // namespace genrewise::testing
