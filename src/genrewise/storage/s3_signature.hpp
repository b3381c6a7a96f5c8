// AWS Signature Version 4 for S3. (libcurl 7.88 of Debian 12 can sign too, but sends no x-amz-content-sha256, which
// servers require, neither sorts nor encodes the query, and cannot be tested at a fixed time.)
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace genrewise {

using NamedValues = std::vector<std::pair<std::string, std::string>>;

/// The signed parts of a request. Header names are lower case and include "host", "x-amz-date" and
/// "x-amz-content-sha256".
struct RequestToSign {
  std::string method;
  std::string path;   ///< encoded as sent: "/bucket/a%20b"
  NamedValues query;  ///< not encoded
  NamedValues headers;
  std::string payload_sha256;  ///< hexadecimal, or "UNSIGNED-PAYLOAD"
};

struct SigningScope {
  std::string_view access_key, secret_key, region, service;
  std::string_view time;  ///< "20130524T000000Z"
};

/// Returns the value of the header "authorization".
std::string sign_v4(const RequestToSign& request, const SigningScope& scope);
/// Decodes %XX, and "+" as a space.
std::string uri_decode(std::string_view text);
/// Encodes a query, sorted by name: "a=1&b=%2F".
std::string encode_query(const NamedValues& query);

}  // namespace genrewise
