// The request line and headers of a request, checked strictly.
#pragma once

#include <string>
#include <string_view>

#include "http.hpp"

namespace genrewise::server {

inline constexpr std::size_t kMostHeadBytes = 32 << 10;

struct Head {
  HttpRequest request;  ///< without client, values and body
  bool close = false;   ///< the client asks for the end of the connection
  bool expects_continue = false, chunked = false, gzip = false;
};

/// `text`: everything up to and with the empty line. Throws HttpError 400, 414, 431 and 501.
Head parse_head(std::string_view text);

}  // namespace genrewise::server
