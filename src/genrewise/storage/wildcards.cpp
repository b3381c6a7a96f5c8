#include "genrewise/storage/listing.hpp"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "genrewise/storage/file_store.hpp"
#include "genrewise/storage/location.hpp"

namespace genrewise {
namespace {

// Matches `c` against the set ("[a-z]" or "[!a-z]") at the front of `pattern` and removes the set; nothing if it is not
// closed.
std::optional<bool> matches_set(char c, std::string_view& pattern) {
  std::size_t at = 1;
  const bool inverted = at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^');
  if (inverted) ++at;
  bool found = false;
  for (bool first = true; at < pattern.size(); first = false) {
    if (pattern[at] == ']' && !first) {
      pattern.remove_prefix(at + 1);
      return found != inverted && c != '/';
    }
    const char low = pattern[at++];
    char high = low;
    if (at + 1 < pattern.size() && pattern[at] == '-' && pattern[at + 1] != ']') {
      high = pattern[at + 1];
      at += 2;
    }
    const auto value = [](char letter) { return static_cast<unsigned char>(letter); };
    found = found || (value(low) <= value(c) && value(c) <= value(high));
  }
  return std::nullopt;
}

// Matches `c` against the character, set or "?" at the front of `pattern`, which is removed.
bool matches_one(char c, std::string_view& pattern) {
  if (pattern.starts_with('[')) {
    std::string_view rest = pattern;
    if (const auto in_set = matches_set(c, rest)) {
      pattern = rest;
      return *in_set;
    }
  }
  const bool any = pattern.starts_with('?');
  if (pattern.starts_with('\\') && pattern.size() > 1) pattern.remove_prefix(1);
  const bool fits = any ? c != '/' : c == pattern.front();
  pattern.remove_prefix(1);
  return fits;
}

}  // namespace

bool matches_wildcards(std::string_view name, std::string_view pattern) {
  std::vector<bool> reached(name.size() + 1), next(name.size() + 1);  // [i]: the pattern so far matches i characters
  for (reached[0] = true; !pattern.empty(); std::swap(reached, next)) {
    const std::size_t stars = pattern.starts_with("**") ? 2 : pattern.starts_with('*') ? 1 : 0;
    std::string_view rest = pattern.substr(std::max<std::size_t>(stars, 1));
    next[0] = stars > 0 && reached[0];
    for (std::size_t i = 0; i < name.size(); ++i) {
      if (stars > 0) {
        next[i + 1] = reached[i + 1] || (next[i] && (stars == 2 || name[i] != '/'));
      } else {
        rest = pattern;
        next[i + 1] = matches_one(name[i], rest) && reached[i];
      }
    }
    pattern = rest;
  }
  return reached.back();
}

void for_each_matching(const std::string& pattern, const std::function<void(FileInfo)>& each) {
  const auto store = store_of(pattern);
  const std::size_t wild = pattern.find_first_of("*?[\\");
  if (wild == std::string::npos) {
    std::error_code ignored;
    const bool folder =
        pattern.ends_with('/') ||
        (is_remote(pattern) ? parse_uri(pattern).key.empty() : std::filesystem::is_directory(pattern, ignored));
    if (folder) {
      store->list(join_location(pattern, ""), /*deep=*/false, each);
    } else if (auto file = store->find(pattern)) {
      each(std::move(*file));
    }
    return;
  }
  const bool deep = pattern.find('/', wild) != std::string::npos || pattern.find("**", wild) != std::string::npos;
  store->list(pattern.substr(0, wild), deep, [&](FileInfo file) {
    if (matches_wildcards(file.location, pattern)) each(std::move(file));
  });
}

void for_each_with_prefix(const std::string& prefix, bool deep, const std::function<void(FileInfo)>& each) {
  store_of(prefix)->list(prefix, deep, each);
}

std::vector<FileInfo> list_matching(const std::string& pattern) {
  std::vector<FileInfo> found;
  for_each_matching(pattern, [&](FileInfo file) { found.push_back(std::move(file)); });
  return found;
}

}  // namespace genrewise
