#include "genrewise/base/byte_text.hpp"

#include <charconv>

#include "genrewise/base/hash.hpp"

namespace genrewise {

using nlohmann::json;

std::string from_hex(std::string_view hex) {
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned char value = 0;
    std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    bytes += static_cast<char>(value);
  }
  return bytes;
}

json any_text(const std::string& text) {
  json value = text;
  try {
    value.dump();
    return value;
  } catch (const json::type_error&) {
    return {{"hex", to_hex(text)}};
  }
}

json any_texts(const std::vector<std::string>& texts) {
  json values = json::array();
  for (const std::string& text : texts) values.push_back(any_text(text));
  return values;
}

std::string any_text(const json& value) {
  return value.is_string() ? value.get<std::string>() : from_hex(value.at("hex").get_ref<const std::string&>());
}

std::vector<std::string> any_texts(const json& values) {
  std::vector<std::string> texts;
  for (const json& value : values.get_ref<const json::array_t&>()) texts.push_back(any_text(value));
  return texts;
}

}  // namespace genrewise
