#include "guard.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>

#include "genrewise/base/hash.hpp"
#include "genrewise/base/text.hpp"

namespace genrewise::server {
namespace {

constexpr double kRequests_per_s = 100, kRequestsAtOnce = 300, kFailures_per_s = 1.0 / 6, kFailuresAtOnce = 10;
constexpr std::size_t kMostClients = 10000;
constexpr char kCookie[] = "genrewise_token";

/// Takes the same time for every text of this length.
bool equal(std::string_view one, std::string_view other) {
  if (one.size() != other.size()) return false;
  unsigned char difference = 0;
  for (std::size_t i = 0; i < one.size(); ++i)
    difference = static_cast<unsigned char>(difference | (static_cast<unsigned char>(one[i] ^ other[i])));
  return difference == 0;
}

std::string without_port(const std::string& authority) {
  const std::size_t host = authority.starts_with('[') ? authority.find(']') + 1 : 0, colon = authority.find(':', host);
  const bool has_port = colon != authority.npos && (host == 0 || host == colon) &&
                        authority.find_first_not_of("0123456789", colon + 1) == authority.npos;
  return has_port ? authority.substr(0, colon) : authority;
}

bool is_address(std::string host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  unsigned char ignored[sizeof(in6_addr)];
  return ::inet_pton(AF_INET, host.c_str(), ignored) == 1 || ::inet_pton(AF_INET6, host.c_str(), ignored) == 1;
}

std::vector<std::string> lower_cases(std::vector<std::string> names) {
  for (std::string& name : names) name = lower_case(name);
  return names;
}

std::string cookie(const HttpRequest& request) {
  for (const std::string& one : split_text(request.header("cookie"), ';')) {
    const std::string_view pair = trimmed(one);
    if (pair.starts_with(kCookie) && pair.substr(sizeof kCookie - 1).starts_with('='))
      return std::string(pair.substr(sizeof kCookie));
  }
  return {};
}

}  // namespace

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" || (host.starts_with("127.") && is_address(host));
}

Guard::Guard(std::string token, std::vector<std::string> hosts)
    : token_(std::move(token)),
      session_(to_hex(hmac_sha256(token_, "genrewise session"))),
      hosts_(lower_cases(std::move(hosts))) {}

bool Guard::is_token(const std::string& given) const {
  return equal(sha256_hex(given), sha256_hex(token_));  // of one length, whatever was given
}

bool Guard::is_authenticated(const HttpRequest& request) const {
  if (token_.empty()) return true;
  constexpr std::string_view kScheme = "Bearer ";
  const std::string given = request.header("authorization");
  if (given.starts_with(kScheme) && is_token(given.substr(kScheme.size()))) return true;
  return equal(cookie(request), session_);
}

void Guard::count(const HttpRequest& request, bool failure) {
  if (!failure && is_loopback(request.client)) return;
  const double now_s = std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
  const std::lock_guard lock(mutex_);
  if (clients_.size() >= kMostClients)
    std::erase_if(clients_, [&](const auto& one) { return now_s - one.second.seen_s > 60; });
  if (clients_.size() >= kMostClients && !clients_.contains(request.client)) throw busy(429, "too many clients", 60);
  Client& client = clients_[request.client];
  const double passed_s = client.seen_s == 0 ? 0 : now_s - client.seen_s;
  client.seen_s = now_s;
  client.requests = std::max(0.0, client.requests - passed_s * kRequests_per_s);
  client.failures = std::max(0.0, client.failures - passed_s * kFailures_per_s);
  if (failure && client.failures >= kFailuresAtOnce) throw busy(429, "too many wrong tokens", 60);
  if (!failure && client.requests >= kRequestsAtOnce) throw busy(429, "too many requests");
  ++(failure ? client.failures : client.requests);
}

void Guard::check(const HttpRequest& request, bool open) {
  const std::string authority = lower_case(request.header("host")), host = without_port(authority);
  if (host != "localhost" && !is_address(host) && std::ranges::find(hosts_, host) == hosts_.end())
    throw HttpError(403, "requests for this host are not served", "Host",
                    "use localhost or the address, or name the host with --allow-host");
  const std::string origin = lower_case(request.header("origin")), site = request.header("sec-fetch-site");
  const bool navigates = request.header("sec-fetch-mode") == "navigate" && request.method == "GET";
  const std::size_t scheme = origin.find("://");
  const bool foreign = !origin.empty() && (scheme == origin.npos || origin.substr(scheme + 3) != authority);
  if (foreign || (!site.empty() && site != "same-origin" && site != "none" && !navigates))
    throw HttpError(403, "requests of other sites are not served", foreign ? "Origin" : "Sec-Fetch-Site");
  count(request, false);
  const bool changes = request.method != "GET" && request.method != "HEAD";
  if (changes && request.header("x-genrewise").empty() && request.header("authorization").empty())
    throw HttpError(403, "the header X-Genrewise is missing", "X-Genrewise", "send X-Genrewise: 1");
  if (open || is_authenticated(request)) return;
  if (!request.header("authorization").empty()) count(request, true);
  HttpError error(401, "a token is needed", "Authorization",
                  "send Authorization: Bearer TOKEN, or open the page and enter it there");
  error.headers.emplace_back("WWW-Authenticate", "Bearer");
  throw error;
}

std::string Guard::session_cookie(const HttpRequest& request, const std::string& token) {
  if (token_.empty() || !is_token(token)) {
    count(request, true);
    throw HttpError(401, token_.empty() ? "this server needs no token" : "the token is wrong", "token");
  }
  const bool secure = request.header("origin").starts_with("https://");
  return fmt::format("{}={}; Path=/; HttpOnly; SameSite=Strict{}", kCookie, session_, secure ? "; Secure" : "");
}

}  // namespace genrewise::server
