#include "head.hpp"

#include <algorithm>

#include "genrewise/base/csv.hpp"
#include "genrewise/base/text.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise::server {
namespace {

constexpr std::size_t kMostTarget = 8000, kMostHeaders = 100;

bool is_token(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
  });
}

[[noreturn]] void refuse(const char* what, const char* where) {
  throw HttpError(400, what, where, "send a request as RFC 9112 describes it");
}

std::string decoded_query(std::string text) {
  std::ranges::replace(text, '+', ' ');
  return percent_decoded(text);
}

void parse_request_line(std::string_view line, Head& head) {
  const std::size_t first = line.find(' '), last = line.rfind(' ');
  if (first == line.npos || first == last) refuse("is no request line", "request line");
  head.request.method = line.substr(0, first);
  const std::string_view target = line.substr(first + 1, last - first - 1), version = line.substr(last + 1);
  if (!is_token(head.request.method) || head.request.method.size() > 16) refuse("is no method", "request line");
  if (version != "HTTP/1.1" && version != "HTTP/1.0") refuse("is no version of HTTP/1", "request line");
  head.close = version == "HTTP/1.0";
  if (target.size() > kMostTarget) throw HttpError(414, "the path and its query are too long");
  if (!target.starts_with('/') || !std::ranges::all_of(target, [](char c) { return c > 0x20 && c < 0x7f && c != '#'; }))
    refuse("is no path", "request line");
  const std::size_t mark = target.find('?');
  head.request.path = target.substr(0, mark);
  if (mark == target.npos) return;
  for (const std::string& part : split_text(target.substr(mark + 1), '&')) {
    const std::size_t equals = part.find('=');
    if (!part.empty())
      head.request.query[decoded_query(part.substr(0, equals))] =
          equals == part.npos ? "" : decoded_query(part.substr(equals + 1));
  }
}

void interpret(Head& head) {
  HttpRequest& request = head.request;
  const std::string connection = lower_case(request.header("connection"));
  head.expects_continue = lower_case(request.header("expect")) == "100-continue";
  for (const std::string& one : split_text(lower_case(request.header("accept-encoding")), ','))
    head.gzip |= trimmed(one) == "gzip" || (trimmed(one).starts_with("gzip") && one.find("q=0") == one.npos);
  if (const std::string coding = request.header("transfer-encoding"); !coding.empty()) {
    if (lower_case(coding) != "chunked")
      throw HttpError(501, "the transfer coding is not supported", "Transfer-Encoding");
    // Not in HTTP/1.0 (close is set for nothing else yet).
    if (request.headers.contains("content-length") || head.close) refuse("has two lengths", "Transfer-Encoding");
    // The HTTP library takes a chunk without its end for the end of the body: what follows must be no request.
    head.chunked = head.close = true;
  }
  if (const auto length = request.headers.find("content-length"); length != request.headers.end()) {
    std::uint64_t bytes = 0;
    if (length->second.empty() || !std::ranges::all_of(length->second, [](char c) { return c >= '0' && c <= '9'; }) ||
        !parse_number(length->second, bytes) || bytes > (std::uint64_t{1} << 53))
      refuse("is no length", "Content-Length");
    request.content_length = bytes;
  }
  head.close |= connection.find("close") != connection.npos;
  request.has_body = head.chunked || request.content_length.value_or(0) > 0;
  if (const std::string coding = lower_case(request.header("content-encoding"));
      !coding.empty() && coding != "identity")
    throw HttpError(415, "bodies must not be compressed", "Content-Encoding");
}

}  // namespace

Head parse_head(std::string_view text) {
  Head head;
  std::size_t count = 0;
  for (bool first = true; !text.empty(); first = false) {
    const std::size_t end = text.find("\r\n");
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(end == text.npos ? text.size() : end + 2);
    if (!std::ranges::all_of(line, [](char c) { return static_cast<unsigned char>(c) >= 0x20 || c == '\t'; }))
      refuse("has a control character", "headers");
    if (first) {
      parse_request_line(line, head);
      continue;
    }
    if (line.empty()) break;
    if (++count > kMostHeaders) throw HttpError(431, "there are too many headers");
    const std::size_t colon = line.find(':');
    if (colon == line.npos || !is_token(line.substr(0, colon))) refuse("is no header", "headers");
    std::string name = lower_case(line.substr(0, colon));
    const std::string_view value = trimmed(line.substr(colon + 1));
    const auto [there, is_new] = head.request.headers.emplace(name, value);
    if (is_new) continue;
    for (const char* once : {"host", "content-length", "transfer-encoding", "origin", "authorization", "content-type"})
      if (name == once) refuse("is stated twice", once);
    there->second += (name == "cookie" ? "; " : ", ") + std::string(value);
  }
  interpret(head);
  return head;
}

}  // namespace genrewise::server
