#include "genrewise/storage/s3_signature.hpp"

#include <algorithm>

#include "genrewise/base/hash.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

std::string with_single_spaces(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c != ' ' || (!out.empty() && out.back() != ' ')) out += c;
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

}  // namespace

std::string uri_decode(std::string_view text) {
  std::string blanks(text);
  std::ranges::replace(blanks, '+', ' ');
  return percent_decoded(blanks);
}

std::string encode_query(const NamedValues& query) {
  NamedValues encoded;
  for (const auto& [name, value] : query)
    encoded.emplace_back(percent_encoded(name, false), percent_encoded(value, false));
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
