// Addresses (URLs) in messages.
#pragma once

#include <string>
#include <string_view>

namespace genrewise {

/// A text with its addresses without "user:password@", and those of http and https with "***" for the values of their
/// queries, which may be signatures or tokens. Errors and faults do so with their texts.
std::string without_credentials(std::string_view text);

}  // namespace genrewise
