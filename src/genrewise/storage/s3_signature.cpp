#include "genrewise/storage/s3_signature.hpp"

#include <algorithm>

#include "genrewise/base/hash.hpp"

namespace genrewise {
namespace {

int digit_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string uri_encode(std::string_view text, bool keep_slashes) {
  static constexpr char kDigits[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' ||
                       c == '.' || c == '_' || c == '~' || (c == '/' && keep_slashes);
    if (plain) {
      out += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    out += '%';
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out;
}

std::string uri_decode(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '%' && i + 2 < text.size() && digit_of(text[i + 1]) >= 0 && digit_of(text[i + 2]) >= 0) {
      out += static_cast<char>(digit_of(text[i + 1]) * 16 + digit_of(text[i + 2]));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  }
  return out;
}

std::string encode_query(const NamedValues& query) {
  NamedValues encoded;
  for (const auto& [name, value] : query) encoded.emplace_back(uri_encode(name, false), uri_encode(value, false));
  std::ranges::sort(encoded);
  std::string text;
  for (const auto& [name, value] : encoded) {
    if (!text.empty()) text += '&';
    text += name + '=' + value;
  }
  return text;
}

std::string sign_v4(const RequestToSign& request, const SigningScope& scope) {
  NamedValues headers = request.headers;
  std::ranges::sort(headers);
  std::string canonical = request.method + '\n' + request.path + '\n' + encode_query(request.query) + '\n', names;
  for (const auto& [name, value] : headers) {
    canonical += name + ':' + with_single_spaces(value) + '\n';
    if (!names.empty()) names += ';';
    names += name;
  }
  canonical += '\n' + names + '\n' + request.payload_sha256;

  const std::string_view day = scope.time.substr(0, 8);
  std::string credential_scope(day);
  for (const auto part : {scope.region, scope.service, std::string_view("aws4_request")})
    (credential_scope += '/') += part;
  std::string text = "AWS4-HMAC-SHA256\n";
  (text += scope.time) += '\n' + credential_scope + '\n' + sha256_hex(canonical);

  std::string key = hmac_sha256("AWS4" + std::string(scope.secret_key), day);
  for (const auto part : {scope.region, scope.service, std::string_view("aws4_request")}) key = hmac_sha256(key, part);
  return "AWS4-HMAC-SHA256 Credential=" + std::string(scope.access_key) + '/' + credential_scope +
         ", SignedHeaders=" + names + ", Signature=" + to_hex(hmac_sha256(key, text));
}

}  // namespace genrewise
