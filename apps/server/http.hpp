// Requests, responses and routes, without the library that carries them.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genrewise::server {

class ServedFile;

/// An answer that is an error: its status and the members of {"error": {"code", "what", "where", "remedy"}}.
class HttpError : public std::runtime_error {
 public:
  /// `code`: else that of the status.
  HttpError(int status, std::string what, std::string where = {}, std::string remedy = {}, std::string_view code = {});
  int status() const { return status_; }
  nlohmann::json json() const;
  std::vector<std::pair<std::string, std::string>> headers;

 private:
  int status_;
  std::string code_, where_, remedy_;
};
/// Busy: 429 or 503, with Retry-After.
HttpError busy(int status, std::string what, int retry_after_s = 1);
/// The error of an exception that a handler threw, with names of files instead of their paths.
HttpError to_http_error(const std::exception& error);
/// The text with each absolute path shortened to its last name.
std::string without_folders(std::string_view text);

/// Passes on a piece of a body; false: the other end has gone.
using Write = std::function<bool(std::string_view bytes)>;

struct HttpRequest {
  std::string method, path;                    ///< path: as sent, without the query
  std::vector<std::string> values;             ///< of the {names} of the route's pattern, decoded
  std::map<std::string, std::string> query;    ///< decoded
  std::map<std::string, std::string> headers;  ///< by name in lower case
  std::string client;                          ///< address of the other end
  bool has_body = false;
  std::optional<std::uint64_t> content_length;  ///< empty: chunked, or no body
  /// Passes the body on; throws HttpError if it is incomplete, or comes too slowly. Call at most once.
  std::function<void(const std::function<void(std::string_view)>& take)> read_body;

  std::string header(const std::string& lower_case_name) const;
  /// The body as JSON, an object; throws HttpError 415, 413 (above 1 MiB) and 400.
  nlohmann::json json() const;
  bool has_json() const;
  /// Values of the query; `fallback` without one. Throw HttpError 400.
  std::string text(const std::string& name, const std::string& fallback = {}) const;
  long long number(const std::string& name, long long fallback, long long least, long long most) const;
  bool flag(const std::string& name) const;
  /// values[i] as the id of a track.
  std::int64_t id(std::size_t i = 0) const;
};

struct HttpResponse {
  int status = 200;
  std::string type = "application/json", body;
  std::vector<std::pair<std::string, std::string>> headers;
  std::shared_ptr<const ServedFile> file;  ///< sends these bytes of it instead of `body`
  std::uint64_t offset = 0, bytes = 0;
  std::function<void(const Write& write)> stream;  ///< sends what this writes, until it returns

  static HttpResponse of(const nlohmann::json& json, int status = 200);
  static HttpResponse of(const HttpError& error);
  static HttpResponse empty(int status);
  static HttpResponse text(std::string body, std::string type);
  HttpResponse&& with(std::string name, std::string value) &&;
};

/// Status 304 without a body if the request names this tag; else nothing. The tag is without quotes; `strong` for bytes
/// of files.
std::optional<HttpResponse> if_unchanged(const HttpRequest& request, const std::string& tag, bool strong = false);
std::string etag(const std::string& tag, bool strong = false);

/// A file with its ETag and the range that was asked for: 200, 206, 304 or 416.
HttpResponse file_response(const HttpRequest& request, std::shared_ptr<const ServedFile> file, const std::string& type);

using Handler = std::function<HttpResponse(const HttpRequest& request)>;

struct Route {
  std::string method, pattern;  ///< "/v1/library/tracks/{id}"; GET answers HEAD too
  Handler handler;
  enum class Rule {
    usual,
    open,    ///< needs no token
    changes  ///< refused if the server is read-only
  } rule = Rule::usual;
};

class Router {
 public:
  void add(std::string method, std::string pattern, Handler handler, Route::Rule rule = Route::Rule::usual) {
    routes_.push_back({std::move(method), std::move(pattern), std::move(handler), rule});
  }
  /// The route of a method and path, with the values of its pattern. Throws HttpError 404 and 405.
  const Route& find(const std::string& method, const std::string& path, std::vector<std::string>& values) const;

 private:
  std::vector<Route> routes_;
};

}  // namespace genrewise::server
