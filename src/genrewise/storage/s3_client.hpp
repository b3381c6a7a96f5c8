// Requests to an S3-compatible store: signing, retries, and errors with a remedy.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/storage/http.hpp"
#include "genrewise/storage/s3_settings.hpp"
#include "genrewise/storage/s3_signature.hpp"

namespace genrewise {

struct S3Call {
  std::string method = "GET";
  ObjectName name;  ///< an empty key: the bucket itself
  NamedValues query = {};
  NamedValues headers = {};  ///< names in lower case; x-amz-* headers are signed
  std::string_view body = {};
  std::function<bool(const HttpResponse&, std::string_view)> sink = {};
  std::vector<long> expected = {};  ///< status codes besides 2xx that are not errors
  std::function<bool()> stop = {};  ///< true ends the transfer; Ctrl-C does in any case
  bool only_once = false;           ///< see HttpCall
  bool cleaning = false;            ///< cleanup: also runs after Ctrl-C, with a short time limit
};

/// The error document of a failed response.
struct S3Refusal {
  std::string code, message, region, server_time;
};
S3Refusal parse_refusal(const HttpResponse& response);

/// Counts the attempts of one operation and waits between them.
class S3Attempts {
 public:
  S3Attempts(const S3Settings& settings, ObjectName name);
  /// Call after a failed attempt. Waits and returns if a retry makes sense, else throws the Error for the response.
  /// `progress`: bytes arrived, so counting starts again.
  void failed(const HttpResponse& response, bool progress);

 private:
  const S3Settings& settings_;
  ObjectName name_;
  int count_ = 0;
};

/// Thread-safe.
class S3Client {
 public:
  explicit S3Client(S3Settings settings) : settings_(std::move(settings)) {}
  const S3Settings& settings() const { return settings_; }

  /// Sends one request, with the retries of the settings. The response is 2xx or an expected one. Throws Error,
  /// Interrupted.
  HttpResponse send(const S3Call& call);
  /// Sends one request once and returns any response.
  HttpResponse attempt(const S3Call& call);
  /// Throws the Error for a failed response; first repeats the request if the response had no body.
  [[noreturn]] void throw_error(const ObjectName& name, const HttpResponse& response);

 private:
  HttpCall signed_call(const S3Call& call) const;

  S3Settings settings_;
  HttpClient http_;
};

/// Throws the Error that explains a failed response. Its text never contains a secret.
[[noreturn]] void throw_s3_error(const S3Settings& settings, const ObjectName& name, const HttpResponse& response);

}  // namespace genrewise
