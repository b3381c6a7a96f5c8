// Requests to an S3-compatible store: signed, tried again where that helps, refusals put into words.
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
  NamedValues headers = {};  ///< names in lower case; those that begin with x-amz- are signed
  std::string_view body = {};
  std::function<bool(const HttpAnswer&, std::string_view)> sink = {};
  std::vector<long> expected = {};  ///< answers besides 2xx that are no faults
  std::function<bool()> stop = {};  ///< true ends the transfer, besides Ctrl-C
  bool only_once = false;           ///< see HttpCall
  bool cleaning = false;            ///< taking back what we began: also after Ctrl-C, but not for long
};

/// What an answer says of its refusal.
struct S3Refusal {
  std::string code, message, region, server_time;
};
S3Refusal parse_refusal(const HttpAnswer& answer);

/// Counts the attempts at one thing and waits between them.
class S3Attempts {
 public:
  S3Attempts(const S3Settings& settings, ObjectName name);
  /// After an attempt that failed: returns, after a while, when another one makes sense; else throws the Error that
  /// says why it does not. `progress`: bytes came, so counting begins anew.
  void failed(const HttpAnswer& answer, bool progress);

 private:
  const S3Settings& settings_;
  ObjectName name_;
  int count_ = 0;
};

/// Safe from any thread.
class S3Client {
 public:
  explicit S3Client(S3Settings settings) : settings_(std::move(settings)) {}
  const S3Settings& settings() const { return settings_; }

  /// One request, tried again as the settings say. The answer is 2xx or an expected one. Throws Error, Interrupted.
  HttpAnswer send(const S3Call& call);
  /// One request, once, whatever comes of it.
  HttpAnswer attempt(const S3Call& call);
  /// Throws the Error for an answer that is neither good nor worth another attempt.
  [[noreturn]] void refuse(const ObjectName& name, const HttpAnswer& answer);

 private:
  HttpCall signed_call(const S3Call& call) const;

  S3Settings settings_;
  HttpConnections connections_;
};

/// Throws the Error that explains a failed answer for a person. Never holds a secret.
[[noreturn]] void throw_s3_error(const S3Settings& settings, const ObjectName& name, const HttpAnswer& answer);

}  // namespace genrewise
