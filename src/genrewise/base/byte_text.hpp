// Bytes that need not be UTF-8, such as names of files, as text.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace genrewise {

/// The reverse of to_hex(). An odd last digit is left out; digits that are none count as zero.
std::string from_hex(std::string_view hex);

/// A JSON string where the bytes are UTF-8, else {"hex": "..."}, two digits per byte.
nlohmann::json any_text(const std::string& text);
nlohmann::json any_texts(const std::vector<std::string>& texts);
/// The reverse. Throws nlohmann::json::exception for any other value.
std::string any_text(const nlohmann::json& value);
std::vector<std::string> any_texts(const nlohmann::json& values);

}  // namespace genrewise
