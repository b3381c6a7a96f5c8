#include "genrewise/base/addresses.hpp"

#include <algorithm>

namespace genrewise {

std::string without_credentials(std::string_view text) {
  std::string out;
  for (std::size_t scheme = text.find("://"); scheme != text.npos; scheme = text.find("://")) {
    out += text.substr(0, scheme + 3);
    text.remove_prefix(scheme + 3);
    std::string_view rest = text.substr(0, text.find_first_of(" \t\r\n\"'<>"));
    text.remove_prefix(rest.size());
    const std::size_t user = rest.substr(0, rest.find_first_of("/?#")).rfind('@');
    if (user != rest.npos) rest.remove_prefix(user + 1);
    const bool is_web = out.ends_with("http://") || out.ends_with("https://");  // a "?" elsewhere is a wildcard
    const std::size_t query = is_web ? std::min(rest.find_first_of("?#"), rest.size()) : rest.size();
    out += rest.substr(0, query);
    rest.remove_prefix(query);
    const std::size_t sentence = rest.find_last_not_of(":;,.)") + 1;  // punctuation behind the address
    for (std::string_view parts = rest.substr(0, sentence); !parts.empty();) {
      const std::string_view part = parts.substr(0, parts.find_first_of("&#", 1));
      const std::size_t value = part.find('=');
      out.append(part.substr(0, value)).append(value == part.npos ? "" : "=***");
      parts.remove_prefix(part.size());
    }
    out += rest.substr(sentence);
  }
  return out += text;
}

}  // namespace genrewise
