#include "genrewise/base/addresses.hpp"

#include <algorithm>

#include "genrewise/base/text.hpp"

namespace genrewise {

std::string without_credentials(std::string_view text) {
  constexpr std::string_view kWeb = "https://";
  std::string out;
  for (std::size_t scheme = text.find("://"); scheme != text.npos; scheme = text.find("://")) {
    out += text.substr(0, scheme + 3);
    text.remove_prefix(scheme + 3);
    std::string_view rest = text.substr(0, text.find_first_of(" \t\r\n\"<>"));
    const std::size_t host = rest.substr(0, rest.find_first_of("/?#")).rfind('@') + 1;  // 0: there is no user
    // An apostrophe may be part of an address, and quotes one.
    for (std::size_t quote = rest.find('\'', host); quote != rest.npos; quote = rest.find('\'', quote + 1))
      if (rest.find_first_not_of(":;,.)]}'", quote + 1) != quote + 1) rest = rest.substr(0, quote);
    if (const std::size_t next = rest.find("://"); next < rest.find_first_of("?#")) rest = rest.substr(0, next);
    text.remove_prefix(rest.size());
    rest.remove_prefix(host);
    const std::string scheme_name =
        lower_case(std::string_view(out).substr(out.size() - std::min(out.size(), kWeb.size())));
    const bool is_web = scheme_name.ends_with("http://") || scheme_name == kWeb;  // a "?" elsewhere is a wildcard
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
