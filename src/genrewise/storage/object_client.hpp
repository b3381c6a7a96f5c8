// Requests to object stores: retries, refreshed credentials, and errors with a remedy.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/storage/http.hpp"
#include "genrewise/storage/s3_signature.hpp"
#include "genrewise/storage/store_settings.hpp"

namespace genrewise {

struct ObjectCall {
  std::string method = "GET";
  ObjectName name;           ///< an empty key: the bucket itself
  NamedValues query = {};    ///< not encoded
  NamedValues headers = {};  ///< names in lower case
  std::string_view body = {};
  std::function<bool(const HttpResponse&, std::string_view)> sink = {};
  std::vector<long> expected = {};  ///< status codes besides 2xx that are not errors
  std::function<bool()> stop = {};  ///< true ends the transfer; Ctrl-C does in any case
  bool only_once = false;           ///< see HttpCall
  bool cleaning = false;            ///< cleanup: also runs after Ctrl-C, with a short time limit
  /// An upload session of Google Cloud Storage: replaces the address, needs no credentials, and is a secret itself.
  std::string session = {};
};

/// A version of an object.
struct StoredObject {
  ObjectName name;
  std::uint64_t bytes = 0;
  std::string version;  ///< as FileInfo::version; empty: unknown
};

/// What a store says about a failed request.
struct Refusal {
  enum class Kind { other, no_bucket, no_object, bad_credentials, denied, changed } kind = Kind::other;
  std::string code, message;
};

/// Thread-safe.
class ObjectClient {
 public:
  explicit ObjectClient(StoreSettings settings) : settings_(std::move(settings)) {}
  virtual ~ObjectClient() = default;
  const StoreSettings& settings() const { return settings_; }

  /// Sends one request, with the retries of the settings. The response is 2xx or an expected one. Throws Error,
  /// Interrupted.
  HttpResponse send(const ObjectCall& call);
  /// Sends one request once, or again with other credentials if these are refused, and returns any response.
  HttpResponse attempt(const ObjectCall& call);
  /// Throws the Error that explains a failed response. Its text never contains a secret.
  [[noreturn]] virtual void throw_error(const ObjectName& name, const HttpResponse& response);
  /// What a server said, for a message: short and without secrets, which it may repeat.
  std::string shown(const std::string& said) const;
  /// Whether a failed request may succeed later.
  virtual bool is_transient(const HttpResponse& response) const;

  /// The request for the whole object in this version.
  virtual ObjectCall read_call(const StoredObject& object) const = 0;
  /// The version of the object in a response to it; empty if it states none.
  virtual std::string version_in(const HttpResponse& response) const = 0;

 protected:
  virtual HttpCall to_http(const ObjectCall& call, const Credentials& who) const = 0;
  virtual Refusal refusal_in(const ObjectName& name, const HttpResponse& response) const = 0;

 private:
  HttpResponse attempt_with(const ObjectCall& call, const Credentials& who);

  const StoreSettings settings_;
  HttpClient http_;
};

/// Counts the attempts of one operation and waits between them.
class Attempts {
 public:
  Attempts(ObjectClient& client, ObjectName name) : client_(client), name_(std::move(name)) {}
  /// Call after a failed attempt. Waits and returns if a retry makes sense, else throws the Error for the response.
  /// `progress`: bytes arrived, so counting starts again.
  void failed(const HttpResponse& response, bool progress);

 private:
  ObjectClient& client_;
  const ObjectName name_;
  int count_ = 0;
};

}  // namespace genrewise
