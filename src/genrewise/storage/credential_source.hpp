// Credentials of object stores that expire and are fetched again.
#pragma once

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "genrewise/base/error.hpp"
#include "genrewise/storage/http.hpp"
#include "genrewise/storage/s3_signature.hpp"

namespace genrewise {

struct Credentials {
  using Time = std::chrono::system_clock::time_point;

  std::string access_key = {}, secret_key = {};  ///< of Amazon
  std::string token = {};                        ///< session token (Amazon) or OAuth access token (Google)
  std::string quota_project = {};                ///< Google: the project that requests are billed to; may be empty
  Time expires = Time::max();

  bool anonymous() const { return access_key.empty() && token.empty(); }
};

/// Replaces secrets, also percent-encoded ones, in a message of a server, which may repeat parts of the request.
std::string without_secrets(std::string text, std::vector<std::string> secrets);

/// Credentials that are shared by all threads. They are fetched on first use, and again 225 s before they expire
/// (Google's metadata server returns the same token until then) while other threads use the old ones; a failure to
/// fetch is an error only after they have expired. Thread-safe.
class CredentialSource {
 public:
  using Fetch = std::function<Credentials()>;

  /// `origin` names the source in messages: "the environment", "profile x in ~/.aws/credentials".
  CredentialSource(Credentials fixed, std::string origin) : origin_(std::move(origin)), current_(std::move(fixed)) {}
  CredentialSource(Fetch fetch, std::string origin);

  /// Throws Error, Interrupted.
  Credentials get();
  /// For credentials that a server refused: fetches them again, unless another thread has already. False if that gives
  /// the same ones.
  bool renew(const Credentials& refused);
  const std::string& origin() const { return origin_; }

 private:
  const Fetch fetch_;  // none: fixed
  const std::string origin_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Credentials current_;
  Credentials::Time next_fetch_;  // not before, while the current ones are valid
  bool fetching_ = false;
};

/// A request to a server of credentials.
struct CredentialRequest {
  std::string_view server;  ///< for messages: "the metadata server"
  HttpCall call;
  std::string body = {};
  std::vector<std::string> secrets = {};  ///< in the body
  std::string remedy = {};
  int attempts = 5;  ///< after failed transfers and the statuses 408, 429 and 5xx; the waits double from 0.2 s
};

/// Returns the body of the response. Throws Error with the code and description of the server, never with more of its
/// response.
std::string fetch_credentials(const CredentialRequest& request);
/// The same for a form that is posted.
std::string post_form(std::string_view server, const std::string& url, const NamedValues& form);
/// The same for a metadata server, which is on the local network if there is one.
std::string ask_metadata_server(std::string_view server, std::string method, const std::string& url,
                                std::vector<std::string> headers);

/// Credentials from a metadata server, after which no source is left: if it gives none at first, the Error is `none`
/// with the problem.
std::shared_ptr<CredentialSource> last_resort(CredentialSource::Fetch fetch, Error none, std::string origin);

/// A JSON object of credentials. Throws Error, without its content, for other text.
nlohmann::json parse_credentials(std::string_view text, const std::string& where);
/// A member of it that is a text. Throws Error if it is missing, unless `optional`.
std::string text_of(const nlohmann::json& json, const char* name, const std::string& where, bool optional = false);
/// Parses "2026-11-25T22:15:00Z" (fractions are ignored). Throws Error for other text.
Credentials::Time time_of(const std::string& text, const std::string& where);

}  // namespace genrewise
