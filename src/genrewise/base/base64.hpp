// Base64 (RFC 4648) of bytes in JSON documents.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// With padding, without line breaks.
std::string to_base64(std::string_view bytes);
/// The bytes of to_base64(). Throws Error for any other text.
std::string from_base64(std::string_view text);

}  // namespace genrewise
