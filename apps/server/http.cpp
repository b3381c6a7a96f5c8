#include "http.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <new>
#include <set>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/error.hpp"
#include "genrewise/base/json_file.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/library/catalogue.hpp"
#include "genrewise/storage/location.hpp"
#include "served_file.hpp"

namespace genrewise::server {
namespace {

using nlohmann::json;

constexpr std::size_t kMostJson = 1 << 20;

constexpr std::pair<int, std::string_view> kCodes[] = {{400, "bad_request"},
                                                       {401, "unauthorized"},
                                                       {403, "forbidden"},
                                                       {404, "not_found"},
                                                       {405, "method_not_allowed"},
                                                       {408, "timeout"},
                                                       {409, "conflict"},
                                                       {413, "too_large"},
                                                       {414, "uri_too_long"},
                                                       {415, "unsupported_media_type"},
                                                       {416, "range_not_satisfiable"},
                                                       {422, "unusable_audio"},
                                                       {429, "too_many_requests"},
                                                       {431, "headers_too_large"},
                                                       {503, "unavailable"}};

}  // namespace

HttpError::HttpError(int status, std::string what, std::string where, std::string remedy, std::string_view code)
    : std::runtime_error(std::move(what)),
      status_(status),
      code_(code),
      where_(std::move(where)),
      remedy_(std::move(remedy)) {
  if (!code.empty()) return;
  const auto known = std::ranges::find(kCodes, status, [](const auto& one) { return one.first; });
  code_ = known == std::end(kCodes) ? "internal" : known->second;
}

json HttpError::json() const {
  return {{"error", {{"code", code_}, {"what", what()}, {"where", where_}, {"remedy", remedy_}}}};
}

HttpError busy(int status, std::string what, int retry_after_s) {
  HttpError error(status, std::move(what), {}, "try again later");
  error.headers.emplace_back("Retry-After", std::to_string(retry_after_s));
  return error;
}

std::string without_folders(std::string_view text) {
  std::string shortened;
  for (std::size_t at = 0; at < text.size();) {
    const bool starts =
        text[at] == '/' && (at == 0 || std::string_view(" \t\n\"'(=,:").find(text[at - 1]) != text.npos);
    if (!starts) {
      shortened += text[at++];
      continue;
    }
    const std::size_t end = std::min(text.find_first_of("\"'\n;", at), text.size());
    const std::string_view path = text.substr(at, end - at);
    // Names may hold blanks, so everything up to the last slash is taken for folders.
    shortened += path.substr(path.rfind('/') + 1);
    at = end;
  }
  return shortened;
}

HttpError to_http_error(const std::exception& error) {
  if (const auto* known = dynamic_cast<const HttpError*>(&error)) return *known;
  if (dynamic_cast<const Interrupted*>(&error)) return busy(503, "the server is being stopped", 5);
  if (const auto* failed = dynamic_cast<const Error*>(&error)) {
    const bool is_busy = dynamic_cast<const CatalogueBusy*>(&error) != nullptr;
    const int status = is_busy ? 409 : dynamic_cast<const UsageError*>(&error) != nullptr ? 400 : 500;
    return {status, without_folders(failed->problem()), without_folders(failed->where()),
            without_folders(failed->remedy()), is_busy ? "catalogue_busy" : ""};
  }
  if (dynamic_cast<const json::exception*>(&error))
    return {400, "a value of the body is missing or of another type than expected", "body",
            "see /v1/openapi.json for its form"};
  if (dynamic_cast<const std::bad_alloc*>(&error)) return busy(503, "the server is out of memory", 5);
  return {500, "internal error", {}, "please report it with the request and the version"};
}

std::string HttpRequest::header(const std::string& lower_case_name) const {
  const auto found = headers.find(lower_case_name);
  return found == headers.end() ? "" : found->second;
}

bool HttpRequest::has_json() const {
  return trimmed(lower_case(header("content-type")).substr(0, header("content-type").find(';'))) == "application/json";
}

json HttpRequest::json() const {
  if (!has_json())
    throw HttpError(415, "the body must be JSON", "Content-Type", "send it with Content-Type: application/json");
  std::string body;
  read_body([&](std::string_view bytes) {
    if (body.size() + bytes.size() > kMostJson) throw HttpError(413, "the body is larger than 1 MiB", "body");
    body += bytes;
  });
  try {
    auto document = parse_json(body, "body");
    if (!document.is_object()) throw HttpError(400, "the body must be a JSON object", "body");
    return document;
  } catch (const Error& error) {
    throw HttpError(400, error.problem(), error.where(), "send a JSON object");
  }
}

std::string HttpRequest::text(const std::string& name, const std::string& fallback) const {
  const auto found = query.find(name);
  return found == query.end() ? fallback : found->second;
}

long long HttpRequest::number(const std::string& name, long long fallback, long long least, long long most) const {
  const auto found = query.find(name);
  if (found == query.end()) return fallback;
  long long value = 0;
  if (!parse_number(found->second, value) || value < least || value > most)
    throw HttpError(400, fmt::format("needs a whole number from {} to {}", least, most), name);
  return value;
}

bool HttpRequest::flag(const std::string& name) const {
  return number(name, 0, 0, 1) == 1;
}

std::int64_t HttpRequest::id(std::size_t i) const {
  std::int64_t id = 0;
  if (!parse_number(values.at(i), id)) throw HttpError(404, "there is no such track", values[i]);
  return id;
}

HttpResponse HttpResponse::of(const json& json, int status) {
  HttpResponse response;
  response.status = status;
  response.body = json.dump(-1, ' ', false, json::error_handler_t::replace);
  return response;
}

HttpResponse HttpResponse::of(const HttpError& error) {
  HttpResponse response = of(error.json(), error.status());
  response.headers = error.headers;
  return response;
}

HttpResponse HttpResponse::empty(int status) {
  HttpResponse response;
  response.status = status;
  response.type.clear();
  return response;
}

HttpResponse HttpResponse::text(std::string body, std::string type) {
  HttpResponse response;
  response.body = std::move(body);
  response.type = std::move(type);
  return response;
}

HttpResponse&& HttpResponse::with(std::string name, std::string value) && {
  headers.emplace_back(std::move(name), std::move(value));
  return std::move(*this);
}

std::string etag(const std::string& tag, bool strong) {
  return fmt::format("{}\"{}\"", strong ? "" : "W/", tag);
}

std::optional<HttpResponse> if_unchanged(const HttpRequest& request, const std::string& tag, bool strong) {
  const std::string wanted = request.header("if-none-match");
  bool same = wanted == "*";
  for (const std::string& one : split_text(wanted, ',')) {
    std::string_view given = trimmed(one);
    if (given.starts_with("W/")) given.remove_prefix(2);
    same |= given == fmt::format("\"{}\"", tag);
  }
  if (!same) return std::nullopt;
  return HttpResponse::empty(304).with("ETag", etag(tag, strong));
}

HttpResponse file_response(const HttpRequest& request, std::shared_ptr<const ServedFile> file,
                           const std::string& type) {
  const std::string tag = file->tag();
  if (auto unchanged = if_unchanged(request, tag, true)) return std::move(*unchanged);
  HttpResponse response;
  response.type = type;
  response.headers = {{"ETag", etag(tag, true)}, {"Accept-Ranges", "bytes"}};
  const std::uint64_t size = file->size();
  response.bytes = size;
  response.file = std::move(file);
  const std::string given = request.header("range");
  std::string_view range = given;
  const std::string condition = request.header("if-range");
  if (!condition.empty() && condition != etag(tag, true)) range = {};
  if (!range.starts_with("bytes=") || range.find(',') != range.npos) return response;  // several: all of it
  range.remove_prefix(6);
  const std::size_t dash = range.find('-');
  std::uint64_t first = 0, last = size == 0 ? 0 : size - 1;
  const std::string_view from = trimmed(range.substr(0, dash)),
                         to = dash == range.npos ? std::string_view() : trimmed(range.substr(dash + 1));
  std::uint64_t number = 0;
  if (dash == range.npos || (from.empty() && to.empty())) return response;
  if (from.empty()) {  // the last bytes
    if (!parse_number(to, number)) return response;
    first = number >= size ? 0 : size - number;
    if (number == 0) first = size;
  } else {
    if (!parse_number(from, first)) return response;
    if (!to.empty()) {
      if (!parse_number(to, number) || number < first) return response;
      last = std::min(last, number);
    }
  }
  if (first >= size) {
    HttpError error(416, "the range is behind the end of the file", "Range");
    error.headers.emplace_back("Content-Range", fmt::format("bytes */{}", size));
    throw error;
  }
  response.status = 206;
  response.offset = first;
  response.bytes = last - first + 1;
  response.headers.emplace_back("Content-Range", fmt::format("bytes {}-{}/{}", first, last, size));
  return response;
}

const Route& Router::find(const std::string& method, const std::string& path, std::vector<std::string>& values) const {
  std::vector<std::string> parts = split_text(path, '/');
  for (std::string& part : parts) part = percent_decoded(part);
  std::set<std::string> allowed;
  for (const Route& route : routes_) {
    const std::vector<std::string> pattern = split_text(route.pattern, '/');
    if (pattern.size() != parts.size()) continue;
    std::vector<std::string> found;
    bool matches = true;
    for (std::size_t i = 0; i < parts.size() && matches; ++i) {
      if (pattern[i].starts_with('{')) {
        matches = !parts[i].empty() && parts[i].find('\0') == std::string::npos;
        found.push_back(parts[i]);
      } else {
        matches = pattern[i] == parts[i];
      }
    }
    if (!matches) continue;
    if (route.method == method || (method == "HEAD" && route.method == "GET")) {
      values = std::move(found);
      return route;
    }
    allowed.insert(route.method);
    if (route.method == "GET") allowed.insert("HEAD");
  }
  if (allowed.empty()) throw HttpError(404, "there is nothing at this path", {}, "see /v1/openapi.json");
  HttpError error(405, fmt::format("{} is not possible here", method), {}, "see /v1/openapi.json");
  error.headers.emplace_back("Allow", fmt::format("{}", fmt::join(allowed, ", ")));
  throw error;
}

}  // namespace genrewise::server
